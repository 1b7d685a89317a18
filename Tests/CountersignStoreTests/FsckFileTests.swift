import CountersignCore
import CountersignStore
import CountersignTestKit
import Foundation
import Testing
import TransparencyLog

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

    @Test("a search index of another log, or a damaged one, is told and is no loss")
    func search() async throws {
        try await withRichLedger { path, _ in
            try await withTemporaryFolder { folder in
                let index = folder + "/search.db"
                let setting = SearchSetting(path: index, isFollowing: false) { _ in }
                let ledger = try SQLiteLedger(path: path, clock: ManualClock(), sealer: .fixture, search: setting)
                while try ledger.indexForSearch() {}
                try await ledger.close()
                func codes() throws -> [LogFinding.Code] {
                    let key = try Fixtures.logSigner().verifier
                    var examination = LogExamination(path: path, key: key, sealer: .fixture)
                    examination.include(search: index)
                    let report = try examination.run()
                    #expect(report.isGood)
                    return report.findings.map(\.code)
                }
                #expect(try codes() == [])
                try tamper(index, "UPDATE segment SET root = zeroblob(32)")
                #expect(try codes() == [.searchStale])
                try tamper(index, "DELETE FROM segment WHERE id = 0")
                #expect(try codes() == [.searchStale])
                try Data("x".utf8).write(to: URL(fileURLWithPath: index))
                #expect(try codes() == [.searchStale])
                try FileManager.default.removeItem(atPath: index)
                #expect(try codes() == [])
            }
        }
    }
}
