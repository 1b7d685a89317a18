/// A verifier key of either kind that we check: that of a log or that of a witness.
package enum VerifierKey: Hashable, Sendable {
    /// A key that signs notes (type 0x01).
    case note(NoteVerifier)
    /// A witness's key (type 0x04).
    case cosignature(CosignatureVerifier)

    /// Reads `name+hash+base64` of either type; every other type is refused.
    package init(vkey: String) throws(NoteError) {
        let fields = try NoteKey.parse(vkey[...], types: [NoteKey.ed25519, NoteKey.cosignature])
        guard fields.isHash(of: fields.key) else { throw .keyHashMismatch }
        if fields.type == NoteKey.cosignature {
            self = .cosignature(CosignatureVerifier(name: fields.name, publicKey: fields.key))
        } else {
            self = .note(NoteVerifier(name: fields.name, publicKey: fields.key))
        }
    }

    /// The key as text, `name+hash+base64`.
    package var vkey: String {
        switch self {
        case .note(let verifier): verifier.vkey
        case .cosignature(let verifier): verifier.vkey
        }
    }

    /// The key's name.
    package var name: String {
        switch self {
        case .note(let verifier): verifier.name
        case .cosignature(let verifier): verifier.name
        }
    }
}
