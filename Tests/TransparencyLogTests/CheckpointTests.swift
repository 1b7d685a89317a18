import Crypto
import Foundation
import Testing
import TransparencyLog

@Suite("Checkpoint", .timeLimit(.minutes(10)))
struct CheckpointTests {
    static let root = LogHash.leaf([1])
    static let checkpoint = Checkpoint(origin: "example.com/log", size: 42, root: root)

    @Test("a checkpoint reads what it writes", arguments: [0, 1, 9, 10, UInt64.max])
    func roundTrip(size: UInt64) throws {
        let extensions = ["one", " two"]
        let checkpoint = Checkpoint(origin: "example.com/log é", size: size, root: Self.root, extensions: extensions)
        #expect(try Checkpoint(parsing: checkpoint.text) == checkpoint)
        #expect(checkpoint.text == "example.com/log é\n\(size)\n\(Self.root)\none\n two\n")
        #expect(try Checkpoint(parsing: checkpoint.text).hashValue == checkpoint.hashValue)
    }

    @Test(
        "a text that is not exactly a checkpoint is refused for what is wrong with it",
        arguments: [
            ("", .malformedOrigin), ("\n1\n\(root)\n", .malformedOrigin), ("origin", .malformedOrigin),
            ("o\n", .malformedSize), ("o\n\n\(root)\n", .malformedSize), ("o\n01\n\(root)\n", .malformedSize),
            ("o\n00\n\(root)\n", .malformedSize), ("o\n+1\n\(root)\n", .malformedSize),
            ("o\n-1\n\(root)\n", .malformedSize), ("o\n1 \n\(root)\n", .malformedSize),
            ("o\n0x1\n\(root)\n", .malformedSize), ("o\n١\n\(root)\n", .malformedSize),
            ("o\n18446744073709551616\n\(root)\n", .malformedSize),
            ("o\n99999999999999999999\n\(root)\n", .malformedSize),
            ("o\n1\n", .malformedRoot), ("o\n1\n\n", .malformedRoot), ("o\n1\n\(root)", .malformedRoot),
            ("o\n1\n \(root)\n", .malformedRoot), ("o\n1\nAAAA\n", .malformedRoot),
            ("o\n1\n\(root)\n\n", .malformedExtension), ("o\n1\n\(root)\nx\n\n", .malformedExtension),
            ("o\n1\n\(root)\nx", .missingNewline), ("o\r\n1\r\n\(root)\r\n", .controlCharacter),
            ("o\t\n1\n\(root)\n", .controlCharacter),
        ] as [(String, CheckpointError)],
    )
    func malformed(text: String, error: CheckpointError) {
        #expect(throws: error) { try Checkpoint(parsing: text) }
    }

    @Test("the published example is read")
    func example() throws {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        let checkpoint = try Checkpoint(parsing: text)
        #expect(checkpoint.origin == "example.com/behind-the-sofa")
        #expect(checkpoint.size == 20_852_163)
        #expect(checkpoint.root.base64 == "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
        #expect(checkpoint.text == text)
    }

    @Test("a log signs its checkpoint and nobody else's")
    func signing() throws {
        let signer = NoteSigner(name: "example.com/log", privateKey: .init())
        let note = try SignedNote(parsing: try Self.checkpoint.signed(by: signer))
        #expect(try Checkpoint(parsing: note.verified(by: [signer.verifier])) == Self.checkpoint)
        let stranger = NoteSigner(name: "example.com/other", privateKey: .init())
        #expect(throws: CheckpointError.originIsNotSigner) { try Self.checkpoint.signed(by: stranger) }
    }

    @Test("a part that would add or hide a line is not signed", arguments: ["", "a\nb", "a\n"])
    func smuggledLine(line: String) {
        let signer = NoteSigner(name: "o", privateKey: .init())
        let checkpoint = Checkpoint(origin: "o", size: 1, root: Self.root, extensions: [line])
        #expect(throws: CheckpointError.malformedExtension) { try checkpoint.signed(by: signer) }
    }

    @Test("an origin that is no key name is not signed")
    func invalidOrigin() {
        let signer = NoteSigner(name: "an origin", privateKey: .init())
        let checkpoint = Checkpoint(origin: "an origin", size: 1, root: Self.root)
        #expect(throws: CheckpointError.unsigned(.invalidKeyName)) { try checkpoint.signed(by: signer) }
    }

    @Test("checkpoints differ by any part, and by the bytes of their origins")
    func equality() {
        let others = [
            Checkpoint(origin: "example.com/lo\u{67}\u{301}", size: 42, root: Self.root),
            Checkpoint(origin: "example.com/log", size: 43, root: Self.root),
            Checkpoint(origin: "example.com/log", size: 42, root: .emptyTree),
            Checkpoint(origin: "example.com/log", size: 42, root: Self.root, extensions: ["x"]),
        ]
        #expect(others.allSatisfy { $0 != Self.checkpoint })
        let composed = Checkpoint(origin: "\u{E9}", size: 1, root: Self.root)
        #expect(composed != Checkpoint(origin: "e\u{301}", size: 1, root: Self.root))
    }

    @Test("openssl agrees with the signature of a checkpoint", .enabled(if: run(["openssl", "version"]) == 0))
    func openssl() throws {
        let signer = NoteSigner(name: "example.com/log", privateKey: .init())
        let note = try SignedNote(parsing: try Self.checkpoint.signed(by: signer))
        let signature = try #require(note.signatures.first).signature
        // RFC 8410: what stands before the 32 bytes of an Ed25519 public key in DER.
        let prefix: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
        try withTemporaryFolder { folder in
            let (key, text, bytes) = (folder.file("key"), folder.file("text"), folder.file("signature"))
            try Data(prefix + signer.verifier.publicKey).write(to: key)
            try Data(signature).write(to: bytes)
            let verify = {
                let command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER"]
                return run(command + ["-inkey", key.path, "-in", text.path, "-sigfile", bytes.path])
            }
            try Data(note.text.utf8).write(to: text)
            #expect(verify() == 0)
            try Data("\(note.text) ".utf8).write(to: text)
            #expect(verify() != 0)
        }
    }
}

extension URL {
    fileprivate func file(_ name: String) -> URL { self.appendingPathComponent(name) }
}
