import CanonicalJSON
package import CountersignCore

extension InMemoryLedger {
    /// The approval, as of the latest commit.
    package func approval(_ id: ApprovalID) async throws(LedgerError) -> Approval? {
        try read { state in state.approvals.first { $0.id == id } }
    }

    /// The approval of this agent and digest that an identical ask may attach to.
    package func activeApproval(agent: AgentID, digest: ActionDigest) async throws(LedgerError) -> Approval? {
        try read { $0.active(agent, digest) }
    }

    /// A page of approvals, newest first.
    package func approvals(_ query: ApprovalQuery) async throws(LedgerError) -> Page<Approval> {
        try read { state in
            let all = state.approvals.enumerated().reversed().filter { _, approval in
                query.status.map { $0 == approval.status } ?? true && query.agent.map { $0 == approval.agent } ?? true
                    && query.connection.map { $0 == approval.connection } ?? true
            }
            let page = Self.page(
                all.map { (($0.element, $0.offset), $0.offset) },
                after: query.cursor,
                ascending: false,
                limit: query.limit
            )
            var weight = 0
            let count = page.items.prefix { approval, _ in
                weight += approval.weight
                return weight <= query.bytes
            }.count
            let shown = page.items.prefix(max(count, 1))
            let next = shown.count < page.items.count ? shown.last.map { "\($0.1)" } : page.next
            return Page(items: shown.map(\.0), next: next)
        }
    }

    /// Approvals whose deadline has come, the longest overdue first.
    package func due(now: Timestamp, limit: Int) async throws(LedgerError) -> [ApprovalID] {
        try read { state in
            var due = [(deadline: Timestamp, order: Int, id: ApprovalID)]()
            for (order, approval) in state.approvals.enumerated() {
                let deadline = approval.status == .pending ? approval.expiresAt : approval.grantExpiresAt
                guard approval.status == .pending || approval.status == .approved, let deadline, deadline <= now
                else { continue }
                due.append((deadline, order, approval.id))
            }
            due.sort { ($0.deadline, $0.order) < ($1.deadline, $1.order) }
            return due.prefix(max(0, limit)).map(\.id)
        }
    }

    /// Approvals that were dispatched and have no outcome.
    package func unfinished() async throws(LedgerError) -> [Approval] {
        try read { state in state.approvals.filter { $0.status == .redeemed } }
    }

    /// Approved approvals whose action the gateway shall run by itself.
    package func awaitingDispatch() async throws(LedgerError) -> [Approval] {
        try read { state in state.approvals.filter { $0.status == .approved && $0.asynchronous } }
    }

    /// Counts of approvals and log size.
    package func statistics() async throws(LedgerError) -> LedgerStatistics {
        try read { state in
            LedgerStatistics(
                approvals: state.approvals.reduce(into: [:]) { counts, approval in
                    counts[approval.status, default: 0] += 1
                },
                entries: UInt64(state.entries.count),
            )
        }
    }

    /// A page of entries.
    package func entries(_ query: EntryQuery) async throws(LedgerError) -> Page<Entry> {
        try read { state in
            var found = [(Entry, Int)]()
            for (index, draft) in state.drafts.enumerated() where Self.matches(query, draft, state.entries[index]) {
                let entry = state.entries[index]
                found.append(
                    (
                        query.approval == nil
                            ? Entry(sequence: entry.sequence, bytes: entry.bytes, payload: nil) : entry, index
                    )
                )
            }
            return Self.page(
                query.ascending ? found : found.reversed(),
                after: query.cursor,
                ascending: query.ascending,
                limit: query.limit,
            )
        }
    }

    /// One entry.
    package func entry(_ sequence: UInt64) async throws(LedgerError) -> Entry? {
        try read { state in sequence < UInt64(state.entries.count) ? state.entries[Int(sequence)] : nil }
    }

    private static func matches(_ query: EntryQuery, _ draft: EntryDraft, _ entry: Entry) -> Bool {
        guard query.approval.map({ $0 == draft.approval }) ?? true else { return false }
        guard query.from.map({ $0 <= draft.time }) ?? true, query.to.map({ draft.time < $0 }) ?? true else {
            return false
        }
        // What the draft says need not be read again.
        guard query.kinds.isEmpty || query.kinds.contains(draft.kind) else { return false }
        guard query.agent.map({ $0 == draft.agent }) ?? true else { return false }
        guard let json = StoredJSON.value(entry.bytes) else { return false }
        return query.matches(json, agent: draft.agent, connection: draft.connection)
    }

    private static func page<Item>(
        _ items: [(Item, Int)],
        after cursor: String?,
        ascending: Bool,
        limit: Int,
    ) -> Page<Item> {
        var rest = items[...]
        if let cursor {
            guard cursor.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let position = Int(cursor) else {
                return Page(items: [], next: nil)
            }
            rest = rest.drop { ascending ? $0.1 <= position : $0.1 >= position }
        }
        let limit = min(max(limit, 1), 200)
        let shown = rest.prefix(limit)
        return Page(items: shown.map(\.0), next: rest.count > limit ? shown.last.map { "\($0.1)" } : nil)
    }
}
