import CountersignCore
import CountersignStore
import CountersignTestKit
import Foundation
import GRDB
import Testing

@Suite("Searches are right whatever the index is", .timeLimit(.minutes(10)))
struct SearchTests {
    let clock = ManualClock()

    private func covered(_ ledger: SQLiteLedger) async throws -> UInt64? { try await ledger.statistics().searchable }

    @Test("at every lag, with segments of every size, they find what reading every entry finds", arguments: [1, 2])
    func lags(_ seed: UInt64) async throws {
        try await withTemporaryFolder { folder in
            let reports = Reports()
            let ledger = try SQLiteLedger(
                path: folder + "/ledger.db",
                clock: clock,
                sealer: .fixture,
                search: reports.setting(folder + "/search.db")
            )
            var world = SearchWorld(seed: seed, clock: clock)
            // With the first seed whole segments are made at once, with the others bundle by bundle and then merged.
            for round in 0..<(seed == 1 ? 3 : 22) {
                try await world.write(seed == 1 ? 1500 : 200, into: ledger)
                for _ in 0..<world.pick(4) { _ = try ledger.indexForSearch() }
                #expect(try await world.wrong(ledger, searches: seed == 1 ? 10 : 2) == [], "round \(round)")
            }
            while try ledger.indexForSearch() {}
            let size = world.size
            #expect(try await covered(ledger) == size & ~255)
            #expect(try await world.wrong(ledger, searches: 25) == [])
            try await ledger.close()
            #expect(reports.all == [])
            // After a restart it is as far as before.
            let again = try SQLiteLedger(
                path: folder + "/ledger.db",
                clock: clock,
                sealer: .fixture,
                search: reports.setting(folder + "/search.db")
            )
            #expect(try await covered(again) == size & ~255)
            #expect(try await world.wrong(again, searches: 12) == [])
            try await again.close()
            #expect(reports.all == [])
        }
    }

