import Crypto
import Testing
import TransparencyLog

@Suite("Signed notes", .timeLimit(.minutes(10)))
struct NoteTests {
    /// The example of Go's `sumdb/note`.
    static let skey = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
    static let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    static let text = """
        If you think cryptography is the answer to your problem,
        then you don't know what your problem is.

        """
    static let signature = """
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=

        """
    static let note = "\(text)\n\(signature)"

    static let other = NoteSigner(name: "other.example", privateKey: .init())

    @Test("Go's example key and note are read, verified and written byte for byte")
    func goExample() throws {
        let signer = try NoteSigner.parse(Self.skey)
        let verifier = try NoteVerifier(vkey: Self.vkey)
        #expect(signer.verifier == verifier)
        #expect(signer.encoded == Self.skey)
        #expect(verifier.vkey == Self.vkey)
        #expect(verifier.keyHash == 0xC74F_20A3)
        #expect(try signer.sign(text: Self.text) == Self.note)
        #expect(try SignedNote(parsing: Self.note).verified(by: [verifier]) == Self.text)
    }

    @Test("the key of Go's checksum database is read and written")
    func checksumDatabase() throws {
        let vkey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
        #expect(try NoteVerifier(vkey: vkey).vkey == vkey)
        #expect(try NoteVerifier(vkey: vkey).name == "sum.golang.org")
    }

    @Test("a note says what it was signed with, line by line")
    func parts() throws {
        let note = try SignedNote(parsing: Self.note)
        let signature = try #require(note.signatures.first)
        #expect(note.text == Self.text)
        #expect(note.signatures.count == 1)
        #expect(signature.name == "PeterNeumann")
        #expect(signature.keyHash == 0xC74F_20A3)
        #expect(signature.signature.count == 64)
        #expect(signature.line + "\n" == Self.signature)
    }

    @Test(
        "a malformed or foreign verifier key is refused for what is wrong with it",
        arguments: [
            ("", .malformedKey), ("PeterNeumann", .malformedKey), ("PeterNeumann+c74f20a3", .malformedKey),
            ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", .keyHashMismatch),
            ("PeterNeumanm+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", .keyHashMismatch),
            ("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", .malformedKey),
            ("PeterNeumann++c74f20a+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", .malformedKey),
            ("PeterNeumann+0c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", .malformedKey),
            ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n", .malformedKey),
            ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T", .malformedKey),
            ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy", .malformedKey),
            ("PeterNeumann+c74f20a3+", .malformedKey),
            ("PeterNeumann+c74f20a3+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", .unsupportedKeyType),
            ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", .invalidKeyName),
            ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", .invalidKeyName),
        ] as [(String, NoteError)],
    )
    func malformedVerifier(vkey: String, error: NoteError) {
        #expect(throws: error) { try NoteVerifier(vkey: vkey) }
    }

    @Test(
        "a malformed signer key is refused for what is wrong with it",
        arguments: [
            (vkey, .malformedKey), ("PRIVATE+KEY+", .malformedKey), ("PRIVATE+KEY", .malformedKey),
            ("private+key+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz", .malformedKey),
            ("PRIVATE+KEY+PeterNeumann+c74f20a4+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz", .keyHashMismatch),
            ("PRIVATE+KEY+PeterNeumann+c74f20a3+AoEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz", .unsupportedKeyType),
            ("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXH", .malformedKey),
            ("PRIVATE+KEY+Peter\u{2003}Neumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz", .invalidKeyName),
        ] as [(String, NoteError)],
    )
    func malformedSigner(key: String, error: NoteError) {
        #expect(throws: error) { _ = try NoteSigner.parse(key) }
    }

    @Test(
        "a key with a name that notes do not allow signs nothing",
        arguments: ["", "a b", "a+b", "a\nb", "a\u{0}b", "a\u{A0}b", "a\u{2028}b", "a\u{3000}b", "a\u{85}b"],
    )
    func invalidName(name: String) {
        let signer = NoteSigner(name: name, privateKey: .init())
        #expect(throws: NoteError.invalidKeyName) { try signer.sign(text: "text\n") }
    }

    @Test(
        "a text is signed only if it ends with a newline and has no other control",
        arguments: ["", "a", "a\r\n", "\t\n"]
    )
    func malformedText(text: String) {
        #expect(throws: NoteError.malformedText) { try Self.other.sign(text: text) }
    }

    @Test(
        "texts with blank lines, of any script, come back as they were",
        arguments: ["\n", "\n\n\n", "a\n\nb\n", "— é\n"]
    )
    func roundTrip(text: String) throws {
        let note = try Self.other.sign(text: text)
        #expect(try SignedNote(parsing: note).verified(by: [Self.other.verifier]) == text)
    }

