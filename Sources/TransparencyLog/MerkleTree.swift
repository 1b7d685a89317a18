/// Gives the hash of a perfect subtree: 2^`level` leaves, the `index`-th of that level.
///
/// Level 0 is the leaves. Proof builders only ask for subtrees that lie wholly inside the tree.
package typealias NodeSource<Failure: Error> = (_ level: Int, _ index: UInt64) throws(Failure) -> LogHash

/// The root of the first `size` leaves, from stored subtrees; one lookup for each bit set in `size`.
package func treeRoot<Failure: Error>(size: UInt64, node: NodeSource<Failure>) throws(Failure) -> LogHash {
    guard size > 0 else { return .emptyTree }
    return try LeafRange(start: 0, end: size).hash(node: node)
}

/// A non-empty run of leaves that is a subtree of some tree.
///
/// That is: `start` is a multiple of the run's size rounded up to a power of two.
struct LeafRange {
    var start: UInt64
    var end: UInt64

    /// Whether the run is a subtree, also when its bounds come from a peer.
    var isSubtree: Bool {
        guard self.start < self.end else { return false }
        let last = self.end - self.start - 1
        return last == 0 || self.start & (UInt64.max >> UInt64(last.leadingZeroBitCount)) == 0
    }

    /// Where a run of two or more leaves splits: after the largest power of two below its size.
    var middle: UInt64 {
        self.start + 1 << UInt64(63 - (self.end - self.start - 1).leadingZeroBitCount)
    }

    /// The run's hash, folded from its perfect subtrees, right to left.
    func hash<Failure: Error>(node: NodeSource<Failure>) throws(Failure) -> LogHash {
        var remaining = self.end - self.start
        var position = self.end
        var hash: LogHash?
        while remaining != 0 {
            let level = remaining.trailingZeroBitCount
            let size: UInt64 = 1 << UInt64(level)
            remaining -= size
            position -= size
            let left = try node(level, position >> UInt64(level))
            hash = hash.map { .node(left, $0) } ?? left
        }
        return hash ?? .emptyTree
    }
}
