package import CountersignCore

extension InMemoryLedger.State {
    func hasUsedLink(among changes: [IdentityChange]) -> Bool {
        var seen = usedLinks
        for case .useLink(let id, _) in changes where !seen.insert(id).inserted { return true }
        return false
    }

    mutating func apply(_ change: IdentityChange) {
        switch change {
        case .putAgent(let agent): agents[agent.id] = agent
        case .removeAgent(let id):
            agents[id] = nil
            keys = keys.filter { $0.value.agent != id }
        case .putUser(let user): users[user.id] = user
        case .removeUser(let id):
            users[id] = nil
            sessions = sessions.filter { $0.value.user != id }
            links = links.filter { $0.value.user != id }
        case .putLink(let link): links[link.identity.description] = link
        case .putKey(let key): keys[key.id] = key
        case .revokeKey(let id, let time):
            guard let key = keys[id], key.revokedAt == nil else { return }
            keys[id]?.revokedAt = time
        case .putSession(let session): sessions[session.id] = session
        case .endSession(let id): sessions[id] = nil
        case .useLink(let id, _): usedLinks.insert(id)
        }
    }
}

extension InMemoryLedger {
    /// Everything known of agents, users, keys and sessions, each ordered by id.
    package func identities() async throws(LedgerError) -> IdentityRecords {
        try read { state in
            IdentityRecords(
                agents: state.agents.values.sorted { $0.id < $1.id },
                users: state.users.values.sorted { $0.id < $1.id },
                keys: state.keys.values.sorted { $0.id < $1.id },
                sessions: state.sessions.values.sorted { $0.id < $1.id },
                links: state.links.sorted { $0.key < $1.key }.map(\.value),
            )
        }
    }

    /// The accepted definitions of tools, ordered by connection and name.
    package func acceptedTools() async throws(LedgerError) -> [AcceptedTool] {
        try read { state in state.tools.sorted { $0.key < $1.key }.map(\.value) }
    }

    /// The response kept for an approval.
    package func keptResponse(_ approval: ApprovalID) async throws(LedgerError) -> KeptResponse? {
        try read { $0.responses[approval] }
    }

    /// Forgets a kept response.
    package func dropResponse(_ approval: ApprovalID) async throws(LedgerError) {
        try read { $0.responses[approval] = nil }
    }

    /// The answer remembered for an idempotency key within the last day.
    package func remembered(_ key: IdempotencyKey) async throws(LedgerError) -> RememberedAnswer? {
        let oldest = clock.time().adding(.seconds(-86_400))
        return try read { state in
            state.answers[AnswerKey(key)].flatMap { $0.at > oldest ? $0.answer : nil }
        }
    }

    /// Remembers an answer for a day; the first one stays.
    package func remember(
        _ answer: RememberedAnswer,
        for key: IdempotencyKey,
        now: Timestamp,
    ) async throws(LedgerError) {
        let oldest = now.adding(.seconds(-86_400))
        try read { state in
            state.answers = state.answers.filter { $0.value.at > oldest }
            // An answer that shows a document that was erased meanwhile is not remembered.
            if state.approvals.contains(where: { $0.id == answer.approval && $0.erasedBy != nil }) { return }
            if state.answers[AnswerKey(key)] == nil { state.answers[AnswerKey(key)] = (answer, now) }
        }
    }
}
