/// Somebody as a chat knows them: which platform, which workspace or tenant, which account.
package struct ChannelIdentity: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The platform: ``ChannelKind/slack`` or ``ChannelKind/teams``.
    package let kind: ChannelKind
    /// The workspace (`T0123`), organisation or Entra tenant.
    package let tenant: String
    /// The account in it: `U0123`, an Entra object id.
    package let account: String

    /// The longest tenant and account, in bytes.
    package static let maximumPart = 128

    /// Names an account; `nil` if a part is empty, too long or has characters that no platform uses.
    package init?(_ kind: ChannelKind, tenant: String, account: String) {
        for part in [tenant, account] {
            guard !part.isEmpty, part.utf8.count <= Self.maximumPart, part.utf8.allSatisfy(Self.allows) else {
                return nil
            }
        }
        self.kind = kind
        self.tenant = tenant
        self.account = account
    }

    /// Reads `slack:T0123/U0123`.
    package init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let kind = ChannelKind(rawValue: String(Substring(parts[0]))) else { return nil }
        let names = parts[1].split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard names.count == 2 else { return nil }
        self.init(kind, tenant: String(Substring(names[0])), account: String(Substring(names[1])))
    }

    /// What an account must be written as, for people.
    package static var demand: String { "an account: slack:WORKSPACE/MEMBER, or teams:TENANT/OBJECT-ID" }

    /// `slack:T0123/U0123`.
    package var description: String { "\(kind.rawValue):\(tenant)/\(account)" }

    private static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: ":"):
            true
        default: false
        }
    }
}

/// That an account in a chat is a user of ours, or that it was unlinked and is nobody's.
package struct ChannelLink: Hashable, Sendable, Codable {
    /// The account.
    package let identity: ChannelIdentity
    /// The user; `nil` of an account that was unlinked: it stays nobody's until somebody links it by command.
    package let user: UserID?
    /// Whose the account was when it was unlinked.
    package let unlinkedFrom: UserID?
    /// When it was made, or the account unlinked.
    package let madeAt: Timestamp
    /// How: `administrator`, `email` (the first match), `configuration` (which says nothing of when).
    package let by: String

    /// Links an account.
    package init(identity: ChannelIdentity, user: UserID, madeAt: Timestamp, by: String) {
        self.init(identity: identity, user: user, unlinkedFrom: nil, madeAt: madeAt, by: by)
    }

    /// An account that was a user's, and is nobody's from a moment on.
    package static func unlinked(
        _ identity: ChannelIdentity,
        from user: UserID,
        at time: Timestamp,
        by: String,
    ) -> ChannelLink {
        ChannelLink(identity: identity, user: nil, unlinkedFrom: user, madeAt: time, by: by)
    }

    private init(identity: ChannelIdentity, user: UserID?, unlinkedFrom: UserID?, madeAt: Timestamp, by: String) {
        self.identity = identity
        self.user = user
        self.unlinkedFrom = unlinkedFrom
        self.madeAt = madeAt
        self.by = by
    }

    /// A link that the configuration declares; it is never stored.
    package static func declared(_ identity: ChannelIdentity, _ user: UserID) -> ChannelLink {
        ChannelLink(identity: identity, user: user, madeAt: Timestamp(microseconds: 0), by: "configuration")
    }

    /// Whether the configuration declares it.
    package var isDeclared: Bool { by == "configuration" }
}
