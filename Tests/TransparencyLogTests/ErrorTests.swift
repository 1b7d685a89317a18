import Testing
import TransparencyLog

@Suite("Errors", .timeLimit(.minutes(10)))
struct ErrorTests {
    static let notes: [NoteError] = [
        .invalidKeyName, .malformedKey, .unsupportedKeyType, .keyHashMismatch, .malformedText, .malformedNote,
        .tooManySignatures, .ambiguousKey, .repeatedSignature, .invalidSignature, .noKnownSignature, .signingFailed,
    ]
    static let checkpoints: [CheckpointError] = [
        .malformedOrigin, .malformedSize, .malformedRoot, .malformedExtension, .controlCharacter, .missingNewline,
        .originIsNotSigner, .unsigned(.invalidKeyName),
    ]
    static let proofs: [ProofError] = [
        .malformedHeader, .malformedExtra, .malformedIndex, .malformedProof, .note(.invalidSignature),
        .checkpoint(.malformedSize), .originMismatch, .notIncluded,
    ]

    @Test("every error has a sentence of its own")
    func sentences() {
        let sentences =
            Self.notes.map(\.description) + Self.checkpoints.map(\.description) + Self.proofs.map(\.description)
        #expect(Set(sentences).count == sentences.count)
        #expect(sentences.allSatisfy { $0.contains(" ") })
    }

    @Test("an error within an error is told with its reason")
    func nested() {
        #expect("\(ProofError.note(.invalidSignature))".contains(NoteError.invalidSignature.description))
        #expect("\(ProofError.checkpoint(.malformedSize))".contains(CheckpointError.malformedSize.description))
    }
}
