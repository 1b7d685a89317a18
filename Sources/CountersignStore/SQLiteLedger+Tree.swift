package import CountersignCore
import GRDB
package import TransparencyLog

extension SQLiteLedger {
    /// The size and root of the tree as of the latest commit; from memory.
    package func treeHead() async throws(LedgerError) -> TreeHead { writer.tree.head }

    /// The proof that the leaf at `index` is in the tree of `size` leaves; empty where there is no such tree yet.
    package func inclusionProof(index: UInt64, size: UInt64) async throws(LedgerError) -> [LogHash] {
        let tree = writer.tree
        guard size <= tree.size else { return [] }
        return try await read { db in
            var tiles = db.tileReader()
            return try InclusionProof.build(index: index, size: size) { level, position in
                try tree.hash(level: level, index: position, &tiles)
            }
        }
    }

    /// The proof that the tree of `from` leaves is a prefix of that of `to`; empty where there is no such tree yet.
    package func consistencyProof(from: UInt64, to: UInt64) async throws(LedgerError) -> [LogHash] {
        let tree = writer.tree
        guard to <= tree.size else { return [] }
        return try await read { db in
            var tiles = db.tileReader()
            return try ConsistencyProof.build(from: from, to: to) { level, position in
                try tree.hash(level: level, index: position, &tiles)
            }
        }
    }

    /// The first `width` hashes of a tile; `nil` where the log does not reach so far.
    package func hashTile(level: Int, index: UInt64, width: Int) async throws(LedgerError) -> [UInt8]? {
        guard level >= 0, level < 8, (1...LogTree.tileWidth).contains(width), index <= UInt64.max >> 8 else {
            return nil
        }
        let tree = writer.tree
        let first = index << 8
        guard first.addingReportingOverflow(UInt64(width)).partialValue <= tree.size >> UInt64(8 * level) else {
            return nil
        }
        return try await read { db in
            var tiles = db.tileReader()
            return try (0..<UInt64(width)).flatMap { offset in
                try tree.hash(level: 8 * level, index: first + offset, &tiles).bytes
            }
        }
    }

    /// Consecutive entries from `start` on, without their payloads.
    package func leaves(from start: UInt64, count: Int) async throws(LedgerError) -> [Entry] {
        guard let start = Int64(exactly: start), count > 0 else { return [] }
        return try await read { db in
            try db.rows(
                "SELECT sequence, body FROM entry WHERE sequence >= ? ORDER BY sequence LIMIT ?",
                [.integer(start), .integer(Int64(count))],
            ) { row in Entry(sequence: try row.count(0, "an entry's number"), bytes: row.bytes(1), payload: nil) }
        }
    }

    /// Remembers a signed checkpoint, so that a start can tell whether the log was cut.
    ///
    /// One that is not of this log is refused as `.corrupt`; one smaller than the latest is not kept.
    package func rememberCheckpoint(_ note: String, size: UInt64) async throws(LedgerError) {
        try await remember(note, size: size, in: "checkpoint")
    }

    /// The latest remembered checkpoint.
    package func latestCheckpoint() async throws(LedgerError) -> String? {
        try await read { try $0.first("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1") { $0.text(0) } }
    }

    /// Remembers a checkpoint that enough witnesses have cosigned.
    package func rememberCosigned(_ note: String, size: UInt64) async throws(LedgerError) {
        try await remember(note, size: size, in: "cosigned")
    }

    /// The latest remembered checkpoint that enough witnesses have cosigned.
    package func latestCosigned() async throws(LedgerError) -> String? {
        try await read { try $0.first("SELECT note FROM cosigned ORDER BY size DESC LIMIT 1") { $0.text(0) } }
    }

    private func remember(_ note: String, size: UInt64, in table: String) async throws(LedgerError) {
        let tree = writer.tree
        guard let text = try? SignedNote(parsing: note).text, let checkpoint = try? Checkpoint(parsing: text),
            checkpoint.size == size, size <= tree.size
        else { throw LedgerError(.corrupt, "what is to be remembered is not a checkpoint of \(size) entries") }
        let root = try await read { db in
            var tiles = db.tileReader()
            return try treeRoot(size: size) { level, index in try tree.hash(level: level, index: index, &tiles) }
        }
        guard root == checkpoint.root else {
            throw LedgerError(.corrupt, "the checkpoint of \(size) entries is not of this log")
        }
        try await writer.chore { db in
            let size = Int64(size)
            let newest = try db.first("SELECT max(size) FROM \(table)", [], { $0.integer(0) }) ?? 0
            guard newest <= size else { return }
            try db.run(
                "INSERT OR REPLACE INTO \(table) (size, root, note) VALUES (?, ?, ?)",
                [.integer(size), .blob(root.bytes), .text(note)],
            )
            try db.run("DELETE FROM \(table) WHERE size < ?", [.integer(size)])
        }.get()
    }

    /// Where a reader of the log goes on; `nil` for a new one.
    package func cursor(_ reader: String) async throws(LedgerError) -> UInt64? {
        try await read { db in
            try db.first("SELECT next FROM cursor WHERE reader = ?", [.text(reader)]) { row in
                try row.count(0, "the cursor of \(reader)")
            }
        }
    }

    /// Moves a reader's cursor, durably.
    package func moveCursor(_ reader: String, to next: UInt64) async throws(LedgerError) {
        try await writer.chore { db in
            try db.run(
                "INSERT OR REPLACE INTO cursor (reader, next) VALUES (?, ?)",
                [.text(reader), .integer(Int64(clamping: next))],
            )
        }.get()
    }
}

extension Database {
    /// Reads the tiles of this transaction's view.
    func tileReader() -> TileReader { TileReader { level, index in try self.tile(level: level, index: index) } }
}
