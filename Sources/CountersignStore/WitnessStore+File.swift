import CountersignCore
import GRDB
import TransparencyLog

/// The witness's table, and what is refused.
enum WitnessSchema {
    /// `CTSW`, in `PRAGMA application_id`: tells a witness's state from a ledger.
    static let application: Int64 = 0x4354_5357
    /// The version that this code writes.
    static let version: Int64 = 1

    /// What to do about a state that is lost.
    static let advice = """
        Do not put an older copy in its place: a witness that forgets what it cosigned protects nobody. Begin a new \
        witness instead, with another --data folder and another --name, and give its key to the gateways and to whoever \
        checks receipts. docs/operations.md, "Witnesses", has the steps.
        """

    /// Refuses what is not a witness's state, or a newer version's; changes nothing.
    static func inspect(_ file: StoreFile) throws(LedgerError) {
        guard let header = try file.header() else { return }
        guard case .database(let version, let application) = header else {
            throw LedgerError(
                .corrupt,
                "\(file.path) is not a witness's state, or its beginning is damaged. " + advice
            )
        }
        try accept(version: version, application: application, path: file.path)
    }

    /// Makes the table of a new file.
    static func migrate(_ db: Database, path: String) throws {
        func number(_ pragma: String) throws -> Int64 { try db.first("PRAGMA \(pragma)") { $0.integer(0) } ?? 0 }
        let found = try number("user_version")
        try accept(version: found, application: try number("application_id"), path: path)
        guard found == 0 else { return }
        guard try db.first("SELECT count(*) FROM sqlite_master", [], { $0.integer(0) }) == 0 else {
            throw LedgerError(.corrupt, "\(path) is a database of another program: name another --data folder")
        }
        // A crash before the end leaves an empty file, which is a new one.
        try db.inTransaction(.immediate) {
            try db.execute(
                sql: """
                    CREATE TABLE log (
                        origin BLOB PRIMARY KEY,
                        size INTEGER NOT NULL CHECK (size >= 0),
                        root BLOB NOT NULL CHECK (length(root) = 32),
                        time INTEGER NOT NULL CHECK (time > 0),
                        note TEXT NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    PRAGMA application_id = \(application);
                    PRAGMA user_version = \(version);
                    """
            )
            return .commit
        }
    }

    /// Finds damage in the whole file: in what SQLite needs, and in each row.
    static func check(_ db: Database, path: String) throws {
        let answer = try db.first("PRAGMA integrity_check(1)") { $0.text(0) }
        guard answer == "ok" else { throw damaged(path, "SQLite says: \(answer ?? "nothing")") }
        _ = try memories(db, path: path)
    }

    /// Every row, by origin.
    static func memories(_ db: Database, path: String) throws -> [WitnessStore.Memory] {
        try db.rows("SELECT origin, size, root, time, note FROM log ORDER BY origin") { try memory($0, path: path) }
    }

    /// The row of an origin.
    static func memory(_ db: Database, origin: String, path: String) throws -> WitnessStore.Memory? {
        try db.first(
            "SELECT origin, size, root, time, note FROM log WHERE origin = ?",
            [.blob(Array(origin.utf8))]
        ) { try memory($0, path: path) }
    }

    /// A row says everything twice, in its columns and in the note; the two must agree.
    private static func memory(_ row: StoreRow, path: String) throws -> WitnessStore.Memory {
        guard let text = try? SignedNote(parsing: row.text(4)).text, let checkpoint = try? Checkpoint(parsing: text),
            checkpoint.origin.utf8.elementsEqual(row.bytes(0)), Int64(exactly: checkpoint.size) == row.integer(1),
            checkpoint.root.bytes == row.bytes(2), row.integer(3) > 0
        else { throw damaged(path, "a row does not fit its note") }
        return WitnessStore.Memory(checkpoint: checkpoint, time: UInt64(row.integer(3)), note: row.text(4))
    }

    private static func accept(version: Int64, application: Int64, path: String) throws(LedgerError) {
        guard application == Self.application || (application == 0 && version == 0) else {
            throw LedgerError(.corrupt, "\(path) is a database of another program: name another --data folder")
        }
        guard version <= Self.version else {
            throw LedgerError(
                .newer,
                "\(path) was written by a newer version of Countersign (its format is \(version), this one knows "
                    + "\(Self.version)): start that version again. Nothing was changed.",
            )
        }
    }

    private static func damaged(_ path: String, _ detail: String) -> LedgerError {
        LedgerError(.corrupt, "the witness's state \(path) is damaged (\(detail)). " + advice)
    }
}

extension LedgerError {
    /// What a failure of a witness's state means to an operator, and how to mend it.
    init(witness error: any Error, path: String) {
        if let error = error as? LedgerError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(.unavailable, "the witness's state \(path) failed: \(error)")
            return
        }
        let detail = "SQLite \(error.extendedResultCode.rawValue): \(error.message ?? "no message")"
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            self.init(.corrupt, "the witness's state \(path) is damaged. \(WitnessSchema.advice) \(detail)")
        case .SQLITE_FULL:
            self.init(
                .unavailable,
                "the disk of \(path), or its quota, is full: make room, nothing else needs to be done. \(detail)"
            )
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
            self.init(
                .unavailable,
                "\(path) cannot be opened for writing: it and its folder must belong to the user that the witness "
                    + "runs as. \(detail)",
            )
        default: self.init(.unavailable, "the witness's state \(path) cannot be read or written. \(detail)")
        }
    }
}
