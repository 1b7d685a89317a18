import CanonicalJSON
import Cedar
package import CountersignCore
import Synchronization

extension Chance {
    /// Bits that look random and are the same in every run: SplitMix64, whose counter the mutex guards.
    package static func deterministic(seed: UInt64 = 1) -> Chance {
        let source = SplitMix(seed: seed)
        return Chance { (source.next(), source.next()) }
    }

    private final class SplitMix: Sendable {
        private let state: Mutex<UInt64>

        init(seed: UInt64) { state = Mutex(seed) }

        func next() -> UInt64 {
            let counter = state.withLock { state in
                state &+= 0x9E37_79B9_7F4A_7C15
                return state
            }
            let first = (counter ^ (counter >> 30)) &* 0xBF58_476D_1CE4_E5B9
            let second = (first ^ (first >> 27)) &* 0x94D0_49BB_1331_11EB
            return second ^ (second >> 31)
        }
    }
}

/// Makers of the values that tests begin with.
///
/// Names are those of DESIGN 9: `reporting-bot` asks, `alice` decides.
package enum Fixtures {
    /// The agent that asks, unless a test names another.
    package static let agent = AgentID(unchecked: "reporting-bot")
    /// The agent's owner, who never decides on what it asks.
    package static let owner = UserID(unchecked: "olga@example.com")
    /// A user in the group `dba`.
    package static let alice = UserID(unchecked: "alice@example.com")
    /// Another user in the group `dba`.
    package static let bob = UserID(unchecked: "bob@example.com")
    /// The group that gates name.
    package static let approvers = GroupName(unchecked: "dba")
    /// The connection on which things happen.
    package static let connection = ConnectionName(unchecked: "orders-api")

    /// Permits everything, and gates deletions.
    package static let policies = """
        permit (principal is Agent, action, resource);

        @id("deletes")
        @approvers("dba")
        forbid (principal is Agent, action == Action::"http:delete", resource);
        """

    /// An HTTP action.
    ///
    /// Two with different paths have different digests.
    package static func action(
        effect: CountersignCore.Effect = .delete,
        path: String = "/v1/customers/42",
        agent: AgentID = Fixtures.agent,
        onBehalfOf: UserID? = nil,
    ) -> Action {
        let method = effect == .read ? "GET" : effect == .delete ? "DELETE" : "POST"
        let resource = ResourceReference(type: "Endpoint", id: "\(connection.rawValue)/\(method) \(path)")
        return Action(
            agent: agent,
            onBehalfOf: onBehalfOf,
            protocol: "http",
            connection: connection,
            operations: [Operation(protocol: "http", effect: effect, resource: resource)],
            details: JSONObject([("method", .string(method)), ("path", .string(path))]),
        )
    }

    /// A gate of one group.
    package static func gate(policy: String = "deletes", quorum: Int = 1) -> Gate {
        Gate(policy: policy, approvers: [approvers], quorum: quorum)
    }

    /// The people and things of ``policies``.
    package static func directory(agents: [AgentID] = [Fixtures.agent]) throws -> Directory {
        try Directory(
            agents: agents.map { Agent(id: $0, owner: owner, groups: [GroupName(unchecked: "agents")]) },
            users: [
                User(id: alice, groups: [approvers]), User(id: bob, groups: [approvers]),
                User(id: owner, groups: [approvers]),
            ],
            connections: [Connection(name: connection, kind: "http", labels: ["env": "prod"])],
        )
    }

    /// Policies, directory and settings in force.
    package static func snapshot(
        policies: String = Fixtures.policies,
        settings: EnforcementSettings = EnforcementSettings(),
        agents: [AgentID] = [Fixtures.agent],
    ) throws -> Snapshot {
        let directory = try directory(agents: agents)
        return Snapshot(
            policy: try GatedPolicySet(
                parsing: [PolicySource(name: "test.cedar", text: policies)],
                groups: directory.groups,
            ),
            directory: directory,
            settings: settings,
            configurationVersion: ActionDigest(of: []).rawValue,
        )
    }

    /// The whole pipeline over a ledger.
    package static func enforcement(
        ledger: any Ledger,
        clock: any WallClock,
        policies: String = Fixtures.policies,
        settings: EnforcementSettings = EnforcementSettings(),
        agents: [AgentID] = [Fixtures.agent],
    ) throws -> Enforcement {
        Enforcement(
            current: CurrentSnapshot(try snapshot(policies: policies, settings: settings, agents: agents)),
            ledger: ledger,
            clock: clock,
            chance: .deterministic(),
        )
    }

    /// A user who has signed in, by default at the dashboard.
    package static func signedIn(_ user: UserID = alice, via channel: String = "dashboard") -> SignedInUser {
        SignedInUser(user: User(id: user, groups: [approvers]), via: channel, isLocalAdministrator: false)
    }

    /// An entry with a payload beside it, as an allowed action has.
    package static func entry(
        _ kind: EntryKind = .actionAllowed,
        at time: Timestamp,
        agent: AgentID? = Fixtures.agent,
        approval: ApprovalID? = nil,
        text: String = "",
        payload: [UInt8]? = Array("payload".utf8),
    ) -> EntryDraft {
        EntryDraft(
            kind,
            time: time,
            actor: agent.map { .agent($0) } ?? .gateway,
            approval: approval,
            agent: agent,
            connection: connection,
            members: [("action", .object(["text": .string(text)])), ("text", .string(text))],
            payload: payload.map { EntryDraft.Payload(salt: [UInt8](repeating: 7, count: 16), bytes: $0) },
        )
    }
}
