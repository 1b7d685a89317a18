import CanonicalJSON
import CountersignCore
import GRDB

/// One page of a search of the log.
///
/// The search index proposes entries and each is read and compared; what is not in the index yet is read through. So the
/// answer is that of reading every entry, however far behind the index is. Time has no index: a binary search over the
/// sequence finds where a time span begins and ends, because times run backwards by the clock's tolerance at most.
struct EntrySearch {
    private let query: EntryQuery
    private let words: [[UInt8]]
    private let size: Int64
    private let sealer: PayloadSealer
    private let index: SearchIndex?
    private let db: Database
    private let limit: Int

    init(_ query: EntryQuery, size: UInt64, index: SearchIndex?, _ sealer: PayloadSealer, _ db: Database) {
        self.query = query
        self.sealer = sealer
        words = EntryWords.words(of: query.text ?? "")
        self.size = Int64(clamping: size)
        self.index = index
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
        let clauses = SearchTerms.clauses(of: query)
        var found: [Int64]?
        // An approval has few entries, and an index of its own.
        if let index, query.approval == nil, !clauses.isEmpty, start < end {
            found = try index.read { try searchIndex(clauses, $0, $1, start, end) }
        }
        let sequences = try found ?? scan(start, end, atMost: limit + 1)
        let shown = try sequences.prefix(limit).compactMap { sequence in
            try db.entry(UInt64(sequence), query.approval == nil ? nil : sealer).map { ($0, sequence) }
        }
        guard shown.count == min(sequences.count, limit) else {
            throw LedgerError(.corrupt, "the log was cut: an entry that was found is missing")
        }
        return Page(items: shown.map(\.0), next: sequences.count > limit ? "\(sequences[limit - 1])" : nil)
    }

    /// Searches what the index covers through it, and reads the rest.
    private func searchIndex(
        _ clauses: [SearchTerms.Clause],
        _ index: Database,
        _ segments: [SearchSegment],
        _ start: Int64,
        _ end: Int64,
    ) throws -> [Int64] {
        let covered = Int64(segments.last?.end ?? 0)
        var found = [Int64]()
        func readRest() throws {
            found += try scan(max(start, covered), end, atMost: limit + 1 - found.count)
        }
        if !query.ascending { try readRest() }
        for segment in query.ascending ? segments : segments.reversed() where found.count <= limit {
            let first = Int64(segment.first)
            let range = max(start - first, 0)..<max(min(end - first, Int64(segment.width)), max(start - first, 0))
            guard !range.isEmpty, let bits = try self.bits(clauses, segment, index) else { continue }
            try bits.each(in: Int(range.lowerBound)..<Int(range.upperBound), ascending: query.ascending) { place in
                if try matches(first + Int64(place)) { found.append(first + Int64(place)) }
                return found.count <= limit
            }
        }
        if query.ascending { try readRest() }
        return found
    }

    /// The entries of a segment that meet every clause; `nil` for none.
    private func bits(
        _ clauses: [SearchTerms.Clause],
        _ segment: SearchSegment,
        _ index: Database,
    ) throws -> SearchBits? {
        var all: SearchBits?
        for clause in clauses {
            var bits = try index.searchBits(clause, of: segment)
            if let all { bits.formIntersection(all) }
            if bits.isEmpty { return nil }
            all = bits
        }
        return all
    }

    /// Whether an entry that the index proposes is one that is asked for.
    private func matches(_ sequence: Int64) throws -> Bool {
        do {
            return try db.first(
                "SELECT time, body, agent, connection FROM entry WHERE sequence = ?",
                [.integer(sequence)],
            ) { row in
                let time = Timestamp(microseconds: row.integer(0))
                guard query.from.map({ $0 <= time }) ?? true, query.to.map({ time < $0 }) ?? true else { return false }
                return matches(row)
            } ?? false
        } catch {
            // The index is not to blame.
            throw LedgerError(store: error)
        }
    }

    /// Compares the entry itself, whose body, agent and connection are in the row's columns from 1 on.
    private func matches(_ row: StoreRow) -> Bool {
        guard let entry = StoredJSON.value(row.bytes(1)) else { return false }
        let facets = EntryFacets(
            entry,
            agent: row.isNull(2) ? nil : AgentID(unchecked: row.text(2)),
            connection: row.isNull(3) ? nil : ConnectionName(unchecked: row.text(3)),
        )
        return facets.match(query) && EntryWords.occur(words, in: entry)
    }

    /// Reads a run of entries until so many are found.
    private func scan(_ start: Int64, _ end: Int64, atMost count: Int) throws -> [Int64] {
        guard start < end, count > 0 else { return [] }
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
        if let connection = query.connection { match("connection = ?", .text(connection.rawValue)) }
        if let approval = query.approval { match("approval = ?", .text(approval.rawValue)) }
        if let from = query.from { match("time >= ?", .integer(from.microseconds)) }
        if let to = query.to { match("time < ?", .integer(to.microseconds)) }
        let readsBody = query.user != nil || !query.effects.isEmpty || !query.statuses.isEmpty || !words.isEmpty
        var found = [Int64]()
        do {
            try db.each(
                """
                SELECT sequence, \(readsBody ? "body, agent, connection" : "NULL") FROM entry
                WHERE \(conditions.joined(separator: " AND ")) ORDER BY sequence \(query.ascending ? "ASC" : "DESC")
                """,
                values,
            ) { row in
                if !readsBody || matches(row) { found.append(row.integer(0)) }
                return found.count < count
            }
        } catch {
            throw LedgerError(store: error)
        }
        return found
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
