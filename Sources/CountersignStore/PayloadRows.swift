import CanonicalJSON
import CountersignCore
import GRDB

extension PayloadSealer {
    /// Reads an entry from the columns ``Database/entryColumns`` or ``Database/bareEntryColumns``.
    func entry(_ row: StoreRow) throws -> Entry {
        let (sequence, body) = (try row.count(0, "the number of an entry"), row.bytes(1))
        guard !row.isNull(2) else { return Entry(sequence: sequence, bytes: body, payload: nil) }
        guard let commitment = Self.commitment(in: body) else {
            throw LedgerError(.corrupt, "entry \(sequence) commits to no payload, and the ledger has one for it")
        }
        return Entry(sequence: sequence, bytes: body, payload: try payload(row.bytes(2), commitment: commitment))
    }

    /// What an entry says of the payload beside it.
    static func commitment(in body: [UInt8]) -> String? {
        StoredJSON.value(body)?["payload"]?["commitment"]?.stringValue
    }
}

extension Database {
    /// What a commit that erases finds, and needs to know for its writes.
    struct Erasure {
        /// The entries whose payloads go.
        let sequences: [Int64]
        /// The approvals whose documents go along.
        let approvals: [ApprovalID]
    }

    /// What is to be erased, or what the commit loses to.
    ///
    /// Writes nothing.
    func erasure(
        of sequences: [UInt64],
        _ sealer: PayloadSealer,
    ) throws -> (found: Erasure?, lost: CommitResult?) {
        var numbers = [Int64]()
        var seen = Set<UInt64>()
        var approvals = [ApprovalID]()
        for sequence in sequences {
            guard seen.insert(sequence).inserted, let number = Int64(exactly: sequence) else {
                return (nil, .conflict(nil))
            }
            let row = try first(
                "SELECT approval FROM entry WHERE sequence = ?1 AND EXISTS (SELECT 1 FROM payload WHERE sequence = ?1)",
                [.integer(number)],
            ) { $0.isNull(0) ? String?.none : $0.text(0) }
            guard let row else { return (nil, .conflict(nil)) }
            numbers.append(number)
            guard let id = row.map({ ApprovalID(unchecked: $0) }), !approvals.contains(id) else { continue }
            let status = try first("SELECT status FROM approval WHERE id = ?", [.text(id.rawValue)]) { row in
                ApprovalStatus(rawValue: row.text(0))
            }
            if case .some(let status) = status, !(status?.isFinal ?? false) {
                return (nil, .conflict(try approval(id, sealer)))
            }
            approvals.append(id)
        }
        return (Erasure(sequences: numbers, approvals: approvals), nil)
    }

    /// Removes payloads and everything else that shows the same documents; the approvals as they are then, each with
    /// whether it has a new revision.
    ///
    /// The pages are overwritten, because the writer's connection has `secure_delete`.
    func erase(
        _ erasure: Erasure,
        entry: UInt64,
        _ sealer: PayloadSealer,
    ) throws -> [(approval: Approval, isChanged: Bool)] {
        for sequence in erasure.sequences {
            try run("DELETE FROM payload WHERE sequence = ?", [.integer(sequence)])
        }
        var erased = [(approval: Approval, isChanged: Bool)]()
        for id in erasure.approvals {
            let name = StoreValue.text(id.rawValue)
            let isActive = try first("SELECT active FROM approval WHERE id = ?", [name]) { $0.integer(0) != 0 }
            guard let isActive else { continue }
            try run("DELETE FROM document WHERE number = (SELECT number FROM approval WHERE id = ?)", [name])
            try run("DELETE FROM response WHERE approval = ?", [name])
            try run("DELETE FROM answer WHERE approval = ?", [name])
            try run("UPDATE approval SET erased_by = ? WHERE id = ?", [.integer(Int64(entry)), name])
            try run("UPDATE notice SET is_kept = 0 WHERE approval = ?", [name])
            guard var next = try approval(id, sealer) else { continue }
            if isActive {
                // A result that waits for its agent is gone: the next identical ask is a new action.
                next.delivered = true
                next.revision += 1
                try replace(next, record: try RecordCoding.encode(next))
            }
            erased.append((next, isActive))
        }
        return erased
    }

    /// Payloads that may be erased.
    func erasable(_ query: ErasableQuery) throws -> ErasablePage {
        let scope: String
        var values: [StoreValue] = [.integer(Int64(clamping: query.from)), .integer(query.before.microseconds)]
        switch query.scope {
        case .connection(let name):
            scope = "entry.connection = ?"
            values.append(.text(name.rawValue))
        case .allExcept(let names):
            scope = "coalesce(entry.connection, '') NOT IN (\(names.map { _ in "?" }.joined(separator: ", ")))"
            values += names.map { .text($0.rawValue) }
        }
        let limit = max(1, query.limit)
        var items = [ErasablePage.Item]()
        var skipped: UInt64?
        var next = query.from
        var seen = 0
        var isLast = true
        // In the order of the log, and not beyond the first entry that is too young: times may run back by the clock's
        // tolerance, so what is behind it waits for the next sweep.
        try each(
            """
            SELECT payload.sequence, entry.connection, entry.time < ?2, \(scope), approval.status
            FROM payload CROSS JOIN entry ON entry.sequence = payload.sequence
            LEFT JOIN approval ON approval.id = entry.approval
            WHERE payload.sequence >= ?1 ORDER BY payload.sequence
            """,
            values,
        ) { row in
            guard row.integer(2) != 0 else { return false }
            // A page also ends after many payloads of others, so that no read takes long.
            guard items.count < limit, seen < Self.longestLook else {
                isLast = false
                return false
            }
            seen += 1
            let sequence = try row.count(0, "the entry of a payload")
            next = sequence + 1
            guard row.integer(3) != 0 else { return true }
            if !row.isNull(4), !(ApprovalStatus(rawValue: row.text(4))?.isFinal ?? false) {
                skipped = skipped ?? sequence
                return true
            }
            let connection = row.isNull(1) ? nil : ConnectionName(unchecked: row.text(1))
            items.append(ErasablePage.Item(sequence: sequence, connection: connection))
            return true
        }
        return ErasablePage(items: items, skipped: skipped, next: next, isLast: isLast)
    }

    private static var longestLook: Int { 20_000 }
}
