package import CountersignCore
package import TransparencyLog

/// The log as files that any file server can publish (C2SP tlog-tiles).
///
/// The checkpoint is written last, so that it never promises a tile that is not there: at every moment, also after a
/// crash between any two writes, the folder has the whole log of the size that its checkpoint says. Everything is made
/// from the ledger; nothing that lies in the folder is taken for true.
package struct PublishedFolder: Sendable {
    /// The checkpoint's name.
    package static let checkpoint = "checkpoint"
    /// How many files are written at a time, so that memory stays flat while a long log is written for the first time.
    private static let batch = 64

    private let folder: any DurableFolder
    private let tiles: LogTiles
    private let key: NoteVerifier
    private let hasEntries: Bool

    /// A folder for the log of a key; without entries it has the hashes only.
    package init(in folder: any DurableFolder, of ledger: any LogLedger, key: NoteVerifier, hasEntries: Bool) {
        self.folder = folder
        self.tiles = LogTiles(of: ledger)
        self.key = key
        self.hasEntries = hasEntries
    }

    /// Where it is.
    package var path: String { folder.path }

    /// The checkpoint that the folder has, to be compared with the log; `nil` if it has none.
    package func claim() async throws(LedgerError) -> CheckpointClaim? {
        do {
            guard let bytes = try await folder.read(Self.checkpoint) else { return nil }
            return CheckpointClaim(
                place: "\(folder.path)/\(Self.checkpoint)",
                note: String(decoding: bytes, as: UTF8.self),
            )
        } catch {
            throw LedgerError(.unsigned, "\(error); make the published folder readable, or take log.folder away")
        }
    }

    /// How many entries need not be written again: what the checkpoint covers, if the files at its edge fit to it.
    package func resume() async throws(LedgerError) -> UInt64 {
        guard let checkpoint = try await claim()?.checkpoint(of: key) else { return 0 }
        do {
            let layout = TileLayout(size: checkpoint.size)
            var edge = [[UInt8]]()
            for path in layout.edge {
                guard let bytes = try await folder.read(path.text) else { return 0 }
                edge.append(bytes)
            }
            guard checkpoint.size > 0,
                (try? TileNodes(size: checkpoint.size, root: checkpoint.root, edge: edge)) != nil
            else { return 0 }
            if hasEntries, let last = layout.bundle(index: (checkpoint.size - 1) >> 8) {
                guard try await folder.read(last.text) != nil else { return 0 }
            }
            return checkpoint.size
        } catch {
            throw LedgerError(.unsigned, "\(error); make the published folder readable, or take log.folder away")
        }
    }

    /// Writes what the folder lacks of a signed log, and then its checkpoint; `old` is the size that it has now.
    package func publish(_ head: SignedHead, since old: UInt64) async throws(LedgerError) {
        let layout = TileLayout(size: head.size)
        var files = [FolderFile]()
        for path in layout.tiles(since: old) { try await add(path, of: head, &files) }
        if hasEntries { for path in layout.bundles(since: old) { try await add(path, of: head, &files) } }
        try await write(files)
        // A crash before this leaves files that no checkpoint speaks of yet; the next try writes them again.
        try await write([FolderFile(name: Self.checkpoint, bytes: Array(head.note.utf8))])
        // A crash in here leaves partial tiles that nobody needs.
        try await prune(from: old, to: head.size)
    }

    private func add(_ path: TilePath, of head: SignedHead, _ files: inout [FolderFile]) async throws(LedgerError) {
        guard let bytes = try await tiles.bytes(path, size: head.size) else {
            throw LedgerError(.corrupt, "the ledger has no \(path), which a log of \(head.size) entries must have")
        }
        files.append(FolderFile(name: path.text, bytes: bytes))
        guard files.count >= Self.batch else { return }
        try await write(files)
        files = []
    }

    private func write(_ files: [FolderFile]) async throws(LedgerError) {
        guard !files.isEmpty else { return }
        do {
            try await folder.write(files)
        } catch {
            throw LedgerError(.unavailable, "the log is not published: \(error)")
        }
    }

    /// Removes the partial tiles of what became full; until then they serve readers of earlier checkpoints.
    private func prune(from old: UInt64, to size: UInt64) async throws(LedgerError) {
        var places = (0..<8).map { (TilePath.Content.hashes(level: $0), $0) }
        if hasEntries { places.append((.entries, 0)) }
        do {
            for (content, level) in places {
                let index = old >> UInt64(8 * level + 8)
                guard index < size >> UInt64(8 * level + 8), let full = TilePath(content, index: index) else {
                    continue
                }
                let partials = full.text + ".p"
                let names = try await folder.names(in: partials).map { partials + "/" + $0 }
                if !names.isEmpty { try await folder.remove(names) }
            }
        } catch {
            throw LedgerError(.unavailable, "old partial tiles are not removed: \(error)")
        }
    }
}
