import CanonicalJSON
package import CountersignCore

extension IdentityRegistry: Identities {
    /// Every agent in force, by id.
    package func agents() -> [Agent] { read { $0.agents.values.sorted { $0.id < $1.id } } }

    /// Every user in force, by id.
    package func users() -> [User] { read { $0.users.values.sorted { $0.id < $1.id } } }

    /// The keys made by command, newest first.
    package func keys() -> [AgentKey] { read { $0.records.keys.sorted { $0.createdAt > $1.createdAt } } }

    /// Makes or changes an agent.
    package func put(_ agent: Agent, by actor: Actor) async -> Result<Agent, Reason> {
        let now = clock.time()
        return await change { book in
            guard !book.declares(agent.id) else { return .failure(.declared("agent", agent.id.rawValue)) }
            var members: [(String, JSONValue)] = [("groups", .array(agent.groups.map { .string($0.rawValue) }))]
            if let owner = agent.owner { members.append(("owner", .string(owner.rawValue))) }
            if let humans = agent.actsFor {
                members.append(("acts_for", .array(humans.map { .string($0.rawValue) })))
            }
            let entry = EntryDraft.identity(
                book.agents[agent.id] == nil ? .added : .changed,
                "Agent",
                agent.id.rawValue,
                members,
                agent: agent.id,
                by: actor,
                at: now,
            )
            return .success(([.putAgent(agent)], [entry], agent))
        }
    }

    /// Removes an agent and its keys.
    package func remove(_ agent: AgentID, by actor: Actor) async -> Result<Void, Reason> {
        let now = clock.time()
        return await change { book in
            guard !book.declares(agent) else { return .failure(.declared("agent", agent.rawValue)) }
            guard book.agents[agent] != nil else { return .failure(.unknown("agent", agent.rawValue)) }
            let entry = EntryDraft.identity(.removed, "Agent", agent.rawValue, agent: agent, by: actor, at: now)
            return .success(([.removeAgent(agent)], [entry], ()))
        }
    }

    /// Makes or changes a user.
    package func put(_ user: User, by actor: Actor) async -> Result<User, Reason> {
        let now = clock.time()
        return await change { book in
            guard !book.declares(user.id) else { return .failure(.declared("user", user.id.rawValue)) }
            guard user.id != UserTokens.localAdministrator else {
                return .failure(Reason(.badRequest, "The name \(user.id) is the product's own; choose another."))
            }
            let entry = EntryDraft.identity(
                book.users[user.id] == nil ? .added : .changed,
                "User",
                user.id.rawValue,
                [("groups", .array(user.groups.map { .string($0.rawValue) }))],
                by: actor,
                at: now,
            )
            return .success(([.putUser(user)], [entry], user))
        }
    }

    /// Removes a user, ends their sessions and unlinks their accounts; a gate that nobody can lift any more stays shut.
    ///
    /// Another user of the name who comes later must not get what is pressed under the accounts of this one.
    package func remove(_ user: UserID, by actor: Actor) async -> Result<Void, Reason> {
        let now = clock.time()
        return await change { book in
            guard !book.declares(user) else { return .failure(.declared("user", user.rawValue)) }
            guard book.users[user] != nil else { return .failure(.unknown("user", user.rawValue)) }
            let links = book.records.links.compactMap { $0.user == user ? $0.unlinking(at: now, by: actor) : nil }
            let entry = EntryDraft.identity(.removed, "User", user.rawValue, by: actor, at: now)
            return .success((links.map(\.change) + [.removeUser(user)], links.map(\.entry) + [entry], ()))
        }
    }

    /// Makes a key; its secret is in the answer and nowhere else.
    package func makeKey(for agent: AgentID, expires: Duration?, by actor: Actor) async -> Result<NewKey, Reason> {
        let now = clock.time()
        let secret = "cs_" + chance.secret()
        let key = AgentKey(
            id: "key_" + Base64URL.encode(chance.salt().prefix(12)),
            agent: agent,
            hash: CredentialHash.text(of: secret),
            prefix: String(secret.prefix(9)),
            createdAt: now,
            expiresAt: expires.map { now.adding($0) },
        )
        return await change { book in
            guard book.agents[agent] != nil else { return .failure(.unknown("agent", agent.rawValue)) }
            // The hash binds the table's row to the entry; it is one of 256 random bits, and gives nothing away.
            var members: [(String, JSONValue)] = [
                ("agent", .string(agent.rawValue)), ("hash", .string(key.hash)), ("prefix", .string(key.prefix)),
            ]
            if let end = key.expiresAt { members.append(("expires_at", .string(end.rfc3339))) }
            let entry = EntryDraft.identity(.added, "Key", key.id, members, agent: agent, by: actor, at: now)
            return .success(([.putKey(key)], [entry], NewKey(key: key, secret: secret)))
        }
    }

    /// Revokes a key by its id; again is as good as once.
    package func revokeKey(_ id: String, by actor: Actor) async -> Result<AgentKey, Reason> {
        let now = clock.time()
        return await change { book in
            guard var key = book.records.keys.first(where: { $0.id == id }) else {
                return .failure(.unknown("key", id))
            }
            guard key.revokedAt == nil else { return .success(([], [], key)) }
            key.revokedAt = now
            let members: [(String, JSONValue)] = [
                ("agent", .string(key.agent.rawValue)), ("prefix", .string(key.prefix)),
            ]
            let entry = EntryDraft.identity(.revoked, "Key", id, members, agent: key.agent, by: actor, at: now)
            return .success(([.revokeKey(id: id, at: now)], [entry], key))
        }
    }
}

extension Reason {
    static func declared(_ kind: String, _ id: String) -> Reason {
        Reason(.notAllowed, "The \(kind) \(id) is declared in the configuration; change it there.")
    }

    fileprivate static func unknown(_ kind: String, _ id: String) -> Reason {
        Reason(.notFound, "There is no \(kind) \(id).")
    }
}
