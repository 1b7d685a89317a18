import Crypto

/// A public Ed25519 key that checks signatures on notes, known by its name and short hash.
///
/// Names are compared by their UTF-8 bytes: two spellings of one accented letter are two names.
package struct NoteVerifier: Sendable {
    /// The key's name; for a log, its origin.
    package let name: String
    /// The short hash that signature lines carry.
    package let keyHash: UInt32
    /// The 32 bytes of the public key.
    package let publicKey: [UInt8]

    /// Reads a verifier key, `name+hash+base64`.
    package init(vkey: String) throws(NoteError) {
        let fields = try NoteKey.parse(vkey[...])
        guard fields.hash == NoteKey.hash(name: fields.name, publicKey: fields.key) else { throw .keyHashMismatch }
        self.init(name: fields.name, publicKey: fields.key)
    }

    init(name: String, publicKey: [UInt8]) {
        self.name = name
        self.keyHash = NoteKey.hash(name: name, publicKey: publicKey)
        self.publicKey = publicKey
    }

    /// The key as text, `name+hash+base64`.
    package var vkey: String {
        "\(self.name)+\(NoteKey.hex(self.keyHash))+\(Base64.encode([NoteKey.ed25519] + self.publicKey))"
    }

    /// Whether `signature` is this key's signature of `text`.
    func isValid(signature: [UInt8], of text: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: self.publicKey) else { return false }
        return key.isValidSignature(signature, for: text)
    }

    /// Whether the name is this one, byte for byte.
    func isNamed(_ name: String) -> Bool {
        self.name.utf8.elementsEqual(name.utf8)
    }
}

extension NoteVerifier: Hashable {
    /// Whether name and key are the same, byte for byte.
    package static func == (left: NoteVerifier, right: NoteVerifier) -> Bool {
        left.keyHash == right.keyHash && left.publicKey == right.publicKey && left.isNamed(right.name)
    }

    /// Hashes what differs most.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.publicKey)
    }
}
