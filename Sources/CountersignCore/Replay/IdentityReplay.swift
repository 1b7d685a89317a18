import CanonicalJSON

/// Who is who as the entries tell it: the agents, users, keys and sessions that commands made.
///
/// What the configuration declares is in no table and in no entry of these kinds.
package struct IdentityReplay: Sendable {
    /// A key, as far as its entries say.
    package struct Key: Hashable, Sendable {
        let agent: AgentID
        let prefix: String
        /// `nil` in entries of the first versions, which did not say it.
        let hash: String?
        let createdAt: Timestamp
        let expiresAt: Timestamp?
        var revokedAt: Timestamp?
    }

    /// A session, as far as its entry says.
    package struct SessionStart: Hashable, Sendable {
        /// The first characters of the row's id.
        let prefix: String
        /// ``Session/digest``; `nil` in entries of the first versions, which did not say it.
        let digest: String?
        let user: UserID
        let startedAt: Timestamp
        let expiresAt: Timestamp
        let via: String
    }

    /// The agents, by id.
    package private(set) var agents: [AgentID: Agent] = [:]
    /// The users, by id.
    package private(set) var users: [UserID: User] = [:]
    /// The keys, by id.
    package private(set) var keys: [String: Key] = [:]
    /// The accounts in chats, by the account.
    package private(set) var links: [String: ChannelLink] = [:]
    /// The sessions that have not ended by command, by what the entries call them.
    package private(set) var sessions: [String: SessionStart] = [:]

    /// Nobody.
    package init() {}

    /// Takes an `identity.changed`, `session.started` or `session.ended`.
    mutating func take(_ entry: ToldEntry) throws(ReplayError) {
        switch entry.kind {
        case .identityChanged:
            switch entry.text("identity", "type") {
            case "Agent": try takeAgent(entry)
            case "User": try takeUser(entry)
            case "Key": try takeKey(entry)
            case "ChannelLink": try takeLink(entry)
            case let type:
                throw ReplayError("it changes a \(type ?? "thing") that is neither agent, user, key nor channel link")
            }
        case .sessionStarted: try takeStart(entry)
        case .sessionEnded:
            let name = try Self.name(of: entry)
            guard sessions.removeValue(forKey: name) != nil else {
                throw ReplayError("it ends a session that had not begun, or had ended")
            }
        case .actionAllowed, .actionDenied, .approvalRequested, .approvalDecided, .approvalCommented, .approvalSettled,
            .actionDispatched, .actionCompleted, .policyChanged, .configurationChanged, .payloadErased,
            .channelRefused, .noticeReplayed,
            .channelChanged:
            break
        }
    }

    private mutating func takeAgent(_ entry: ToldEntry) throws(ReplayError) {
        let id: AgentID = try Self.id(entry)
        switch entry.text("change") {
        case "added", "changed":
            try expect(entry, isThere: agents[id] != nil)
            let humans = try entry.members["identity"]?["acts_for"].map { value throws(ReplayError) in
                try Self.names(value) as [UserID]
            }
            agents[id] = Agent(
                id: id,
                owner: try Self.optional(entry.text("identity", "owner")),
                groups: try Self.names(entry.members["identity"]?["groups"]),
                actsFor: humans,
            )
        case "removed":
            try expect(entry, isThere: agents.removeValue(forKey: id) != nil)
            keys = keys.filter { $0.value.agent != id }
        case let verb: throw Self.unknown(verb)
        }
    }

    private mutating func takeUser(_ entry: ToldEntry) throws(ReplayError) {
        let id: UserID = try Self.id(entry)
        switch entry.text("change") {
        case "added", "changed":
            try expect(entry, isThere: users[id] != nil)
            users[id] = User(id: id, groups: try Self.names(entry.members["identity"]?["groups"]))
        case "removed":
            try expect(entry, isThere: users.removeValue(forKey: id) != nil)
            sessions = sessions.filter { $0.value.user != id }
            links = links.filter { $0.value.user != id }
        case let verb: throw Self.unknown(verb)
        }
    }

    private mutating func takeKey(_ entry: ToldEntry) throws(ReplayError) {
        guard let id = entry.text("identity", "id"), let prefix = entry.text("identity", "prefix"),
            let agent: AgentID = try Self.optional(entry.text("identity", "agent"))
        else { throw ReplayError("it names no key") }
        switch entry.text("change") {
        case "added":
            try expect(entry, isThere: keys[id] != nil)
            keys[id] = Key(
                agent: agent,
                prefix: prefix,
                hash: entry.text("identity", "hash"),
                createdAt: entry.time,
                expiresAt: entry.moment("identity", "expires_at"),
                revokedAt: nil,
            )
        case "revoked":
            guard let key = keys[id], key.agent == agent, key.revokedAt == nil else {
                throw ReplayError("it revokes a key that there is not, or that is revoked")
            }
            keys[id]?.revokedAt = entry.time
        case let verb: throw Self.unknown(verb)
        }
    }

    private mutating func takeLink(_ entry: ToldEntry) throws(ReplayError) {
        guard let id = entry.text("identity", "id"), let identity = ChannelIdentity(id),
            let user: UserID = try Self.optional(entry.text("identity", "user"))
        else { throw ReplayError("it names no account") }
        switch entry.text("change") {
        case "added", "changed":
            try expect(entry, isThere: links[id] != nil)
            let by = entry.text("identity", "by") ?? ""
            links[id] = ChannelLink(identity: identity, user: user, madeAt: entry.time, by: by)
        case "revoked":
            guard links[id]?.user == user else { throw ReplayError("it unlinks an account that was not the user's") }
            let by = entry.text("identity", "by") ?? ""
            links[id] = .unlinked(identity, from: user, at: entry.time, by: by)
        // In entries of the first versions, which did not remember it.
        case "removed": try expect(entry, isThere: links.removeValue(forKey: id) != nil)
        case let verb: throw Self.unknown(verb)
        }
    }

    private mutating func takeStart(_ entry: ToldEntry) throws(ReplayError) {
        let name = try Self.name(of: entry)
        guard let prefix = entry.text("session", "id"), let user: UserID = UserID(entry.actor.id),
            let end = entry.moment("session", "expires_at"), sessions[name] == nil
        else { throw ReplayError("it begins a session that had begun, or names none") }
        sessions[name] = SessionStart(
            prefix: prefix,
            digest: entry.text("session", "digest"),
            user: user,
            startedAt: entry.time,
            expiresAt: end,
            via: entry.text("session", "via") ?? "",
        )
    }

    /// What the entries of one session have in common.
    private static func name(of entry: ToldEntry) throws(ReplayError) -> String {
        guard let name = entry.text("session", "digest") ?? entry.text("session", "id") else {
            throw ReplayError("it names no session")
        }
        return name
    }

    /// `added` is for what was not there, everything else for what was.
    private func expect(_ entry: ToldEntry, isThere: Bool) throws(ReplayError) {
        guard isThere != (entry.text("change") == "added") else {
            throw ReplayError(
                isThere ? "it adds what there was already" : "it changes or removes what there was not"
            )
        }
    }

    private static func id<Name: Identifier>(_ entry: ToldEntry) throws(ReplayError) -> Name {
        guard let id = entry.text("identity", "id").flatMap({ Name($0) }) else {
            throw ReplayError("it names nobody")
        }
        return id
    }

    private static func optional<Name: Identifier>(_ text: String?) throws(ReplayError) -> Name? {
        guard let text else { return nil }
        guard let name = Name(text) else { throw ReplayError("it has a malformed name") }
        return name
    }

    private static func names<Name: Identifier>(_ value: JSONValue?) throws(ReplayError) -> [Name] {
        guard let values = value?.arrayValue else { throw ReplayError("it lacks a list of names") }
        return try values.map { value throws(ReplayError) in
            guard let name = value.stringValue.flatMap({ Name($0) }) else {
                throw ReplayError("it has a malformed name")
            }
            return name
        }
    }

    private static func unknown(_ verb: String?) -> ReplayError {
        ReplayError("it says that something was \(verb ?? "changed in no way that is known")")
    }
}
