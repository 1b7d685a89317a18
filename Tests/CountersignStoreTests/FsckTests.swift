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
            #expect(report.identities == 6)
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
        ("DROP INDEX approval_active", .schemaChanged, "index approval_active"),
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

@Suite("An examination looks at the files beside the database, too", .timeLimit(.minutes(10)))
struct FsckFileTests {
    /// Publishes a ledger's first entries as files, as C2SP tlog-tiles has them.
    private func publish(_ path: String, _ size: UInt64, to folder: String) async throws -> String {
        let ledger = try SQLiteLedger(path: path, clock: ManualClock(), sealer: .fixture)
        let tiles = LogTiles(of: ledger)
        let layout = TileLayout(size: size)
        for tile in Array(layout.tiles()) + Array(layout.bundles()) {
            let bytes = try #require(try await tiles.bytes(tile, size: size))
            let file = URL(fileURLWithPath: folder + "/" + tile.text)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(bytes).write(to: file)
        }
        let leaves = try await ledger.leaves(from: 0, count: Int(size)).map { LogHash.leaf($0.bytes) }
        var frontier = TreeFrontier()
        for leaf in leaves { frontier.append(leaf) }
        let note = try Checkpoint(origin: Fixtures.logOrigin, size: size, root: frontier.root)
            .signed(by: Fixtures.logSigner())
        try Data(note.utf8).write(to: URL(fileURLWithPath: folder + "/checkpoint"))
        try await ledger.close()
        return note
    }

    private func examine(_ path: String, folder: String?, floor: String?) throws -> LogReport {
        let key = try Fixtures.logSigner().verifier
        var examination = LogExamination(path: path, key: key, sealer: .fixture, limit: 9)
        if let folder { examination.include(published: folder, hasEntries: true) }
        if let floor { examination.include(floor: floor) }
        return try examination.run()
    }

    @Test("every file that the folder's checkpoint promises is compared, byte for byte", arguments: [1, 256, 512, 600])
    func published(_ size: UInt64) async throws {
        try await withRichLedger { path, _ in
            try await withTemporaryFolder { folder in
                _ = try await publish(path, size, to: folder)
                let report = try examine(path, folder: folder, floor: nil)
                #expect(report.findings == [])
                #expect(report.checkpoints == 3)
                let layout = TileLayout(size: size)
                for tile in Array(layout.tiles()) + Array(layout.bundles()) {
                    let file = URL(fileURLWithPath: folder + "/" + tile.text)
                    let good = try Data(contentsOf: file)
                    var bad = good
                    bad[bad.count / 2] ^= 1
                    try bad.write(to: file)
                    let changed = try examine(path, folder: folder, floor: nil).findings
                    #expect(changed.map(\.code) == [.publishedChanged])
                    #expect(changed.first?.place.hasSuffix(tile.text) ?? false)
                    try FileManager.default.removeItem(at: file)
                    #expect(try examine(path, folder: folder, floor: nil).findings.map(\.code) == [.publishedMissing])
                    try good.write(to: file)
                }
                try Data([1]).write(to: URL(fileURLWithPath: folder + "/tile/0/999"))
                let left = try examine(path, folder: folder, floor: nil)
                #expect(left.isGood)
                #expect(left.findings.map(\.code) == [.publishedSurplus])
            }
        }
    }

