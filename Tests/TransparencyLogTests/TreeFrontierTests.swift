import Testing
import TransparencyLog

@Suite("TreeFrontier", .timeLimit(.minutes(10)))
struct TreeFrontierTests {
    @Test("at every size the root is RFC 6962's, also when taken up from stored hashes")
    func roots() throws {
        let tree = ReferenceTree(size: 300)
        var frontier = TreeFrontier()
        for size in 0..<300 {
            #expect(frontier.size == UInt64(size))
            #expect(frontier.root == tree.root(size: size))
            let stored = try #require(TreeFrontier(size: frontier.size, hashes: frontier.hashes))
            #expect(stored.root == frontier.root)
            frontier = stored
            frontier.append(tree.leaves[size])
        }
    }

    @Test("every perfect subtree is reported once, when its last leaf arrives")
    func completed() {
        let tree = ReferenceTree(size: 130)
        var frontier = TreeFrontier()
        for (position, leaf) in tree.leaves.enumerated() {
            var levels: [Int] = []
            frontier.append(leaf) { level, index, hash in
                #expect(hash == tree.node(level: level, index: index))
                #expect((Int(index) + 1) << level == position + 1)
                levels.append(level)
            }
            #expect(levels == Array(1..<1 + (position + 1).trailingZeroBitCount))
        }
    }

    @Test("hashes that do not fit the size are refused")
    func malformed() {
        let hash = LogHash.emptyTree
        #expect(TreeFrontier(size: 0, hashes: [hash]) == nil)
        #expect(TreeFrontier(size: 3, hashes: [hash]) == nil)
        #expect(TreeFrontier(size: 4, hashes: [hash, hash]) == nil)
        #expect(TreeFrontier(size: 0, hashes: [])?.root == .emptyTree)
    }

    @Test("a size that could overflow is refused, and the largest allowed still appends")
    func largest() throws {
        #expect(TreeFrontier(size: 1 << 63, hashes: [.emptyTree]) == nil)
        let all = [LogHash](repeating: .emptyTree, count: 63)
        var frontier = try #require(TreeFrontier(size: UInt64(Int64.max), hashes: all))
        frontier.append(.emptyTree)
        #expect(frontier.size == 1 << 63)
        #expect(frontier.hashes.count == 1)
    }
}
