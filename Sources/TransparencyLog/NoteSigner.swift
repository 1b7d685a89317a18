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
        let (fields, key) = try NoteKey.parsePrivate(text, type: NoteKey.ed25519)
        return NoteSigner(name: fields.name, privateKey: key)
    }

    /// The key as text, the secret included: `PRIVATE+KEY+name+hash+base64`.
    package var encoded: String {
        let seed = Array(self.privateKey.rawRepresentation)
        let hash = self.verifier.keyHash
        return NoteKey.privatePrefix + NoteKey.text(name: self.name, hash: hash, type: NoteKey.ed25519, key: seed)
    }

    /// Signs a text, which must end with a newline, and answers the whole note.
    package func sign(text: String) throws(NoteError) -> String {
        guard NoteKey.isValid(name: self.name) else { throw .invalidKeyName }
        let bytes = Array(text.utf8)
        guard bytes.last == UInt8(ascii: "\n"), !SignedNote.hasForbiddenControl(bytes) else { throw .malformedText }
        guard let signature = try? self.privateKey.signature(for: bytes) else { throw .signingFailed }
        let line = SignedNote.Signature(name: self.name, keyHash: self.verifier.keyHash, signature: Array(signature))
            .line
        return "\(text)\n\(line)\n"
    }
}

extension NoteSigner: CustomStringConvertible, CustomReflectable {
    /// The public half only, so that a logged signer does not give its key away.
    package var description: String { "NoteSigner(\(self.verifier.vkey))" }

    /// Nothing but the name, for the same reason.
    package var customMirror: Mirror { Mirror(self, children: ["name": self.name]) }
}
