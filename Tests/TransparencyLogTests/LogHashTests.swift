import Testing
import TransparencyLog

@Suite("LogHash", .timeLimit(.minutes(10)))
struct LogHashTests {
    @Test("the empty tree's root is the hash of nothing")
    func emptyTree() {
        #expect(LogHash.emptyTree.base64 == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
    }

    @Test("leaf and node hashes are those of RFC 6962's test tree, at every size", arguments: 1...8)
    func knownRoots(size: Int) {
        let tree = ReferenceTree(entries: Array(CTTree.entries.prefix(size)))
        var frontier = TreeFrontier()
        for leaf in tree.leaves { frontier.append(leaf) }
        #expect(hex(frontier.root.bytes) == CTTree.roots[size - 1])
        #expect(hex(tree.root(size: size).bytes) == CTTree.roots[size - 1])
    }

    @Test("any collection of bytes hashes like the array of its bytes")
    func collections() {
        let bytes: [UInt8] = [1, 2, 3, 4]
        let hash = LogHash.leaf(bytes)
        #expect(LogHash.leaf(([0] + bytes)[1...]) == hash)
        #expect(LogHash.leaf(bytes.reversed().reversed() as ReversedCollection<ReversedCollection<[UInt8]>>) == hash)
        #expect(LogHash.leaf([]) == LogHash.leaf(EmptyCollection<UInt8>()))
    }

    @Test("a hash takes exactly 32 bytes and gives them back")
    func bytes() throws {
        let bytes = (0..<32).map { UInt8($0) }
        let hash = try #require(LogHash(bytes: bytes))
        #expect(hash.bytes == bytes)
        #expect(LogHash(base64: hash.base64) == hash)
        #expect(hash.description == hash.base64)
        #expect(LogHash(bytes: bytes.dropLast()) == nil)
        #expect(LogHash(bytes: bytes + [0]) == nil)
    }

    @Test("every single bit makes another hash")
    func bits() throws {
        var seen: Set<LogHash> = []
        for bit in 0..<256 {
            var bytes = [UInt8](repeating: 0, count: 32)
            bytes[bit / 8] = 1 << UInt8(bit % 8)
            seen.insert(try #require(LogHash(bytes: bytes)))
        }
        #expect(seen.count == 256)
    }

    @Test(
        "only the canonical base64 of 32 bytes is a hash",
        arguments: [
            "", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", " 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFVU", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSu===", "47DEQpj8HBSa+/TImW+5JCeuQeRk=5NMpJWZG3hSuFU=",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFé=",
        ],
    )
    func malformed(text: String) {
        #expect(LogHash(base64: text) == nil)
    }
}

/// The eight-leaf tree that every Certificate Transparency implementation is tested with.
enum CTTree {
    static let entries: [[UInt8]] = [
        [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], Array(0x40...0x43), Array(0x50...0x57), Array(0x60...0x6F),
    ]
    static let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
}

func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
