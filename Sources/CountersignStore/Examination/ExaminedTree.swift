import CountersignCore
import GRDB
import TransparencyLog

/// The Merkle tree that the entries make, beside the tiles that are stored.
struct ExaminedTree {
    private let db: Database
    private(set) var tree = LogTree()
    /// The stored tile that the next leaf falls into, if it is full, and the first place where the leaves differ.
    private var stored: [UInt8]?
    private var difference: Int?
    /// Whether leaves are missing, so that nothing above them can be derived.
    private(set) var isBroken = false

    /// Something to be reported.
    typealias Report = (LogFinding) throws -> Void

    init(_ db: Database) { self.db = db }

    /// How many leaves there are so far.
    var size: UInt64 { tree.size }

    /// Takes the next leaf, of a log of `size` entries; answers the tiles that it fills.
    @discardableResult
    mutating func append(_ leaf: LogHash, of size: UInt64, _ report: Report) throws -> [LogTree.Tile] {
        guard !isBroken else { return [] }
        let place = Int(tree.size & 255)
        let index = tree.size >> 8
        if place == 0 {
            difference = nil
            stored = index < size >> 8 ? try load(0, index, report) : nil
        }
        if difference == nil, let stored, !stored[(32 * place)..<(32 * place + 32)].elementsEqual(leaf.bytes) {
            difference = place
        }
        var filled = [LogTree.Tile]()
        tree.append(leaf) { filled.append($0) }
        for tile in filled {
            guard tile.level > 0 else {
                try compare(tile, report)
                continue
            }
            guard let stored = try load(tile.level, tile.index, report) else { continue }
            try compareUpper(tile, stored, report)
        }
        return filled
    }

    /// Goes on behind entries that are missing, with what the tiles say of them.
    mutating func skip(to next: UInt64, of size: UInt64, _ report: Report) throws {
        while !isBroken, tree.size < next {
            let place = Int(tree.size & 255)
            let index = tree.size >> 8
            guard index < size >> 8, let bytes = try? db.tile(level: 0, index: index), bytes.count == 8192,
                let leaf = LogHash(bytes: bytes[(32 * place)..<(32 * place + 32)])
            else {
                isBroken = true
                return
            }
            try append(leaf, of: size, report)
        }
    }

    private func load(_ level: Int, _ index: UInt64, _ report: Report) throws -> [UInt8]? {
        guard let bytes = try db.tile(level: level, index: index) else {
            try report(LogFinding(.tileMissing, "tile \(level)/\(index)", "it is not stored"))
            return nil
        }
        guard bytes.count == LogTree.tileWidth * LogHash.byteCount else {
            let place = "tile \(level)/\(index)"
            try report(LogFinding(.tileChanged, place, "it has \(bytes.count) bytes", expected: "8192 bytes"))
            return nil
        }
        return bytes
    }

    /// Says which of entry and tile was changed, as far as something above or signed tells.
    private func compare(_ tile: LogTree.Tile, _ report: Report) throws {
        guard let difference, let stored else { return }
        let entry = tile.index << 8 + UInt64(difference)
        let expected = LogHash(bytes: stored[(32 * difference)..<(32 * difference + 32)])?.base64
        let found = tile.hashes[difference].base64
        let name = "tile 0/\(tile.index)"
        switch try witness(of: tile, stored) {
        case true?:
            try report(
                LogFinding(
                    .tileChanged,
                    name,
                    "its hash of entry \(entry) is not that of the entry, which what stands above it still has",
                    expected: found,
                    found: expected,
                )
            )
        case false?:
            try report(
                LogFinding(
                    .entryChanged,
                    "entry \(entry)",
                    "its hash is not the one in \(name), which what stands above it still has",
                    expected: expected,
                    found: found,
                )
            )
        case nil:
            try report(
                LogFinding(
                    .entryChanged,
                    "entry \(entry)",
                    "its hash is not the one in \(name), and nothing above or signed tells which of them was changed",
                    expected: expected,
                    found: found,
                )
            )
        }
    }

    /// Whether what stands above goes with the entries (`true`) or with the stored tile (`false`).
    private func witness(of tile: LogTree.Tile, _ stored: [UInt8]) throws -> Bool? {
        let hashes = (0..<LogTree.tileWidth).compactMap { LogHash(bytes: stored[(32 * $0)..<(32 * $0 + 32)]) }
        let ofEntries = LogTree.root(tile.hashes[...])
        let ofTile = LogTree.root(hashes[...])
        if let above = try db.tile(level: 1, index: tile.index >> 8), above.count == 8192 {
            let place = Int(tile.index & 255)
            let hash = LogHash(bytes: above[(32 * place)..<(32 * place + 32)])
            return hash == ofEntries ? true : hash == ofTile ? false : nil
        }
        guard
            let (size, root) = try db.first(
                "SELECT size, root FROM checkpoint ORDER BY size DESC LIMIT 1",
                [],
                { (UInt64(clamping: $0.integer(0)), $0.bytes(1)) }
            ), size >> 8 > tile.index
        else { return nil }
        for (bytes, answer) in [(tile.bytes, true), (stored, false)]
        where try self.root(size, tile.index, bytes) == root {
            return answer
        }
        return nil
    }

    /// The root of the first `size` entries by the stored tiles, with this one in the place of its own.
    private func root(_ size: UInt64, _ index: UInt64, _ bytes: [UInt8]) throws -> [UInt8]? {
        var tiles = TileReader { level, place in
            level == 0 && place == index ? bytes : try db.tile(level: level, index: place)
        }
        let tree = try? LogTree(
            size: size,
            leaves: { count in
                try db.rows(
                    "SELECT body FROM entry WHERE sequence >= ? AND sequence < ? ORDER BY sequence",
                    [.integer(Int64(clamping: size & ~255)), .integer(Int64(clamping: size))],
                ) { LogHash.leaf($0.bytes(0)) }
            },
            tiles: &tiles
        )
        return tree?.head.root.bytes
    }

    private func compareUpper(_ tile: LogTree.Tile, _ stored: [UInt8], _ report: Report) throws {
        for (place, hash) in tile.hashes.enumerated() {
            let bytes = stored[(32 * place)..<(32 * place + 32)]
            guard !bytes.elementsEqual(hash.bytes) else { continue }
            let below = tile.index << 8 + UInt64(place)
            return try report(
                LogFinding(
                    .tileChanged,
                    "tile \(tile.level)/\(tile.index)",
                    "its hash \(place) does not follow from the entries below tile \(tile.level - 1)/\(below): it was "
                        + "changed, or all of them were",
                    expected: hash.base64,
                    found: LogHash(bytes: bytes)?.base64,
                )
            )
        }
    }
}
