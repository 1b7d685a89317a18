import CountersignCore
import GRDB

/// One page of a search of the log.
///
/// Time has no index: a binary search over the sequence finds where a time span begins and ends, because times run
/// backwards by the clock's tolerance at most. An agent's entries are found through the tiles that have any, because an
/// index on every entry's agent would cost more on the hot path than all else.
struct EntrySearch {
    private let query: EntryQuery
    private let size: Int64
    private let sealer: PayloadSealer
    private let db: Database
    private let limit: Int

    init(_ query: EntryQuery, size: UInt64, _ sealer: PayloadSealer, _ db: Database) {
        self.query = query
        self.sealer = sealer
        self.size = Int64(clamping: size)
        self.db = db
        limit = PageCursor.limit(query.limit)
    }

    /// Runs the search.
    ///
    /// A cursor that is not ours ends the list.
    func page() throws -> Page<Entry> {
        guard let cursor = PageCursor.position(query.cursor, first: query.ascending ? -1 : size) else {
            return Page(items: [], next: nil)
        }
        var (start, end) = try timeSpan()
        if query.ascending { start = max(start, cursor.addingReportingOverflow(1).partialValue) }
        if query.ascending && cursor == .max { start = .max }
        if !query.ascending { end = min(end, cursor) }
        var found = [(Entry, Int64)]()
        if let agent = query.agent, query.approval == nil {
            try searchTiles(of: agent, start, end, &found)
        } else {
            try search(start, end, &found)
        }
        return PageCursor.page(found, limit: limit)
    }

    /// Searches the tiles that the agent occurs in, and the entries that are in no full tile yet.
    private func searchTiles(
        of agent: AgentID,
        _ start: Int64,
        _ end: Int64,
        _ found: inout [(Entry, Int64)],
    ) throws {
        let tail = size & ~255
        if !query.ascending { try search(max(start, tail), end, &found) }
        try db.each(
            """
            SELECT position FROM tile_agent WHERE agent = ? AND position >= ? AND position < ?
            ORDER BY position \(query.ascending ? "ASC" : "DESC")
            """,
            [.text(agent.rawValue), .integer(start >> 8), .integer(min(tail, end.addingSaturating(255)) >> 8)],
        ) { row in
            let first = row.integer(0) << 8
            try search(max(start, first), min(end, first + 256), &found)
            return found.count <= limit
        }
        if query.ascending { try search(max(start, tail), end, &found) }
    }

    /// Searches a run of entries, until there is one more than the page takes.
    private func search(_ start: Int64, _ end: Int64, _ found: inout [(Entry, Int64)]) throws {
        guard start < end, found.count <= limit else { return }
        var conditions = ["sequence >= ? AND sequence < ?"]
        var values: [StoreValue] = [.integer(start), .integer(end)]
        func match(_ condition: String, _ more: StoreValue...) {
            conditions.append(condition)
            values += more
        }
        if !query.kinds.isEmpty {
            match("kind IN (\(query.kinds.map { _ in "?" }.joined(separator: ", ")))")
            values += query.kinds.map { .text($0.rawValue) }
            // Lets SQLite use the index on kinds, which leaves the commonest one out.
            if !query.kinds.contains(.actionAllowed) { match("kind <> 'action.allowed'") }
        }
        if let agent = query.agent { match("agent = ?", .text(agent.rawValue)) }
        if let approval = query.approval { match("approval = ?", .text(approval.rawValue)) }
        if let from = query.from { match("time >= ?", .integer(from.microseconds)) }
        if let to = query.to { match("time < ?", .integer(to.microseconds)) }
        if let text = query.text, !text.isEmpty {
            match("instr(lower(CAST(body AS TEXT)), lower(?)) > 0", .text(text))
        }
        values.append(.integer(Int64(limit + 1 - found.count)))
        found += try db.rows(
            """
            SELECT \(query.approval == nil ? Database.bareEntryColumns : Database.entryColumns) FROM entry WHERE \(conditions.joined(separator: " AND "))
            ORDER BY sequence \(query.ascending ? "ASC" : "DESC") LIMIT ?
            """,
            values,
        ) { row in (try sealer.entry(row), row.integer(0)) }
    }

    /// A run of entries outside of which no time is in the span asked for.
    private func timeSpan() throws -> (start: Int64, end: Int64) {
        let slack = 2 * CommitTransaction.clockTolerance
        var start: Int64 = 0
        var end = size
        if let from = query.from {
            start = try boundary { $0 >= from.microseconds - slack }
        }
        if let to = query.to {
            end = try boundary { $0 >= to.microseconds.addingSaturating(slack) }
        }
        return (start, end)
    }

    /// An entry before which no time passes the test and after which, but for the slack, all do.
    private func boundary(_ test: (Int64) -> Bool) throws -> Int64 {
        var low: Int64 = 0
        var high = size
        while low < high {
            let middle = low + (high - low) / 2
            let time = try db.first("SELECT time FROM entry WHERE sequence = ?", [.integer(middle)]) { $0.integer(0) }
            if test(time ?? .max) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension Int64 {
    /// The sum, or the largest number if it is larger.
    fileprivate func addingSaturating(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
