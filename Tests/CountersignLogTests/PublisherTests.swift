import CountersignCore
import CountersignLog
import CountersignTestKit
import Logging
import Testing
import TransparencyLog

@Suite("The published folder is a whole log at every moment", .timeLimit(.minutes(5)))
struct PublisherTests {
    let ledger = InMemoryLedger()
    let folder = MemoryFolder()
    let head: LogHead
    let signer: NoteSigner

    init() throws {
        signer = try Fixtures.logSigner()
        head = LogHead.testing(ledger, signer: signer)
    }

    private func publisher(entries: Bool = true) -> Publisher {
        Publisher(
            folder: PublishedFolder(in: folder, of: ledger, key: signer.verifier, hasEntries: entries),
            head: head,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        )
    }

    private func grow(to size: Int) async throws {
        while ledger.growth.size < UInt64(size) {
            _ = try await ledger.commit(
                Commit(entries: [Fixtures.entry(at: ledger.time, text: "\(ledger.growth.size)")])
            )
        }
        try await head.advance()
    }

    /// Re-derives the log from nothing but the files: checkpoint, edge, full tiles, bundles.
    ///
    /// Answers its size.
    private func derived(_ files: [String: [UInt8]], entries: Bool = true) throws -> UInt64 {
        guard let note = files[PublishedFolder.checkpoint] else { return 0 }
        let text = try SignedNote(parsing: String(decoding: note, as: UTF8.self)).verified(by: [signer.verifier])
        let checkpoint = try Checkpoint(parsing: text)
        let layout = TileLayout(size: checkpoint.size)
        func bytes(_ path: TilePath) throws -> [UInt8] {
            try #require(files[path.text], "\(path) of \(checkpoint.size) entries")
        }
        var nodes = try TileNodes(
            size: checkpoint.size,
            root: checkpoint.root,
            edge: try layout.edge.map { try bytes($0) },
        )
        for index in 0..<checkpoint.size {
            let leaf = try nodes.node(level: 0, index: index) { path throws(Missing) in
                guard let bytes = files[path.text] else { throw Missing() }
                return bytes
            }
            guard entries, index % 256 == 0, let path = layout.bundle(index: index / 256) else { continue }
            let bundle = try EntryBundle(parsing: try bytes(path), count: path.width)
            #expect(bundle.leaves.first == leaf)
            for (offset, hash) in bundle.leaves.enumerated() {
                let known = try nodes.node(level: 0, index: index + UInt64(offset)) { path throws(Missing) in
                    guard let bytes = files[path.text] else { throw Missing() }
                    return bytes
                }
                #expect(hash == known)
            }
        }
        return checkpoint.size
    }

    private struct Missing: Error {}

    @Test("every file is re-derived from the checkpoint, at sizes on both sides of a tile's edge")
    func sizes() async throws {
        let publisher = publisher()
        for size in [1, 2, 255, 256, 257, 511, 513, 700] {
            try await grow(to: size)
            try await publisher.publish()
            #expect(try derived(folder.files) == UInt64(size))
            #expect(publisher.status.size == UInt64(size))
        }
        // Of what became full, only the full tile is left; the others' partial tiles serve earlier checkpoints.
        #expect(!folder.files.keys.contains { $0.hasPrefix("tile/0/000.p/") || $0.hasPrefix("tile/entries/001.p/") })
        #expect(folder.files["tile/0/002.p/1"] != nil)
    }

    @Test("without entries there are the hashes only")
    func withoutEntries() async throws {
        try await grow(to: 300)
        try await publisher(entries: false).publish()
        #expect(try derived(folder.files, entries: false) == 300)
        #expect(!folder.files.keys.contains { $0.hasPrefix("tile/entries") })
    }

    @Test("a crash between any two writes leaves a whole log, and the next start goes on from it")
    func crashes() async throws {
        try await grow(to: 250)
        try await publisher().publish()
        let before = folder.files
        try await grow(to: 600)
        // So many files are written at all; each of them is once the one that is not.
        try await publisher().publish()
        let writes = folder.writes - before.count
        #expect(writes >= 8)
        for room in 0..<writes {
            folder.files = before
            folder.room = room
            await #expect(throws: LedgerError.self) { try await publisher().publish() }
            #expect(try derived(folder.files) == 250, "after \(room) writes")
            folder.room = nil
            try await publisher().publish()
            #expect(try derived(folder.files) == 600, "after \(room) writes and a new start")
        }
    }

    @Test("what was published is not written again, unless it does not fit together any more")
    func resume() async throws {
        try await grow(to: 600)
        try await publisher().publish()
        let whole = folder.files
        var written = folder.writes
        try await grow(to: 601)
        try await publisher().publish()
        // Two partial hash tiles' worth of level 0, the partial bundle, the checkpoint; level 1 has not changed.
        #expect(folder.writes - written == 3)
        for damage in ["tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/002.p/88"] {
            var files = whole
            files[damage] = damage.hasPrefix("tile/entries") ? nil : Array(repeating: 7, count: 32)
            folder.files = files
            written = folder.writes
            try await publisher().publish()
            #expect(folder.writes - written >= 8, "\(damage)")
            #expect(try derived(folder.files) == 601)
        }
    }

    @Test("a folder that has more of the log, or another one, ends signing and writing")
    func foreign() async throws {
        try await grow(to: 3)
        let other = InMemoryLedger()
        for text in ["0", "1", "2", "x"] {
            _ = try await other.commit(Commit(entries: [Fixtures.entry(at: ledger.time, text: text)]))
        }
        let note = try await LogHead.testing(other, signer: signer).advance().note
        folder.files = [PublishedFolder.checkpoint: Array(note.utf8)]
        let claim = try #require(
            try await PublishedFolder(in: folder, of: ledger, key: signer.verifier, hasEntries: true).claim()
        )
        await #expect(throws: LedgerError.self) { try await head.begin(claims: [claim]) }
        #expect(ledger.halted == nil)
        await #expect(throws: LedgerError.self) { try await publisher().publish() }
        #expect(ledger.halted?.code == .corrupt)
        #expect(folder.files == [PublishedFolder.checkpoint: Array(note.utf8)])
    }

    @Test("publishing follows signing, tells of failures and goes on after them")
    func following() async throws {
        let pause = ManualPause()
        let publisher = Publisher(
            folder: PublishedFolder(in: folder, of: ledger, key: signer.verifier, hasEntries: true),
            head: head,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            sleep: { try await pause.hold($0) },
        )
        folder.room = 0
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await publisher.run() }
            try await grow(to: 5)
            #expect(await pause.next() == Publisher.interval)
            folder.room = nil
            pause.pass()
            #expect(await pause.next() == Publisher.interval)
            pause.pass()
            try await grow(to: 6)
            _ = await pause.next()
            group.cancelAll()
        }
        #expect(publisher.status.error == nil)
        #expect(try derived(folder.files) == 6)
    }
}
