/// Why a proof was refused.
package enum ProofError: Error, Hashable, Sendable {
    /// The first line is not that of a tlog-proof, version 1.
    case malformedHeader
    /// The extra data is not base64.
    case malformedExtra
    /// The index line is missing or is not a decimal number without leading zeros.
    case malformedIndex
    /// The inclusion proof has a line that is not a base64 hash, is too long or does not end.
    case malformedProof
    /// The checkpoint's note is malformed or not signed as it must be.
    case note(NoteError)
    /// The note's text is not a checkpoint.
    case checkpoint(CheckpointError)
    /// None of the keys that signed the checkpoint bears its origin's name.
    case originMismatch
    /// The inclusion proof does not lead from the entry to the checkpoint's root.
    case notIncluded

    static func wrapping<Value>(_ body: () throws(NoteError) -> Value) throws(ProofError) -> Value {
        do {
            return try body()
        } catch {
            throw .note(error)
        }
    }
}

extension ProofError: CustomStringConvertible {
    /// What is wrong, in words for the holder of a receipt.
    package var description: String {
        switch self {
        case .malformedHeader: "this is not a c2sp.org/tlog-proof@v1"
        case .malformedExtra: "the proof's extra data is malformed"
        case .malformedIndex: "the proof's index is malformed"
        case .malformedProof: "the inclusion proof is malformed"
        case .note(let error): "the proof's checkpoint is refused: \(error)"
        case .checkpoint(let error): "the proof's checkpoint is malformed: \(error)"
        case .originMismatch: "the checkpoint is not signed by the log that it names"
        case .notIncluded: "the entry is not at this place of the log"
        }
    }
}
