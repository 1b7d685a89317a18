package import Crypto

/// A private Ed25519 key that signs notes.
package struct NoteSigner: Sendable {
    /// The key's name; for a log, its origin.
    package let name: String
    /// The public half.
    package let verifier: NoteVerifier
    private let privateKey: Curve25519.Signing.PrivateKey

    /// Names a private key.
    ///
    /// A name that notes do not allow makes every signature fail.
    package init(name: String, privateKey: Curve25519.Signing.PrivateKey) {
        self.name = name
        self.privateKey = privateKey
        self.verifier = NoteVerifier(name: name, publicKey: Array(privateKey.publicKey.rawRepresentation))
    }

    /// Reads `PRIVATE+KEY+name+hash+base64`, as Go's `sumdb/note` writes it.
    package static func parse(_ text: String) throws(NoteError) -> NoteSigner {
        guard text.utf8.starts(with: Self.prefix.utf8) else { throw .malformedKey }
        let fields = try NoteKey.parse(Substring(text.utf8.dropFirst(Self.prefix.utf8.count)))
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: fields.key) else { throw .malformedKey }
        let signer = NoteSigner(name: fields.name, privateKey: key)
        guard signer.verifier.keyHash == fields.hash else { throw .keyHashMismatch }
        return signer
    }

    /// The key as text, the secret included: `PRIVATE+KEY+name+hash+base64`.
    package var encoded: String {
        let seed = Base64.encode([NoteKey.ed25519] + Array(self.privateKey.rawRepresentation))
        return "\(Self.prefix)\(self.name)+\(NoteKey.hex(self.verifier.keyHash))+\(seed)"
    }

    /// Signs a text, which must end with a newline, and answers the whole note.
    package func sign(text: String) throws(NoteError) -> String {
        guard NoteKey.isValid(name: self.name) else { throw .invalidKeyName }
        let bytes = Array(text.utf8)
        guard bytes.last == UInt8(ascii: "\n"), !SignedNote.hasForbiddenControl(bytes) else { throw .malformedText }
        guard let signature = try? self.privateKey.signature(for: bytes) else { throw .signingFailed }
        let hash = (0..<4).map { UInt8(truncatingIfNeeded: self.verifier.keyHash >> UInt32(24 - 8 * $0)) }
        return "\(text)\n\u{2014} \(self.name) \(Base64.encode(hash + signature))\n"
    }

    private static let prefix = "PRIVATE+KEY+"
}

extension NoteSigner: CustomStringConvertible, CustomReflectable {
    /// The public half only, so that a logged signer does not give its key away.
    package var description: String { "NoteSigner(\(self.verifier.vkey))" }

    /// Nothing but the name, for the same reason.
    package var customMirror: Mirror { Mirror(self, children: ["name": self.name]) }
}
