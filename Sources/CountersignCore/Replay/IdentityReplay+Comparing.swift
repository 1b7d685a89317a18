extension IdentityReplay {
    /// The first field of a stored agent that is not what the entries say.
    package func difference(from stored: Agent) -> ReplayDifference? {
        guard let said = agents[stored.id] else { return Self.unexplained }
        var comparison = ReplayComparison()
        comparison.fact("owner", said.owner?.rawValue, stored.owner?.rawValue)
        comparison.fact("groups", Self.list(said.groups), Self.list(stored.groups))
        comparison.fact("acts_for", said.actsFor.map(Self.list), stored.actsFor.map(Self.list))
        return comparison.difference
    }

    /// The first field of a stored user that is not what the entries say.
    package func difference(from stored: User) -> ReplayDifference? {
        guard let said = users[stored.id] else { return Self.unexplained }
        var comparison = ReplayComparison()
        comparison.fact("groups", Self.list(said.groups), Self.list(stored.groups))
        return comparison.difference
    }

    /// The first field of a stored key that is not what the entries say.
    package func difference(from stored: AgentKey) -> ReplayDifference? {
        guard let said = keys[stored.id] else { return Self.unexplained }
        var comparison = ReplayComparison()
        comparison.fact("agent", said.agent.rawValue, stored.agent.rawValue)
        comparison.fact("hash", said.hash ?? stored.hash, stored.hash)
        comparison.fact("prefix", said.prefix, stored.prefix)
        comparison.moment("created_at", said.createdAt, stored.createdAt)
        comparison.moment("expires_at", said.expiresAt, stored.expiresAt)
        comparison.moment("revoked_at", said.revokedAt, stored.revokedAt)
        return comparison.difference
    }

    /// The first field of a stored session that is not what the entries say.
    package func difference(from stored: Session) -> ReplayDifference? {
        guard let said = name(of: stored).flatMap({ sessions[$0] }) else { return Self.unexplained }
        var comparison = ReplayComparison()
        comparison.fact("user", said.user.rawValue, stored.user.rawValue)
        comparison.moment("started_at", said.startedAt, stored.startedAt)
        comparison.moment("expires_at", said.expiresAt, stored.expiresAt)
        comparison.fact("via", said.via, stored.via)
        return comparison.difference
    }

    /// The first field of a stored link that is not what the entries say.
    package func difference(from stored: ChannelLink) -> ReplayDifference? {
        guard let said = links[stored.identity.description] else { return Self.unexplained }
        var comparison = ReplayComparison()
        comparison.fact("user", said.user?.rawValue, stored.user?.rawValue)
        comparison.fact("unlinked_from", said.unlinkedFrom?.rawValue, stored.unlinkedFrom?.rawValue)
        comparison.moment("made_at", said.madeAt, stored.madeAt)
        comparison.fact("by", said.by, stored.by)
        return comparison.difference
    }

    /// What the entries call a stored session; `nil` if they know none like it.
    package func name(of stored: Session) -> String? {
        if sessions[stored.digest] != nil { return stored.digest }
        let prefix = String(stored.id.prefix(Session.prefixLength))
        return sessions[prefix].map { $0.digest == nil } == true ? prefix : nil
    }

    private static func list(_ names: [some Identifier]) -> String {
        names.map(\.rawValue).joined(separator: ",")
    }

    /// A row that no entry tells of.
    private static var unexplained: ReplayDifference {
        ReplayDifference("row", expected: "no such row", found: "a row")
    }
}
