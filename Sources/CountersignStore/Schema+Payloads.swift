import CountersignCore
import GRDB

extension Schema {
    /// The third step: payloads and documents stand apart, sealed.
    ///
    /// It works in portions, because a log may be large; every portion is a transaction, and a crash between two is
    /// taken up where it was. At its end the file is written anew, because SQLite leaves copies of what it moved.
    static func sealPayloads(_ db: Database, _ sealer: PayloadSealer) throws {
        let isBegun = try exists("payload", db)
        if !isBegun {
            try transaction(db) { try db.execute(sql: sealedTables) }
        }
        // What held clear text is overwritten.
        _ = try db.first("PRAGMA secure_delete = ON") { $0.integer(0) }
        var hadContent = false
        if try column("payload", of: "entry", db) {
            hadContent = try db.first("SELECT 1 FROM entry LIMIT 1", [], { _ in true }) ?? false
            while try transaction(db, { try movePayloads(db, sealer) }) {}
            while try transaction(db, { try moveDocuments(db, sealer) }) {}
            try transaction(db) {
                try moveAnswers(db, sealer)
                try moveResponses(db, sealer)
                try db.execute(
                    sql: "ALTER TABLE entry DROP COLUMN salt; ALTER TABLE entry DROP COLUMN payload;"
                )
            }
        } else {
            // Stopped after the last portion, before the file was written anew.
            hadContent = true
        }
        if hadContent { try db.execute(sql: "VACUUM") }
    }

    private static let portion: Int64 = 500

    private static func movePayloads(_ db: Database, _ sealer: PayloadSealer) throws -> Bool {
        let last = try db.first("SELECT max(sequence) FROM payload") { $0.isNull(0) ? -1 : $0.integer(0) } ?? -1
        let rows = try db.rows(
            """
            SELECT sequence, salt, payload FROM entry
            WHERE sequence > ? AND salt IS NOT NULL AND payload IS NOT NULL ORDER BY sequence LIMIT ?
            """,
            [.integer(last), .integer(portion)],
        ) { row in (row.integer(0), EntryDraft.Payload(salt: row.bytes(1), bytes: row.bytes(2))) }
        for (sequence, payload) in rows {
            try db.run(
                "INSERT INTO payload (sequence, sealed) VALUES (?, ?)",
                [.integer(sequence), .blob(try sealer.seal(payload))],
            )
        }
        return !rows.isEmpty
    }

    private static func moveDocuments(_ db: Database, _ sealer: PayloadSealer) throws -> Bool {
        let last = try db.first("SELECT max(number) FROM document") { $0.isNull(0) ? 0 : $0.integer(0) } ?? 0
        let rows = try db.rows(
            "SELECT number, record FROM approval WHERE number > ? ORDER BY number LIMIT ?",
            [.integer(last), .integer(portion)],
        ) { row in (row.integer(0), try RecordCoding.decode(Approval.self, row.bytes(1))) }
        for (number, approval) in rows {
            try db.run(
                "UPDATE approval SET record = ? WHERE number = ?",
                [.blob(try RecordCoding.encode(approval)), .integer(number)],
            )
            guard let document = approval.document else { continue }
            try db.run(
                "INSERT INTO document (number, sealed) VALUES (?, ?)",
                [.integer(number), .blob(try sealer.seal(Array(document.utf8), .document(approval.id)))],
            )
        }
        return !rows.isEmpty
    }

    private static func moveAnswers(_ db: Database, _ sealer: PayloadSealer) throws {
        let rows = try db.rows("SELECT rowid, caller, key, body FROM clear_answer") { row in
            (row.integer(0), IdempotencyKey(caller: row.text(1), key: row.text(2)), row.bytes(3))
        }
        for (rowid, key, body) in rows {
            try db.run(
                """
                INSERT INTO answer (caller, key, fingerprint, status, content_type, sealed, at, approval)
                SELECT caller, key, fingerprint, status, content_type, ?, at, ? FROM clear_answer WHERE rowid = ?
                """,
                [
                    .blob(try sealer.seal(body, .answer(key))),
                    StoreValue(RememberedAnswer.approval(in: body)?.rawValue), .integer(rowid),
                ],
            )
        }
        try db.execute(sql: "DROP TABLE clear_answer")
    }

    private static func moveResponses(_ db: Database, _ sealer: PayloadSealer) throws {
        let rows = try db.rows("SELECT approval, status, fields, body, file FROM clear_response") { row in
            KeptResponse(
                approval: ApprovalID(unchecked: row.text(0)),
                status: Int(row.integer(1)),
                fields: try RecordCoding.decode([[String]].self, row.bytes(2)),
                body: row.bytes(3),
                file: row.isNull(4) ? nil : row.text(4),
            )
        }
        for response in rows { try db.keep(response, sealed: try sealer.seal(response)) }
        try db.execute(sql: "DROP TABLE clear_response")
    }

    private static func exists(_ table: String, _ db: Database) throws -> Bool {
        try db.first("SELECT 1 FROM sqlite_master WHERE name = ?", [.text(table)]) { _ in true } ?? false
    }

    private static func column(_ column: String, of table: String, _ db: Database) throws -> Bool {
        try db.first("SELECT 1 FROM pragma_table_info('\(table)') WHERE name = ?", [.text(column)]) { _ in true }
            ?? false
    }

    private static func transaction<Value>(_ db: Database, _ body: () throws -> Value) throws -> Value {
        var result: Value?
        try db.inTransaction(.immediate) {
            result = try body()
            return .commit
        }
        guard let result else { throw LedgerError(.corrupt, "a transaction had no result") }
        return result
    }

    /// Payloads have one row per proxied request and are found by the entry's number only.
    private static let sealedTables = """
        CREATE TABLE payload (sequence INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
        CREATE TABLE document (number INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
        CREATE TABLE sealing_key (id INTEGER PRIMARY KEY) STRICT;
        ALTER TABLE approval ADD COLUMN erased_by INTEGER;

        ALTER TABLE response RENAME TO clear_response;
        CREATE TABLE response (
            approval TEXT PRIMARY KEY,
            status INTEGER NOT NULL,
            sealed BLOB NOT NULL,
            file TEXT
        ) STRICT;

        DROP INDEX answer_at;
        ALTER TABLE answer RENAME TO clear_answer;
        CREATE TABLE answer (
            caller TEXT NOT NULL,
            key TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            status INTEGER NOT NULL,
            content_type TEXT NOT NULL,
            sealed BLOB NOT NULL,
            at INTEGER NOT NULL,
            approval TEXT,
            PRIMARY KEY (caller, key)
        ) STRICT;
        CREATE INDEX answer_at ON answer (at);
        CREATE INDEX answer_approval ON answer (approval) WHERE approval IS NOT NULL;
        """
}
