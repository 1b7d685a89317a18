import CountersignCore
import CountersignTestKit
import Foundation
import GRDB
import Testing
import TransparencyLog

@testable import CountersignStore

@Suite("Ledgers with payloads in the clear are brought up to date", .timeLimit(.minutes(10)))
struct PayloadMigrationTests {
    let clock = ManualClock()
    private let secret = "xq7-the-patient-is-called-zacharias"
    private let count = 1200

    private func sql(_ migration: Schema.Migration) throws -> String {
        guard case .sql(let sql) = migration else { throw LedgerError(.corrupt, "this is no SQL") }
        return sql
    }

    /// Writes a ledger as version 1 or 2 did.
    private func write(_ path: String, version: Int) throws -> (drafts: [EntryDraft], approval: Approval) {
        let approval = try Fixtures.approval(
            of: Fixtures.action(path: "/v1/\(secret)"),
            at: clock.time(),
        )
        let drafts = (0..<count).map { number in
            Fixtures.entry(
                at: clock.time(),
                approval: number == 3 ? approval.id : nil,
                text: "\(number)",
                payload: number % 5 == 1 ? nil : Array("\(secret) \(number)".utf8),
            )
        }
        let queue = try DatabaseQueue(path: path)
        try queue.write { db in
            for migration in Schema.migrations.prefix(version) { try db.execute(sql: try sql(migration)) }
            var tree = LogTree()
            for (number, draft) in drafts.enumerated() {
                let body = draft.encoded(sequence: UInt64(number))
                try db.execute(
                    sql: """
                        INSERT INTO entry (sequence, time, kind, agent, connection, approval, body, salt, payload)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        number, draft.time.microseconds, draft.kind.rawValue, draft.agent?.rawValue,
                        draft.connection?.rawValue, draft.approval?.rawValue, Data(body),
                        draft.payload.map { Data($0.salt) }, draft.payload.map { Data($0.bytes) },
                    ],
                )
                try tree.append(.leaf(body)) { tile in
                    try db.execute(
                        sql: "INSERT INTO tile (level, position, hashes) VALUES (?, ?, ?)",
                        arguments: [tile.level, Int64(tile.index), Data(tile.bytes)],
                    )
                }
            }
            try db.execute(
                sql: """
                    INSERT INTO approval (id, agent, digest, connection, status, active, asynchronous, expires_at,
                        revision, record) VALUES (?, ?, ?, ?, 'pending', 1, 0, ?, 1, ?)
                    """,
                arguments: [
                    approval.id.rawValue, approval.agent.rawValue, approval.digest.rawValue,
                    approval.connection.rawValue, approval.expiresAt.microseconds, try JSONEncoder().encode(approval),
                ],
            )
            let fields = try JSONEncoder().encode([["x-name", secret]])
            try db.execute(
                sql: "INSERT INTO response (approval, status, fields, body, file) VALUES (?, 200, ?, ?, 'a-file')",
                arguments: [approval.id.rawValue, fields, Data(secret.utf8)],
            )
            try db.execute(
                sql: """
                    INSERT INTO answer (caller, key, fingerprint, status, content_type, body, at)
                    VALUES ('User:alice', 'k', 'f', 200, 'application/json', ?, ?)
                    """,
                arguments: [
                    Data("{\"action\":{\"x\":\"\(secret)\"},\"id\":\"\(approval.id.rawValue)\"}".utf8),
                    clock.time().microseconds,
                ],
            )
            try db.execute(
                sql: "PRAGMA application_id = \(Schema.application); PRAGMA user_version = \(version)"
            )
        }
        try queue.close()
        return (drafts, approval)
    }

    private func expectWhole(_ path: String, _ drafts: [EntryDraft], _ approval: Approval) async throws {
        let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
        for (number, draft) in drafts.enumerated() {
            let entry = try #require(try await ledger.entry(UInt64(number)))
            #expect(entry.bytes == draft.encoded(sequence: UInt64(number)) && entry.payload == draft.payload)
        }
        #expect(try await ledger.approval(approval.id) == approval)
        let response = try #require(try await ledger.keptResponse(approval.id))
        #expect(response.body == Array(secret.utf8) && response.fields == [["x-name", secret]])
        #expect(response.file == "a-file" && response.status == 200)
        let answer = try await ledger.remembered(IdempotencyKey(caller: "User:alice", key: "k"))
        #expect(answer?.approval == approval.id && answer?.fingerprint == "f")
        try await ledger.audit()
        try await ledger.close()
    }

    @Test("everything is there afterwards, and nothing in the clear", arguments: [1, 2])
    func migrates(_ version: Int) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.db"
            let (drafts, approval) = try write(path, version: version)
            try await expectWhole(path, drafts, approval)
            for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
                let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
                // The approval's resource is in its record, as it is in its entries; the document is not.
                #expect(bytes.firstRange(of: Data("\(secret) ".utf8)) == nil, "a payload in \(name)")
                #expect(bytes.firstRange(of: Data("\"path\\\":\\\"/v1/\(secret)".utf8)) == nil, "a document in \(name)")
                #expect(bytes.firstRange(of: Data("x-name".utf8)) == nil, "a response in \(name)")
            }
        }
    }

    /// The migration is cut off by a trigger that fails at one row, wherever that is.
    @Test("a migration that was cut off is taken up", arguments: [0, 499, 500, 700, 1199])
    func resumes(_ row: Int) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.db"
            let (drafts, approval) = try write(path, version: 2)
            let fatal = row % 5 == 1 ? row + 1 : row
            let queue = try DatabaseQueue(path: path)
            // A salt that is too long to be sealed stands for whatever stops it.
            try await queue.write { [count] db in
                try db.execute(
                    sql: "UPDATE entry SET salt = zeroblob(300) WHERE sequence = ?",
                    arguments: [min(fatal, count - 1)],
                )
            }
            try queue.close()
            #expect(throws: LedgerError.self) { try SQLiteLedger(path: path, clock: clock, sealer: .fixture) }
            let mend = try DatabaseQueue(path: path)
            try await mend.write { [count] db in
                try db.execute(
                    sql: "UPDATE entry SET salt = ? WHERE sequence = ?",
                    arguments: [Data(repeating: 7, count: 16), min(fatal, count - 1)],
                )
            }
            try mend.close()
            try await expectWhole(path, drafts, approval)
        }
    }
}
