import CountersignCore
import CountersignStore
import CountersignTestKit
import Foundation
import GRDB
import Testing
import TransparencyLog

@Suite("Upper tiles tell which of two is false", .timeLimit(.minutes(10)))
struct FsckUpperTileTests {
    /// A log with a full tile of level 1 and some more, of the shortest entries that there are.
    private func fill(_ path: String) async throws {
        let clock = ManualClock()
        let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
        let writer = EntryWriter(chance: .deterministic())
        let entry = writer.rejected(
            Reason(.unauthenticated, ""),
            agent: nil,
            connection: nil,
            detail: "",
            circumstances: Circumstances(),
            at: clock.time(),
        )
        for _ in 0..<66 { _ = try await ledger.commit(Commit(entries: Array(repeating: entry, count: 1000))) }
        try await ledger.close()
    }

    private func rewrite(_ path: String, fixingTile: Bool) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { db in
            try db.execute(
                sql: """
                    UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), '"detail":""', '"detail":"x"') AS BLOB)
                    WHERE sequence = 5000
                    """
            )
            guard fixingTile else { return }
            let leaves = try Data.fetchAll(db, sql: "SELECT body FROM entry WHERE sequence >> 8 = 19 ORDER BY sequence")
            let tile = leaves.flatMap { LogHash.leaf(Array($0)).bytes }
            let update = "UPDATE tile SET hashes = ? WHERE level = 0 AND position = 19"
            try db.execute(sql: update, arguments: [Data(tile)])
        }
        try queue.close()
    }

    @Test("an entry, its tile and the tile above: each is named when it was changed alone")
    func levels() async throws {
        try await withTemporaryFolder { folder in
            let whole = folder + "/whole.db"
            try await fill(whole)
            #expect(try examine(whole).isGood)
            let path = folder + "/ledger.db"
            func first(_ change: () throws -> Void) throws -> LogFinding? {
                try? FileManager.default.removeItem(atPath: path)
                try FileManager.default.copyItem(atPath: whole, toPath: path)
                try change()
                return try examine(path).findings.first { !$0.isWarning }
            }
            let entry = try first { try rewrite(path, fixingTile: false) }
            #expect(entry?.code == .entryChanged)
            #expect(entry?.place == "entry 5000")
            let both = try first { try rewrite(path, fixingTile: true) }
            #expect(both?.code == .tileChanged)
            #expect(both?.place == "tile 1/0")
            #expect(both?.message.contains("hash 19 ") ?? false)
            let zeros = "CAST(zeroblob(32) || substr(hashes, 33) AS BLOB)"
            let below = try first {
                try tamper(path, "UPDATE tile SET hashes = \(zeros) WHERE level = 0 AND position = 7")
            }
            #expect(below?.code == .tileChanged)
            #expect(below?.place == "tile 0/7")
            let above = try first { try tamper(path, "UPDATE tile SET hashes = \(zeros) WHERE level = 1") }
            #expect(above?.code == .tileChanged)
            #expect(above?.place == "tile 1/0")
        }
    }
}
