import CanonicalJSON
import CountersignCore
import HTTPTypes

/// Agents, users and keys: users may look, the local administrator may change.
enum IdentityEndpoints {
    private static let id = Parameter.path("id", .identifier(128), "The id; percent-encode a slash in it.")

    /// The endpoints.
    static let all = [
        Endpoint(
            .get,
            "/v1/me",
            .caller,
            name: "whoAmI",
            "Says who the caller is.",
            answers: [.json("Me", "The caller.")],
            run: whoAmI
        ),
        Endpoint(
            .get,
            "/v1/agents",
            .user,
            name: "listAgents",
            "Lists the agents.",
            answers: [.json("AgentList", "All agents.")],
            run: listAgents
        ),
        Endpoint(
            .post,
            "/v1/agents",
            .localAdministrator,
            name: "putAgent",
            "Makes or changes an agent.",
            intake: .json("Agent"),
            answers: [.json("Agent", status: 201, "The agent.")],
            run: putAgent
        ),
        Endpoint(
            .delete,
            "/v1/agents/{id}",
            .localAdministrator,
            name: "removeAgent",
            "Removes an agent and revokes its keys.",
            parameters: [id],
            answers: [.other(nil, status: 204, "It is gone.")],
            run: removeAgent
        ),
        Endpoint(
            .get,
            "/v1/users",
            .user,
            name: "listUsers",
            "Lists the users.",
            answers: [.json("UserList", "All users.")],
            run: listUsers
        ),
        Endpoint(
            .post,
            "/v1/users",
            .localAdministrator,
            name: "putUser",
            "Makes or changes a user.",
            intake: .json("User"),
            answers: [.json("User", status: 201, "The user.")],
            run: putUser
        ),
        Endpoint(
            .delete,
            "/v1/users/{id}",
            .localAdministrator,
            name: "removeUser",
            "Removes a user and ends their sessions.",
            parameters: [id],
            answers: [.other(nil, status: 204, "They are gone.")],
            run: removeUser
        ),
        Endpoint(
            .get,
            "/v1/keys",
            .user,
            name: "listKeys",
            "Lists the keys made by command, without their secrets.",
            parameters: [.query("agent", .identifier(128), "Only of this agent.")],
            answers: [.json("KeyList", "The keys.")],
            run: listKeys
        ),
        Endpoint(
            .post,
            "/v1/keys",
            .localAdministrator,
            name: "makeKey",
            "Makes a key for an agent. Its secret is in this answer and nowhere else; a repetition under the same "
                + "Idempotency-Key answers without it.",
            intake: .json("KeyRequest"),
            answers: [.json("NewKey", status: 201, "The key.")],
            run: makeKey
        ),
        Endpoint(
            .delete,
            "/v1/keys/{id}",
            .localAdministrator,
            name: "revokeKey",
            "Revokes a key.",
            parameters: [id],
            answers: [.json("Key", "The key, revoked.")],
            run: revokeKey
        ),
    ]

    @Sendable private static func whoAmI(_ exchange: Exchange) async throws -> Reply {
        switch exchange.caller {
        case .anonymous: throw Problem(.unauthenticated)
        case .client: throw Problem(.notAllowed)
        case .agent(let id):
            let agents = exchange.parts.dependencies.identities.agents()
            var object = JSONObject()
            let agent = agents.first { $0.id == id } ?? Agent(id: id, owner: nil)
            if case .object(let known) = agent.json { object = known }
            object["type"] = "Agent"
            return .json(.object(object))
        case .user(let signedIn):
            var object = JSONObject()
            if case .object(let known) = signedIn.user.json { object = known }
            object["type"] = "User"
            object["via"] = .string(signedIn.via)
            object["local_administrator"] = .bool(signedIn.isLocalAdministrator)
            return .json(.object(object))
        }
    }

    @Sendable private static func listAgents(_ exchange: Exchange) async throws -> Reply {
        let agents = exchange.parts.dependencies.identities.agents()
        return .list(agents.sorted { $0.id < $1.id }.map(\.json))
    }

    @Sendable private static func listUsers(_ exchange: Exchange) async throws -> Reply {
        .list(exchange.parts.dependencies.identities.users().sorted { $0.id < $1.id }.map(\.json))
    }

