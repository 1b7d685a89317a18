import Testing
import TransparencyLog

@Suite("Tile paths", .timeLimit(.minutes(10)))
struct TilePathTests {
    @Test(
        "a path is written as tlog-tiles says and read back",
        arguments: [
            ("tile/0/000", .hashes(level: 0), 0, 256), ("tile/0/000.p/1", .hashes(level: 0), 0, 1),
            ("tile/63/001.p/255", .hashes(level: 63), 1, 255), ("tile/10/999", .hashes(level: 10), 999, 256),
            ("tile/0/x001/000", .hashes(level: 0), 1000, 256),
            ("tile/0/x001/x234/067", .hashes(level: 0), 1_234_067, 256),
            ("tile/entries/x001/x234/067", .entries, 1_234_067, 256), ("tile/entries/000.p/17", .entries, 0, 17),
            ("tile/1/x018/x446/x744/x073/x709/x551/615.p/9", .hashes(level: 1), .max, 9),
        ] as [(String, TilePath.Content, UInt64, Int)],
    )
    func spelling(text: String, content: TilePath.Content, index: UInt64, width: Int) throws {
        let path = try #require(TilePath(content, index: index, width: width))
        #expect(path.text == text)
        #expect("\(path)" == text)
        #expect(TilePath(parsing: text) == path)
        #expect(path.isPartial == (width < 256))
        #expect(path.full == TilePath(content, index: index))
        #expect(path.full.isPartial == false)
    }

    @Test(
        "every other spelling is refused",
        arguments: [
            "", "/", "tile", "tile/", "tile/0", "tile/0/", "tile//000", "/tile/0/000", "tile/0/000/", "tiles/0/000",
            "Tile/0/000", "tile/0//000", "TILE/0/000", "tile/Entries/000", "tile/entries", "tile/entries/",
            "tile/entry/000", "tile/64/000", "tile/00/000", "tile/01/000", "tile/-1/000", "tile/+1/000", "tile/ 1/000",
            "tile/1 /000", "tile/a/000", "tile/0x1/000", "tile/18446744073709551616/000",
            "tile/18446744073709551615/000", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/00a", "tile/0/x000",
            "tile/0/x000/000", "tile/0/x000/001", "tile/0/x000/x001/000", "tile/0/001/000", "tile/0/X001/000",
            "tile/0/x001/x000", "tile/0/x001/", "tile/0/x001", "tile/0/x01/000", "tile/0/x0001/000", "tile/0/xx01/000",
            "tile/0/1234", "tile/0/x001/x234/067/", "tile/0/x001//067",
            "tile/0/x018/x446/x744/x073/x709/x551/616", "tile/0/x019/x000/x000/x000/x000/x000/000",
            "tile/0/x001/x000/x000/x000/x000/x000/x000/000", "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999",
            "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/00", "tile/0/000.p/01",
            "tile/0/000.p/256", "tile/0/000.p/257", "tile/0/000.p/-1", "tile/0/000.p/1/", "tile/0/000.p/1/1",
            "tile/0/000.p/1.p/1", "tile/0/000.P/1", "tile/0/000.q/1", "tile/0/000p/1", "tile/0/000/.p/1",
            "tile/0/.p/1", "tile/0.p/1", "tile.p/1", ".p/1", "tile/0/x001.p/000", "tile/0/x001.p/1/000",
            "tile/0/x001/000.p/1 ", "tile/0/000.p/18446744073709551617", "tile/entries/000.p/256",
            "tile/entries/0/000", "tile/0/\u{0660}\u{0660}\u{0660}", "tile/0/000\n", "tile/0/000\u{0}",
            "tile/0/000?", "tile/0/..", "tile/../000", "tile/0/000.p/١", "checkpoint", "tile/0/x001/-67",
        ],
    )
    func refused(text: String) {
        #expect(TilePath(parsing: text) == nil)
    }

    @Test("levels and widths that no tile has make no path")
    func outOfRange() {
        for level in [-1, 64, Int.max, Int.min] { #expect(TilePath(.hashes(level: level), index: 0) == nil) }
        for width in [-1, 0, 257, Int.max] {
            #expect(TilePath(.entries, index: 0, width: width) == nil)
            #expect(TilePath(.hashes(level: 0), index: 0, width: width) == nil)
        }
    }

    @Test("any path comes back as it was", arguments: [1, 2, 3] as [UInt64])
    func roundTrip(seed: UInt64) {
        var numbers = SeededNumbers(seed: seed)
        for _ in 0..<2000 {
            let content: TilePath.Content =
                Bool.random(using: &numbers) ? .entries : .hashes(level: .random(in: 0...63, using: &numbers))
            let path = TilePath(content, index: numbers.anyMagnitude(), width: .random(in: 1...256, using: &numbers))
            #expect(path != nil && path == path.flatMap { TilePath(parsing: $0.text) })
        }
    }

    @Test("a path with one byte changed, removed or doubled is refused or is another path")
    func changed() throws {
        for text in ["tile/12/x001/x234/067.p/25", "tile/entries/x999/000"] {
            let path = try #require(TilePath(parsing: text))
            for position in Array(text.utf8).indices {
                for byte in (UInt8(0x20)...0x7E) {
                    var changed = Array(text.utf8)
                    changed[position] = byte
                    var inserted = Array(text.utf8)
                    inserted.insert(byte, at: position)
                    var removed = Array(text.utf8)
                    removed.remove(at: position)
                    for other in [changed, inserted, removed] where other != Array(text.utf8) {
                        let other = String(decoding: other, as: UTF8.self)
                        let read = TilePath(parsing: other)
                        #expect(read != path, "\(other)")
                        #expect(read == nil || read?.text == other)
                    }
                }
            }
        }
    }
}
