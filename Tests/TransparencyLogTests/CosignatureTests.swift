import Crypto
import Testing
import TransparencyLog

@Suite("Cosignatures", .timeLimit(.minutes(10)))
struct CosignatureTests {
    /// Made with Python's `cryptography` from the seed 0, 1, 2 … 31.
    static let skey = "PRIVATE+KEY+witness.example/w1+e75f6532+BAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
    static let vkey = "witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    static let line = """
        — witness.example/w1 \
        519lMgAAAABkGFDLPV6gWBuOjFZKyVLJsszR2S1Rlw042UEfjvOtERTwrRkx1VTZvMaX1PI8W05KSySLejBFFaLWIh4JqNPpw4JWCw==
        """
    static let checkpoint = Checkpoint(origin: "example.com/behind-the-sofa", size: 20_852_163, root: .emptyTree)
    static let time: UInt64 = 1_679_315_147

    static let log = NoteSigner(name: "example.com/behind-the-sofa", privateKey: .init())
    static let key = Curve25519.Signing.PrivateKey()
    static let other = CosignatureSigner(name: "witness.example/w2", privateKey: key)

    static func note() throws -> SignedNote { try SignedNote(parsing: checkpoint.signed(by: log)) }

    @Test("another implementation's key and cosignature are read, verified and written byte for byte")
    func vector() throws {
        let signer = try CosignatureSigner.parse(Self.skey)
        let verifier = try CosignatureVerifier(vkey: Self.vkey)
        #expect(signer.verifier == verifier)
        #expect(signer.encoded == Self.skey)
        #expect(verifier.vkey == Self.vkey)
        #expect(verifier.keyHash == 0xE75F_6532)
        #expect(try signer.cosign(Self.checkpoint, time: Self.time).line == Self.line)
        let note = try SignedNote(parsing: "\(Self.checkpoint.text)\n\(Self.line)\n")
        let cosignatures = try note.cosignatures(among: [verifier, Self.other.verifier])
        #expect(cosignatures.map(\.name) == ["witness.example/w1"])
        #expect(cosignatures.map(\.time) == [Self.time])
        #expect(cosignatures.map(\.witness) == [verifier])
    }

    @Test("one key has another short hash as a note key, and neither kind is read as the other")
    func kinds() throws {
        let key = Curve25519.Signing.PrivateKey()
        let note = NoteSigner(name: "n", privateKey: key)
        let cosigner = CosignatureSigner(name: "n", privateKey: key)
        #expect(note.verifier.keyHash != cosigner.verifier.keyHash)
        #expect(throws: NoteError.unsupportedKeyType) { _ = try CosignatureVerifier(vkey: note.verifier.vkey) }
        #expect(throws: NoteError.unsupportedKeyType) { _ = try NoteVerifier(vkey: cosigner.verifier.vkey) }
        #expect(throws: NoteError.unsupportedKeyType) { _ = try CosignatureSigner.parse(note.encoded) }
        #expect(throws: NoteError.unsupportedKeyType) { _ = try NoteSigner.parse(cosigner.encoded) }
        #expect(try VerifierKey(vkey: note.verifier.vkey) == .note(note.verifier))
        #expect(try VerifierKey(vkey: cosigner.verifier.vkey) == .cosignature(cosigner.verifier))
        for vkey in [note.verifier.vkey, cosigner.verifier.vkey] {
            #expect(try VerifierKey(vkey: vkey).vkey == vkey)
            #expect(try VerifierKey(vkey: vkey).name == "n")
        }
    }

    @Test(
        "a malformed or foreign key is refused for what is wrong with it",
        arguments: [
            ("", .malformedKey), ("witness.example/w1+e75f6532", .malformedKey),
            ("witness.example/w1+e75f6533+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4", .keyHashMismatch),
            ("witness.example/w2+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4", .keyHashMismatch),
            ("witness.example/w1+E75F6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4", .malformedKey),
            ("witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG", .malformedKey),
            ("witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQS", .malformedKey),
            ("witness.example/w1+e75f6532+AgOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4", .unsupportedKeyType),
            ("witness.example/w1+e75f6532+BQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4", .unsupportedKeyType),
            ("witness.example/w1+e75f6532+BgOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4", .unsupportedKeyType),
            ("witness.example/w1+e75f6532+/wOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4", .unsupportedKeyType),
            ("+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4", .invalidKeyName),
        ] as [(String, NoteError)],
    )
    func malformedKey(vkey: String, error: NoteError) {
        #expect(throws: error) { _ = try CosignatureVerifier(vkey: vkey) }
        #expect(throws: error) { _ = try VerifierKey(vkey: vkey) }
    }

    @Test("a private key is read only whole and with its own short hash")
    func malformedSigner() {
        #expect(throws: NoteError.malformedKey) { _ = try CosignatureSigner.parse(Self.vkey) }
        #expect(throws: NoteError.malformedKey) { _ = try CosignatureSigner.parse(String(Self.skey.dropLast(4))) }
        #expect(throws: NoteError.keyHashMismatch) {
            _ = try CosignatureSigner.parse(Self.skey.replacing("e75f6532", with: "e75f6533"))
        }
    }

    @Test("a signer does not show its secret")
    func secrecy() {
        let secret = Self.skey.suffix(40)
        let signer = try? CosignatureSigner.parse(Self.skey)
        var dumped = ""
        dump(signer, to: &dumped)
        #expect("\(String(describing: signer))".contains("witness.example/w1"))
        #expect(!"\(String(describing: signer))\(String(reflecting: signer))\(dumped)".contains(secret))
    }

    @Test("what is no checkpoint, a bad name or a time beyond 2^63 is not cosigned")
    func refusedToSign() {
        let bad = CosignatureSigner(name: "a b", privateKey: .init())
        #expect(throws: CheckpointError.unsigned(.invalidKeyName)) { _ = try bad.cosign(Self.checkpoint, time: 1) }
        #expect(throws: CheckpointError.unsigned(.signingFailed)) {
            _ = try Self.other.cosign(Self.checkpoint, time: 1 << 63)
        }
        #expect(throws: CheckpointError.malformedSize) {
            _ = try Self.other.cosign(Checkpoint(origin: "a\nb", size: 1, root: .emptyTree), time: 1)
        }
        let forged = Checkpoint(origin: "a\n1\n\(LogHash.emptyTree.base64)", size: 2, root: .emptyTree)
        #expect(throws: CheckpointError.malformedExtension) { _ = try Self.other.cosign(forged, time: 1) }
    }

    @Test("any time up to 2^63 - 1 comes back", arguments: [0, 1, 1 << 62, UInt64(Int64.max)])
    func times(time: UInt64) throws {
        let note = try Self.note().adding(Self.other.cosign(Self.checkpoint, time: time))
        #expect(try note.cosignatures(among: [Self.other.verifier]).map(\.time) == [time])
    }

    @Test("a cosignature with any bit changed, of another length or of another checkpoint refuses the note")
    func invalid() throws {
        let good = try Self.other.cosign(Self.checkpoint, time: Self.time)
        let hash = (0..<4).map { UInt8(truncatingIfNeeded: good.keyHash >> UInt32(24 - 8 * $0)) }
        func isRefused(_ signature: [UInt8]) -> Bool {
            do {
                let line = "— \(good.name) \(base64(hash + signature))"
                _ = try Self.note().adding(line: line).cosignatures(among: [Self.other.verifier])
                return false
            } catch {
                return (error as? NoteError) == .invalidSignature
            }
        }
        #expect(!isRefused(good.signature))
        for position in good.signature.indices {
            var signature = good.signature
            signature[position] ^= 1
            #expect(isRefused(signature), "byte \(position)")
        }
        #expect(isRefused([0x80] + good.signature.dropFirst()))
        for length in [1, 7, 8, 64, 71] { #expect(isRefused(Array(good.signature.prefix(length)))) }
        #expect(isRefused(good.signature + [0]))
        let next = Checkpoint(origin: Self.checkpoint.origin, size: 20_852_164, root: .emptyTree)
        #expect(isRefused(try Self.other.cosign(next, time: Self.time).signature))
        // A plain signature of the same key over the same text is no cosignature.
        let plain = try SignedNote(
            parsing: NoteSigner(name: "n", privateKey: Self.key).sign(text: Self.checkpoint.text)
        )
        #expect(isRefused(good.signature.prefix(8) + plain.signatures[0].signature))
    }

    @Test("extension lines are cosigned with the rest")
    func extensions() throws {
        let checkpoint = Checkpoint(origin: "o", size: 1, root: .emptyTree, extensions: ["one", "two"])
        let line = try Self.other.cosign(checkpoint, time: 5).line
        let keys = [Self.other.verifier]
        #expect(try SignedNote(parsing: "\(checkpoint.text)\n\(line)\n").cosignatures(among: keys).count == 1)
        let text = checkpoint.text.replacing("two", with: "too")
        #expect(throws: NoteError.invalidSignature) {
            _ = try SignedNote(parsing: "\(text)\n\(line)\n").cosignatures(among: keys)
        }
        #expect(throws: NoteError.invalidSignature) {
            _ = try SignedNote(parsing: "no checkpoint\n\n\(line)\n").cosignatures(among: keys)
        }
    }

    @Test("signatures of types that we do not know stay in the note, byte for byte")
    func unknownTypes() throws {
        var note = try Self.note()
        for type in [0x02, 0x05, 0x06, 0xFF] as [UInt8] {
            let bytes = [type, 1, 2, 3] + [UInt8](repeating: type, count: type == 0x06 ? 2428 : 40)
            note = try note.adding(line: "— key.example/\(type) \(base64(bytes))")
        }
        note = try note.adding(Self.other.cosign(Self.checkpoint, time: 7))
        let read = try SignedNote(parsing: note.encoded)
        #expect(read.encoded == note.encoded)
        #expect(read.signatures.map(\.line) == note.signatures.map(\.line))
        #expect(read.signatures.count == 6)
        #expect(try read.verified(by: [Self.log.verifier]) == Self.checkpoint.text)
        #expect(try read.cosignatures(among: [Self.other.verifier]).map(\.time) == [7])
    }

    @Test("a key signs a note once, and a note has no end of signatures")
    func adding() throws {
        let note = try Self.note().adding(Self.other.cosign(Self.checkpoint, time: 1))
        #expect(throws: NoteError.repeatedSignature) {
            _ = try note.adding(Self.other.cosign(Self.checkpoint, time: 2))
        }
        #expect(throws: NoteError.repeatedSignature) { _ = try note.adding(line: note.signatures[0].line) }
        // The same name with another key, or the same short hash with another name, is another key.
        _ = try note.adding(
            CosignatureSigner(name: Self.other.name, privateKey: .init()).cosign(Self.checkpoint, time: 1)
        )
        _ = try note.adding(line: note.signatures[1].line.replacing("w2", with: "w3"))
        var full = note
        while full.signatures.count < SignedNote.maximumSignatures {
            full = try full.adding(line: "— k\(full.signatures.count) AAAAAAA=")
        }
        #expect(throws: NoteError.tooManySignatures) { _ = try full.adding(line: "— more AAAAAAA=") }
        #expect(try SignedNote(parsing: full.encoded).encoded == full.encoded)
    }

    @Test(
        "a line that is not exactly one signature line is not added",
        arguments: [
            "", "x", "\(line)\n", "\n\(line)", "\(line) ", " \(line)", "\(line)\n\(line)",
            line.replacing("—", with: "-"),
            line.replacing("==", with: ""), "— a b AAAAAAA=", "— a+b AAAAAAA=", "— a AAAAAA==", "— a\tb AAAAAAA=",
        ],
    )
    func malformedLine(line: String) throws {
        #expect(throws: NoteError.malformedNote) { _ = try Self.note().adding(line: line) }
    }

    @Test("of a witness's response, only good cosignatures of known witnesses are taken up")
    func response() throws {
        let stranger = CosignatureSigner(name: "stranger.example", privateKey: .init())
        let good = try Self.other.cosign(Self.checkpoint, time: 9)
        let strange = try stranger.cosign(Self.checkpoint, time: 9)
        let note = try Self.note()
        let keys = [Self.other.verifier]
        #expect(try note.adding([strange, good], of: keys).encoded == note.adding(good).encoded)
        #expect(throws: NoteError.noKnownSignature) { _ = try note.adding([strange], of: keys) }
        #expect(throws: NoteError.noKnownSignature) { _ = try note.adding([], of: keys) }
        #expect(throws: NoteError.repeatedSignature) { _ = try note.adding([good, good], of: keys) }
        #expect(throws: NoteError.repeatedSignature) { _ = try note.adding(good).adding([good], of: keys) }
        let late = Checkpoint(origin: Self.checkpoint.origin, size: 1, root: .emptyTree)
        #expect(throws: NoteError.invalidSignature) {
            _ = try note.adding([Self.other.cosign(late, time: 9)], of: keys)
        }
    }
}
