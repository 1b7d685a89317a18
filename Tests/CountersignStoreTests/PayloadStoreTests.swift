import CountersignCore
import CountersignTestKit
import Foundation
import GRDB
import Testing
import TransparencyLog

@testable import CountersignStore

@Suite("The ledger's file shows no payload, and nothing of one that was erased", .timeLimit(.minutes(10)))
struct PayloadStoreTests {
    let clock = ManualClock()
    /// What must not be found, in documents, responses and answers.
    private let secret = "xq7-the-patient-is-called-zacharias"

    private func files(_ folder: String) throws -> [(name: String, bytes: Data)] {
        try FileManager.default.contentsOfDirectory(atPath: folder).map { name in
            (name, try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
        }
    }

    private func expectNowhere(_ bytes: [UInt8], _ folder: String, _ what: Comment) throws {
        for (name, content) in try files(folder) {
            #expect(content.firstRange(of: bytes) == nil, "\(what) in \(name)")
        }
    }

    /// The marks that are in some file, all found in one pass.
    private func found(_ marks: [[UInt8]], _ folder: String) throws -> [String] {
        let heads = Dictionary(grouping: marks) { $0.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }
        var found = [String]()
        for (name, content) in try files(folder) {
            let bytes = [UInt8](content)
            var window: UInt32 = 0
            for (index, byte) in bytes.enumerated() {
                window = window << 8 | UInt32(byte)
                guard let candidates = heads[window] else { continue }
                for mark in candidates where bytes[(index - 3)...].starts(with: mark) { found.append(name) }
            }
        }
        return found
    }

    private func sealed(_ path: String, _ sequence: Int) throws -> [UInt8] {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        let data = try queue.read { db in
            try Data.fetchOne(db, sql: "SELECT sealed FROM payload WHERE sequence = ?", arguments: [sequence])
        }
        return [UInt8](try #require(data))
    }

    /// An approval that is over, with everything that shows its document.
    private func settled(_ ledger: SQLiteLedger, _ number: Int = 1) async throws -> Approval {
        let action = Fixtures.action(path: "/v1/\(secret)/\(number)")
        let approval = try Fixtures.approval(number, of: action, at: clock.time())
        let request = Fixtures.entry(
            .approvalRequested,
            at: clock.time(),
            approval: approval.id,
            payload: action.canonical
        )
        _ = try await ledger.commit(Commit(.insert(approval, maximumPending: 99), entries: [request]))
        let approved = Fixtures.next(approval, .approved, grantExpiresAt: clock.time().adding(.seconds(300)))
        _ = try await ledger.commit(Commit(.replace(approved), entries: []))
        let redeemed = Fixtures.next(approved, .redeemed)
        _ = try await ledger.commit(Commit(.replace(redeemed), entries: []))
        let succeeded = Fixtures.next(redeemed, .succeeded)
        let response = KeptResponse(
            approval: approval.id,
            status: 200,
            fields: [["x-name", secret]],
            body: Array(secret.utf8),
        )
        _ = try await ledger.commit(Commit(.replace(succeeded), entries: [], response: response))
        let answer = RememberedAnswer(
            fingerprint: "f",
            status: 200,
            contentType: "application/json",
            body: Array(secret.utf8),
            approval: approval.id,
        )
        let key = IdempotencyKey(caller: "User:alice", key: "\(number)")
        try await ledger.remember(answer, for: key, now: clock.time())
        return succeeded
    }

    private func erasure(_ sequences: [UInt64]) -> Commit {
        Fixtures.erasure(of: sequences, at: clock.time())
    }

    @Test("the file has no clear text of documents, responses and answers, while open and closed")
    func noPlaintext() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.db"
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            let approval = try await settled(ledger)
            #expect(try await ledger.approval(approval.id)?.document?.contains(secret) == true)
            #expect(try await ledger.keptResponse(approval.id)?.body == Array(secret.utf8))
            // The resource of a fixture stands in the record; only the document is a payload.
            try expectNowhere(Array("\"path\":\"/v1/\(secret)".utf8), folder, "a document")
            try expectNowhere(Array("x-name".utf8), folder, "a response")
            try await ledger.close()
            try expectNowhere(Array("\"path\":\"/v1/\(secret)".utf8), folder, "a document")
        }
    }

