import CountersignCore
import GRDB

/// Which keys the sealed values of a ledger need.
///
/// The table `sealing_key` has an id for every key that was ever in use, so that a start finds a missing key without
/// reading the payloads.
enum SealingKeys {
    /// Refuses a ledger with values that no key opens, and notes the key that new values get.
    static func check(_ db: Database, _ sealer: PayloadSealer) throws {
        let known = try db.rows("SELECT id FROM sealing_key", [], { UInt32(truncatingIfNeeded: $0.integer(0)) })
        for id in known where !sealer.knows(id) {
            // Only now are the values read: a key that was taken away on purpose has none any more.
            if try isNeeded(id, db) { throw PayloadSealer.unknownKey(id) }
            try db.run("DELETE FROM sealing_key WHERE id = ?", [.integer(Int64(id))])
        }
        try db.run("INSERT OR IGNORE INTO sealing_key (id) VALUES (?)", [.integer(Int64(sealer.key.id))])
    }

    private static func isNeeded(_ id: UInt32, _ db: Database) throws -> Bool {
        for table in ["payload", "document", "response", "answer"] {
            let found = try db.first(
                "SELECT 1 FROM \(table) WHERE substr(sealed, 2, 4) = ? LIMIT 1",
                [.blob(id.bigEndianBytes)],
                { _ in true },
            )
            if found ?? false { return true }
        }
        return false
    }
}
