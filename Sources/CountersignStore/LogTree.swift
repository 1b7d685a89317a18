import CountersignCore
import TransparencyLog

/// The Merkle tree's right edge in memory: what appending an entry needs, and what is not yet in a stored tile.
///
/// Tiles are those of C2SP tlog-tiles: tile level `t` holds the roots of perfect subtrees of 256^t leaves, 256 to a tile.
/// Only full tiles are stored; whatever hangs over is here. It is a value, so that a transaction that fails leaves the
/// old one as it was.
struct LogTree: Sendable {
    /// How many hashes a full tile has.
    static let tileWidth = 256

    /// A tile that has become full, to be stored in the same transaction as the entries below it.
    struct Tile {
        let level: Int
        let index: UInt64
        let hashes: [LogHash]

        /// The hashes in order, 32 bytes each.
        var bytes: [UInt8] {
            var bytes = [UInt8]()
            bytes.reserveCapacity(hashes.count * LogHash.byteCount)
            for hash in hashes { bytes += hash.bytes }
            return bytes
        }
    }

    private(set) var frontier: TreeFrontier
    /// The unfinished tile of each tile level; always fewer than 256 hashes each.
    private(set) var edges: [[LogHash]]

    /// The tree without leaves.
    init() {
        frontier = TreeFrontier()
        edges = [[]]
    }

    /// How many leaves the tree has.
    var size: UInt64 { frontier.size }
    /// The size and root.
    var head: TreeHead { TreeHead(size: frontier.size, root: frontier.root) }

    /// Appends a leaf; the tiles that it fills are to be stored.
    mutating func append(_ leaf: LogHash, filled: (Tile) throws -> Void) rethrows {
        // Hashes of levels 8, 16, …, in that order; nearly always none, which allocates nothing.
        var crossed = [LogHash]()
        frontier.append(leaf) { level, _, hash in
            if level & 7 == 0 { crossed.append(hash) }
        }
        edges[0].append(leaf)
        for (level, hash) in crossed.enumerated() {
            let index = (frontier.size >> UInt64(8 * (level + 1))) - 1
            try filled(Tile(level: level, index: index, hashes: edges[level]))
            edges[level] = []
            if edges.count == level + 1 { edges.append([]) }
            edges[level + 1].append(hash)
        }
    }

    /// Builds the edge from what is stored: the leaves that are in no full tile, and the full tiles.
    ///
    /// `leaves` is given how many there must be.
    init(size: UInt64, leaves: (Int) throws -> [LogHash], tiles: inout TileReader) throws {
        self.init()
        edges[0] = try leaves(Int(size & 255))
        var level = 1
        while size >> UInt64(8 * level) > 0 {
            let count = size >> UInt64(8 * level)
            var edge = [LogHash]()
            for index in (count & ~255)..<count {
                edge.append(try tiles.root(level: level - 1, index: index, offset: 0, height: 8))
            }
            edges.append(edge)
            level += 1
        }
        var hashes = [LogHash]()
        for bit in (0..<64).reversed() where size & (1 << UInt64(bit)) != 0 {
            hashes.append(try hash(level: bit, index: (size >> UInt64(bit)) - 1, of: size, &tiles))
        }
        guard let frontier = TreeFrontier(size: size, hashes: hashes) else {
            throw LedgerError(.corrupt, "the log's size is impossible")
        }
        self.frontier = frontier
    }

    /// The root of the perfect subtree of 2^`level` leaves at `index`; it lies wholly inside the tree.
    func hash(level: Int, index: UInt64, _ tiles: inout TileReader) throws -> LogHash {
        try hash(level: level, index: index, of: size, &tiles)
    }

    private func hash(level: Int, index: UInt64, of size: UInt64, _ tiles: inout TileReader) throws -> LogHash {
        let tileLevel = level / 8
        let height = level % 8
        let first = index << UInt64(height)
        let full = (size >> UInt64(8 * tileLevel)) >> 8
        let offset = Int(first & 255)
        if first >> 8 < full {
            return try tiles.root(level: tileLevel, index: first >> 8, offset: offset, height: height)
        }
        guard tileLevel < edges.count, offset + (1 << height) <= edges[tileLevel].count else {
            throw LedgerError(.corrupt, "the log's tree lacks a node")
        }
        return Self.root(edges[tileLevel][offset..<(offset + (1 << height))])
    }

    /// The root over 2^n neighbouring hashes.
    static func root(_ hashes: ArraySlice<LogHash>) -> LogHash {
        var row = Array(hashes)
        while row.count > 1 {
            for index in 0..<(row.count / 2) { row[index] = .node(row[2 * index], row[2 * index + 1]) }
            row.removeLast(row.count / 2)
        }
        return row.first ?? .emptyTree
    }
}

/// Reads full tiles within one read transaction, each at most once.
struct TileReader {
    private struct Place: Hashable {
        let level: Int
        let index: UInt64
    }

    private let load: (_ level: Int, _ index: UInt64) throws -> [UInt8]?
    private var loaded: [Place: [UInt8]] = [:]

    /// Reads tiles with a function that answers `nil` for one that is not stored.
    init(load: @escaping (_ level: Int, _ index: UInt64) throws -> [UInt8]?) { self.load = load }

    /// The root of 2^`height` neighbouring hashes of a tile.
    mutating func root(level: Int, index: UInt64, offset: Int, height: Int) throws -> LogHash {
        let tile = try tile(level: level, index: index)
        let hashes = try (offset..<(offset + (1 << height))).map { position in
            let start = position * LogHash.byteCount
            guard let hash = LogHash(bytes: tile[start..<(start + LogHash.byteCount)]) else {
                throw LedgerError(.corrupt, "a tile of the log has no hash \(position)")
            }
            return hash
        }
        return LogTree.root(hashes[...])
    }

    private mutating func tile(level: Int, index: UInt64) throws -> [UInt8] {
        let place = Place(level: level, index: index)
        if let tile = loaded[place] { return tile }
        guard let tile = try load(level, index), tile.count == LogTree.tileWidth * LogHash.byteCount else {
            throw LedgerError(.corrupt, "the log was cut or rewritten: tile \(level)/\(index) is missing or damaged")
        }
        loaded[place] = tile
        return tile
    }
}