    @Test("after an erasure neither clear text nor sealed bytes are in any file, and every proof holds")
    func bytesAreGone() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.db"
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            let first = try await settled(ledger, 1)
            let second = try await settled(ledger, 2)
            let bytes = try sealed(path, 0)
            let before = try await ledger.treeHead()
            #expect(try await ledger.commit(erasure([0])) == .committed(first: 2))
            try expectNowhere(Array(bytes[5..<21]), folder, "the payload's random bits")
            try expectNowhere(Array(bytes.suffix(40)), folder, "the payload's ciphertext")
            #expect(try await ledger.entry(0)?.payload == nil)
            #expect(try await ledger.entry(1)?.payload != nil)
            let erased = try #require(try await ledger.approval(first.id))
            #expect(erased.document == nil && erased.erasedBy == 2 && erased.delivered)
            #expect(try await ledger.approval(second.id)?.document == second.document)
            #expect(try await ledger.keptResponse(first.id) == nil)
            #expect(try await ledger.keptResponse(second.id) != nil)
            #expect(try await ledger.remembered(IdempotencyKey(caller: "User:alice", key: "1")) == nil)
            #expect(try await ledger.remembered(IdempotencyKey(caller: "User:alice", key: "2")) != nil)
            // The log is the same, and one longer.
            let after = try await ledger.treeHead()
            let proof = try await ledger.consistencyProof(from: 2, to: 3)
            #expect(
                ConsistencyProof.verify(from: 2, to: 3, oldRoot: before.root, newRoot: after.root, proof: proof)
            )
            try await ledger.audit()
            try await ledger.close()
            try expectNowhere(Array(bytes[5..<21]), folder, "the payload's random bits")
            let again = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            #expect(try await again.approval(first.id)?.document == nil)
            try await again.close()
        }
    }

    @Test("of many payloads that are erased in any order, nothing is left")
    func manyAreGone() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.db"
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            var marks = [[UInt8]]()
            var random = SystemRandomNumberGenerator()
            for size in (0..<200).map({ _ in Int.random(in: 0...9000, using: &random) }) {
                let draft = Fixtures.entry(at: clock.time(), payload: [UInt8](repeating: 1, count: size))
                _ = try await ledger.commit(Commit(entries: [draft]))
            }
            for sequence in 0..<200 { marks.append(Array(try sealed(path, sequence)[5..<21])) }
            #expect(try found(marks, folder).count >= 200)
            let order = (0..<200).shuffled(using: &random)
            for start in stride(from: 0, to: 200, by: 7) {
                let batch = order[start..<min(start + 7, 200)].map { UInt64($0) }
                _ = try await ledger.commit(erasure(batch))
            }
            #expect(try found(marks, folder).isEmpty)
            try await ledger.close()
        }
    }

    @Test("of two who erase the same payload one wins")
    func race() async throws {
        try await withTemporaryFolder { folder in
            let ledger = try SQLiteLedger(path: folder + "/ledger.db", clock: clock, sealer: .fixture)
            for round in 0..<20 {
                let size = try await ledger.treeHead().size
                _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: clock.time(), text: "\(round)")]))
                let commit = erasure([size])
                async let one = ledger.commit(commit)
                async let two = ledger.commit(commit)
                let results = try await [one, two]
                #expect(results.count { $0 == .committed(first: size + 1) } == 1)
                #expect(results.count { $0 == .conflict(nil) } == 1)
            }
            try await ledger.close()
        }
    }

    @Test("a payload that somebody put in the place of another is found out")
    func exchanged() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.db"
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            for byte: UInt8 in [1, 2] {
                let draft = Fixtures.entry(at: clock.time(), payload: [byte])
                _ = try await ledger.commit(Commit(entries: [draft]))
            }
            try await ledger.close()
            let queue = try DatabaseQueue(path: path)
            try await queue.write { db in
                try db.execute(
                    sql:
                        "UPDATE payload SET sealed = (SELECT sealed FROM payload WHERE sequence = 1) WHERE sequence = 0"
                )
            }
            try queue.close()
            let again = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            await #expect { try await again.entry(0) } throws: { ($0 as? LedgerError)?.code == .corrupt }
            #expect(try await again.entry(1)?.payload?.bytes == [2])
            // Lists do not read payloads, so one that is damaged does not hide the others.
            #expect(try await again.entries(EntryQuery()).items.count == 2)
            try await again.close()
        }
    }

    @Test("keys are changed by a start, old ones open what they sealed, and a missing one stops the start")
    func rotation() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.db"
            let (old, new) = (try PayloadKey.fixture(1), try PayloadKey.fixture(2))
            let first = try SQLiteLedger(path: path, clock: clock, sealer: PayloadSealer(key: old))
            _ = try await first.commit(Commit(entries: [Fixtures.entry(at: clock.time())]))
            try await first.close()
            #expect { try SQLiteLedger(path: path, clock: clock, sealer: PayloadSealer(key: new)) } throws: { error in
                (error as? LedgerError)?.message.contains(old.name) ?? false
            }
            let both = try SQLiteLedger(path: path, clock: clock, sealer: PayloadSealer(key: new, previous: [old]))
            #expect(try await both.entry(0)?.payload != nil)
            _ = try await both.commit(Commit(entries: [Fixtures.entry(at: clock.time())]))
            _ = try await both.commit(erasure([0]))
            try await both.close()
            // Nothing needs the old key any more.
            let last = try SQLiteLedger(path: path, clock: clock, sealer: PayloadSealer(key: new))
            #expect(try await last.entry(1)?.payload != nil)
            try await last.close()
        }
    }
}
