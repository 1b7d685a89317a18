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
        let fields = try NoteKey.parse(vkey[...], types: [NoteKey.ed25519])
        guard fields.isHash(of: fields.key) else { throw .keyHashMismatch }
        self.init(name: fields.name, publicKey: fields.key)
    }

    init(name: String, publicKey: [UInt8]) {
        self.name = name
        self.keyHash = NoteKey.hash(name: name, type: NoteKey.ed25519, publicKey: publicKey)
        self.publicKey = publicKey
    }

    /// The key as text, `name+hash+base64`.
    package var vkey: String {
        NoteKey.text(name: self.name, hash: self.keyHash, type: NoteKey.ed25519, key: self.publicKey)
    }

    /// Whether `signature` is this key's signature of `text`.
    func isValid(signature: [UInt8], of text: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: self.publicKey) else { return false }
        return key.isValidSignature(signature, for: text)
    }
}

extension NoteVerifier: SignatureKey {
    /// Whether name and key are the same, byte for byte.
    package static func == (left: NoteVerifier, right: NoteVerifier) -> Bool {
        left.keyHash == right.keyHash && left.publicKey == right.publicKey && left.isNamed(right.name)
    }

    /// Hashes what differs most.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.publicKey)
    }
}
