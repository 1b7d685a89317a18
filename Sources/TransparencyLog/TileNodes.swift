/// The nodes of a signed tree, read from tiles that nobody needs to trust.
///
/// Every tile is checked before a hash of it is believed: the partial tiles together must have the tree's root, and a
/// full tile's root must be the hash that stands for it in the tile above.
package struct TileNodes: Sendable {
    /// The number of leaves and with them the tiles.
    package let layout: TileLayout
    /// The checked tiles, a row for each level.
    private var tiles: [[UInt64: HashTile]]

    /// Begins with the tiles of `TileLayout.edge`, in that order, which must have the signed root.
    package init(size: UInt64, root: LogHash, edge: [[UInt8]]) throws(TileError) {
        self.layout = TileLayout(size: size)
        self.tiles = Array(repeating: [:], count: 8)
        let paths = self.layout.edge
        guard edge.count == paths.count else { throw .malformed }
        for (path, bytes) in zip(paths, edge) {
            let tile = try HashTile(parsing: bytes, width: path.width)
            self.tiles[Self.level(of: path)][path.index] = tile
        }
        let computed = try treeRoot(size: size) { (level, index) throws(TileError) in
            try self.node(level: level, index: index)
        }
        guard computed == root else { throw .rootMismatch }
    }

    /// The tiles that must be added before a node can be told, in the order in which they can be checked.
    ///
    /// Empty where nothing is missing, and for a node outside the tree.
    package func missing(level: Int, index: UInt64) -> [TilePath] {
        guard var path = self.path(level: level, index: index) else { return [] }
        var paths: [TilePath] = []
        while self.tile(at: path) == nil, let parent = self.parent(of: path) {
            paths.append(path)
            path = parent
        }
        return paths.reversed()
    }

    /// Takes a full tile, once the tile above it is there and says that it belongs there.
    package mutating func add(_ path: TilePath, bytes: [UInt8]) throws(TileError) {
        guard case .hashes = path.content, self.layout.contains(path), let parent = self.parent(of: path)
        else { throw .outsideTree }
        guard let above = self.tile(at: parent) else { throw .missing(parent) }
        let tile = try HashTile(parsing: bytes, width: path.width)
        let hash = tile.node(height: 8, index: 0)
        guard let hash, hash == above.hashes[Int(path.index & 0xFF)] else { throw .mismatch(path) }
        self.tiles[Self.level(of: path)][path.index] = tile
    }

    /// Lets go of a full tile that is no longer needed.
    package mutating func drop(_ path: TilePath) {
        guard case .hashes = path.content, !path.isPartial, self.layout.contains(path) else { return }
        self.tiles[Self.level(of: path)][path.index] = nil
    }

    /// The hash of the perfect subtree of 2^`level` leaves, the `index`-th of its level.
    package func node(level: Int, index: UInt64) throws(TileError) -> LogHash {
        guard let path = self.path(level: level, index: index) else { throw .outsideTree }
        guard let tile = self.tile(at: path) else { throw .missing(path) }
        let height = level % 8
        guard let hash = tile.node(height: height, index: Int(index & (0xFF >> UInt64(height)))) else {
            throw .outsideTree
        }
        return hash
    }

    /// The checked hashes of a tile that was added or is at the edge; nil for any other.
    package func tile(at path: TilePath) -> HashTile? {
        guard case .hashes = path.content, self.layout.contains(path) else { return nil }
        return self.tiles[Self.level(of: path)][path.index]
    }

    private func path(level: Int, index: UInt64) -> TilePath? {
        guard (0..<64).contains(level) else { return nil }
        return self.layout.tile(level: level / 8, index: index >> UInt64(8 - level % 8))
    }

    /// The tile that has the hash of a full one; nil for partial ones, which the root vouches for.
    private func parent(of path: TilePath) -> TilePath? {
        path.isPartial ? nil : self.layout.tile(level: Self.level(of: path) + 1, index: path.index >> 8)
    }

    private static func level(of path: TilePath) -> Int {
        if case .hashes(let level) = path.content { level } else { 0 }
    }
}

extension TileNodes {
    /// Loads the right edge of a tree and checks it against the signed root.
    package init<Failure: Error>(
        size: UInt64,
        root: LogHash,
        load: (TilePath) throws(Failure) -> [UInt8],
    ) throws(TileReadError<Failure>) {
        var edge: [[UInt8]] = []
        for path in TileLayout(size: size).edge {
            do {
                edge.append(try load(path))
            } catch {
                throw .load(path, error)
            }
        }
        do {
            try self.init(size: size, root: root, edge: edge)
        } catch {
            throw .tile(error)
        }
    }

    /// A node, once the tiles that it needs were loaded and checked; a `NodeSource` for the proof builders.
    package mutating func node<Failure: Error>(
        level: Int,
        index: UInt64,
        load: (TilePath) throws(Failure) -> [UInt8],
    ) throws(TileReadError<Failure>) -> LogHash {
        for path in self.missing(level: level, index: index) {
            let bytes: [UInt8]
            do {
                bytes = try load(path)
            } catch {
                throw .load(path, error)
            }
            do {
                try self.add(path, bytes: bytes)
            } catch {
                throw .tile(error)
            }
        }
        do {
            return try self.node(level: level, index: index)
        } catch {
            throw .tile(error)
        }
    }
}
