import CountersignCore
import GRDB

/// The ledger's tables and how older files become today's.
///
/// The version is in `PRAGMA user_version`.
enum Schema {
    /// `CTSG`, in `PRAGMA application_id`: tells our files from other databases.
    static let application: Int64 = 0x4354_5347

    /// What brings a file from version n to n + 1.
    enum Migration {
        /// Statements, in one transaction with the new version.
        case sql(String)
        /// Work in transactions of its own, which can be done again from wherever it was cut off.
        case steps(@Sendable (Database, PayloadSealer) throws -> Void)
    }

    /// The migrations; only ever appended to.
    static let migrations: [Migration] = [
        .sql(first), .sql(second), .steps(sealPayloads), .sql(fourth), .sql(fifth), .sql(sixth), .sql(seventh),
        .sql(eighth), .sql(ninth), .sql(tenth),
    ]

    /// The version that this code writes.
    static var version: Int64 { Int64(migrations.count) }

    /// Refuses foreign files and newer versions.
    ///
    /// A file that was created and never written to has neither number.
    static func accept(version: Int64, application: Int64, path: String) throws(LedgerError) {
        guard application == Self.application || (application == 0 && version == 0) else {
            throw LedgerError(
                .corrupt,
                "\(path) is a database of another program: name another data folder, or move the file away",
            )
        }
        guard version >= 0 else {
            throw LedgerError(.corrupt, "\(path) says that its format is \(version): restore it from a backup")
        }
        guard version <= Self.version else {
            throw LedgerError(
                .newer,
                "\(path) was written by a newer version of Countersign (its format is \(version), this one knows "
                    + "\(Self.version)): start that version again. Nothing was changed.",
            )
        }
    }

    /// Checks the file and brings it up to date.
    ///
    /// Each step ends with a transaction that has its number; a crash in between is taken up at the next start.
    static func migrate(_ db: Database, _ sealer: PayloadSealer, path: String) throws {
        func number(_ pragma: String) throws -> Int64 { try db.first("PRAGMA \(pragma)") { $0.integer(0) } ?? 0 }
        let version = try number("user_version")
        try accept(version: version, application: try number("application_id"), path: path)
        if version == 0, try db.first("SELECT count(*) FROM sqlite_master", [], { $0.integer(0) }) != 0 {
            throw LedgerError(.corrupt, "\(path) is a database of another program: name another data folder")
        }
        for (step, migration) in migrations.enumerated().dropFirst(Int(version)) {
            if case .steps(let work) = migration { try work(db, sealer) }
            try db.inTransaction(.immediate) {
                if case .sql(let sql) = migration { try db.execute(sql: sql) }
                try db.execute(sql: "PRAGMA application_id = \(application); PRAGMA user_version = \(step + 1)")
                return .commit
            }
        }
    }

    /// Finds damage.
    ///
    /// The whole of a small file is checked; of a large one everything but the entries, which the Merkle tree covers
    /// and ``SQLiteLedger/audit()`` reads through, and their payloads, which are authenticated one by one.
    static func check(_ db: Database) throws {
        let pages = try db.first("PRAGMA page_count") { $0.integer(0) } ?? 0
        let size = try db.first("PRAGMA page_size") { $0.integer(0) } ?? 0
        var checks = ["quick_check(1)"]
        if pages * size > 256 * 1024 * 1024 {
            checks = try db.rows(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('entry', 'payload')"
            ) { row in
                "quick_check('\(row.text(0))')"
            }
        }
        for check in checks {
            let answer = try db.first("PRAGMA \(check)") { $0.text(0) }
            guard answer == "ok" else {
                throw LedgerError(
                    .corrupt,
                    "the ledger's file is damaged: restore it from a backup. SQLite says: \(answer ?? "nothing")",
                )
            }
        }
    }

    /// Entries are written once per proxied request, so they have the fewest indexes that answer the questions asked:
    /// the commonest kind has none on `kind`, and time needs none because it rises with the sequence.
    private static let first = """
        CREATE TABLE entry (
            sequence INTEGER PRIMARY KEY,
            time INTEGER NOT NULL,
            kind TEXT NOT NULL,
            agent TEXT,
            connection TEXT,
            approval TEXT,
            body BLOB NOT NULL,
            salt BLOB,
            payload BLOB
        ) STRICT;
        CREATE INDEX entry_approval ON entry (approval) WHERE approval IS NOT NULL;
        CREATE INDEX entry_kind ON entry (kind) WHERE kind <> 'action.allowed';

        CREATE TABLE tile (
            level INTEGER NOT NULL,
            position INTEGER NOT NULL,
            hashes BLOB NOT NULL,
            PRIMARY KEY (level, position)
        ) STRICT;
        CREATE TABLE tile_agent (
            agent TEXT NOT NULL,
            position INTEGER NOT NULL,
            PRIMARY KEY (agent, position)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE checkpoint (
            size INTEGER PRIMARY KEY,
            root BLOB NOT NULL,
            note TEXT NOT NULL
        ) STRICT;

        CREATE TABLE approval (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            agent TEXT NOT NULL,
            digest TEXT NOT NULL,
            connection TEXT NOT NULL,
            status TEXT NOT NULL,
            active INTEGER NOT NULL,
            asynchronous INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            grant_expires_at INTEGER,
            revision INTEGER NOT NULL,
            record BLOB NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX approval_active ON approval (agent, digest) WHERE active = 1;
        CREATE INDEX approval_pending ON approval (agent) WHERE status = 'pending';
        CREATE INDEX approval_deadline ON approval (expires_at) WHERE status = 'pending';
        CREATE INDEX approval_grant ON approval (grant_expires_at) WHERE status = 'approved';
        CREATE INDEX approval_status ON approval (status);
        CREATE INDEX approval_agent ON approval (agent);
        CREATE INDEX approval_connection ON approval (connection);
        CREATE TABLE response (
            approval TEXT PRIMARY KEY,
            status INTEGER NOT NULL,
            fields BLOB NOT NULL,
            body BLOB NOT NULL,
            file TEXT
        ) STRICT;

        CREATE TABLE agent (id TEXT PRIMARY KEY, record BLOB NOT NULL) STRICT;
        CREATE TABLE user (id TEXT PRIMARY KEY, record BLOB NOT NULL) STRICT;
        CREATE TABLE agent_key (id TEXT PRIMARY KEY, agent TEXT NOT NULL, record BLOB NOT NULL) STRICT;
        CREATE INDEX agent_key_agent ON agent_key (agent);
        CREATE TABLE session (id TEXT PRIMARY KEY, user TEXT NOT NULL, record BLOB NOT NULL) STRICT;
        CREATE INDEX session_user ON session (user);
        CREATE TABLE used_link (id TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT;

        CREATE TABLE answer (
            caller TEXT NOT NULL,
            key TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            status INTEGER NOT NULL,
            content_type TEXT NOT NULL,
            body BLOB NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (caller, key)
        ) STRICT;
        CREATE INDEX answer_at ON answer (at);
        """

