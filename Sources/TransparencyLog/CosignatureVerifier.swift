import Crypto

/// A witness's public Ed25519 key, which checks cosignatures on checkpoints (C2SP tlog-cosignature, type 0x04).
package struct CosignatureVerifier: Sendable {
    /// The witness's name.
    package let name: String
    /// The short hash that signature lines carry.
    package let keyHash: UInt32
    /// The 32 bytes of the public key.
    package let publicKey: [UInt8]

    /// Reads a verifier key, `name+hash+base64`, of a witness.
    package init(vkey: String) throws(NoteError) {
        let fields = try NoteKey.parse(vkey[...], types: [NoteKey.cosignature])
        guard fields.isHash(of: fields.key) else { throw .keyHashMismatch }
        self.init(name: fields.name, publicKey: fields.key)
    }

    init(name: String, publicKey: [UInt8]) {
        self.name = name
        self.keyHash = NoteKey.hash(name: name, type: NoteKey.cosignature, publicKey: publicKey)
        self.publicKey = publicKey
    }

    /// The key as text, `name+hash+base64`.
    package var vkey: String {
        NoteKey.text(name: self.name, hash: self.keyHash, type: NoteKey.cosignature, key: self.publicKey)
    }

    /// When this witness cosigned the checkpoint's text; nil where the signature is not its cosignature of it.
    func time(of signature: [UInt8], on text: String) -> UInt64? {
        guard signature.count == CosignatureMessage.length,
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: self.publicKey)
        else { return nil }
        let time = signature.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        guard let message = CosignatureMessage.bytes(text: text, time: time) else { return nil }
        return key.isValidSignature(signature.dropFirst(8), for: message) ? time : nil
    }
}

extension CosignatureVerifier: SignatureKey {
    /// Whether name and key are the same, byte for byte.
    package static func == (left: CosignatureVerifier, right: CosignatureVerifier) -> Bool {
        left.keyHash == right.keyHash && left.publicKey == right.publicKey && left.isNamed(right.name)
    }

    /// Hashes what differs most.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.publicKey)
    }
}

/// What a witness signs: a header, the time and the checkpoint's text.
enum CosignatureMessage {
    /// The bytes of a cosignature: the time and an Ed25519 signature.
    static let length = 8 + 64
    /// The latest time that a cosignature may bear.
    static let latest = UInt64(Int64.max)

    /// The message; nil where the time is beyond what is allowed or the text is no checkpoint.
    static func bytes(text: String, time: UInt64) -> [UInt8]? {
        guard time <= Self.latest, (try? Checkpoint(parsing: text)) != nil else { return nil }
        return Array("cosignature/v1\ntime \(time)\n\(text)".utf8)
    }
}