    @Test(
        "what is not exactly a signed note is refused",
        arguments: [
            "", "\n", "\n\n", text, "\(text)\n", signature, "\n\(signature)", "\(text)\n\(signature)\n",
            String(note.dropLast()), "\(note)\(signature.dropLast())", "\(note)x\n", "\(note)— \n",
            note.replacing("— ", with: "- "), note.replacing("— ", with: "—  "), note.replacing("\n", with: "\r\n"),
            note.replacing("— ", with: "—\u{A0}"), note.replacing("Neumann x", with: "Neumann  x"),
            note.replacing("nAM=", with: "nAM= "), note.replacing("nAM=", with: "nAN="),
            note.replacing("nAM=", with: "nAM"), note.replacing("PeterN", with: "Peter+N"),
            "\(text)\n— name eHh4eA==\n", "\(text)\n— name \n", "\(text)\n— name\n", "a\tb\n\n\(signature)",
        ],
    )
    func malformedNote(note: String) {
        #expect(throws: NoteError.malformedNote) { _ = try SignedNote(parsing: note) }
    }

    @Test("sixteen signatures and more are read, but not without end")
    func limits() throws {
        let most = String(repeating: Self.signature, count: SignedNote.maximumSignatures)
        #expect(SignedNote.maximumSignatures >= 16)
        #expect(try SignedNote(parsing: "\(Self.text)\n\(most)").signatures.count == SignedNote.maximumSignatures)
        #expect(throws: NoteError.tooManySignatures) {
            _ = try SignedNote(parsing: "\(Self.text)\n\(most)\(Self.signature)")
        }
    }

    @Test("signatures of unknown keys are ignored, but one known key must have signed")
    func unknownKeys() throws {
        let peter = try NoteVerifier(vkey: Self.vkey)
        let signed = try Self.other.sign(text: Self.text).dropFirst(Self.text.count + 1)
        let both = try SignedNote(parsing: "\(Self.note)\(signed)")
        #expect(try both.verified(by: [peter]) == Self.text)
        #expect(try both.verified(by: [Self.other.verifier]) == Self.text)
        #expect(try both.validVerifiers(among: [Self.other.verifier, peter, peter]) == [peter, Self.other.verifier])
        #expect(throws: NoteError.noKnownSignature) { try both.verified(by: []) }
        let stranger = NoteSigner(name: "PeterNeumann", privateKey: .init()).verifier
        #expect(throws: NoteError.noKnownSignature) { try both.verified(by: [stranger]) }
    }

    @Test("a bad signature of a known key refuses the note even beside a good one")
    func invalidSignature() throws {
        let peter = try NoteVerifier(vkey: Self.vkey)
        let signed = try Self.other.sign(text: "another text\n").dropFirst("another text\n\n".count)
        let note = try SignedNote(parsing: "\(Self.note)\(signed)")
        #expect(try note.verified(by: [peter]) == Self.text)
        #expect(throws: NoteError.invalidSignature) { try note.verified(by: [peter, Self.other.verifier]) }
    }

    @Test("a signature of the wrong length is invalid, not a crash", arguments: [1, 63, 65, 200])
    func wrongLength(length: Int) throws {
        let peter = try NoteVerifier(vkey: Self.vkey)
        let bytes = [0xC7, 0x4F, 0x20, 0xA3] + [UInt8](repeating: 7, count: length)
        let note = try SignedNote(parsing: "\(Self.text)\n— PeterNeumann \(base64(bytes))\n")
        #expect(throws: NoteError.invalidSignature) { try note.verified(by: [peter]) }
    }

    @Test("a known key signs once")
    func repeated() throws {
        let note = try SignedNote(parsing: "\(Self.note)\(Self.signature)")
        let peter = try NoteVerifier(vkey: Self.vkey)
        #expect(throws: NoteError.repeatedSignature) { try note.verified(by: [peter]) }
    }

    @Test("names are compared by bytes: an accent written otherwise is another key")
    func nameBytes() throws {
        let key = Curve25519.Signing.PrivateKey()
        let composed = NoteSigner(name: "caf\u{E9}", privateKey: key)
        let decomposed = NoteSigner(name: "cafe\u{301}", privateKey: key)
        #expect(composed.verifier != decomposed.verifier)
        #expect(Set([composed.verifier, decomposed.verifier]).count == 2)
        let note = try SignedNote(parsing: try composed.sign(text: "text\n"))
        #expect(throws: NoteError.noKnownSignature) { try note.verified(by: [decomposed.verifier]) }
        #expect(try note.verified(by: [composed.verifier, decomposed.verifier]) == "text\n")
    }

    @Test("a signer does not show its secret where it is printed or dumped")
    func secrecy() throws {
        let signer = try NoteSigner.parse(Self.skey)
        var dumped = ""
        dump(signer, to: &dumped)
        for shown in ["\(signer)", String(reflecting: signer), dumped] {
            #expect(!shown.contains("AYEKFALV"))
            #expect(shown.contains("PeterNeumann"))
        }
    }
}

/// The bytes as base64, through the one public road to it.
func base64(_ bytes: [UInt8]) -> String {
    let proof = TlogProof(index: 0, proof: [], checkpoint: "", extra: bytes).text
    return String(proof.split(separator: "\n")[1].dropFirst("extra ".count))
}
