import CountersignCore
import GRDB
import TransparencyLog

/// The columns of an entry's row.
private struct EntryRow {
    let sequence: Int64
    let time: Int64
    let kind: [UInt8]
    let agent: [UInt8]?
    let connection: [UInt8]?
    let approval: [UInt8]?
    let body: [UInt8]
    let sealed: [UInt8]?

    static let columns =
        "entry.sequence, time, kind, agent, connection, approval, body, (SELECT sealed FROM payload "
        + "WHERE payload.sequence = entry.sequence)"

    init(_ row: StoreRow) {
        func optional(_ column: Int32) -> [UInt8]? { row.isNull(column) ? nil : row.bytes(column) }
        sequence = row.integer(0)
        time = row.integer(1)
        kind = row.bytes(2)
        agent = optional(3)
        connection = optional(4)
        approval = optional(5)
        body = row.bytes(6)
        sealed = optional(7)
    }
}

extension Examiner {
    /// Reads every entry once, in order: place, bytes, columns, time, payload, tree, state.
    func examineEntries() throws {
        var next: Int64 = 0
        var newest = Int64.min / 2
        try compareHeads()
        try db.each("SELECT \(EntryRow.columns) FROM entry ORDER BY sequence", []) { row in
            let row = EntryRow(row)
            if row.sequence & 4095 == 0 { tell(.entries) }
            guard try isInPlace(row, &next) else { return true }
            try examine(row, &newest)
            let filled = try tree.append(.leaf(row.body), of: size) { try add($0) }
            try comparePublished(row.body, filled)
            report.entries += 1
            try compareHeads()
            return true
        }
        tell(.entries)
        if !tree.isBroken { report.root = tree.tree.head.root.base64 }
    }

    /// Whether the row is the next one; what is missing before it is reported.
    private func isInPlace(_ row: EntryRow, _ next: inout Int64) throws -> Bool {
        guard row.sequence >= 0 else {
            try add(.entrySurplus, "entry \(row.sequence)", "entries begin with 0")
            return false
        }
        if row.sequence > next {
            let last = row.sequence - 1
            let place = last == next ? "entry \(next)" : "entries \(next) to \(last)"
            try add(.entryMissing, place, "gone, while entry \(row.sequence) is there")
            try tree.skip(to: UInt64(row.sequence), of: size) { try add($0) }
        }
        next = row.sequence &+ 1
        return true
    }

    private func examine(_ row: EntryRow, _ newest: inout Int64) throws {
        let place = "entry \(row.sequence)"
        let told: ToldEntry
        do throws(ReplayError) {
            told = try ToldEntry(row.body)
        } catch {
            return try add(.entryMalformed, place, "\(error)")
        }
        guard Int64(exactly: told.sequence) == row.sequence else {
            return try add(
                .entryMalformed,
                place,
                "it says that it is another one",
                expected: "\(row.sequence)",
                found: "\(told.sequence)",
            )
        }
        if settings.scope == .everything, let lack = told.lack {
            return try add(.entryMalformed, place, "a \(told.kind.rawValue) must have \(lack)")
        }
        try examineColumns(row, told, place)
        if row.time < newest - CommitTransaction.clockTolerance {
            try add(
                .entryTime,
                place,
                "its time lies further back than the clock may go",
                expected: "not before \(Timestamp(microseconds: newest).rfc3339)",
                found: told.time.rfc3339,
            )
        }
        newest = max(newest, told.time.microseconds)
        try examinePayload(row.sealed, told, place)
        if settings.scope == .everything { try replay(row, told, place) }
    }

    private func examineColumns(_ row: EntryRow, _ told: ToldEntry, _ place: String) throws {
        try compareColumn("kind", told.kind.rawValue, row.kind, place)
        try compareColumn("approval", told.approval?.rawValue, row.approval, place)
        guard row.time == told.time.microseconds else {
            return try add(
                .entryColumn,
                place,
                "the column time is not what it says",
                expected: "\(told.time.microseconds)",
                found: "\(row.time)",
            )
        }
    }

    private func compareColumn(_ name: String, _ expected: String?, _ found: [UInt8]?, _ place: String) throws {
        if let expected, let found, expected.utf8.elementsEqual(found) { return }
        if expected == nil, found == nil { return }
        try add(
            .entryColumn,
            place,
            "the column \(name) is not what it says",
            expected: expected ?? "nothing",
            found: found.map { Self.shown($0) } ?? "nothing",
        )
    }

    // MARK: State

    private func replay(_ row: EntryRow, _ told: ToldEntry, _ place: String) throws {
        var subject = told.subject
        if told.approval != nil, told.kind != .approvalRequested { subject = try subjectOfApproval(told) }
        // Whoever could not be authenticated has no column.
        if told.kind == .actionDenied, subject.agent == "unauthenticated", row.agent == nil { subject.agent = nil }
        try compareColumn("agent", subject.agent, row.agent, place)
        try compareColumn("connection", subject.connection, row.connection, place)
        let step: StateReplay.Step
        do throws(ReplayError) {
            step = try replay.take(told)
        } catch {
            return try add(.entryImpossible, place, "\(error)")
        }
        switch step {
        case .none, .went: break
        case .requested(let id, let number): try examineNumber(of: id, number, place)
        case .ended(let ended): try examineRow(of: ended)
        case .belated(let id):
            let isKnown = try db.first(
                "SELECT 1 FROM entry WHERE approval = ? AND kind = 'approval.requested' AND sequence < ?",
                [.text(id.rawValue), .integer(row.sequence)],
                { _ in true },
            )
            guard isKnown == true else {
                return try add(.entryImpossible, place, "the approval \(id) was not asked for before it")
            }
            let last = try db.first(
                "SELECT max(sequence) FROM entry WHERE approval = ? AND sequence < ?",
                [.text(id.rawValue), .integer(row.sequence)],
            ) { UInt64(exactly: $0.integer(0)) }
            if let before = told.before, before != last {
                try add(.entryImpossible, place, "entry \(before) is not the one of its approval before it")
            }
        }
    }

    /// What the request of an approval is about, and so all of its entries.
    private func subjectOfApproval(_ told: ToldEntry) throws -> (agent: String?, connection: String?) {
        guard let id = told.approval else { return (nil, nil) }
        if let open = replay.open[id] { return open.request.subject }
        // It ended before; the columns of its request were compared when that was read.
        return try db.first(
            "SELECT agent, connection FROM entry WHERE approval = ? AND kind = 'approval.requested'",
            [.text(id.rawValue)],
        ) { ($0.isNull(0) ? nil : $0.text(0), $0.isNull(1) ? nil : $0.text(1)) } ?? (nil, nil)
    }

    /// Approvals are numbered in the order in which they were asked for.
    private func examineNumber(of id: ApprovalID, _ number: Int64, _ place: String) throws {
        let found = try db.first("SELECT number FROM approval WHERE id = ?", [.text(id.rawValue)]) { $0.integer(0) }
        guard found != number else { return }
        faulted.insert(id)
        guard let found else {
            return try add(.stateMissing, "approval \(id)", "\(place) asked for it, and it has no row")
        }
        try add(
            .stateChanged,
            "approval \(id)",
            "the column number is not its place among all approvals",
            expected: "\(number)",
            found: "\(found)",
        )
    }

    /// Bytes of a column, made harmless and short.
    static func shown(_ bytes: [UInt8]) -> String {
        let text = bytes.prefix(64).map { (0x21...0x7E).contains($0) ? Character(Unicode.Scalar($0)) : "?" }
        return String(text) + (bytes.count > 64 ? "…" : "")
    }
}
