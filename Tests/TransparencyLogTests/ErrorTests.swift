import Testing
import TransparencyLog

@Suite("Errors", .timeLimit(.minutes(10)))
struct ErrorTests {
    static let notes: [NoteError] = [
        .invalidKeyName, .malformedKey, .unsupportedKeyType, .keyHashMismatch, .malformedText, .malformedNote,
        .tooManySignatures, .ambiguousKey, .repeatedSignature, .invalidSignature, .noKnownSignature, .signingFailed,
        .tooFewWitnesses,
    ]
    static let checkpoints: [CheckpointError] = [
        .malformedOrigin, .malformedSize, .malformedRoot, .malformedExtension, .controlCharacter, .missingNewline,
        .originIsNotSigner, .unsigned(.invalidKeyName),
    ]
    static let proofs: [ProofError] = [
        .malformedHeader, .malformedExtra, .malformedIndex, .malformedProof, .note(.invalidSignature),
        .checkpoint(.malformedSize), .originMismatch, .notIncluded,
    ]

    static let tiles: [TileError] = [
        .wrongCount, .entryTooLong, .malformed, .outsideTree, .missing(path), .rootMismatch, .mismatch(path),
    ]
    static let policies: [PolicyError] = [
        .impossibleThreshold, .repeatedKey, .repeatedName, .unknownName, .repeatedMember, .malformedLine,
        .key(.malformedKey), .controlCharacter, .missingNewline, .missingQuorum, .repeatedQuorum, .tooMany,
        .line(7, .tooMany),
    ]
    static let requests: [AddCheckpointError] = [
        .malformedOldSize, .malformedProof, .tooLongProof, .note(.malformedNote), .checkpoint(.malformedSize),
        .malformedResponse,
    ]
    static let path = TileLayout(size: 1).edge[0]

    @Test("every error has a sentence of its own")
    func sentences() {
        var sentences = Self.notes.map(\.description) + Self.checkpoints.map(\.description)
        sentences += Self.proofs.map(\.description) + Self.tiles.map(\.description)
        sentences += Self.policies.map(\.description) + Self.requests.map(\.description)
        #expect(Set(sentences).count == sentences.count)
        #expect(sentences.allSatisfy { $0.contains(" ") })
    }

    @Test("an error within an error is told with its reason")
    func nested() {
        #expect("\(ProofError.note(.invalidSignature))".contains(NoteError.invalidSignature.description))
        #expect("\(ProofError.checkpoint(.malformedSize))".contains(CheckpointError.malformedSize.description))
        #expect("\(PolicyError.line(7, .tooMany))" == "line 7: \(PolicyError.tooMany)")
        #expect("\(TileReadError<NoteError>.tile(.rootMismatch))" == TileError.rootMismatch.description)
        let load = TileReadError.load(Self.path, NoteError.malformedKey).description
        #expect(load.contains("tile/0/000.p/1") && load.contains(NoteError.malformedKey.description))
    }
}
