import CanonicalJSON
import CountersignCore
import CountersignServer

/// The same calls over the API of a running server or on the ledger itself.
struct IdentityCalls: Sendable {
    /// What is listed and removed.
    enum Kind: String, Sendable {
        case agents
        case users
        case keys
        case links
    }

    private let administration: Administration

    /// Opens whichever way there is, and closes it again.
    static func with<Value: Sendable>(
        _ access: ControlAccess,
        _ body: (IdentityCalls) async throws -> Value,
    ) async throws -> Value {
        let administration = try await Administration.open(access)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(IdentityCalls(administration: administration)))
        } catch {
            result = .failure(error)
        }
        if case .local(let local) = administration { try await local.close() }
        return try result.get()
    }

    /// All of a kind.
    func list(_ kind: Kind) async throws -> [JSONValue] {
        switch administration {
        case .remote(let client): return try await client.list("/v1/" + kind.rawValue, limit: 1)
        case .local(let local):
            switch kind {
            case .agents: return local.identities.agents().map(\.json)
            case .users: return local.identities.users().map(\.json)
            case .keys: return local.identities.keys().map(\.json)
            case .links: return local.identities.links().map(\.json)
            }
        }
    }

    /// Makes or changes an agent, a user or a link.
    func put(_ kind: Kind, _ value: JSONValue) async throws -> JSONValue {
        switch administration {
        case .remote(let client): return try await client.value("POST", "/v1/" + kind.rawValue, value)
        case .local(let local):
            let groups = try Self.parse(value["groups"]?.arrayValue, "a group's name") { GroupName($0) } ?? []
            switch kind {
            case .agents:
                let agent = Agent(
                    id: try Self.parse(value["id"], "an agent's id") { AgentID($0) },
                    owner: try value["owner"].map { try Self.parse($0, "a user's id") { UserID($0) } },
                    groups: groups,
                    actsFor: try Self.parse(value["acts_for"]?.arrayValue, "a user's id") { UserID($0) },
                )
                return try await local.identities.put(agent, by: local.actor).get().json
            case .users:
                let user = User(id: try Self.parse(value["id"], "a user's id") { UserID($0) }, groups: groups)
                return try await local.identities.put(user, by: local.actor).get().json
            case .links:
                let account = try Self.parse(value["account"], ChannelIdentity.demand) { ChannelIdentity($0) }
                let user = try Self.parse(value["user"], "a user's id") { UserID($0) }
                return try await local.identities.link(account, to: user, by: local.actor).get().json
            case .keys: throw Failure(.failed, "keys are made, not put")
            }
        }
    }

    /// Removes an agent, a user or a link, or revokes a key.
    func remove(_ kind: Kind, _ id: String) async throws {
        switch administration {
        case .remote(let client):
            _ = try await client.value("DELETE", "/v1/\(kind.rawValue)/" + Query.encode(id))
        case .local(let local):
            switch kind {
            case .agents:
                let agent = try Self.parse(.string(id), "an agent's id") { AgentID($0) }
                try await local.identities.remove(agent, by: local.actor).get()
            case .users:
                let user = try Self.parse(.string(id), "a user's id") { UserID($0) }
                try await local.identities.remove(user, by: local.actor).get()
            case .keys: _ = try await local.identities.revokeKey(id, by: local.actor).get()
            case .links:
                let account = try Self.parse(.string(id), ChannelIdentity.demand) { ChannelIdentity($0) }
                _ = try await local.identities.unlink(account, by: local.actor).get()
            }
        }
    }

    /// Makes a key; the answer has its secret.
    func makeKey(agent: String, expiresIn: String?) async throws -> JSONValue {
        switch administration {
        case .remote(let client):
            var request = JSONObject([("agent", .string(agent))])
            if let expiresIn { request["expires_in"] = .string(expiresIn) }
            return try await client.value("POST", "/v1/keys", .object(request))
        case .local(let local):
            let id = try Self.parse(.string(agent), "an agent's id") { AgentID($0) }
            let expires = try expiresIn.map { text in
                guard let duration = Duration(text: text) else {
                    throw Failure(.usage, "\"\(text)\" is not a duration; write 12h or 30d")
                }
                return duration
            }
            let new = try await local.identities.makeKey(for: id, expires: expires, by: local.actor).get()
            return ["key": new.key.json, "secret": .string(new.secret)]
        }
    }

    /// A list of names for a table.
    static func names(_ value: JSONValue?) -> String {
        let names = value?.arrayValue?.compactMap(\.stringValue) ?? []
        return names.isEmpty ? "-" : Output.safe(names.joined(separator: ", "))
    }

    private static func parse<Name>(_ value: JSONValue?, _ what: String, _ read: (String) -> Name?) throws -> Name {
        guard let text = value?.stringValue, let name = read(text) else {
            throw Failure(.usage, "\"\(value?.stringValue ?? "")\" is not \(what)")
        }
        return name
    }

    private static func parse<Name>(
        _ values: [JSONValue]?,
        _ what: String,
        _ read: (String) -> Name?,
    ) throws -> [Name]? {
        try values?.map { try parse($0, what, read) }
    }
}

extension Agent {
    /// The agent as the API shows it.
    fileprivate var json: JSONValue {
        var object = JSONObject([
            ("groups", .array(groups.map { .string($0.rawValue) })), ("id", .string(id.rawValue)),
        ])
        if let owner { object["owner"] = .string(owner.rawValue) }
        if let actsFor { object["acts_for"] = .array(actsFor.map { .string($0.rawValue) }) }
        return .object(object)
    }
}

extension User {
    /// The user as the API shows them.
    fileprivate var json: JSONValue {
        .object(JSONObject([("groups", .array(groups.map { .string($0.rawValue) })), ("id", .string(id.rawValue))]))
    }
}

extension AgentKey {
    /// The key as the API shows it.
    fileprivate var json: JSONValue {
        .object(
            JSONObject([
                ("agent", .string(agent.rawValue)), ("created_at", .string(createdAt.rfc3339)),
                ("expires_at", expiresAt.map { .string($0.rfc3339) } ?? .null), ("id", .string(id)),
                ("prefix", .string(prefix)), ("revoked_at", revokedAt.map { .string($0.rfc3339) } ?? .null),
            ])
        )
    }
}

extension ChannelLink {
    /// The link as the API shows it.
    fileprivate var json: JSONValue {
        .object(
            JSONObject([
                ("account", .string(identity.description)), ("by", .string(by)),
                ("made_at", isDeclared ? .null : .string(madeAt.rfc3339)),
                ("unlinked_from", unlinkedFrom.map { .string($0.rawValue) } ?? .null),
                ("user", user.map { .string($0.rawValue) } ?? .null),
            ])
        )
    }
}
