package import Crypto

/// A witness's private Ed25519 key, which cosigns checkpoints (C2SP tlog-cosignature, type 0x04).
///
/// What is signed does not name the witness, so a key must have no other name and no other use.
package struct CosignatureSigner: Sendable {
    /// The witness's name.
    package let name: String
    /// The public half.
    package let verifier: CosignatureVerifier
    private let privateKey: Curve25519.Signing.PrivateKey

    /// Names a private key.
    ///
    /// A name that notes do not allow makes every signature fail.
    package init(name: String, privateKey: Curve25519.Signing.PrivateKey) {
        self.name = name
        self.privateKey = privateKey
        self.verifier = CosignatureVerifier(name: name, publicKey: Array(privateKey.publicKey.rawRepresentation))
    }

    /// Reads `PRIVATE+KEY+name+hash+base64`, with the type of a cosigner.
    package static func parse(_ text: String) throws(NoteError) -> CosignatureSigner {
        let (fields, key) = try NoteKey.parsePrivate(text, type: NoteKey.cosignature)
        return CosignatureSigner(name: fields.name, privateKey: key)
    }

    /// The key as text, the secret included: `PRIVATE+KEY+name+hash+base64`.
    package var encoded: String {
        let seed = Array(self.privateKey.rawRepresentation)
        let hash = self.verifier.keyHash
        return NoteKey.privatePrefix + NoteKey.text(name: self.name, hash: hash, type: NoteKey.cosignature, key: seed)
    }

    /// States that the checkpoint is, at this time, the largest consistent one that this witness has seen of its log.
    ///
    /// The time is in seconds since 1970, as POSIX counts them. Whether the statement is true, `Witness.judge` says.
    package func cosign(_ checkpoint: Checkpoint, time: UInt64) throws(CheckpointError) -> SignedNote.Signature {
        let text = checkpoint.text
        // A line break inside a part would make another checkpoint of the text.
        guard try Checkpoint(parsing: text) == checkpoint else { throw .malformedExtension }
        guard NoteKey.isValid(name: self.name) else { throw .unsigned(.invalidKeyName) }
        guard let message = CosignatureMessage.bytes(text: text, time: time),
            let signature = try? self.privateKey.signature(for: message)
        else { throw .unsigned(.signingFailed) }
        let stamp = (0..<8).map { UInt8(truncatingIfNeeded: time >> UInt64(56 - 8 * $0)) }
        return SignedNote.Signature(name: self.name, keyHash: self.verifier.keyHash, signature: stamp + signature)
    }
}

extension CosignatureSigner: CustomStringConvertible, CustomReflectable {
    /// The public half only, so that a logged signer does not give its key away.
    package var description: String { "CosignatureSigner(\(self.verifier.vkey))" }

    /// Nothing but the name, for the same reason.
    package var customMirror: Mirror { Mirror(self, children: ["name": self.name]) }
}
