import Crypto
import TransparencyLog

/// What must hold of any bytes that a parser is fed: the tests' and the fuzzer's common judge.
///
/// Beside "no trap", there is one rule for all formats: what is read is written back as exactly the same bytes.
enum LogProperty: UInt8, CaseIterable {
    case note
    case checkpoint
    case proof
    case tilePath
    case bundle
    case tile
    case request
    case response
    case key
    case secretKey
    case policy
    case cosignature
    case numbers

    /// Judges an input whose first byte chooses the property; the answer says what is violated.
    static func violation(by input: [UInt8]) -> String? {
        guard let first = input.first else { return nil }
        return Self.allCases[Int(first) % Self.allCases.count].violation(by: Array(input.dropFirst()))
    }

    /// What the input violates; nil where all is well.
    func violation(by input: [UInt8]) -> String? {
        let text = String(validating: input, as: UTF8.self)
        switch self {
        case .note: return text.flatMap(Self.note)
        case .checkpoint: return text.flatMap(Self.checkpoint)
        case .proof: return Self.proof(input)
        case .tilePath: return text.flatMap(Self.tilePath)
        case .bundle: return Self.bundle(input)
        case .tile: return Self.tile(input)
        case .request: return Self.request(input)
        case .response: return Self.response(input)
        case .key: return text.flatMap(Self.key)
        case .secretKey: return text.flatMap(Self.secretKey)
        case .policy: return Self.policy(input)
        case .cosignature: return text.flatMap(Self.cosignature)
        case .numbers: return Self.numbers(input)
        }
    }

    private static func note(_ text: String) -> String? {
        guard let note = try? SignedNote(parsing: text) else { return nil }
        guard note.encoded.utf8.elementsEqual(text.utf8) else { return "a note has two spellings" }
        let signed = try? note.verified(by: [LogSamples.log.verifier])
        if signed != nil, !LogSamples.isSigned(note.text) { return "a note verifies that nobody signed" }
        let cosigned = try? note.cosignatures(among: [LogSamples.witness.verifier])
        if cosigned?.isEmpty == false, !LogSamples.isSigned(note.text) { return "a note is cosigned that nobody saw" }
        return nil
    }

    private static func checkpoint(_ text: String) -> String? {
        guard let checkpoint = try? Checkpoint(parsing: text) else { return nil }
        return checkpoint.text.utf8.elementsEqual(text.utf8) ? nil : "a checkpoint has two spellings"
    }

    private static func proof(_ input: [UInt8]) -> String? {
        guard let proof = try? TlogProof(parsing: input) else { return nil }
        guard proof.text.utf8.elementsEqual(input) else { return "a proof has two spellings" }
        let keys = [LogSamples.log.verifier]
        guard let policy = try? WitnessPolicy(0, of: [LogSamples.witness.verifier]),
            let verified = try? proof.verify(leaf: LogSamples.leaf, with: keys, witnesses: policy)
        else { return nil }
        let isGood =
            proof.index == LogSamples.index && proof.proof == LogSamples.path
            && verified.checkpoint == LogSamples.checkpoint
        return isGood ? nil : "a changed proof verifies"
    }

    private static func tilePath(_ text: String) -> String? {
        guard let path = TilePath(parsing: text) else { return nil }
        guard path.text.utf8.elementsEqual(text.utf8) else { return "a tile path has two spellings" }
        return TilePath(path.content, index: path.index, width: path.width) == path ? nil : "a path is out of range"
    }

    private static func bundle(_ input: [UInt8]) -> String? {
        let bytes = Array(input.dropFirst())
        guard let count = input.first, let bundle = try? EntryBundle(parsing: bytes, count: Int(count) + 1) else {
            return nil
        }
        guard bundle.entries.count == Int(count) + 1 else { return "a bundle has another count" }
        guard let again = try? EntryBundle(bundle.entries) else { return "a bundle cannot be written" }
        return again.bytes == bytes ? nil : "a bundle has two spellings"
    }

    private static func tile(_ input: [UInt8]) -> String? {
        let good = LogSamples.leaves.flatMap(\.bytes)
        let size = UInt64(LogSamples.leaves.count)
        if let nodes = try? TileNodes(size: size, root: LogSamples.checkpoint.root, edge: [input]) {
            guard input == good else { return "a changed tile is believed" }
            guard (try? nodes.node(level: 0, index: 0)) == LogSamples.leaves[0] else { return "a tile lost a node" }
        }
        let width = input.count / LogHash.byteCount
        guard let tile = try? HashTile(parsing: input, width: width) else { return nil }
        return tile.bytes == input ? nil : "a tile has two spellings"
    }