    /// The witnesses' checkpoint, and where the readers of the log are.
    private static let second = """
        CREATE TABLE cosigned (
            size INTEGER PRIMARY KEY,
            root BLOB NOT NULL,
            note TEXT NOT NULL
        ) STRICT;
        CREATE TABLE cursor (
            reader TEXT PRIMARY KEY,
            next INTEGER NOT NULL
        ) STRICT;
        """

    /// Agents are found through the search index, which is a file of its own.
    private static let fourth = "DROP TABLE tile_agent;"

    /// The definitions of tools that were accepted; entries have their digests.
    private static let fifth = """
        CREATE TABLE tool (
            connection TEXT NOT NULL,
            tool TEXT NOT NULL,
            digest TEXT NOT NULL,
            record BLOB NOT NULL,
            PRIMARY KEY (connection, tool)
        ) STRICT;
        """

    /// What is still to be told to people, what they were shown, and who they are in chats.
    private static let sixth = """
        CREATE TABLE notice (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            approval TEXT NOT NULL,
            batch TEXT,
            subject TEXT NOT NULL,
            channel TEXT NOT NULL,
            address TEXT NOT NULL,
            cause TEXT NOT NULL,
            event TEXT NOT NULL,
            revision INTEGER NOT NULL,
            status TEXT NOT NULL,
            made_at INTEGER NOT NULL,
            due_at INTEGER NOT NULL,
            try_at INTEGER NOT NULL,
            tries INTEGER NOT NULL,
            state TEXT NOT NULL,
            ended_at INTEGER,
            trouble TEXT
        ) STRICT;
        CREATE INDEX notice_waiting ON notice (channel, try_at, number) WHERE state = 'waiting';
        CREATE INDEX notice_open ON notice (channel, due_at) WHERE ended_at IS NULL;
        CREATE INDEX notice_failed ON notice (channel) WHERE state = 'failed';
        CREATE INDEX notice_subject ON notice (subject, channel, address, number);
        CREATE INDEX notice_approval ON notice (approval);
        CREATE INDEX notice_ended ON notice (ended_at) WHERE ended_at IS NOT NULL;
        CREATE TABLE message (
            subject TEXT NOT NULL,
            channel TEXT NOT NULL,
            address TEXT NOT NULL,
            reference TEXT NOT NULL,
            revision INTEGER NOT NULL,
            PRIMARY KEY (subject, channel, address)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE channel_link (id TEXT PRIMARY KEY, user TEXT NOT NULL, record BLOB NOT NULL) STRICT;
        CREATE INDEX channel_link_user ON channel_link (user);
        """

    /// Where chats' own servers said that places can be reached.
    private static let seventh = """
        CREATE TABLE place (
            channel TEXT NOT NULL,
            address TEXT NOT NULL,
            service TEXT NOT NULL,
            tenant TEXT NOT NULL,
            learned_at INTEGER NOT NULL,
            PRIMARY KEY (channel, address)
        ) STRICT, WITHOUT ROWID;
        """

    /// Which approval a message shows, for words that are written below it.
    private static let eighth = "CREATE INDEX message_reference ON message (channel, address, reference)"

    /// How long a receiver itself put an attempt off, and which old notices say where a payload is still shown.
    private static let ninth = """
        ALTER TABLE notice ADD COLUMN not_before INTEGER;
        ALTER TABLE notice ADD COLUMN is_kept INTEGER NOT NULL DEFAULT 0;
        DROP INDEX notice_ended;
        CREATE INDEX notice_ended ON notice (ended_at) WHERE ended_at IS NOT NULL AND is_kept = 0;
        """

    /// What is told before erasures, of which there may be thousands.
    private static let tenth = """
        CREATE INDEX notice_pressing ON notice (channel, try_at, number)
        WHERE state = 'waiting' AND event <> 'payload.erased';
        """
}
