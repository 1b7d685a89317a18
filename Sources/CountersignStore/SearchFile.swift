import CountersignCore
import GRDB
import TransparencyLog

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The search index's file: an SQLite database with one row for each block of each segment.
///
/// It is never synced: what a loss of power leaves of it is either what was written, which every block proves of itself,
/// or thrown away.
struct SearchFile {
    /// `CTSX`, in `PRAGMA application_id`.
    private static let application: Int64 = 0x4354_5358
    /// Changed whenever the terms or the blocks change: an index of another version is made anew.
    private static let version: Int64 = 2

    private static let schema = """
        CREATE TABLE segment (id INTEGER PRIMARY KEY, root BLOB NOT NULL) STRICT;
        CREATE TABLE block (
            segment INTEGER NOT NULL,
            first BLOB NOT NULL,
            bytes BLOB NOT NULL,
            PRIMARY KEY (segment, first)
        ) STRICT;
        PRAGMA application_id = \(application);
        PRAGMA user_version = \(version);
        """

    /// Opens the file, or makes it where there is none or none of this version.
    static func open(_ path: String) throws -> DatabasePool {
        try StoreFile(path: path).makePrivate()
        let pool = try DatabasePool(path: path, configuration: configuration)
        let isOurs = try pool.writeWithoutTransaction { db in
            let application = try db.first("PRAGMA application_id") { $0.integer(0) }
            let version = try db.first("PRAGMA user_version") { $0.integer(0) }
            if application == 0, version == 0,
                try db.first("SELECT count(*) FROM sqlite_master", [], { $0.integer(0) }) == 0
            {
                try db.inTransaction {
                    try db.execute(sql: schema); return .commit
                }
                return true
            }
            return application == self.application && version == self.version
        }
        if isOurs { return pool }
        try pool.close()
        throw SearchDamage("it was written by another version of Countersign")
    }

    /// Removes the file and what SQLite keeps beside it.
    static func remove(_ path: String) {
        for suffix in ["", "-wal", "-shm", "-journal"] { unsafe unlink(path + suffix) }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "search"
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { db in
            // Only has an effect on a file that is still empty.
            try db.run("PRAGMA page_size = 16384")
            try db.run("PRAGMA synchronous = OFF")
            _ = try db.first("PRAGMA journal_size_limit = \(16 << 20)") { $0.integer(0) }
        }
        return configuration
    }
}

extension Database {
    /// The segments in the log's order; throws unless they follow each other without a gap.
    func searchSegments() throws -> [SearchSegment] {
        let segments = try rows("SELECT id, root FROM segment") { row in
            SearchSegment(id: row.integer(0), root: row.bytes(1))
        }
        var known = segments.compactMap { $0 }
        known.sort { $0.first < $1.first }
        var end: UInt64 = 0
        for segment in known {
            guard segment.first == end else { throw SearchDamage("there is no segment from entry \(end) on") }
            end = segment.end
        }
        guard known.count == segments.count else { throw SearchDamage("a segment has no root") }
        return known
    }

    /// The block that covers a term, or is the one that follows another.
    func searchBlock(covering term: [UInt8], of segment: SearchSegment) throws -> SearchBlock {
        let block = try first(
            "SELECT first, bytes FROM block WHERE segment = ? AND first <= ? ORDER BY first DESC LIMIT 1",
            [.integer(segment.id), .blob(term)],
        ) { row in try SearchBlock(first: row.bytes(0), bytes: row.bytes(1), segment) }
        guard let block, block.covers(term) else {
            throw SearchDamage("segment \(segment.level)/\(segment.position) lacks a block")
        }
        return block
    }

    /// The entries of a segment that meet a clause.
    func searchBits(_ clause: SearchTerms.Clause, of segment: SearchSegment) throws -> SearchBits {
        var bits = SearchBits(count: segment.width)
        func add(_ item: SearchBlock.Item) throws {
            let isWhole = SearchBits.decode(item.places, isDense: item.isDense, count: segment.width) {
                bits.insert($0)
            }
            guard isWhole else { throw SearchDamage("the entries of a term cannot be read") }
        }
        for term in clause.terms {
            var block = try searchBlock(covering: term, of: segment)
            while true {
                var isPast = false
                try block.each { item in
                    if clause.isPrefix ? item.term.starts(with: term) : item.term == term { try add(item) }
                    isPast = term.lexicographicallyPrecedes(item.term) && !item.term.starts(with: term)
                    return !isPast
                }
                guard clause.isPrefix, !isPast, !block.next.isEmpty else { break }
                block = try searchBlock(covering: block.next, of: segment)
            }
        }
        return bits
    }

    /// Writes a segment from its terms, which `next` gives in order with their entries until it says false, and removes
    /// those that it replaces.
    func insertSegment(
        _ segment: SearchSegment,
        replacing parts: [SearchSegment] = [],
        _ next: (_ term: inout [UInt8], _ places: inout [UInt16]) throws -> Bool,
    ) throws {
        var first = [UInt8]()
        var items = [UInt8]()
        var (previous, term) = ([UInt8](), [UInt8]())
        var places = [UInt16]()
        func write(upTo next: [UInt8]) throws {
            let bytes = SearchBlock.encode(first: first, next: next, items: items, segment)
            try run(
                "INSERT INTO block (segment, first, bytes) VALUES (?, ?, ?)",
                [.integer(segment.id), .blob(first), .blob(bytes)],
            )
        }
        while try next(&term, &places) {
            if items.count >= SearchBlock.enough {
                try write(upTo: term)
                first = term
                items.removeAll(keepingCapacity: true)
                previous.removeAll(keepingCapacity: true)
            }
            SearchBlock.append(term, after: previous, places, count: segment.width, to: &items)
            swap(&previous, &term)
        }
        try write(upTo: [])
        for part in parts {
            try run("DELETE FROM block WHERE segment = ?", [.integer(part.id)])
            try run("DELETE FROM segment WHERE id = ?", [.integer(part.id)])
        }
        try run("INSERT INTO segment (id, root) VALUES (?, ?)", [.integer(segment.id), .blob(segment.root.bytes)])
    }
}