    private static func request(_ input: [UInt8]) -> String? {
        guard let request = try? AddCheckpointRequest(parsing: input) else { return nil }
        guard request.text.utf8.elementsEqual(input) else { return "a request has two spellings" }
        switch Witness.judge(request, log: LogSamples.witnessed) {
        case .cosign(let checkpoint):
            let isGood =
                request.oldSize == LogSamples.witnessed.tree.size && checkpoint == LogSamples.checkpoint
                && request.proof == LogSamples.consistency
            return isGood ? nil : "a changed request is cosigned"
        case .notFound, .forbidden, .badRequest, .conflict, .unprocessable: return nil
        }
    }

    private static func response(_ input: [UInt8]) -> String? {
        for status in [200, 409] {
            let type = AddCheckpointResponse.sizeType
            guard let response = try? AddCheckpointResponse(status: status, contentType: type, body: input)
            else { continue }
            guard response.body.utf8.elementsEqual(input) else { return "a response has two spellings" }
            guard case .cosigned(let signatures) = response,
                let note = try? LogSamples.note.adding(signatures, of: [LogSamples.witness.verifier])
            else { continue }
            guard note.signatures.last?.line == LogSamples.cosignature.line else { return "a forged cosignature" }
        }
        return nil
    }

    private static func key(_ text: String) -> String? {
        guard let key = try? VerifierKey(vkey: text) else { return nil }
        guard key.vkey.utf8.elementsEqual(text.utf8) else { return "a key has two spellings" }
        let (note, witness) = (try? NoteVerifier(vkey: text), try? CosignatureVerifier(vkey: text))
        return (note == nil) == (witness == nil) ? "a key has two kinds" : nil
    }

    private static func secretKey(_ text: String) -> String? {
        let note = try? NoteSigner.parse(text).encoded
        let witness = try? CosignatureSigner.parse(text).encoded
        guard let encoded = note ?? witness else { return nil }
        guard note == nil || witness == nil else { return "a private key has two kinds" }
        return encoded.utf8.elementsEqual(text.utf8) ? nil : "a private key has two spellings"
    }

    private static func policy(_ input: [UInt8]) -> String? {
        guard let policy = try? TlogPolicy(parsing: input) else { return nil }
        let commented = try? TlogPolicy(parsing: Array("# comment\n\n".utf8) + input + Array(" \t\n".utf8))
        guard commented == policy else { return "a comment changes a policy" }
        let satisfied = policy.quorum.isSatisfied(by: [])
        return satisfied == input.containsQuorumNone ? nil : "a quorum holds without witnesses"
    }

    private static func cosignature(_ text: String) -> String? {
        guard let signature = try? SignedNote.Signature(line: text) else { return nil }
        guard signature.line.utf8.elementsEqual(text.utf8) else { return "a signature line has two spellings" }
        guard let note = try? LogSamples.note.adding(signature) else { return nil }
        guard let read = try? SignedNote(parsing: note.encoded), read.encoded == note.encoded else {
            return "a note with a signature added is not read"
        }
        let cosignatures = try? note.cosignatures(among: [LogSamples.witness.verifier])
        guard cosignatures?.isEmpty == false else { return nil }
        return signature.line == LogSamples.cosignature.line ? nil : "a forged cosignature"
    }

    /// Sizes and places of any magnitude must not trap anywhere.
    private static func numbers(_ input: [UInt8]) -> String? {
        var rest = input[...]
        func number() -> UInt64 {
            defer { rest = rest.dropFirst(8) }
            return rest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        }
        let (first, second, third) = (number(), number(), number())
        let proof = rest.prefix(70).map { LogSamples.leaves[Int($0) % LogSamples.leaves.count] }
        let (leaf, root) = (LogSamples.leaves[0], LogSamples.leaves[1])
        let verifies = [
            InclusionProof.verify(index: first, size: second, leaf: leaf, proof: proof, root: root),
            InclusionProof.verify(
                index: first,
                start: second,
                end: third,
                leaf: leaf,
                proof: proof,
                subtreeRoot: root
            ),
            ConsistencyProof.verify(from: first, to: second, oldRoot: leaf, newRoot: root, proof: proof),
            ConsistencyProof.verify(
                start: first,
                end: second,
                size: third,
                subtreeRoot: leaf,
                root: root,
                proof: proof
            ),
        ]
        // The two roots differ and no hash of the proof leads from one to the other.
        guard !verifies.contains(true) else { return "a proof of nothing verifies" }
        let layout = TileLayout(size: first)
        guard layout.edge.allSatisfy({ layout.contains($0) }) else { return "an edge is not in its layout" }
        let inclusion = InclusionProof.build(index: second, size: first) { _, _ in leaf }
        let consistency = ConsistencyProof.build(from: second, to: first) { _, _ in leaf }
        return inclusion.count <= 64 && consistency.count <= 65 ? nil : "a proof is longer than any tree"
    }
}

extension [UInt8] {
    /// Whether a line is `quorum none`, whatever white space it has.
    fileprivate var containsQuorumNone: Bool {
        self.split(separator: UInt8(ascii: "\n")).contains { line in
            let words = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            return words.map { Array($0) } == [Array("quorum".utf8), Array("none".utf8)]
        }
    }
}
