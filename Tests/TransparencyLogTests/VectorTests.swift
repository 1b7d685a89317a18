import Foundation
import Testing
import TransparencyLog

/// The JSON vectors of transparency-dev/merkle, read from `shared/vectors` beside the repository where they are there.
@Suite(
    "Vectors of transparency-dev/merkle",
    .enabled(if: MerkleVectors.archive != nil, "there is no shared/vectors/merkle beside the repository"),
    .timeLimit(.minutes(10)),
)
struct VectorTests {
    @Test("all 518 vectors are in the folders that the other tests run: 98 + 204 + 98 + 118")
    func complete() throws {
        let files = try MerkleVectors.files()
        #expect(files.count == 518)
        let folders = ["inclusion/", "subtreeinclusion/", "consistency/", "subtreeconsistency/"]
        #expect(folders.map { folder in files.count { $0.hasPrefix(folder) } } == [98, 204, 98, 118])
    }

    @Test("inclusion proofs are accepted and refused as the vectors say")
    func inclusion() throws {
        let vectors = try MerkleVectors.read("inclusion", as: MerkleVectors.Inclusion.self)
        #expect(vectors.count == 98)
        for (file, vector) in vectors {
            let verifies = InclusionProof.verify(
                index: vector.leafIdx,
                size: try #require(vector.treeSize),
                leaf: vector.leafHash.hash,
                proof: vector.hashes,
                root: vector.root.hash,
            )
            // A leaf that is no hash never gets as far as a proof.
            let accepted = vector.leafHash.isHash && verifies
            #expect(accepted == !vector.wantErr, "\(file): \(vector.desc)")
        }
    }

    @Test("subtree inclusion proofs are accepted and refused as the vectors say")
    func subtreeInclusion() throws {
        let vectors = try MerkleVectors.read("subtreeinclusion", as: MerkleVectors.Inclusion.self)
        #expect(vectors.count == 204)
        for (file, vector) in vectors {
            let verifies = InclusionProof.verify(
                index: vector.leafIdx,
                start: try #require(vector.start),
                end: try #require(vector.end),
                leaf: vector.leafHash.hash,
                proof: vector.hashes,
                subtreeRoot: vector.root.hash,
            )
            let accepted = vector.leafHash.isHash && verifies
            #expect(accepted == !vector.wantErr, "\(file): \(vector.desc)")
        }
    }

    @Test("consistency proofs are accepted and refused as the vectors say")
    func consistency() throws {
        let vectors = try MerkleVectors.read("consistency", as: MerkleVectors.Consistency.self)
        #expect(vectors.count == 98)
        for (file, vector) in vectors {
            let accepted = ConsistencyProof.verify(
                from: try #require(vector.size1),
                to: try #require(vector.size2),
                oldRoot: vector.root1.hash,
                newRoot: vector.root2.hash,
                proof: vector.hashes,
            )
            #expect(accepted == !vector.wantErr, "\(file): \(vector.desc)")
        }
    }

    @Test("subtree consistency proofs are accepted and refused as the vectors say")
    func subtreeConsistency() throws {
        let vectors = try MerkleVectors.read("subtreeconsistency", as: MerkleVectors.Consistency.self)
        #expect(vectors.count == 118)
        for (file, vector) in vectors {
            let accepted = ConsistencyProof.verify(
                start: try #require(vector.start),
                end: try #require(vector.end),
                size: try #require(vector.size),
                subtreeRoot: vector.root1.hash,
                root: vector.root2.hash,
                proof: vector.hashes,
            )
            #expect(accepted == !vector.wantErr, "\(file): \(vector.desc)")
        }
    }
}

/// Where the vectors are and how they look.
enum MerkleVectors {
    struct Inclusion: Decodable {
        var leafIdx: UInt64
        var treeSize: UInt64?
        var start: UInt64?
        var end: UInt64?
        var root: Hash
        var leafHash: Hash
        var proof: [Hash]?
        var desc: String
        var wantErr: Bool

        var hashes: [LogHash] { self.proof?.map(\.hash) ?? [] }
    }

    struct Consistency: Decodable {
        var size1: UInt64?
        var size2: UInt64?
        var start: UInt64?
        var end: UInt64?
        var size: UInt64?
        var root1: Hash
        var root2: Hash
        var proof: [Hash]?
        var desc: String
        var wantErr: Bool

        var hashes: [LogHash] { self.proof?.map(\.hash) ?? [] }
    }

    /// A hash of a vector.
    ///
    /// Some vectors have "hashes" that are not 32 bytes, which `LogHash` cannot hold.
    ///
    /// Such a text stands as a hash of its own: equal texts stay equal, and it fits nowhere else.
    struct Hash: Decodable {
        var hash: LogHash
        /// Whether the text really was a hash.
        var isHash: Bool

        init(from decoder: any Decoder) throws {
            let text = try decoder.singleValueContainer()
            let base64 = text.decodeNil() ? "" : try text.decode(String.self)
            let hash = LogHash(base64: base64)
            self.isHash = hash != nil
            self.hash = hash ?? .leaf(Array("not a hash: \(base64)".utf8))
        }
    }

    /// The archive in a folder `shared` beside one of the folders above this file.
    static let archive: URL? = {
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let archive = folder.appendingPathComponent("shared/vectors/merkle/vectors.tar.gz")
            if FileManager.default.isReadableFile(atPath: archive.path) { return archive }
        }
        return nil
    }()

    /// Every vector of the archive, by its path in it.
    static func files() throws -> [String] {
        try self.unpacked { root in
            try FileManager.default.subpathsOfDirectory(atPath: root.path).filter { $0.hasSuffix(".json") }
        }
    }

    private static func unpacked<Value>(_ body: (URL) throws -> Value) throws -> Value {
        let archive = try #require(Self.archive)
        return try withTemporaryFolder { folder in
            try #require(run(["tar", "-xzf", archive.path, "-C", folder.path]) == 0)
            return try body(folder)
        }
    }

    static func read<Vector: Decodable>(_ folder: String, as: Vector.Type) throws -> [(file: String, vector: Vector)] {
        try self.unpacked { unpacked in
            let root = unpacked.appendingPathComponent(folder)
            let files = try FileManager.default.subpathsOfDirectory(atPath: root.path).filter { $0.hasSuffix(".json") }
            return try files.sorted().map { file in
                let data = try Data(contentsOf: root.appendingPathComponent(file))
                return (file, try JSONDecoder().decode(Vector.self, from: data))
            }
        }
    }
}