    @Test("an index that is missing, foreign, cut or of another version is made anew", arguments: Harm.allCases)
    func harm(_ harm: Harm) async throws {
        try await withTemporaryFolder { folder in
            let reports = Reports()
            let path = folder + "/search.db"
            let first = try SQLiteLedger(
                path: folder + "/ledger.db",
                clock: clock,
                sealer: .fixture,
                search: reports.setting(path)
            )
            var world = SearchWorld(seed: 5, clock: clock)
            try await world.write(1500, into: first)
            while try first.indexForSearch() {}
            try await first.close()
            try harm.strike(path)
            let ledger = try SQLiteLedger(
                path: folder + "/ledger.db",
                clock: clock,
                sealer: .fixture,
                search: reports.setting(path)
            )
            #expect(try await world.wrong(ledger, searches: 12) == [])
            while try ledger.indexForSearch() {}
            #expect(try await world.wrong(ledger, searches: 12) == [])
            #expect(try await covered(ledger) == world.size & ~255)
            try await ledger.close()
            if harm != .removed { #expect(reports.all.contains { $0.contains("made anew") }) }
        }
    }

    /// What can happen to an index's file.
    enum Harm: CaseIterable {
        case removed
        case emptied
        case garbage
        case halved
        case newer
        case lostBlock
        case foreignBlock
        case lostSegment
        case farSegment
        case farthestSegment
        case negativeSegment
        case zeroedBlocks

        func strike(_ path: String) throws {
            func sql(_ text: String) throws {
                let queue = try DatabaseQueue(path: path)
                try queue.writeWithoutTransaction { try $0.execute(sql: text) }
                try queue.close()
            }
            switch self {
            case .removed: try FileManager.default.removeItem(atPath: path)
            case .emptied: try sql("DROP TABLE block")
            case .garbage: try Data(repeating: 7, count: 100_000).write(to: URL(fileURLWithPath: path))
            case .halved:
                let data = try Data(contentsOf: URL(fileURLWithPath: path))
                try data.prefix(data.count / 2).write(to: URL(fileURLWithPath: path))
            case .newer: try sql("PRAGMA user_version = 99")
            case .lostBlock: try sql("DELETE FROM block WHERE rowid % 2 = 0")
            case .foreignBlock:
                try sql("UPDATE block SET bytes = (SELECT bytes FROM block ORDER BY rowid DESC LIMIT 1)")
            case .lostSegment: try sql("DELETE FROM segment WHERE id = 2")
            case .farSegment: try sql("INSERT INTO segment VALUES ((2 << 56) | (1 << 48), zeroblob(32))")
            case .farthestSegment: try sql("INSERT INTO segment VALUES ((2 << 56) | ((1 << 47) - 1), zeroblob(32))")
            case .negativeSegment: try sql("INSERT INTO segment VALUES (-1, zeroblob(32))")
            case .zeroedBlocks: try sql("UPDATE block SET bytes = zeroblob(length(bytes))")
            }
        }
    }

    @Test("a flipped bit anywhere in the file changes no answer", arguments: 0..<16)
    func flips(_ number: Int) async throws {
        try await withTemporaryFolder { folder in
            let reports = Reports()
            let path = folder + "/search.db"
            let first = try SQLiteLedger(
                path: folder + "/ledger.db",
                clock: clock,
                sealer: .fixture,
                search: reports.setting(path)
            )
            var world = SearchWorld(seed: UInt64(number), clock: clock)
            try await world.write(600, into: first)
            while try first.indexForSearch() {}
            try await first.close()
            var data = try Data(contentsOf: URL(fileURLWithPath: path))
            for _ in 0..<3 {
                let place = world.pick(data.count)
                data[place] ^= 1 << UInt8(world.pick(8))
            }
            try data.write(to: URL(fileURLWithPath: path))
            let ledger = try SQLiteLedger(
                path: folder + "/ledger.db",
                clock: clock,
                sealer: .fixture,
                search: reports.setting(path)
            )
            #expect(try await world.wrong(ledger, searches: 8) == [])
            try await world.write(300, into: ledger)
            for _ in 0..<20 { _ = try? ledger.indexForSearch() }
            #expect(try await world.wrong(ledger, searches: 8) == [])
            try await ledger.close()
        }
    }

    @Test("an index that knows more than the ledger, or another log, is noticed", arguments: [false, true])
    func restored(_ isOlder: Bool) async throws {
        try await withTemporaryFolder { folder in
            let reports = Reports()
            let path = folder + "/ledger.db"
            let setting = reports.setting(folder + "/search.db")
            var world = SearchWorld(seed: 9, clock: clock)
            let first = try SQLiteLedger(path: path, clock: clock, sealer: .fixture, search: setting)
            if isOlder { try await world.write(700, into: first) }
            try await first.close()
            let backup = try Data(contentsOf: URL(fileURLWithPath: path))
            let second = try SQLiteLedger(path: path, clock: clock, sealer: .fixture, search: setting)
            try await world.write(900, into: second)
            while try second.indexForSearch() {}
            try await second.close()
            world.forget(after: isOlder ? 700 : 0)
            try backup.write(to: URL(fileURLWithPath: path))
            let third = try SQLiteLedger(path: path, clock: clock, sealer: .fixture, search: setting)
            #expect(try await covered(third) == 0)
            #expect(reports.all.contains { $0.contains("another log") })
            try await world.write(1200, into: third)
            while try third.indexForSearch() {}
            #expect(try await world.wrong(third, searches: 8) == [])
            try await third.close()
        }
    }

    @Test("damage done while the ledger is open is noticed by the search that meets it, and mended")
    func damagedWhileOpen() async throws {
        try await withTemporaryFolder { folder in
            let reports = Reports()
            let path = folder + "/search.db"
            let ledger = try SQLiteLedger(
                path: folder + "/ledger.db",
                clock: clock,
                sealer: .fixture,
                search: reports.setting(path)
            )
            var world = SearchWorld(seed: 6, clock: clock)
            try await world.write(1100, into: ledger)
            while try ledger.indexForSearch() {}
            try Harm.foreignBlock.strike(path)
            #expect(try await world.wrong(ledger, searches: 8) == [])
            #expect(try await covered(ledger) == 0)
            while try ledger.indexForSearch() {}
            #expect(try await covered(ledger) == 1024)
            #expect(try await world.wrong(ledger, searches: 8) == [])
            #expect(reports.all.contains { $0.contains("made anew") })
            try await ledger.close()
        }
    }

    @Test("an index that cannot be opened stops no commit and no search")
    func unopenable() async throws {
        try await withTemporaryFolder { folder in
            let reports = Reports()
            try FileManager.default.createDirectory(atPath: folder + "/search.db", withIntermediateDirectories: false)
            let setting = reports.setting(folder + "/search.db", isFollowing: true)
            let ledger = try SQLiteLedger(path: folder + "/ledger.db", clock: clock, sealer: .fixture, search: setting)
            var world = SearchWorld(seed: 8, clock: clock)
            try await world.write(600, into: ledger)
            #expect(try await world.wrong(ledger, searches: 8) == [])
            #expect(reports.all.contains { $0.contains("searches read every entry") })
            try await ledger.close()
        }
    }

    @Test("it follows the log by itself, and its file is for its owner only")
    func follows() async throws {
        try await withTemporaryFolder { folder in
            let reports = Reports()
            let setting = reports.setting(folder + "/search.db", isFollowing: true)
            let ledger = try SQLiteLedger(path: folder + "/ledger.db", clock: clock, sealer: .fixture, search: setting)
            var world = SearchWorld(seed: 4, clock: clock)
            for size in [256, 600, 1300] as [UInt64] {
                while try await ledger.treeHead().size < size { try await world.write(50, into: ledger) }
                let bundles = try await ledger.treeHead().size & ~255
                while try await covered(ledger) != bundles { await Task.yield() }
                #expect(try await world.wrong(ledger, searches: 10) == [])
            }
            #expect(try permissions(folder + "/search.db") == 0o600)
            try await ledger.close()
            #expect(reports.all == [])
        }
    }
}
