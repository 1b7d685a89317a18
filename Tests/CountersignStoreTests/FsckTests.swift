import CanonicalJSON
import CountersignCore
import CountersignStore
import CountersignTestKit
import Foundation
import GRDB
import Testing
import TransparencyLog

/// Changes a closed ledger's file behind its back.
func tamper(_ path: String, _ sql: String) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.write { try $0.execute(sql: sql) }
    try queue.close()
}

/// Examines a ledger with the key that test ledgers are signed with.
func examine(_ path: String, limit: Int = 1, heads: [LogExamination.KnownHead] = []) throws -> LogReport {
    let key = try Fixtures.logSigner().verifier
    return try LogExamination(path: path, key: key, sealer: .fixture, heads: heads, limit: limit).run()
}

/// One rich ledger for all tests, which work on copies.
private actor Original {
    static let shared = Original()
    private var made: (file: Data, ledger: RichLedger)?

    /// Puts a copy of it into a folder.
    func copy(to path: String) async throws -> RichLedger {
        if let made {
            try made.file.write(to: URL(fileURLWithPath: path))
            return made.ledger
        }
        let ledger = try await RichLedger.make(path)
        made = (try Data(contentsOf: URL(fileURLWithPath: path)), ledger)
        return ledger
    }
}

/// Lends a copy of the rich ledger.
func withRichLedger<Value>(_ body: (String, RichLedger) async throws -> Value) async throws -> Value {
    try await withTemporaryFolder { folder in
        let path = folder + "/ledger.db"
        return try await body(path, try await Original.shared.copy(to: path))
    }
}

@Suite("An examination derives a whole ledger anew", .timeLimit(.minutes(10)))
struct FsckTests {
    @Test("a ledger with something of everything is sound")
    func sound() async throws {
        try await withRichLedger { path, ledger in
            let before = try Data(contentsOf: URL(fileURLWithPath: path))
            let report = try examine(path, limit: 100)
            #expect(report.findings == [])
            #expect(report.entries == ledger.size)
            #expect(report.root != nil)
            #expect(report.checkpoints == 2)
            #expect(report.approvals == 12)
            #expect(report.identities == 9)
            #expect(report.payloads > 500)
            #expect(report.erased == 2)
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
            let queue = try DatabaseQueue(path: path)
            let statuses = try await queue.read { db in
                try String.fetchAll(db, sql: "SELECT DISTINCT status FROM approval ORDER BY 1")
            }
            #expect(statuses == ApprovalStatus.allCases.map(\.rawValue).sorted())
        }
    }

