import CountersignCore
import TransparencyLog

/// The published folder beside the walk over the entries.
struct PublishedWalk {
    let copy: PublishedCopy
    /// The checkpoint that the folder promises.
    let size: UInt64
    /// The entries of the bundle that is being filled.
    var bundle: [[UInt8]] = []
}

extension Examiner {
    /// The floor file, whose checkpoint the log must contain.
    func gatherFloor() throws {
        guard let floor = settings.floor else { return }
        let place = "the file \(floor.path)"
        guard let note = floor.note else {
            guard size > 0 else { return }
            let message = "it is not there, so a ledger that was put back to an older state would be signed again"
            return warn(.floorAbsent, place, message)
        }
        guard let checkpoint = try verified(note, place) else { return }
        try expect(AwaitedHead(place: place, size: checkpoint.size, root: checkpoint.root))
    }

    /// The published folder, whose checkpoint the log must contain and whose files must be the log's.
    func gatherPublished() throws {
        guard let copy = settings.published, let note = copy.note else { return }
        let place = "the file \(copy.path)/checkpoint"
        guard let checkpoint = try verified(note, place) else { return }
        try expect(AwaitedHead(place: place, size: checkpoint.size, root: checkpoint.root))
        published = PublishedWalk(copy: copy, size: min(checkpoint.size, size))
        let (count, first) = copy.leftovers(of: checkpoint.size)
        guard count > 0, let first, !copy.isStale else { return }
        let others = count == 1 ? "" : " and \(count - 1) more"
        warn(.publishedSurplus, "the folder \(copy.path)", "its checkpoint does not speak of \(first)\(others)")
    }

    /// Compares what the entry just read completes in the published folder.
    func comparePublished(_ body: [UInt8], _ filled: [LogTree.Tile]) throws {
        guard published != nil, let size = published?.size, tree.size <= size, !tree.isBroken else { return }
        published?.bundle.append(body)
        for tile in filled {
            guard let path = TilePath(.hashes(level: tile.level), index: tile.index) else { continue }
            try comparePublished(path, tile.bytes)
        }
        let index = (tree.size - 1) >> 8
        if tree.size & 255 == 0 || tree.size == size {
            let entries = published?.bundle ?? []
            published?.bundle = []
            if published?.copy.hasEntries == true, let path = TilePath(.entries, index: index, width: entries.count) {
                try comparePublished(path, EntryBundle(entries).bytes)
            }
        }
        guard tree.size == size else { return }
        for (level, edge) in tree.tree.edges.enumerated() where !edge.isEmpty {
            let index = size >> UInt64(8 * level + 8)
            guard let path = TilePath(.hashes(level: level), index: index, width: edge.count) else { continue }
            try comparePublished(path, edge.flatMap(\.bytes))
        }
    }

    private func comparePublished(_ path: TilePath, _ expected: [UInt8]) throws {
        guard let copy = published?.copy else { return }
        let found = copy.bytes(path.text)
        guard found != expected else { return }
        // What was partial when we began may have been replaced since.
        guard !(path.isPartial && copy.isStale) else { return }
        func digest(_ bytes: [UInt8]) -> String { "\(bytes.count) bytes of digest \(ActionDigest(of: bytes))" }
        try add(
            found == nil ? .publishedMissing : .publishedChanged,
            "the file \(copy.path)/\(path.text)",
            found == nil
                ? "the folder's checkpoint promises it, and it is not there" : "it is not what the log has there",
            expected: digest(expected),
            found: found.map(digest) ?? "nothing",
        )
    }
}
