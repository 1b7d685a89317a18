import Crypto
import TransparencyLog

/// One small log with fixed keys, and well-formed samples of every format: where mutations start.
enum LogSamples {
    static let log = NoteSigner(name: "example.com/log", privateKey: key(1))
    static let witness = CosignatureSigner(name: "witness.example/w", privateKey: key(2))
    static let leaves = (0..<13).map { LogHash.leaf([UInt8($0)]) }
    static let index: UInt64 = 5
    static let leaf = leaves[5]
    static let checkpoint = Checkpoint(origin: "example.com/log", size: 13, root: root(13))
    static let path = InclusionProof.build(index: index, size: 13) { node($0, $1) }
    static let consistency = ConsistencyProof.build(from: 6, to: 13) { node($0, $1) }
    static let note = sample { try SignedNote(parsing: checkpoint.signed(by: log)) }
    static let cosignature = sample { try witness.cosign(checkpoint, time: 1_679_315_147) }
    static let cosigned = sample { try note.adding(cosignature) }
    static let request = sample { try AddCheckpointRequest(oldSize: 6, proof: consistency, note: cosigned) }
    static let witnessed = WitnessedLog(
        origin: checkpoint.origin,
        verifiers: [log.verifier],
        tree: WitnessedTree(size: 6, root: root(6)),
    )

    /// Whether the log or the witness ever signed this text.
    static func isSigned(_ text: String) -> Bool { text.utf8.elementsEqual(checkpoint.text.utf8) }

    /// Well-formed inputs, each with the byte before it that chooses its property.
    static let seeds: [[UInt8]] = {
        let cosigner = witness.verifier.vkey
        let policy = """
            log \(log.verifier.vkey) https://example.com/log
            # comment
            witness W \(cosigner) https://witness.example/
            group G 1 W
            group H all G
            quorum H

            """
        let proof = TlogProof(index: index, proof: path, checkpoint: cosigned.encoded)
        let texts: [(LogProperty, String)] = [
            (.note, note.encoded), (.note, cosigned.encoded), (.checkpoint, checkpoint.text),
            (.checkpoint, "\(checkpoint.text)extension\n"), (.proof, proof.text),
            (.proof, TlogProof(index: 5, proof: path, checkpoint: note.encoded, extra: [1, 2, 3, 4]).text),
            (.tilePath, "tile/0/x001/x234/067.p/255"), (.tilePath, "tile/entries/000"), (.request, request.text),
            (.request, "old 0\n\n\(note.encoded)"), (.response, "\(cosignature.line)\n"), (.response, "20852163\n"),
            (.key, log.verifier.vkey), (.key, cosigner), (.secretKey, log.encoded), (.secretKey, witness.encoded),
            (.policy, policy), (.policy, "quorum none\n"), (.cosignature, cosignature.line),
        ]
        var seeds = texts.map { [$0.rawValue] + Array($1.utf8) }
        seeds.append([LogProperty.bundle.rawValue, 2, 0, 3, 1, 2, 3, 0, 0, 0, 1, 9])
        seeds.append([LogProperty.tile.rawValue] + leaves.flatMap(\.bytes))
        seeds.append([LogProperty.numbers.rawValue] + (0..<40).map { UInt8($0) })
        seeds.append([LogProperty.numbers.rawValue] + [UInt8](repeating: 0xFF, count: 60))
        return seeds
    }()

    private static func root(_ size: UInt64) -> LogHash { treeRoot(size: size) { node($0, $1) } }

    private static func node(_ level: Int, _ index: UInt64) -> LogHash {
        guard level > 0 else { return leaves[Int(index)] }
        return .node(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))
    }

    private static func key(_ byte: UInt8) -> Curve25519.Signing.PrivateKey {
        sample { try Curve25519.Signing.PrivateKey(rawRepresentation: [UInt8](repeating: byte, count: 32)) }
    }

    /// A sample that cannot be made ends the tests.
    private static func sample<Value>(_ body: () throws -> Value) -> Value {
        do {
            return try body()
        } catch {
            preconditionFailure("\(error)")
        }
    }
}
