/// The right edge of a tree: the roots of the perfect subtrees that its leaves fall into.
///
/// It is all that appending needs, and it is small: one hash for each bit set in `size`.
package struct TreeFrontier: Sendable {
    /// The number of leaves.
    package private(set) var size: UInt64
    /// The perfect subtrees' roots, largest (leftmost) first.
    package private(set) var hashes: [LogHash]

    /// The frontier of the empty tree.
    package init() {
        self.size = 0
        self.hashes = []
    }

    /// Takes up a stored frontier; nil where the number of hashes does not fit the size.
    ///
    /// Sizes above `Int64.max` are refused, so that appending cannot overflow.
    package init?(size: UInt64, hashes: [LogHash]) {
        guard hashes.count == size.nonzeroBitCount, size <= UInt64(Int64.max) else { return nil }
        self.size = size
        self.hashes = hashes
    }

    /// The tree's root.
    package var root: LogHash {
        guard var root = self.hashes.last else { return .emptyTree }
        for left in self.hashes.dropLast().reversed() {
            root = .node(left, root)
        }
        return root
    }

    /// Appends a leaf and reports every perfect subtree that it completes, smallest first, from level 1 up.
    package mutating func append(
        _ leaf: LogHash,
        completed: (_ level: Int, _ index: UInt64, _ hash: LogHash) -> Void = { _, _, _ in },
    ) {
        var hash = leaf
        var index = self.size
        var level = 0
        while index & 1 == 1, let left = self.hashes.popLast() {
            hash = .node(left, hash)
            index >>= 1
            level += 1
            completed(level, index, hash)
        }
        self.hashes.append(hash)
        self.size += 1
    }
}
