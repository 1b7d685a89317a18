/// Why a signed note or a note key was refused.
///
/// Descriptions never repeat what was refused, so they are safe to show to a stranger.
package enum NoteError: Error, Hashable, Sendable {
    /// The key name is empty, or has a space, a plus or a control character.
    case invalidKeyName
    /// The text is not a verifier or signer key in the notes' encoding.
    case malformedKey
    /// The key is of a kind that cannot be used here: Ed25519 is type 0x01, a cosigner's Ed25519 type 0x04.
    case unsupportedKeyType
    /// The key's short hash is not that of its name and public key.
    case keyHashMismatch
    /// The text to sign has control characters or does not end with a newline.
    case malformedText
    /// The note is not text, a blank line and well-formed signature lines.
    case malformedNote
    /// The note has more signatures than are read.
    case tooManySignatures
    /// Two of the given keys have the same name and short hash.
    case ambiguousKey
    /// A known key has signed more than once.
    case repeatedSignature
    /// The signature of a known key does not fit the text.
    case invalidSignature
    /// None of the given keys has signed.
    case noKnownSignature
    /// Fewer witnesses have cosigned than the policy demands.
    case tooFewWitnesses
    /// The key could not sign.
    case signingFailed
}

extension NoteError: CustomStringConvertible {
    /// What is wrong, in words for an operator.
    package var description: String {
        switch self {
        case .invalidKeyName: "a key name must not be empty and must have no space, plus or control character"
        case .malformedKey: "the key is not of the form name+hash+base64"
        case .unsupportedKeyType: "the key is not of the type needed: Ed25519 is 0x01, an Ed25519 cosigner 0x04"
        case .keyHashMismatch: "the key's hash does not belong to its name and public key"
        case .malformedText: "a note's text must end with a newline and have no other control character"
        case .malformedNote: "the signed note is malformed"
        case .tooManySignatures: "the signed note has too many signatures"
        case .ambiguousKey: "two of the given keys have the same name and hash"
        case .repeatedSignature: "a known key has signed the note twice"
        case .invalidSignature: "the signature of a known key is invalid"
        case .noKnownSignature: "the note is not signed by a known key"
        case .tooFewWitnesses: "too few of the known witnesses have cosigned"
        case .signingFailed: "the key could not sign"
        }
    }
}
