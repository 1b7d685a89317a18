/// Up to 256 consecutive hashes of one level of a tree: the leaves of a subtree of height 8 (C2SP tlog-tiles).
package struct HashTile: Hashable, Sendable {
    /// The hashes, 1 to 256.
    package let hashes: [LogHash]

    /// Makes a tile of hashes.
    package init(_ hashes: [LogHash]) throws(TileError) {
        guard (1...TilePath.fullWidth).contains(hashes.count) else { throw .wrongCount }
        self.hashes = hashes
    }

    /// Reads exactly `width` hashes of 32 bytes.
    package init(parsing bytes: [UInt8], width: Int) throws(TileError) {
        guard (1...TilePath.fullWidth).contains(width) else { throw .wrongCount }
        guard bytes.count == width * LogHash.byteCount else { throw .malformed }
        var hashes: [LogHash] = []
        hashes.reserveCapacity(width)
        for start in stride(from: 0, to: bytes.count, by: LogHash.byteCount) {
            guard let hash = LogHash(bytes: bytes[start..<start + LogHash.byteCount]) else { throw .malformed }
            hashes.append(hash)
        }
        self.hashes = hashes
    }

    /// The hashes' bytes, one after the other.
    package var bytes: [UInt8] { self.hashes.flatMap(\.bytes) }

    /// The hash of the perfect subtree of 2^`height` hashes, the `index`-th of the tile; nil where it is not full.
    package func node(height: Int, index: Int) -> LogHash? {
        guard (0...8).contains(height), index >= 0, index < self.hashes.count >> height else { return nil }
        var row = Array(self.hashes[index << height..<(index + 1) << height])
        while row.count > 1 {
            row = stride(from: 0, to: row.count, by: 2).map { .node(row[$0], row[$0 + 1]) }
        }
        return row[0]
    }
}
