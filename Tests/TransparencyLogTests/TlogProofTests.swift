import Crypto
import Testing
import TransparencyLog

@Suite("TlogProof", .timeLimit(.minutes(10)))
struct TlogProofTests {
    static let log = NoteSigner(name: "example.com/log", privateKey: .init())
    static let witness = NoteSigner(name: "witness.example", privateKey: .init())
    static let tree = ReferenceTree(size: 13)
    static let checkpoint = Checkpoint(origin: "example.com/log", size: 13, root: tree.root(size: 13))

    static func proof(index: Int = 5, extra: [UInt8]? = nil) throws -> TlogProof {
        TlogProof(
            index: UInt64(index),
            proof: tree.path(index: index, size: 13),
            checkpoint: try checkpoint.signed(by: log),
            extra: extra,
        )
    }

    @Test("the proof of every entry is read, written and verified", arguments: 0..<13)
    func roundTrip(index: Int) throws {
        let proof = try Self.proof(index: index)
        let read = try TlogProof(parsing: proof.text)
        #expect(read.text == proof.text)
        #expect(read.index == UInt64(index))
        #expect(read.proof == proof.proof)
        #expect(read.checkpoint == proof.checkpoint)
        #expect(read.extra == nil)
        #expect(try read.verify(leaf: Self.tree.leaves[index], with: [Self.log.verifier]) == Self.checkpoint)
    }

    @Test("the format is that of c2sp.org/tlog-proof@v1, line by line")
    func format() throws {
        let proof = try Self.proof(extra: [1, 2, 3, 4])
        let hashes = proof.proof.map { "\($0.base64)\n" }.joined()
        #expect(proof.text == "c2sp.org/tlog-proof@v1\nextra AQIDBA==\nindex 5\n\(hashes)\n\(proof.checkpoint)")
        #expect(try TlogProof(parsing: proof.text).extra == [1, 2, 3, 4])
    }

    @Test("extra data is optional, and empty extra data is none")
    func noExtra() throws {
        let proof = try Self.proof(extra: [])
        #expect(proof.extra == nil)
        #expect(try TlogProof(parsing: proof.text).extra == nil)
    }

    @Test("the only entry of a log has an empty path")
    func singleEntry() throws {
        let leaf = LogHash.leaf([9])
        let note = try Checkpoint(origin: "example.com/log", size: 1, root: leaf).signed(by: Self.log)
        let proof = try TlogProof(parsing: TlogProof(index: 0, proof: [], checkpoint: note).text)
        #expect(try proof.verify(leaf: leaf, with: [Self.log.verifier]).size == 1)
    }

    @Test("a proof with any byte changed is refused", arguments: [1, 2, 4, 8, 16, 32, 64, 128, 255, 3] as [UInt8])
    func flippedByte(mask: UInt8) throws {
        var bytes = Array(try Self.proof().text.utf8)
        #expect(Self.isAccepted(bytes))
        for position in bytes.indices {
            bytes[position] ^= mask
            #expect(!Self.isAccepted(bytes), "byte \(position)")
            bytes[position] ^= mask
        }
    }

