import Synchronization

/// Reads the time.
///
/// The one way in which the domain learns of it; tests have a clock that they set.
package protocol WallClock: Sendable {
    /// The present moment.
    func time() -> Timestamp
}

/// Limits and times that the configuration sets.
package struct EnforcementSettings: Hashable, Sendable {
    /// How long an HTTP request is held before it is answered with 202.
    package var holdHTTP: Duration
    /// How long an MCP call is held whose client hears of no progress.
    package var holdMCP: Duration
    /// How long an MCP call is held whose client asked for progress.
    package var holdMCPProgress: Duration
    /// When a pending approval ends, where its gates do not say.
    package var expires: Duration
    /// How many approvals of one agent may be pending at once.
    package var maximumPending: Int
    /// How long payloads are kept.
    package var retention: RetentionRules
    /// Whose members may erase payloads, beside the local administrator.
    package var erasers: [GroupName]
    /// Whose members may have notices sent again, beside the local administrator.
    package var replayers: [GroupName]

    /// Sets limits.
    package init(
        holdHTTP: Duration = .seconds(50),
        holdMCP: Duration = .seconds(45),
        holdMCPProgress: Duration = .seconds(210),
        expires: Duration = .seconds(3600),
        maximumPending: Int = 50,
        retention: RetentionRules = RetentionRules(),
        erasers: [GroupName] = [],
        replayers: [GroupName] = [],
    ) {
        self.replayers = replayers
        self.retention = retention
        self.erasers = erasers
        self.holdHTTP = holdHTTP
        self.holdMCP = holdMCP
        self.holdMCPProgress = holdMCPProgress
        self.expires = expires
        self.maximumPending = maximumPending
    }
}

/// Policies, directory and settings as one unit; what changes while running changes all at once.
///
/// A class, so that taking the one in force costs one reference.
package final class Snapshot: Sendable {
    /// The policy set.
    package let policy: GatedPolicySet
    /// Everybody and everything that policy can speak of.
    package let directory: Directory
    /// Limits and times.
    package let settings: EnforcementSettings
    /// The digest of the configuration; entries name it when it changes.
    package let configurationVersion: String
    /// Who is told of held actions.
    package let routing: ChannelRouting

    /// Collects a snapshot.
    package init(
        policy: GatedPolicySet,
        directory: Directory,
        settings: EnforcementSettings,
        configurationVersion: String,
        routing: ChannelRouting = .none,
    ) {
        self.routing = routing
        self.policy = policy
        self.directory = directory
        self.settings = settings
        self.configurationVersion = configurationVersion
    }
}

/// Holds the snapshot in force; the mutex guards the one reference.
package final class CurrentSnapshot: Sendable {
    private let value: Mutex<Snapshot>

    /// Starts with a snapshot.
    package init(_ snapshot: Snapshot) { value = Mutex(snapshot) }

    /// The snapshot in force.
    package var snapshot: Snapshot { value.withLock { $0 } }

    /// Puts another in force.
    ///
    /// Its entry must be durable before.
    package func replace(with snapshot: Snapshot) { value.withLock { $0 = snapshot } }
}

/// Where ids and salts come from; injected, so that the domain has no chance of its own.
package struct Chance: Sendable {
    /// 128 random bits.
    package let bits: @Sendable () -> (UInt64, UInt64)

    /// Takes a source of random bits.
    package init(bits: @escaping @Sendable () -> (UInt64, UInt64)) { self.bits = bits }

    /// 16 random bytes.
    package func salt() -> [UInt8] {
        let (high, low) = bits()
        var bytes = [UInt8]()
        bytes.reserveCapacity(16)
        for word in [high, low] {
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return bytes
    }

    /// A new approval id.
    package func approvalID(now: Timestamp) -> ApprovalID {
        let (high, low) = bits()
        return ApprovalID(now: now, random: UInt16(truncatingIfNeeded: high), low)
    }

    /// 256 random bits as 43 characters of base64url, for keys and tokens.
    package func secret() -> String { Base64URL.encode(salt() + salt()) }
}
