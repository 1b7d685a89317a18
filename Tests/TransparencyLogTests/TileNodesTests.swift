import Testing
import TransparencyLog

@Suite("Nodes from tiles", .timeLimit(.minutes(10)))
struct TileNodesTests {
    /// A log's tiles as a publisher writes them, all of them computed leaf by leaf.
    struct Published {
        let size: UInt64
        let root: LogHash
        var files: [TilePath: [UInt8]] = [:]
        private var nodes: [Int: [LogHash]] = [:]

        init(size: Int) throws {
            var frontier = TreeFrontier()
            var rows: [Int: [LogHash]] = [:]
            for number in 0..<size {
                let leaf = LogHash.leaf(Array("leaf \(number)".utf8))
                rows[0, default: []].append(leaf)
                frontier.append(leaf) { level, _, hash in rows[level, default: []].append(hash) }
            }
            self.nodes = rows
            self.size = UInt64(size)
            self.root = frontier.root
            for path in TileLayout(size: UInt64(size)).tiles() {
                guard case .hashes(let level) = path.content else { continue }
                let start = Int(path.index) * 256
                let hashes = rows[8 * level, default: []][start..<start + path.width]
                self.files[path] = try HashTile(Array(hashes)).bytes
            }
        }

        func node(level: Int, index: UInt64) throws(Missing) -> LogHash {
            guard let row = self.nodes[level], index < row.count else { throw Missing() }
            return row[Int(index)]
        }

        func load(_ path: TilePath) throws(Missing) -> [UInt8] {
            guard let bytes = self.files[path] else { throw Missing() }
            return bytes
        }
    }

    struct Missing: Error, Hashable {}
    typealias Failure = TileReadError<Missing>

    static let published = try? Published(size: 66_050)

