package import Cedar

/// A non-human caller.
package struct Agent: Hashable, Sendable, Codable {
    /// Its name.
    package let id: AgentID
    /// The human who answers for it; never decides on its actions.
    package let owner: UserID?
    /// The groups that it is in.
    package let groups: [GroupName]
    /// The humans for whom it may say that it acts.
    ///
    /// `nil` is any known user; a single one is acted for even if the agent does not say so.
    package let actsFor: [UserID]?

    /// Describes an agent.
    package init(id: AgentID, owner: UserID?, groups: [GroupName] = [], actsFor: [UserID]? = nil) {
        self.id = id
        self.owner = owner
        self.groups = groups
        self.actsFor = actsFor
    }
}

/// A human; only users decide.
package struct User: Hashable, Sendable, Codable {
    /// The name, usually an e-mail address.
    package let id: UserID
    /// The groups that the user is in.
    package let groups: [GroupName]

    /// Describes a user.
    package init(id: UserID, groups: [GroupName] = []) {
        self.id = id
        self.groups = groups
    }
}

/// What policy needs to know of a named protected upstream.
package struct Connection: Hashable, Sendable {
    /// The name.
    package let name: ConnectionName
    /// What lies behind it: a protocol, `http` for instance, or `hook`.
    package let kind: String
    /// Labels; each is a Cedar tag, and `env` puts the connection into an `Environment`.
    package let labels: [String: String]
    /// How its tools' definitions come to be accepted; `nil` where there are no tools.
    package let tools: ToolReview?
    /// What a coding agent's tools do, where its hook submits them; `nil` of every other kind.
    package let hook: HookTools?

    /// The protocol that its actions are in: a hook's are calls of tools, as MCP's.
    package var protocolName: String { hook == nil ? kind : "mcp" }

    /// Describes a connection.
    package init(
        name: ConnectionName,
        kind: String,
        labels: [String: String] = [:],
        tools: ToolReview? = nil,
        hook: HookTools? = nil,
    ) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.tools = tools
        self.hook = hook
    }
}

/// Everybody and everything that policy can speak of, at one moment; a value.
package struct Directory: Sendable {
    /// The agents by id.
    package let agents: [AgentID: Agent]
    /// The users by id.
    package let users: [UserID: User]
    /// The connections by name.
    package let connections: [ConnectionName: Connection]
    /// Every group that somebody is in.
    package let groups: Set<GroupName>
    /// All of it as Cedar entities, with the action groups of the vocabulary.
    package let entities: Entities

    /// Collects a directory; throws if Cedar cannot take the entities (two of the same identity, for instance).
    package init(agents: [Agent], users: [User], connections: [Connection]) throws(EntitiesError) {
        self.agents = Dictionary(agents.map { ($0.id, $0) }) { _, last in last }
        self.users = Dictionary(users.map { ($0.id, $0) }) { _, last in last }
        self.connections = Dictionary(connections.map { ($0.name, $0) }) { _, last in last }
        groups = Set(agents.flatMap(\.groups) + users.flatMap(\.groups))
        var all = PolicyVocabulary.actions
        all += groups.map { Entity(uid: .group($0)) }
        all += self.users.values.map { user in
            Entity(
                uid: .user(user.id),
                attributes: Record([("id", Value(user.id.rawValue))]),
                parents: user.groups.map { .group($0) },
            )
        }
        all += self.agents.values.map { agent in
            var attributes: [(String, Value)] = [("id", Value(agent.id.rawValue))]
            if let owner = agent.owner { attributes.append(("owner", .entity(.user(owner)))) }
            return Entity(
                uid: .agent(agent.id),
                attributes: Record(attributes),
                parents: agent.groups.map { .group($0) },
            )
        }
        all += self.connections.values.map { connection in
            Entity(
                uid: .connection(connection.name),
                attributes: Record([("kind", Value(connection.kind)), ("name", Value(connection.name.rawValue))]),
                tags: Record(connection.labels.map { ($0.key, Value($0.value)) }),
                parents: connection.labels["env"].map { [EntityUID(type: "Environment", id: $0)] } ?? [],
            )
        }
        all += Set(self.connections.values.compactMap { $0.labels["env"] }).map {
            Entity(uid: EntityUID(type: "Environment", id: $0))
        }
        entities = try Entities(all)
    }

    /// The user of this name, else the only one who is the same person; `nil` if it could be several.
    package func user(named name: UserID) -> User? {
        if let user = users[name] { return user }
        let matches = users.values.filter { $0.id.isSamePerson(as: name) }
        return matches.count == 1 ? matches[0] : nil
    }

    /// The human for whom an agent acts: the one it claims, if it may, or its only one.
    package func actedFor(by agent: Agent, claiming claim: UserID?) -> Result<UserID?, Reason> {
        guard let claim else { return .success(agent.actsFor?.count == 1 ? agent.actsFor?.first : nil) }
        guard users[claim] != nil, agent.actsFor?.contains(claim) ?? true else {
            return .failure(
                Reason(.notAllowed, "This agent may not act for \(claim). Name a user that its owner has allowed.")
            )
        }
        return .success(claim)
    }
}

extension Reason: Error {}

extension EntityUID {
    /// `Agent::"…"`.
    package static func agent(_ id: AgentID) -> EntityUID { EntityUID(type: "Agent", id: id.rawValue) }
    /// `User::"…"`.
    package static func user(_ id: UserID) -> EntityUID { EntityUID(type: "User", id: id.rawValue) }
    /// `Group::"…"`.
    package static func group(_ name: GroupName) -> EntityUID { EntityUID(type: "Group", id: name.rawValue) }
    /// `Connection::"…"`.
    package static func connection(_ name: ConnectionName) -> EntityUID {
        EntityUID(type: "Connection", id: name.rawValue)
    }
}