    @Sendable private static func listKeys(_ exchange: Exchange) async throws -> Reply {
        let agent = exchange.parameters["agent"].flatMap { AgentID($0) }
        let keys = exchange.parts.dependencies.identities.keys().filter { agent == nil || $0.agent == agent }
        return .list(keys.sorted { $0.createdAt > $1.createdAt }.map(\.json))
    }

    @Sendable private static func putAgent(_ exchange: Exchange) async throws -> Reply {
        let members = try exchange.members(["acts_for", "groups", "id", "owner"])
        let agent = Agent(
            id: try members.required("id", "an agent's id") { AgentID($0) },
            owner: try members.parsed("owner", "a user's id") { UserID($0) },
            groups: try members.list("groups", "a group's name") { GroupName($0) } ?? [],
            actsFor: try members.list("acts_for", "a user's id") { UserID($0) },
        )
        let result = await exchange.parts.dependencies.identities.put(agent, by: try actor(exchange))
        return .json(try result.orProblem().json, status: 201)
    }

    @Sendable private static func putUser(_ exchange: Exchange) async throws -> Reply {
        let members = try exchange.members(["groups", "id"])
        let user = User(
            id: try members.required("id", "a user's id") { UserID($0) },
            groups: try members.list("groups", "a group's name") { GroupName($0) } ?? [],
        )
        let result = await exchange.parts.dependencies.identities.put(user, by: try actor(exchange))
        return .json(try result.orProblem().json, status: 201)
    }

    @Sendable private static func removeAgent(_ exchange: Exchange) async throws -> Reply {
        guard let id = exchange.parameters["id"].flatMap({ AgentID($0) }) else { throw Problem(.notFound) }
        try await exchange.parts.dependencies.identities.remove(id, by: actor(exchange)).orProblem()
        return Reply(status: 204, bytes: [])
    }

    @Sendable private static func removeUser(_ exchange: Exchange) async throws -> Reply {
        guard let id = exchange.parameters["id"].flatMap({ UserID($0) }) else { throw Problem(.notFound) }
        try await exchange.parts.dependencies.identities.remove(id, by: actor(exchange)).orProblem()
        return Reply(status: 204, bytes: [])
    }

    @Sendable private static func makeKey(_ exchange: Exchange) async throws -> Reply {
        let members = try exchange.members(["agent", "expires_in"])
        let agent = try members.required("agent", "an agent's id") { AgentID($0) }
        let expires = try members.parsed("expires_in", "a duration such as 30d or 12h") { text in
            Duration(text: text).flatMap { $0 > .zero ? $0 : nil }
        }
        let identities = exchange.parts.dependencies.identities
        let made = try await identities.makeKey(for: agent, expires: expires, by: actor(exchange)).orProblem()
        var reply = Reply.json(["key": made.key.json, "secret": .string(made.secret)], status: 201)
        reply.memory = JSONValue.object(JSONObject([("key", made.key.json), ("secret", .null)])).canonicalBytes()
        return reply
    }

    @Sendable private static func revokeKey(_ exchange: Exchange) async throws -> Reply {
        guard let id = exchange.parameters["id"] else { throw Problem(.notFound) }
        let result = await exchange.parts.dependencies.identities.revokeKey(id, by: try actor(exchange))
        return .json(try result.orProblem().json)
    }

    private static func actor(_ exchange: Exchange) throws(Problem) -> Actor {
        let user = try exchange.user()
        return .user(user.user.id, via: user.via)
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
        .object(
            JSONObject([("groups", .array(groups.map { .string($0.rawValue) })), ("id", .string(id.rawValue))])
        )
    }
}

extension AgentKey {
    /// The key as the API shows it; neither secret nor hash.
    fileprivate var json: JSONValue {
        .object(
            JSONObject([
                ("agent", .string(agent.rawValue)),
                ("created_at", .string(createdAt.rfc3339)),
                ("expires_at", .time(expiresAt)),
                ("id", .string(id)),
                ("prefix", .string(prefix)),
                ("revoked_at", .time(revokedAt)),
            ])
        )
    }
}
