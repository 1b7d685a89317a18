package import CountersignCore

extension SQLiteLedger {
    /// The approval, as of the latest commit.
    package func approval(_ id: ApprovalID) async throws(LedgerError) -> Approval? {
        try await read { [sealer] in try $0.approval(id, sealer) }
    }

    /// The approval of this agent and digest that an identical ask may attach to.
    package func activeApproval(agent: AgentID, digest: ActionDigest) async throws(LedgerError) -> Approval? {
        try await read { [sealer] in try $0.activeApproval(agent: agent, digest: digest, sealer) }
    }

    /// A page of approvals, newest first.
    package func approvals(_ query: ApprovalQuery) async throws(LedgerError) -> Page<Approval> {
        try await read { [sealer] in try $0.approvals(query, sealer) }
    }

    /// Pending approvals past their deadline and approved ones past their grant's, the longest overdue first.
    package func due(now: Timestamp, limit: Int) async throws(LedgerError) -> [ApprovalID] {
        try await read { try $0.due(now: now, limit: limit) }
    }

    /// Approvals that were dispatched and have no outcome.
    package func unfinished() async throws(LedgerError) -> [Approval] {
        try await read { [sealer] in try $0.unfinished(sealer) }
    }

    /// Approved approvals whose action the gateway shall run by itself.
    package func awaitingDispatch() async throws(LedgerError) -> [Approval] {
        try await read { [sealer] in try $0.awaitingDispatch(sealer) }
    }

    /// Counts of approvals and log size, for metrics.
    package func statistics() async throws(LedgerError) -> LedgerStatistics {
        let size = writer.tree.size
        let searchable = search?.covered
        return try await read {
            LedgerStatistics(approvals: try $0.approvalCounts(), entries: size, searchable: searchable)
        }
    }

    /// A page of entries.
    package func entries(_ query: EntryQuery) async throws(LedgerError) -> Page<Entry> {
        let size = writer.tree.size
        return try await read { [search, sealer] in
            try EntrySearch(query, size: size, index: search, sealer, $0).page()
        }
    }

    /// One entry.
    package func entry(_ sequence: UInt64) async throws(LedgerError) -> Entry? {
        try await read { [sealer] in try $0.entry(sequence, sealer) }
    }

    /// Payloads that may be erased, oldest first.
    package func erasable(_ query: ErasableQuery) async throws(LedgerError) -> ErasablePage {
        try await read { try $0.erasable(query) }
    }

    /// The response kept for an approval.
    package func keptResponse(_ approval: ApprovalID) async throws(LedgerError) -> KeptResponse? {
        try await read { [sealer] in try $0.keptResponse(approval, sealer) }
    }

    /// Forgets a kept response; its action's entries stay.
    package func dropResponse(_ approval: ApprovalID) async throws(LedgerError) {
        try await writer.chore { db in
            try db.run("DELETE FROM response WHERE approval = ?", [.text(approval.rawValue)])
        }.get()
    }

    /// The accepted definitions of tools, ordered by connection and name.
    package func acceptedTools() async throws(LedgerError) -> [AcceptedTool] {
        try await read { try $0.acceptedTools() }
    }

    /// Everything known of agents, users, keys and sessions.
    package func identities() async throws(LedgerError) -> IdentityRecords { try await read { try $0.identities() } }

    /// The answer remembered for an idempotency key, if any.
    package func remembered(_ key: IdempotencyKey) async throws(LedgerError) -> RememberedAnswer? {
        let now = clock.time()
        return try await read { [sealer] in try $0.remembered(key, now: now, sealer) }
    }

    /// Remembers an answer for a day; the first one stays.
    package func remember(
        _ answer: RememberedAnswer,
        for key: IdempotencyKey,
        now: Timestamp,
    ) async throws(LedgerError) {
        let sealed = try sealer.seal(answer.body, .answer(key))
        try await writer.chore { try $0.remember(answer, sealed: sealed, for: key, now: now) }.get()
    }
}
