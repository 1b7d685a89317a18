import TransparencyLog

/// A Merkle tree written straight from the definitions of RFC 6962, section 2.1: slow, recursive and obviously right.
struct ReferenceTree {
    var leaves: [LogHash]
    /// The subtrees of all trees up to the full size, so that asking often stays cheap.
    private var known: [Range<Int>: LogHash] = [:]

    /// A tree whose leaves are all different.
    init(size: Int) {
        self.init(entries: (0..<size).map { Array("leaf \($0)".utf8) })
    }

    init(entries: [[UInt8]]) {
        self.leaves = entries.map { .leaf($0) }
        for size in self.leaves.indices.dropFirst() {
            self.learn(0..<size)
        }
        self.learn(self.leaves.indices)
    }

    /// MTH(D[n]) of the first `size` leaves.
    func root(size: Int) -> LogHash {
        size == 0 ? .emptyTree : self.hash(0..<size)
    }

    /// PATH(m, D[n]).
    func path(index: Int, size: Int) -> [LogHash] {
        self.path(index, in: 0..<size)
    }

    /// PROOF(m, D[n]).
    func proof(from: Int, to: Int) -> [LogHash] {
        self.subproof(from, in: 0..<to, complete: true)
    }

    /// The perfect subtree at a level.
    func node(level: Int, index: UInt64) -> LogHash {
        let start = Int(index) << level
        return self.hash(start..<start + 1 << level)
    }

    private mutating func learn(_ range: Range<Int>) {
        guard range.count > 1, self.known[range] == nil else { return }
        let middle = range.lowerBound + Self.split(range.count)
        self.learn(range.lowerBound..<middle)
        self.learn(middle..<range.upperBound)
        self.known[range] = self.hash(range)
    }

    private func hash(_ range: Range<Int>) -> LogHash {
        guard range.count > 1 else { return self.leaves[range.lowerBound] }
        if let hash = self.known[range] { return hash }
        let middle = range.lowerBound + Self.split(range.count)
        return .node(self.hash(range.lowerBound..<middle), self.hash(middle..<range.upperBound))
    }

    private func path(_ index: Int, in range: Range<Int>) -> [LogHash] {
        guard range.count > 1 else { return [] }
        let middle = range.lowerBound + Self.split(range.count)
        let (left, right) = (range.lowerBound..<middle, middle..<range.upperBound)
        return index < middle
            ? self.path(index, in: left) + [self.hash(right)] : self.path(index, in: right) + [self.hash(left)]
    }

    private func subproof(_ end: Int, in range: Range<Int>, complete: Bool) -> [LogHash] {
        guard end != range.upperBound else { return complete ? [] : [self.hash(range)] }
        let middle = range.lowerBound + Self.split(range.count)
        let (left, right) = (range.lowerBound..<middle, middle..<range.upperBound)
        return end <= middle
            ? self.subproof(end, in: left, complete: complete) + [self.hash(right)]
            : self.subproof(end, in: right, complete: false) + [self.hash(left)]
    }

    /// The largest power of two below `count`.
    private static func split(_ count: Int) -> Int {
        var power = 1
        while power * 2 < count { power *= 2 }
        return power
    }
}