    @Test("a proof with any byte removed, doubled or with white space put before it is refused")
    func movedBytes() throws {
        let bytes = Array(try Self.proof().text.utf8)
        for position in bytes.indices {
            var removed = bytes
            removed.remove(at: position)
            #expect(!Self.isAccepted(removed), "without byte \(position)")
            for inserted in [bytes[position], UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), 0] {
                var longer = bytes
                longer.insert(inserted, at: position)
                #expect(!Self.isAccepted(longer), "\(inserted) before byte \(position)")
            }
        }
        #expect(!Self.isAccepted(bytes + Array("\n".utf8)))
        #expect(!Self.isAccepted([0xEF, 0xBB, 0xBF] + bytes))
    }

    @Test("a proof cut off anywhere is refused")
    func truncated() throws {
        let bytes = Array(try Self.proof().text.utf8)
        for length in bytes.indices {
            #expect(!Self.isAccepted(Array(bytes.prefix(length))), "the first \(length) bytes")
        }
    }

    @Test("an entry with any byte changed is refused")
    func flippedEntry() throws {
        let proof = try Self.proof()
        var entry = Array("leaf 5".utf8)
        #expect(try proof.verify(leaf: .leaf(entry), with: [Self.log.verifier]) == Self.checkpoint)
        for position in entry.indices {
            for mask in 1...UInt8.max {
                entry[position] ^= mask
                #expect(throws: ProofError.notIncluded) {
                    try proof.verify(leaf: .leaf(entry), with: [Self.log.verifier])
                }
                entry[position] ^= mask
            }
        }
    }

    @Test(
        "extra data is not authenticated, but only its one spelling is read",
        arguments: ["AQIDBA=", "AQIDBB==", "", " "]
    )
    func malformedExtra(extra: String) throws {
        let text = try Self.proof(extra: [1, 2, 3, 4]).text.replacing("AQIDBA==", with: extra)
        #expect(throws: ProofError.malformedExtra) { _ = try TlogProof(parsing: text) }
    }

    @Test(
        "a malformed proof is refused for what is wrong with it",
        arguments: [
            ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2", .malformedHeader),
            ("c2sp.org/tlog-proof@v1\n", "", .malformedHeader),
            ("index 5\n", "", .malformedIndex), ("index 5", "index 05", .malformedIndex),
            ("index 5", "index  5", .malformedIndex), ("index 5", "index", .malformedIndex),
            ("index 5", "index ", .malformedIndex), ("index 5", "Index 5", .malformedIndex),
            ("index 5\n", "index 5\nindex 5\n", .malformedProof), ("index 5\n", "index 5\nAAAA\n", .malformedProof),
            ("index 5\n", "index 5\n\n", .note(.malformedNote)),
            ("\n13\n", "\n013\n", .checkpoint(.malformedSize)),
        ] as [(String, String, ProofError)],
    )
    func malformed(part: String, replacement: String, error: ProofError) throws {
        var text = try Self.proof().text
        if case .note = error {
            // An early blank line hands the hashes to the checkpoint, whose text they are not.
            text = text.replacing(part, with: replacement).replacing("\u{2014}", with: "-")
        } else {
            text = text.replacing(part, with: replacement)
        }
        #expect(throws: error) { _ = try TlogProof(parsing: text) }
    }

    @Test("a path longer than any tree needs is refused")
    func tooLong() throws {
        let proof = try Self.proof()
        let most = [LogHash](repeating: .emptyTree, count: TlogProof.maximumProofLength)
        let long = TlogProof(index: 5, proof: most, checkpoint: proof.checkpoint)
        #expect(try TlogProof(parsing: long.text).proof.count == 64)
        #expect(throws: ProofError.notIncluded) { try long.verify(leaf: .emptyTree, with: [Self.log.verifier]) }
        let tooLong = TlogProof(index: 5, proof: most + [.emptyTree], checkpoint: proof.checkpoint)
        #expect(throws: ProofError.malformedProof) { _ = try TlogProof(parsing: tooLong.text) }
    }

    @Test("a proof says nothing to somebody who does not know the log's key")
    func unknownLog() throws {
        let proof = try Self.proof()
        let impostor = NoteSigner(name: "example.com/log", privateKey: .init()).verifier
        for keys in [[], [impostor], [Self.witness.verifier]] {
            #expect(throws: ProofError.note(.noKnownSignature)) {
                try proof.verify(leaf: Self.tree.leaves[5], with: keys)
            }
        }
    }

    @Test("another log's or a witness's signature does not stand in for the log's own")
    func originMismatch() throws {
        let note = try Self.witness.sign(text: Self.checkpoint.text)
        let proof = TlogProof(index: 5, proof: Self.tree.path(index: 5, size: 13), checkpoint: note)
        #expect(throws: ProofError.originMismatch) {
            try proof.verify(leaf: Self.tree.leaves[5], with: [Self.log.verifier, Self.witness.verifier])
        }
    }

    @Test("a witness's good signature is welcome beside the log's, a bad one is not")
    func witnesses() throws {
        let path = Self.tree.path(index: 5, size: 13)
        let keys = [Self.witness.verifier, Self.log.verifier]
        let own = try Self.checkpoint.signed(by: Self.log)
        let good = try Self.witness.sign(text: Self.checkpoint.text).dropFirst(Self.checkpoint.text.count + 1)
        let witnessed = TlogProof(index: 5, proof: path, checkpoint: "\(own)\(good)")
        #expect(try TlogProof(parsing: witnessed.text).verify(leaf: Self.tree.leaves[5], with: keys) == Self.checkpoint)
        let bad = try Self.witness.sign(text: "else\n").dropFirst("else\n\n".count)
        let disputed = TlogProof(index: 5, proof: path, checkpoint: "\(own)\(bad)")
        #expect(throws: ProofError.note(.invalidSignature)) {
            try disputed.verify(leaf: Self.tree.leaves[5], with: keys)
        }
    }

    @Test("a value put together from bad parts is refused when verified")
    func badParts() {
        let proof = TlogProof(index: 0, proof: [], checkpoint: "no note")
        #expect(throws: ProofError.note(.malformedNote)) { try proof.verify(leaf: .emptyTree, with: []) }
        let note = try? Self.log.sign(text: "no checkpoint\n")
        let other = TlogProof(index: 0, proof: [], checkpoint: note ?? "")
        #expect(throws: ProofError.checkpoint(.malformedSize)) {
            try other.verify(leaf: .emptyTree, with: [Self.log.verifier])
        }
    }

    private static func isAccepted(_ bytes: [UInt8]) -> Bool {
        guard let proof = try? TlogProof(parsing: bytes) else { return false }
        return (try? proof.verify(leaf: Self.tree.leaves[5], with: [Self.log.verifier])) != nil
    }
}
