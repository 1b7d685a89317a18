/// Proofs that one tree is the beginning of another: RFC 9162, section 2.1.4.
package enum ConsistencyProof {
    /// The hashes that lead from the root of the first `from` leaves to the root of the first `to`.
    ///
    /// Empty where nothing is to be proved (`from` is 0 or equals `to`) and where nothing can be (`from` > `to`).
    package static func build<Failure: Error>(
        from: UInt64,
        to: UInt64,
        node: NodeSource<Failure>,
    ) throws(Failure) -> [LogHash] {
        guard from > 0, from < to else { return [] }
        var range = LeafRange(start: 0, end: to)
        var proof: [LogHash] = []
        while range.end != from {
            let middle = range.middle
            if from <= middle {
                proof.append(try LeafRange(start: middle, end: range.end).hash(node: node))
                range.end = middle
            } else {
                proof.append(try LeafRange(start: range.start, end: middle).hash(node: node))
                range.start = middle
            }
        }
        // A run that starts at 0 is the old tree itself, whose root the verifier has.
        if range.start != 0 {
            proof.append(try range.hash(node: node))
        }
        proof.reverse()
        return proof
    }

    /// Whether the proof shows that the tree of `from` leaves is the beginning of the tree of `to` leaves.
    ///
    /// A proof from the empty tree says nothing about the new root and is refused; only 0 to 0 holds.
    package static func verify(
        from: UInt64,
        to: UInt64,
        oldRoot: LogHash,
        newRoot: LogHash,
        proof: [LogHash],
    ) -> Bool {
        guard from > 0 else {
            return to == 0 && proof.isEmpty && oldRoot == .emptyTree && newRoot == .emptyTree
        }
        return Self.verify(start: 0, end: from, size: to, subtreeRoot: oldRoot, root: newRoot, proof: proof)
    }

    /// Whether the proof shows that the subtree [`start`, `end`) is part of the tree of `size` leaves.
    ///
    /// An empty subtree is part of every tree that reaches it.
    package static func verify(
        start: UInt64,
        end: UInt64,
        size: UInt64,
        subtreeRoot: LogHash,
        root: LogHash,
        proof: [LogHash],
    ) -> Bool {
        guard end <= size else { return false }
        guard start != end else { return proof.isEmpty && subtreeRoot == .emptyTree }
        guard LeafRange(start: start, end: end).isSubtree else { return false }
        var path = SubtreePath(first: start, last: end - 1, treeLast: size - 1)
        path.climbToFirstProofNode()
        var rest = proof[...]
        var old: LogHash
        if path.first == path.last {
            old = subtreeRoot
        } else if let seed = rest.popFirst() {
            old = seed
        } else {
            return false
        }
        var new = old
        for sibling in rest {
            guard path.treeLast != 0 else { return false }
            if path.last & 1 == 1 || path.last == path.treeLast {
                if path.first < path.last {
                    old = .node(sibling, old)
                }
                new = .node(sibling, new)
                // On the right edge, skip the levels where this node has no sibling.
                while path.last & 1 == 0 {
                    path.climb()
                }
            } else {
                new = .node(new, sibling)
            }
            path.climb()
        }
        return path.treeLast == 0 && old == subtreeRoot && new == root
    }
}

/// Where the walk from a subtree's last leaf to the tree's root stands: three node indices of one level.
private struct SubtreePath {
    var first: UInt64
    var last: UInt64
    var treeLast: UInt64

    mutating func climb() {
        self.first >>= 1
        self.last >>= 1
        self.treeLast >>= 1
    }

    /// Up to the largest perfect subtree at the right end of the old tree: what the proof's first hash stands for.
    mutating func climbToFirstProofNode() {
        let endsWithTree = self.last == self.treeLast
        while self.first != self.last, endsWithTree || self.last & 1 == 1 {
            self.climb()
        }
    }
}