    @Test("an empty ledger is sound, with a note that nothing is signed", arguments: [0, 1, 256])
    func small(_ count: Int) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.db"
            let clock = ManualClock()
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            let writer = EntryWriter(chance: .deterministic())
            for _ in 0..<count {
                let reason = Reason(.unauthenticated, "who?")
                let entry = writer.rejected(
                    reason,
                    agent: nil,
                    connection: nil,
                    detail: "",
                    circumstances: Circumstances(),
                    at: clock.time(),
                )
                _ = try await ledger.commit(Commit(entries: [entry]))
            }
            // Beside the ledger that has the lock.
            let report = try examine(path)
            #expect(report.isGood)
            #expect(report.findings.map(\.code) == (count == 0 ? [] : [.checkpointAbsent]))
            #expect(report.entries == UInt64(count))
            try await ledger.close()
        }
    }

    @Test("what cannot be looked at is an error, not a finding")
    func absent() async throws {
        try await withTemporaryFolder { folder in
            #expect { try examine(folder + "/none.db") } throws: { ($0 as? LedgerError)?.code == .unavailable }
            let path = folder + "/newer.db"
            try tamper(path, "CREATE TABLE t (x); PRAGMA application_id = \(0x4354_5347); PRAGMA user_version = 9999")
            #expect { try examine(path) } throws: { ($0 as? LedgerError)?.code == .newer }
        }
    }

    @Test("entries that claim to be far beyond the log are findings, and cost no memory")
    func farEntries() async throws {
        try await withRichLedger { path, ledger in
            let (far, victim) = (Int64(9_007_199_254_740_990), Int64(9_007_199_254_740_000))
            let erased: JSONValue = ["count": 1, "reason": "request", "sequences": [.integer(victim)]]
            let draft = EntryDraft(
                .payloadErased,
                time: ManualClock().time(),
                actor: .gateway,
                members: [("erased", erased), ("reason", "none")],
            )
            let body = draft.encoded(sequence: UInt64(far)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
                .joined()
            try tamper(
                path,
                """
                INSERT INTO entry VALUES (\(far), \(draft.time.microseconds), 'payload.erased', NULL, NULL, NULL, x'\(body)');
                INSERT INTO entry VALUES (-7, 0, 'action.allowed', NULL, NULL, NULL, x'7B7D');
                UPDATE cursor SET next = -1;
                """
            )
            let report = try examine(path, limit: 100)
            let codes = Set(report.findings.map(\.code))
            #expect(codes.isSuperset(of: [.entrySurplus, .entryMissing, .stateChanged]))
            #expect(report.findings.contains { $0.place == "cursor export" })
        }
    }

    @Test("a record with durations and moments that are none is a finding, and ends nothing")
    func impossibleRecords() async throws {
        try await withRichLedger { path, _ in
            let queue = try DatabaseQueue(path: path)
            let sql = "SELECT number, CAST(record AS TEXT) AS record FROM approval ORDER BY number"
            let records = try await queue.read { db in
                try Row.fetchAll(db, sql: sql).map { row -> (Int64, String) in (row["number"], row["record"]) }
            }
            try queue.close()
            for (number, text) in records {
                // Durations are stored as the two halves of a number of 128 bits.
                let record = text.replacing(#/"grantDuration":\[-?\d+,\d+\]/#) { _ in
                    "\"grantDuration\":[9223372036854775807,18446744073709551615]"
                }
                .replacing(#/"grant":\[-?\d+,\d+\]/#) { _ in "\"grant\":[-9223372036854775808,0]" }
                .replacing(#/"requestedAt":\{"microseconds":\d+\}/#) { _ in
                    "\"requestedAt\":{\"microseconds\":-9223372036854775808}"
                }
                #expect(record != text)
                let escaped = record.replacing("'", with: "''")
                try tamper(path, "UPDATE approval SET record = CAST('\(escaped)' AS BLOB) WHERE number = \(number)")
            }
            let report = try examine(path, limit: 100)
            #expect(report.findings.contains { $0.code == .stateChanged && $0.place.hasPrefix("approval apr_") })
        }
    }

    @Test("what SQLite keeps for its query planner is no finding")
    func analyzed() async throws {
        try await withRichLedger { path, _ in
            try tamper(path, "ANALYZE")
            #expect(try examine(path, limit: 100).findings == [])
        }
    }

    @Test("a receipt that lacks entries of its approval is named, and the log is sound all the same")
    func thinReceipt() async throws {
        try await withRichLedger { path, ledger in
            let id = try #require(ledger.approvals["denied"])
            let queue = try DatabaseQueue(path: path)
            let sql = "SELECT sequence FROM entry WHERE approval = ? ORDER BY sequence"
            let places = try await queue.read { try Int64.fetchAll($0, sql: sql, arguments: [id.rawValue]) }
            try queue.close()
            let all = places.map { UInt64($0) }
            #expect(all.count == 4)
            for count in 1...all.count {
                let entries = Set(all.prefix(count))
                var examination = LogExamination(path: path, key: try Fixtures.logSigner().verifier, sealer: .fixture)
                examination.include(receipts: [.init(source: "the receipt r", approval: id, entries: entries)])
                let report = try examination.run()
                #expect(report.isGood)
                #expect(report.findings.map(\.code) == (count == all.count ? [] : [.receiptThin]))
                if count < all.count { #expect(report.findings.first?.message.contains("entry \(all[count])") == true) }
            }
        }
    }

    /// Changes of the log, and what must be said of each.
    static let cuts: [(String, LogFinding.Code, String)] = [
        ("DELETE FROM entry WHERE sequence = 99", .entryMissing, "entry 99"),
        ("DELETE FROM entry WHERE sequence BETWEEN 100 AND 299", .entryMissing, "entries 100 to 299"),
        ("DELETE FROM entry WHERE sequence = 0", .entryMissing, "entry 0"),
        ("DELETE FROM entry WHERE sequence > 580", .logCut, "checkpoint of"),
        ("DELETE FROM entry", .logCut, "checkpoint of"),
        (
            "INSERT INTO entry SELECT -1, time, kind, agent, connection, approval, body FROM entry LIMIT 1",
            .entrySurplus, "entry -1"
        ),
        (
            """
            UPDATE entry SET sequence = -1 WHERE sequence = 400; UPDATE entry SET sequence = 400 WHERE sequence = 401;
            UPDATE entry SET sequence = 401 WHERE sequence = -1
            """,
            .entryMalformed, "entry 400"
        ),
        (
            "UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'GET', 'PUT') AS BLOB) WHERE sequence = 100",
            .entryChanged, "entry 100"
        ),
        (
            "UPDATE entry SET body = CAST(body || ' ' AS BLOB) WHERE sequence = 200", .entryMalformed, "entry 200"
        ),
        ("DELETE FROM tile WHERE level = 0 AND position = 1", .tileMissing, "tile 0/1"),
        ("INSERT INTO tile VALUES (0, 2, zeroblob(8192))", .tileSurplus, "tile 0/2"),
        ("INSERT INTO tile VALUES (1, 0, zeroblob(8192))", .tileSurplus, "tile 1/0"),
        (
            """
            UPDATE payload SET sealed = (SELECT b.sealed FROM payload b WHERE b.sequence = 301) WHERE sequence = 300
            """,
            .payloadChanged, "entry 300"
        ),
        ("DELETE FROM payload WHERE sequence = 300", .payloadMissing, "entry 300"),
        ("INSERT INTO payload VALUES (0, x'00')", .payloadSurplus, "entry 0"),
        ("INSERT INTO payload VALUES (9000, x'00')", .payloadSurplus, "payload 9000"),
        ("DELETE FROM document", .stateChanged, "approval"),
        ("INSERT INTO document VALUES (9000, x'00')", .stateSurplus, "document 9000"),
        ("CREATE TRIGGER quiet AFTER INSERT ON entry BEGIN DELETE FROM session; END", .schemaChanged, "trigger quiet"),
        (
            "CREATE TRIGGER x_sqlite_stat1 AFTER INSERT ON entry BEGIN DELETE FROM session; END", .schemaChanged,
            "trigger x_"
        ),
        ("CREATE VIEW x_sqlite_stat1 AS SELECT 1", .schemaChanged, "view x_sqlite_stat1"),
        ("CREATE TABLE my_sqlite_stat4 (x)", .schemaChanged, "table my_sqlite_stat4"),
        ("DROP INDEX approval_active", .schemaChanged, "index approval_active"),
        (
            """
            PRAGMA writable_schema = ON;
            INSERT INTO sqlite_master SELECT * FROM sqlite_master WHERE name = 'sqlite_autoindex_agent_1'
            """,
            .schemaChanged, "index sqlite_autoindex_agent_1"
        ),
        ("DELETE FROM approval WHERE status = 'denied'", .stateMissing, "approval"),
        ("DELETE FROM approval WHERE status = 'pending'", .stateMissing, "approval"),
        (
            """
            INSERT INTO approval SELECT number + 100, 'apr_made_up', agent, digest, connection, status, 0, asynchronous,
            expires_at, grant_expires_at, revision, record, NULL FROM approval WHERE status = 'denied'
            """,
            .stateSurplus, "approval apr_made_up"
        ),
        ("DELETE FROM agent", .stateMissing, "agent night-bot"), ("DELETE FROM user", .stateMissing, "user carol"),
        ("DELETE FROM agent_key", .stateMissing, "agent_key key_"), ("DELETE FROM session", .stateMissing, "session"),
        (
            "INSERT INTO user VALUES ('eve@example.com', CAST(json_object('id', 'eve@example.com', 'groups', json('[]')) AS BLOB))",
            .stateSurplus, "user eve"
        ),
        (
            "INSERT INTO response SELECT id, 200, x'5B5D', NULL FROM approval WHERE status = 'denied'",
            .stateSurplus, "response"
        ),
    ]

    @Test("what was cut, added, reordered or rewritten is named", arguments: cuts)
    func cut(_ sql: String, _ code: LogFinding.Code, _ place: String) async throws {
        try await withRichLedger { path, _ in
            try tamper(path, sql)
            let report = try examine(path)
            #expect(!report.isGood)
            let first = report.findings.first
            #expect(first?.code == code, "\(first.map { "\($0)" } ?? "nothing")")
            #expect(first?.place.contains(place) ?? false, "\(first?.place ?? "")")
            // Going on finds it, too, and does not stumble.
            #expect(try examine(path, limit: 50).findings.first == first)
        }
    }

    @Test("a log that was rewritten as a whole, tiles and all, does not have the signed root")
    func rewritten() async throws {
        try await withRichLedger { path, ledger in
            let queue = try DatabaseQueue(path: path)
            try await queue.write { db in
                try db.execute(
                    sql: """
                        UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), '"outcome":"', '"outcome":"') AS BLOB);
                        UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'no key', 'no kay') AS BLOB)
                        WHERE instr(body, 'no key')
                        """
                )
                let leaves = try Data.fetchAll(db, sql: "SELECT body FROM entry ORDER BY sequence").map {
                    LogHash.leaf(Array($0))
                }
                for index in 0..<(leaves.count / 256) {
                    let tile = leaves[(256 * index)..<(256 * index + 256)].flatMap(\.bytes)
                    try db.execute(
                        sql: "UPDATE tile SET hashes = ? WHERE level = 0 AND position = ?",
                        arguments: [Data(tile), index]
                    )
                }
            }
            try queue.close()
            let report = try examine(path)
            #expect(report.findings.map(\.code) == [.logRewritten])
            #expect(report.findings.first?.place.contains("cosigned checkpoint of") ?? false)
        }
    }

    @Test("a head that an outsider holds shows that the newest entries were cut off")
    func outsiders() async throws {
        try await withRichLedger { path, ledger in
            let text = try examine(path).root
            let root = try #require(text.flatMap { LogHash(base64: $0) })
            let head = LogExamination.KnownHead(source: "the receipt a.json", size: ledger.size, root: root)
            #expect(try examine(path, heads: [head]).checkpoints == 3)
            let later = LogExamination.KnownHead(source: "the receipt a.json", size: ledger.size + 5, root: root)
            let report = try examine(path, heads: [later])
            #expect(report.findings.map(\.code) == [.logCut])
            #expect(report.findings.first?.place == "the receipt a.json")
            let other = LogExamination.KnownHead(source: "the receipt b.json", size: ledger.size - 1, root: root)
            #expect(try examine(path, heads: [other]).findings.map(\.code) == [.logRewritten])
        }
    }
}