    @Test("every node of trees of many sizes is read", arguments: [1, 2, 3, 255, 256, 257, 300, 511, 512, 700])
    func allNodes(size: Int) throws {
        let log = try Published(size: size)
        var nodes = try TileNodes(size: log.size, root: log.root, load: log.load)
        for level in 0..<12 {
            for index in 0..<(log.size >> UInt64(level)) {
                let expected = try log.node(level: level, index: index)
                #expect(try nodes.node(level: level, index: index, load: log.load) == expected)
            }
            #expect(throws: Failure.tile(.outsideTree)) {
                _ = try nodes.node(level: level, index: log.size >> UInt64(level), load: log.load)
            }
        }
        for level in [-1, 64, 100] {
            #expect(throws: Failure.tile(.outsideTree)) { _ = try nodes.node(level: level, index: 0, load: log.load) }
        }
    }

    @Test("the empty tree has no tiles, and only its own root")
    func empty() throws {
        var nodes = try TileNodes(size: 0, root: .emptyTree, edge: [])
        #expect(nodes.layout.edge.isEmpty)
        #expect(throws: TileError.outsideTree) { _ = try nodes.node(level: 0, index: 0) }
        #expect(throws: TileError.rootMismatch) { _ = try TileNodes(size: 0, root: .leaf([]), edge: []) }
        #expect(throws: TileError.malformed) { _ = try TileNodes(size: 0, root: .emptyTree, edge: [[]]) }
        #expect(throws: TileError.outsideTree) {
            try nodes.add(try #require(TilePath(parsing: "tile/0/000")), bytes: [])
        }
    }

    @Test("proofs built from tiles of three levels are the log's own")
    func proofs() throws {
        let log = try #require(Self.published)
        var nodes = try TileNodes(size: log.size, root: log.root, load: log.load)
        for index in [0, 1, 255, 256, 65_535, 65_536, 65_791, 65_792, 66_048, 66_049] as [UInt64] {
            let proof = try InclusionProof.build(index: index, size: log.size) { (level, index) throws(Failure) in
                try nodes.node(level: level, index: index, load: log.load)
            }
            let leaf = LogHash.leaf(Array("leaf \(index)".utf8))
            #expect(InclusionProof.verify(index: index, size: log.size, leaf: leaf, proof: proof, root: log.root))
        }
        for old in [1, 256, 300, 65_535, 65_536, 65_537, 66_000] as [UInt64] {
            let proof = try ConsistencyProof.build(from: old, to: log.size) { (level, index) throws(Failure) in
                try nodes.node(level: level, index: index, load: log.load)
            }
            let oldRoot = try treeRoot(size: old, node: log.node)
            #expect(
                ConsistencyProof.verify(from: old, to: log.size, oldRoot: oldRoot, newRoot: log.root, proof: proof)
            )
        }
    }

    @Test("a proof from the first leaf loads one tile of each level below the edge, top down")
    func missing() throws {
        let log = try #require(Self.published)
        var nodes = try TileNodes(size: log.size, root: log.root, load: log.load)
        #expect(nodes.missing(level: 0, index: 0).map(\.text) == ["tile/1/000", "tile/0/000"])
        #expect(nodes.missing(level: 0, index: 65_536).map(\.text) == ["tile/0/256"])
        #expect(nodes.missing(level: 8, index: 0).map(\.text) == ["tile/1/000"])
        #expect(nodes.missing(level: 16, index: 0).isEmpty)
        #expect(nodes.missing(level: 0, index: 66_049).isEmpty)
        #expect(nodes.missing(level: 0, index: 66_050).isEmpty)
        let (upper, lower) = (
            try #require(TilePath(parsing: "tile/1/000")), try #require(TilePath(parsing: "tile/0/000"))
        )
        #expect(throws: TileError.missing(upper)) { try nodes.add(lower, bytes: try log.load(lower)) }
        #expect(throws: TileError.missing(lower)) { _ = try nodes.node(level: 0, index: 0) }
        try nodes.add(upper, bytes: try log.load(upper))
        #expect(nodes.missing(level: 0, index: 0) == [lower])
        try nodes.add(lower, bytes: try log.load(lower))
        #expect(nodes.missing(level: 0, index: 0).isEmpty)
        #expect(try nodes.tile(at: lower)?.bytes == log.load(lower))
        nodes.drop(lower)
        #expect(nodes.tile(at: lower) == nil)
        // What is at the edge stays, and so does what is no tile of this tree.
        for path in nodes.layout.edge { nodes.drop(path) }
        nodes.drop(try #require(TilePath(.entries, index: 0)))
        #expect(nodes.missing(level: 0, index: 66_049).isEmpty)
        #expect(nodes.tile(at: try #require(TilePath(.entries, index: 0))) == nil)
    }

    @Test("a tile with any changed byte is refused", arguments: [0, 1, 31, 32, 4000, 8191])
    func tampered(position: Int) throws {
        let log = try #require(Self.published)
        for path in log.files.keys.sorted(by: { $0.text < $1.text }) where !path.isPartial {
            guard path.index % 50 == 0 else { continue }
            var forged = log
            forged.files[path]?[position] ^= 1
            var nodes = try TileNodes(size: log.size, root: log.root, load: forged.load)
            guard case .hashes(let level) = path.content else { continue }
            #expect(throws: Failure.tile(.mismatch(path))) {
                _ = try nodes.node(level: 8 * level, index: path.index << 8, load: forged.load)
            }
            #expect(nodes.tile(at: path) == nil)
        }
    }

    @Test("an edge tile with any changed hash, the tiles of another tree and another root are refused")
    func tamperedEdge() throws {
        let log = try #require(Self.published)
        for path in TileLayout(size: log.size).edge {
            for slot in 0..<path.width {
                var forged = log
                forged.files[path]?[32 * slot] ^= 0x80
                #expect(throws: Failure.tile(.rootMismatch)) {
                    _ = try TileNodes(size: log.size, root: log.root, load: forged.load)
                }
            }
        }
        #expect(throws: Failure.tile(.rootMismatch)) {
            _ = try TileNodes(size: log.size, root: .emptyTree, load: log.load)
        }
        let edge = TileLayout(size: log.size).edge
        #expect(throws: Failure.load(edge[0], Missing())) {
            _ = try TileNodes(size: log.size, root: log.root) { path throws(Missing) in
                guard path != edge[0] else { throw Missing() }
                return try log.load(path)
            }
        }
        var bytes = try edge.map { try log.load($0) }
        bytes[0].removeLast()
        #expect(throws: TileError.malformed) { _ = try TileNodes(size: log.size, root: log.root, edge: bytes) }
    }

    @Test("a tile that cannot be loaded, of the wrong length or that the tree does not have is an error")
    func notLoaded() throws {
        let log = try #require(Self.published)
        var nodes = try TileNodes(size: log.size, root: log.root, load: log.load)
        let path = try #require(TilePath(parsing: "tile/1/000"))
        #expect(throws: Failure.load(path, Missing())) {
            _ = try nodes.node(level: 0, index: 0) { (_) throws(Missing) in throw Missing() }
        }
        #expect(throws: Failure.tile(.malformed)) {
            _ = try nodes.node(level: 0, index: 0) { (_) throws(Missing) in [] }
        }
        for text in ["tile/0/258.p/2", "tile/1/001.p/2", "tile/0/259", "tile/entries/000", "tile/9/000"] {
            let path = try #require(TilePath(parsing: text))
            #expect(throws: TileError.outsideTree) { try nodes.add(path, bytes: []) }
        }
    }
}
