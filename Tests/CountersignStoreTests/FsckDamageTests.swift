import CountersignCore
import CountersignStore
import CountersignTestKit
import Foundation
import GRDB
import Testing

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
            _ = try await RichLedger.make(whole, entries: 340)
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
            // More than half of the file is vouched for; in a few rounds, chance hits less.
            #expect(found > rounds / 3, "\(found) of \(rounds)")
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
