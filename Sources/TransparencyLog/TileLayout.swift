/// Which tiles and entry bundles a tree of some size has (C2SP tlog-tiles).
package struct TileLayout: Hashable, Sendable {
    /// The number of leaves.
    package let size: UInt64

    /// The layout of a tree.
    package init(size: UInt64) {
        self.size = size
    }

    /// The tile of hashes at a place of the tree; nil where the tree has none.
    package func tile(level: Int, index: UInt64) -> TilePath? {
        self.width(level: level, index: index)
            .flatMap { TilePath(.hashes(level: level), index: index, width: $0) }
    }

    /// The entry bundle at a place of the log; nil where the log has none.
    package func bundle(index: UInt64) -> TilePath? {
        self.width(level: 0, index: index).flatMap { TilePath(.entries, index: index, width: $0) }
    }

    /// Whether the path names a tile or bundle of this tree, with the width that it has there.
    package func contains(_ path: TilePath) -> Bool {
        switch path.content {
        case .hashes(let level): self.tile(level: level, index: path.index) == path
        case .entries: self.bundle(index: path.index) == path
        }
    }

    /// The tiles of hashes that this tree has and its beginning of `old` leaves had not, lowest level first.
    ///
    /// Within a level they are in the order of the leaves, the partial tile last. For the whole tree, `old` is 0.
    package func tiles(since old: UInt64 = 0) -> some Sequence<TilePath> {
        self.steps(since: old).lazy.flatMap { $0.paths(.hashes(level: $0.level)) }
    }

    /// The entry bundles that this log has and its beginning of `old` entries had not, in order.
    package func bundles(since old: UInt64 = 0) -> some Sequence<TilePath> {
        self.steps(since: old).prefix(1).lazy.flatMap { $0.paths(.entries) }
    }

    /// The partial tiles of hashes, lowest level first: those whose hashes make the tree's root.
    package var edge: [TilePath] {
        self.steps(since: 0).compactMap { step in
            step.partial.flatMap { TilePath(.hashes(level: step.level), index: step.full.upperBound, width: $0) }
        }
    }

    private func width(level: Int, index: UInt64) -> Int? {
        guard (0..<8).contains(level) else { return nil }
        let hashes = self.size >> UInt64(8 * level)
        if index < hashes >> 8 { return TilePath.fullWidth }
        let rest = Int(hashes & 0xFF)
        return index == hashes >> 8 && rest > 0 ? rest : nil
    }

    /// What is new on each level that has hashes at all; a tree of 2^64 leaves would need a ninth.
    private func steps(since old: UInt64) -> [Step] {
        guard old < self.size else { return [] }
        var steps: [Step] = []
        for level in 0..<8 where self.size >> UInt64(8 * level) > 0 {
            let hashes = self.size >> UInt64(8 * level)
            let before = old >> UInt64(8 * level)
            let rest = Int(hashes & 0xFF)
            steps.append(
                Step(level: level, full: before >> 8..<hashes >> 8, partial: rest > 0 && hashes != before ? rest : nil)
            )
        }
        return steps
    }

    private struct Step {
        var level: Int
        var full: Range<UInt64>
        var partial: Int?

        func paths(_ content: TilePath.Content) -> some Sequence<TilePath> {
            let last = self.full.upperBound + (self.partial == nil ? 0 : 1)
            return (self.full.lowerBound..<last).lazy.compactMap { index in
                TilePath(
                    content,
                    index: index,
                    width: index < self.full.upperBound ? TilePath.fullWidth : self.partial ?? 0
                )
            }
        }
    }
}
