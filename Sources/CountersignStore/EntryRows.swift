import CountersignCore
import GRDB
import GRDBSQLite
import TransparencyLog

extension Statement {
    /// Inserts an entry.
    ///
    /// This is the product's hot path, one row per proxied request: the large values are lent to SQLite, not copied.
    func insert(sequence: Int64, _ draft: EntryDraft, body: [UInt8]) throws {
        defer { reset() }
        bind(1, sequence)
        bind(2, draft.time.microseconds)
        bind(3, draft.kind.rawValue)
        // What is not bound is NULL.
        if let agent = draft.agent { bind(4, agent.rawValue) }
        if let connection = draft.connection { bind(5, connection.rawValue) }
        if let approval = draft.approval { bind(6, approval.rawValue) }
        try lend(7, body) { try insert() }
    }

    /// Inserts a sealed payload.
    func insert(sequence: Int64, sealed: [UInt8]) throws {
        defer { reset() }
        bind(1, sequence)
        try lend(2, sealed) { try insert() }
    }

    private func insert() throws { _ = try step() }

    /// Binds bytes without a copy for as long as `body` runs; the caller resets the statement after it.
    private func lend(_ index: Int32, _ bytes: [UInt8], _ body: () throws -> Void) throws {
        guard !bytes.isEmpty else {
            unsafe sqlite3_bind_zeroblob(sqliteStatement, index, 0)
            return try body()
        }
        try unsafe bytes.withUnsafeBytes { buffer in
            unsafe sqlite3_bind_blob64(sqliteStatement, index, buffer.baseAddress, UInt64(buffer.count), nil)
            try body()
        }
    }
}

extension Database {
    /// The columns that ``PayloadSealer/entry(_:)`` reads.
    static let entryColumns =
        "entry.sequence, entry.body, (SELECT sealed FROM payload WHERE payload.sequence = entry.sequence)"
    /// The same without the payload.
    static let bareEntryColumns = "entry.sequence, entry.body, NULL"

    /// One entry, with its payload if there is a sealer to open it.
    func entry(_ sequence: UInt64, _ sealer: PayloadSealer?) throws -> Entry? {
        guard let sequence = Int64(exactly: sequence) else { return nil }
        let columns = sealer == nil ? Self.bareEntryColumns : Self.entryColumns
        return try first("SELECT \(columns) FROM entry WHERE sequence = ?", [.integer(sequence)]) { row in
            try sealer?.entry(row)
                ?? Entry(sequence: try row.count(0, "the number of an entry"), bytes: row.bytes(1), payload: nil)
        }
    }

    /// The place of an approval's newest entry.
    func lastEntry(of approval: ApprovalID) throws -> UInt64? {
        try first(
            "SELECT sequence FROM entry WHERE approval = ? ORDER BY sequence DESC LIMIT 1",
            [.text(approval.rawValue)],
        ) { try $0.count(0, "the number of an entry") }
    }

    /// A stored tile's hashes.
    func tile(level: Int, index: UInt64) throws -> [UInt8]? {
        guard let index = Int64(exactly: index) else { return nil }
        return try first(
            "SELECT hashes FROM tile WHERE level = ? AND position = ?",
            [.integer(Int64(level)), .integer(index)],
        ) { $0.bytes(0) }
    }

    /// Reads the end of the log as the last transaction left it, and compares it with the checkpoint remembered last.
    func logHead() throws -> GroupCommit.Head {
        let size =
            try first("SELECT max(sequence) FROM entry") { row in
                row.isNull(0) ? 0 : try row.count(0, "the number of the newest entry") + 1
            } ?? 0
        let full = size >> 8
        let tileCount = try first("SELECT count(*) FROM tile WHERE level = 0") { try $0.count(0, "the count of tiles") }
        guard tileCount == full else { throw Self.cut("it has \(size) entries and \(tileCount ?? 0) full tiles") }
        var tiles = TileReader { level, index in try self.tile(level: level, index: index) }
        let tree = try LogTree(
            size: size,
            leaves: { count in
                let leaves = try rows(
                    "SELECT body FROM entry WHERE sequence >= ? ORDER BY sequence",
                    [.integer(Int64(full << 8))],
                ) { row in LogHash.leaf(row.bytes(0)) }
                guard leaves.count == count else { throw Self.cut("entries are missing at its end") }
                return leaves
            },
            tiles: &tiles
        )
        try compareWithCheckpoint(tree, &tiles)
        // The newest time stands near the end: no entry is older than the newest by more than the clock's tolerance.
        let newest = try first("SELECT max(time) FROM (SELECT time FROM entry ORDER BY sequence DESC LIMIT 4096)") {
            $0.isNull(0) ? Int64.min / 2 : $0.integer(0)
        }
        return GroupCommit.Head(
            tree: tree,
            // What is compared with it is a little less, which must still be a number.
            newest: Timestamp(microseconds: max(newest ?? .min, .min / 2))
        )
    }

    private func compareWithCheckpoint(_ tree: LogTree, _ tiles: inout TileReader) throws {
        guard
            let (size, root) = try first(
                "SELECT size, root FROM checkpoint ORDER BY size DESC LIMIT 1",
                [],
                { row in
                    (try row.count(0, "the size of a checkpoint"), row.bytes(1))
                }
            )
        else { return }
        guard size <= tree.size else {
            throw Self.cut("it has \(tree.size) entries, and a checkpoint of \(size) was signed")
        }
        let actual = try treeRoot(size: size) { level, index in try tree.hash(level: level, index: index, &tiles) }
        guard actual.bytes == root else { throw Self.cut("its first \(size) entries are not those that were signed") }
    }

    private static func cut(_ what: String) -> LedgerError {
        LedgerError(
            .corrupt,
            "the log was cut or rewritten: \(what). Keep the file for inquiry and restore the data folder from a backup",
        )
    }
}