    @Test("what the floor file and the folder's checkpoint say must be the log's beginning")
    func floor() async throws {
        try await withRichLedger { path, ledger in
            try await withTemporaryFolder { folder in
                let floor = folder + "/floor"
                #expect(try examine(path, folder: nil, floor: floor).findings.map(\.code) == [.floorAbsent])
                let note = try await publish(path, 300, to: folder)
                try Data(note.utf8).write(to: URL(fileURLWithPath: floor))
                #expect(try examine(path, folder: folder, floor: floor).findings == [])
                let ahead = try Checkpoint(origin: Fixtures.logOrigin, size: ledger.size + 1, root: .emptyTree)
                    .signed(by: Fixtures.logSigner())
                try Data(ahead.utf8).write(to: URL(fileURLWithPath: floor))
                let cut = try examine(path, folder: nil, floor: floor).findings
                #expect(cut.map(\.code) == [.logCut])
                #expect(cut.first?.place == "the file \(floor)")
                let other = try Checkpoint(origin: Fixtures.logOrigin, size: 300, root: .emptyTree)
                    .signed(by: Fixtures.logSigner())
                try Data(other.utf8).write(to: URL(fileURLWithPath: floor))
                #expect(try examine(path, folder: nil, floor: floor).findings.map(\.code) == [.logRewritten])
                try Data("x".utf8).write(to: URL(fileURLWithPath: floor))
                #expect(try examine(path, folder: nil, floor: floor).findings.map(\.code) == [.checkpointInvalid])
            }
        }
    }
}

@Suite("A damaged file is told from a whole one", .timeLimit(.minutes(10)))
struct FsckDamageTests {
    /// Everything that an examination vouches for, read straight from the file.
    private func dump(_ path: String) throws -> [String: [Row]] {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.read { db in
            var tables = [String: [Row]]()
            for table in try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'table'") {
                let columns = try String.fetchAll(db, sql: "SELECT name FROM pragma_table_info('\(table)')")
                    .filter { FsckColumnTests.uncovered["\(table).\($0)"] == nil }
                guard !columns.isEmpty else { continue }
                let list = columns.map { "\"\($0)\"" }.joined(separator: ", ")
                let order = columns.count > 1 ? "1, 2" : "1"
                tables[table] = try Row.fetchAll(db, sql: "SELECT \(list) FROM \"\(table)\" ORDER BY \(order)")
            }
            return tables
        }
    }

    /// Damages a file in many ways, one after the other; what passes must say what it said.
    private func check(_ rounds: Int, seed: UInt64, _ damage: (inout Data, inout (UInt64, UInt64)) -> Void) async throws
    {
        try await withTemporaryFolder { folder in
            let whole = folder + "/whole.db"
            _ = try await RichLedger.make(whole, entries: 280)
            let truth = try dump(whole)
            let data = try Data(contentsOf: URL(fileURLWithPath: whole))
            let chance = Chance.deterministic(seed: seed)
            var found = 0
            for round in 0..<rounds {
                let path = folder + "/\(round).db"
                var copy = data
                var bits = chance.bits()
                damage(&copy, &bits)
                try copy.write(to: URL(fileURLWithPath: path))
                let isGood = (try? examine(path, limit: 3).isGood) ?? false
                if isGood {
                    #expect(try dump(path) == truth, "round \(round), bits \(bits)")
                } else {
                    found += 1
                }
                for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
            }
            // Most of the file is what is vouched for.
            #expect(found > rounds / 2, "\(found) of \(rounds)")
        }
    }

    @Test("a bit that flipped is found wherever it matters", arguments: [1, 2] as [UInt64])
    func flips(_ seed: UInt64) async throws {
        try await check(50, seed: seed) { data, bits in
            data[Int(bits.0 % UInt64(data.count))] ^= 1 << UInt8(bits.1 & 7)
        }
    }

    @Test("a file that was cut off is found")
    func cuts() async throws {
        try await check(25, seed: 3) { data, bits in data = data.prefix(Int(bits.0 % UInt64(data.count))) }
    }

    @Test("a page that was lost, or stands in another's place, is found")
    func pages() async throws {
        try await check(25, seed: 4) { data, bits in
            let pages = UInt64(data.count / 4096)
            let from = Int(bits.0 % pages) * 4096
            let to = Int(bits.1 % pages) * 4096
            let page = bits.0 & 1 << 60 == 0 ? Data(count: 4096) : data[from..<(from + 4096)]
            data.replaceSubrange(to..<(to + 4096), with: page)
        }
    }
}
