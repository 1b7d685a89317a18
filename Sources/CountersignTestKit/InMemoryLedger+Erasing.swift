package import CountersignCore

extension InMemoryLedger {
    /// Payloads that may be erased, oldest first.
    package func erasable(_ query: ErasableQuery) async throws(LedgerError) -> ErasablePage {
        try read { state in
            var items = [ErasablePage.Item]()
            var skipped: UInt64?
            var next = query.from
            for entry in state.entries where entry.sequence >= query.from && entry.payload != nil {
                let draft = state.drafts[Int(entry.sequence)]
                guard draft.time < query.before else { break }
                guard items.count < max(1, query.limit) else {
                    return ErasablePage(items: items, skipped: skipped, next: next, isLast: false)
                }
                next = entry.sequence + 1
                guard query.scope.covers(draft.connection) else { continue }
                if state.approvals.contains(where: { $0.id == draft.approval && !$0.status.isFinal }) {
                    skipped = skipped ?? entry.sequence
                    continue
                }
                items.append(ErasablePage.Item(sequence: entry.sequence, connection: draft.connection))
            }
            return ErasablePage(items: items, skipped: skipped, next: next, isLast: true)
        }
    }
}

extension ErasableQuery.Scope {
    fileprivate func covers(_ connection: ConnectionName?) -> Bool {
        switch self {
        case .connection(let name): name == connection
        case .allExcept(let names): connection.map { !names.contains($0) } ?? true
        }
    }
}

extension InMemoryLedger.State {
    /// What an erasure loses to; `nil` if it may be done.
    func losesErasure(_ sequences: [UInt64]) -> CommitResult? {
        guard Set(sequences).count == sequences.count else { return .conflict(nil) }
        for sequence in sequences {
            guard sequence < UInt64(entries.count), entries[Int(sequence)].payload != nil else { return .conflict(nil) }
            let id = drafts[Int(sequence)].approval
            if let approval = approvals.first(where: { $0.id == id && !$0.status.isFinal }) {
                return .conflict(approval)
            }
        }
        return nil
    }

    /// Erases payloads and what shows the same documents; the approvals, each with whether it has a new revision.
    mutating func erase(_ sequences: [UInt64], entry: UInt64) -> [(approval: Approval, isChanged: Bool)] {
        var erased = [(approval: Approval, isChanged: Bool)]()
        var ids = [ApprovalID]()
        for sequence in sequences {
            let old = entries[Int(sequence)]
            entries[Int(sequence)] = Entry(sequence: old.sequence, bytes: old.bytes, payload: nil)
            if let id = drafts[Int(sequence)].approval, !ids.contains(id) { ids.append(id) }
        }
        for id in ids {
            guard let index = approvals.firstIndex(where: { $0.id == id }) else { continue }
            approvals[index].document = nil
            approvals[index].erasedBy = entry
            responses[id] = nil
            answers = answers.filter { $0.value.answer.approval != id }
            let isActive = Self.isActive(approvals[index])
            if isActive {
                approvals[index].delivered = true
                approvals[index].revision += 1
            }
            erased.append((approvals[index], isActive))
        }
        return erased
    }
}
