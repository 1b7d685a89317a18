/// Up to 256 consecutive entries of a log, each after its length as a big-endian 16-bit number (C2SP tlog-tiles).
package struct EntryBundle: Hashable, Sendable {
    /// The entries, 1 to 256.
    package let entries: [[UInt8]]

    /// The longest entry that a bundle can hold.
    package static let maximumEntryLength = Int(UInt16.max)

    /// Makes a bundle of entries.
    package init(_ entries: [[UInt8]]) throws(TileError) {
        guard (1...TilePath.fullWidth).contains(entries.count) else { throw .wrongCount }
        guard entries.allSatisfy({ $0.count <= Self.maximumEntryLength }) else { throw .entryTooLong }
        self.entries = entries
    }

    /// Reads exactly `count` entries, to the last byte.
    package init(parsing bytes: [UInt8], count: Int) throws(TileError) {
        guard (1...TilePath.fullWidth).contains(count) else { throw .wrongCount }
        var entries: [[UInt8]] = []
        entries.reserveCapacity(count)
        var rest = bytes[...]
        while entries.count < count {
            guard let high = rest.popFirst(), let low = rest.popFirst() else { throw .malformed }
            let length = Int(high) << 8 | Int(low)
            guard rest.count >= length else { throw .malformed }
            entries.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        guard rest.isEmpty else { throw .malformed }
        self.entries = entries
    }

    /// The bundle's bytes.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(self.entries.reduce(0) { $0 + 2 + $1.count })
        for entry in self.entries {
            bytes.append(UInt8(truncatingIfNeeded: entry.count >> 8))
            bytes.append(UInt8(truncatingIfNeeded: entry.count))
            bytes += entry
        }
        return bytes
    }

    /// The level-0 tile of the same leaves.
    package var leaves: [LogHash] { self.entries.map { .leaf($0) } }
}
