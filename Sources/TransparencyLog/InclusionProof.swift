/// Proofs that a leaf is in a tree: RFC 9162, section 2.1.3.
package enum InclusionProof {
    /// The siblings on the way from leaf `index` to the root of the first `size` leaves, leaf's sibling first.
    ///
    /// A leaf outside the tree has no proof; the answer is then empty and verifies nowhere.
    package static func build<Failure: Error>(
        index: UInt64,
        size: UInt64,
        node: NodeSource<Failure>,
    ) throws(Failure) -> [LogHash] {
        guard index < size else { return [] }
        var range = LeafRange(start: 0, end: size)
        var proof: [LogHash] = []
        while range.end - range.start > 1 {
            let middle = range.middle
            if index < middle {
                proof.append(try LeafRange(start: middle, end: range.end).hash(node: node))
                range.end = middle
            } else {
                proof.append(try LeafRange(start: range.start, end: middle).hash(node: node))
                range.start = middle
            }
        }
        proof.reverse()
        return proof
    }

    /// Whether the proof leads from `leaf`, at `index`, to the root of a tree of `size` leaves.
    package static func verify(index: UInt64, size: UInt64, leaf: LogHash, proof: [LogHash], root: LogHash) -> Bool {
        guard index < size else { return false }
        var node = index
        var last = size - 1
        var hash = leaf
        for sibling in proof {
            guard last != 0 else { return false }
            if node & 1 == 1 || node == last {
                hash = .node(sibling, hash)
                // On the right edge, skip the levels where this node has no sibling.
                while node & 1 == 0, node != 0 {
                    node >>= 1
                    last >>= 1
                }
            } else {
                hash = .node(hash, sibling)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && hash == root
    }

    /// Whether the proof leads from `leaf`, at `index` of the whole log, to the root of the subtree [`start`, `end`).
    package static func verify(
        index: UInt64,
        start: UInt64,
        end: UInt64,
        leaf: LogHash,
        proof: [LogHash],
        subtreeRoot: LogHash,
    ) -> Bool {
        guard LeafRange(start: start, end: end).isSubtree, index >= start else { return false }
        return Self.verify(index: index - start, size: end - start, leaf: leaf, proof: proof, root: subtreeRoot)
    }
}
