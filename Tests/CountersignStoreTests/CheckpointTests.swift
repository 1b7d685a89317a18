import CountersignCore
import CountersignStore
import CountersignTestKit
import Foundation
import GRDB
import Testing

@Suite("The write-ahead log is brought into the file while commits go on", .timeLimit(.minutes(10)))
struct CheckpointTests {
    let clock = ManualClock()

    /// Commits entries with payloads of 32 KiB, eight at a time.
    private func fill(_ ledger: SQLiteLedger, entries: Int) async throws {
        let now = clock.time()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    for number in 0..<(entries / 8) {
                        let payload = EntryDraft.Payload(
                            salt: [UInt8](repeating: UInt8(writer), count: 16),
                            bytes: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 32 * 1024),
                        )
                        let draft = EntryDraft(
                            .actionAllowed,
                            time: now,
                            actor: .gateway,
                            members: [],
                            payload: payload
                        )
                        _ = try await ledger.commit(Commit(entries: [draft]))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func size(_ path: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    }

    @Test("it stays short under a load that would make it seven times as long")
    func bounded() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.db"
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            try await fill(ledger, entries: 3200)
            #expect(size(path) > 60 << 20)
            // Begun anew at 16 MB, plus what comes while it is copied; unchecked, it would have 110.
            #expect(size(path + "-wal") < 60 << 20)
            try await ledger.audit()
            try await ledger.close()
        }
    }

    @Test("a closed ledger is one file, and a copy of it has every entry")
    func closed() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.db"
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            try await fill(ledger, entries: 64)
            let head = try await ledger.treeHead()
            try await ledger.close()
            #expect(size(path + "-wal") == 0)
            try FileManager.default.copyItem(atPath: path, toPath: folder + "/copy.db")
            let copy = try SQLiteLedger(path: folder + "/copy.db", clock: clock, sealer: .fixture)
            #expect(try await copy.treeHead() == head)
            try await copy.audit()
            try await copy.close()
        }
    }

    @Test("a reader that stays in its transaction stops no commit, and afterwards the log is begun anew")
    func longReader() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.db"
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            try await fill(ledger, entries: 8)
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let reader = try DatabaseQueue(path: path, configuration: configuration)
            try await reader.writeWithoutTransaction { db in
                try db.execute(sql: "BEGIN")
                _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM entry")
            }
            try await fill(ledger, entries: 800)
            let grown = size(path + "-wal")
            #expect(grown > 24 << 20)
            let seen = try await reader.writeWithoutTransaction { db in
                let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM entry")
                try db.execute(sql: "COMMIT")
                return count
            }
            #expect(seen == 8)
            try await fill(ledger, entries: 1600)
            // Begun anew, it was written over from its start instead of growing by another 50 MB.
            #expect(size(path + "-wal") < grown + (32 << 20))
            try reader.close()
            try await ledger.audit()
            try await ledger.close()
        }
    }
}
