import Testing
import TransparencyLog

@Suite("Merkle proofs", .timeLimit(.minutes(10)))
struct MerkleProofTests {
    static let tree = ReferenceTree(size: 131)
    static let roots = (0...131).map { tree.root(size: $0) }
    /// Stored subtrees, so that building costs a lookup each.
    static let levels: [[LogHash]] = (0..<8).map { level in
        (0..<UInt64(131 >> level)).map { tree.node(level: level, index: $0) }
    }

    static func node(level: Int, index: UInt64) -> LogHash {
        Self.levels[level][Int(index)]
    }

    @Test("the root from stored subtrees is RFC 6962's at every size")
    func treeRoots() {
        for size in 0...131 {
            #expect(treeRoot(size: UInt64(size), node: Self.node) == Self.roots[size])
        }
    }

    @Test("every leaf of every tree of up to 130 leaves has RFC 6962's path, and it verifies", arguments: 1...130)
    func inclusion(size: Int) {
        for index in 0..<size {
            let proof = InclusionProof.build(index: UInt64(index), size: UInt64(size), node: Self.node)
            #expect(proof == Self.tree.path(index: index, size: size))
            #expect(Self.verifies(index, size, proof: proof))
        }
    }

    @Test("every pair of sizes up to 130 has RFC 6962's consistency proof, and it verifies", arguments: 1...130)
    func consistency(to: Int) {
        for from in 1...to {
            let proof = ConsistencyProof.build(from: UInt64(from), to: UInt64(to), node: Self.node)
            #expect(proof == Self.tree.proof(from: from, to: to))
            #expect(Self.verifies(from: from, to: to, proof: proof))
        }
    }

    @Test("an inclusion proof verifies for no other index, size, leaf or root", arguments: 1...33)
    func inclusionMutations(size: Int) {
        for index in 0..<size {
            let proof = Self.tree.path(index: index, size: size)
            for other in 0..<40 where other != index {
                #expect(!Self.verifies(other, size, leaf: index, proof: proof))
            }
            #expect(!Self.verifies(index, size, leaf: index + 1, proof: proof))
            for other in 0..<70 where other != size {
                #expect(!Self.verifies(index, size, stated: other, rootOf: other, proof: proof))
            }
            for mutation in Self.mutations(of: proof) {
                #expect(!Self.verifies(index, size, proof: mutation))
            }
        }
    }

    @Test("a consistency proof verifies for no other sizes or roots", arguments: 2...33)
    func consistencyMutations(to: Int) {
        for from in 1..<to {
            let proof = Self.tree.proof(from: from, to: to)
            for other in 1...40 where other != from {
                #expect(!Self.verifies(from: other, to: to, proof: proof))
            }
            #expect(
                !ConsistencyProof.verify(
                    from: UInt64(from),
                    to: UInt64(to),
                    oldRoot: Self.roots[to],
                    newRoot: Self.roots[from],
                    proof: proof,
                )
            )
            for mutation in Self.mutations(of: proof) {
                #expect(!Self.verifies(from: from, to: to, proof: mutation))
            }
        }
    }

    @Test("what cannot be proved has an empty proof, which does not verify")
    func impossible() {
        #expect(InclusionProof.build(index: 5, size: 5, node: Self.node).isEmpty)
        #expect(InclusionProof.build(index: 0, size: 0, node: Self.node).isEmpty)
        #expect(ConsistencyProof.build(from: 6, to: 5, node: Self.node).isEmpty)
        #expect(ConsistencyProof.build(from: 0, to: 5, node: Self.node).isEmpty)
        #expect(!Self.verifies(0, 0, proof: []))
        #expect(!Self.verifies(from: 6, to: 5, proof: []))
        #expect(!Self.verifies(from: 0, to: 5, proof: []))
        #expect(Self.verifies(from: 0, to: 0, proof: []))
    }

    @Test("sizes up to the largest integer are answered, not trapped on")
    func largest() {
        let max = UInt64.max
        let some = LogHash.leaf([1])
        let path = InclusionProof.build(index: max - 1, size: max) { _, _ in some }
        #expect(InclusionProof.build(index: 0, size: max) { _, _ in some }.count == 64)
        #expect(!InclusionProof.verify(index: max - 1, size: max, leaf: some, proof: path, root: some))
        #expect(!InclusionProof.verify(index: max, size: max, leaf: some, proof: path, root: some))
        let proof = ConsistencyProof.build(from: max - 1, to: max) { _, _ in some }
        #expect(
            !ConsistencyProof.verify(from: max - 1, to: max, oldRoot: some, newRoot: some, proof: proof)
        )
        #expect(
            !ConsistencyProof.verify(start: 1, end: max, size: max, subtreeRoot: some, root: some, proof: [])
        )
    }

    @Test("a failing store fails the build with its own error")
    func failingStore() {
        struct Unreadable: Error {}
        let broken = { (_: Int, _: UInt64) throws(Unreadable) -> LogHash in throw Unreadable() }
        #expect(throws: Unreadable.self) { try InclusionProof.build(index: 0, size: 2, node: broken) }
        #expect(throws: Unreadable.self) { try ConsistencyProof.build(from: 1, to: 2, node: broken) }
        #expect(throws: Unreadable.self) { try treeRoot(size: 2, node: broken) }
    }

    // MARK: What the tests ask

    private static func verifies(
        _ index: Int,
        _ size: Int,
        stated: Int? = nil,
        rootOf: Int? = nil,
        leaf: Int? = nil,
        proof: [LogHash],
    ) -> Bool {
        InclusionProof.verify(
            index: UInt64(index),
            size: UInt64(stated ?? size),
            leaf: Self.tree.leaves[leaf ?? index],
            proof: proof,
            root: Self.roots[rootOf ?? size],
        )
    }

    private static func verifies(from: Int, to: Int, proof: [LogHash]) -> Bool {
        ConsistencyProof.verify(
            from: UInt64(from),
            to: UInt64(to),
            oldRoot: Self.roots[from],
            newRoot: Self.roots[to],
            proof: proof,
        )
    }

    /// The proof cut, lengthened, reordered and changed in every hash.
    private static func mutations(of proof: [LogHash]) -> [[LogHash]] {
        var mutations = [proof + [.emptyTree], [.emptyTree] + proof]
        for position in proof.indices {
            var cut = proof
            cut.remove(at: position)
            var changed = proof
            changed[position] = .node(changed[position], changed[position])
            mutations += [cut, changed, proof + [proof[position]]]
            if position > 0 {
                var swapped = proof
                swapped.swapAt(position - 1, position)
                mutations.append(swapped)
            }
        }
        return mutations
    }
}
