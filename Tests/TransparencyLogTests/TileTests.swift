import Testing
import TransparencyLog

@Suite("Tiles and entry bundles", .timeLimit(.minutes(10)))
struct TileTests {
    @Test("a tree of 70,000 leaves has the tiles of the specification's example")
    func example() {
        let layout = TileLayout(size: 70_000)
        let tiles = Array(layout.tiles())
        #expect(tiles.count == 273 + 1 + 1 + 1 + 1)
        #expect(tiles.first?.text == "tile/0/000")
        #expect(tiles.filter { $0.content == .hashes(level: 0) && !$0.isPartial }.count == 273)
        #expect(tiles.suffix(4).map(\.text) == ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"])
        #expect(layout.edge.map(\.text) == ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"])
        #expect(layout.bundles().suffix(2).map(\.text) == ["tile/entries/272", "tile/entries/273.p/112"])
    }

    @Test(
        "small trees have the tiles that they must",
        arguments: [
            (0, []), (1, ["tile/0/000.p/1"]), (255, ["tile/0/000.p/255"]), (256, ["tile/0/000", "tile/1/000.p/1"]),
            (257, ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]),
        ] as [(UInt64, [String])],
    )
    func small(size: UInt64, paths: [String]) {
        #expect(TileLayout(size: size).tiles().map(\.text) == paths)
        let bundles = paths.filter { $0.hasPrefix("tile/0/") }.map { $0.replacing("tile/0/", with: "tile/entries/") }
        #expect(TileLayout(size: size).bundles().map(\.text) == bundles)
    }

    @Test("the largest tree has eight levels, all with an edge")
    func largest() {
        let layout = TileLayout(size: .max)
        #expect(layout.edge.map(\.width) == [Int](repeating: 255, count: 8))
        #expect(layout.tile(level: 8, index: 0) == nil)
        #expect(layout.tile(level: -1, index: 0) == nil)
        #expect(layout.tile(level: 63, index: 0) == nil)
        #expect(layout.tile(level: 0, index: .max) == nil)
        #expect(layout.tile(level: 0, index: .max >> 8)?.width == 255)
        #expect(layout.bundle(index: .max >> 8)?.width == 255)
        #expect(layout.tile(level: 0, index: (.max >> 8) - 1)?.width == 256)
        #expect(Array(layout.tiles(since: .max - 1)).count == 1)
    }

    @Test("the layout knows its own paths and no others")
    func contains() throws {
        let layout = TileLayout(size: 70_000)
        for path in layout.tiles() { #expect(layout.contains(path)) }
        for path in layout.bundles() { #expect(layout.contains(path)) }
        for text in [
            "tile/0/273", "tile/0/273.p/111", "tile/0/272.p/1", "tile/0/274", "tile/entries/273", "tile/entries/274",
            "tile/2/000", "tile/3/000.p/1", "tile/63/000", "tile/1/002.p/1",
        ] {
            #expect(!layout.contains(try #require(TilePath(parsing: text))))
        }
    }

    @Test("what is new is what the larger tree has and the smaller had not", arguments: [1, 2] as [UInt64])
    func growth(seed: UInt64) {
        var numbers = SeededNumbers(seed: seed)
        let edges: [UInt64] = [0, 1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 65_792, 66_000]
        let sizes = edges + (0..<12).map { _ in UInt64.random(in: 0...150_000, using: &numbers) }
        for old in sizes {
            let had = Set(TileLayout(size: old).tiles()).union(TileLayout(size: old).bundles())
            for new in sizes {
                let layout = TileLayout(size: new)
                let (tiles, bundles) = (Array(layout.tiles(since: old)), Array(layout.bundles(since: old)))
                if old >= new {
                    #expect(tiles.isEmpty && bundles.isEmpty)
                } else {
                    #expect(tiles == layout.tiles().filter { !had.contains($0) }, "\(old) to \(new)")
                    #expect(bundles == layout.bundles().filter { !had.contains($0) }, "\(old) to \(new)")
                }
            }
        }
    }

    @Test("a bundle is its entries, each after its length")
    func bundle() throws {
        let entries: [[UInt8]] = [[1, 2, 3], [], [UInt8](repeating: 7, count: 258)]
        let bundle = try EntryBundle(entries)
        #expect(bundle.bytes == [0, 3, 1, 2, 3, 0, 0, 1, 2] + [UInt8](repeating: 7, count: 258))
        #expect(try EntryBundle(parsing: bundle.bytes, count: 3) == bundle)
        #expect(bundle.leaves == entries.map { .leaf($0) })
        let longest = try EntryBundle([[UInt8](repeating: 1, count: 65_535)])
        #expect(try EntryBundle(parsing: longest.bytes, count: 1) == longest)
        #expect(longest.bytes.prefix(2) == [0xFF, 0xFF])
    }

    @Test("a bundle that could not be written is refused")
    func refusedBundle() {
        #expect(throws: TileError.wrongCount) { _ = try EntryBundle([]) }
        #expect(throws: TileError.wrongCount) { _ = try EntryBundle([[UInt8]](repeating: [1], count: 257)) }
        #expect(throws: TileError.entryTooLong) { _ = try EntryBundle([[], [UInt8](repeating: 1, count: 65_536)]) }
        for count in [-1, 0, 257] {
            #expect(throws: TileError.wrongCount) { _ = try EntryBundle(parsing: [0, 0], count: count) }
            #expect(throws: TileError.wrongCount) { _ = try HashTile(parsing: [], width: count) }
        }
    }

    @Test("a bundle cut anywhere, with another count or with more behind it is refused")
    func malformedBundle() throws {
        let bytes = try EntryBundle([[1, 2, 3], [], [4]]).bytes
        for length in bytes.indices {
            #expect(throws: TileError.malformed) { _ = try EntryBundle(parsing: Array(bytes[..<length]), count: 3) }
        }
        for count in [1, 2, 4, 256] {
            #expect(throws: TileError.malformed) { _ = try EntryBundle(parsing: bytes, count: count) }
        }
        #expect(throws: TileError.malformed) { _ = try EntryBundle(parsing: bytes + [0], count: 3) }
    }

    @Test("a tile is read only at exactly its width")
    func hashTile() throws {
        let leaves = ReferenceTree(size: 256).leaves
        for width in [1, 2, 255, 256] {
            let tile = try HashTile(Array(leaves[..<width]))
            #expect(tile.bytes == leaves[..<width].flatMap(\.bytes))
            #expect(try HashTile(parsing: tile.bytes, width: width) == tile)
            for bytes in [Array(tile.bytes.dropLast()), tile.bytes + [0], []] {
                #expect(throws: TileError.malformed) { _ = try HashTile(parsing: bytes, width: width) }
            }
        }
        #expect(throws: TileError.wrongCount) { _ = try HashTile([]) }
        #expect(throws: TileError.wrongCount) { _ = try HashTile(leaves + [.emptyTree]) }
    }

    @Test("a tile knows the perfect subtrees that lie wholly inside it")
    func subtrees() throws {
        let tree = ReferenceTree(size: 256)
        for width in [1, 2, 3, 200, 256] {
            let tile = try HashTile(Array(tree.leaves[..<width]))
            for height in 0...8 {
                for index in 0..<256 >> height {
                    let full = (index + 1) << height <= width
                    let expected = full ? tree.node(level: height, index: UInt64(index)) : nil
                    #expect(tile.node(height: height, index: index) == expected)
                }
            }
            #expect(tile.node(height: 9, index: 0) == nil)
            #expect(tile.node(height: -1, index: 0) == nil)
            #expect(tile.node(height: 0, index: -1) == nil)
        }
    }
}
