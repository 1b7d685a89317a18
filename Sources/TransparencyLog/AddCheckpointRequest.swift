/// What a log sends to a witness: a checkpoint, and the proof that it continues the one cosigned before.
///
/// The body of `add-checkpoint` (C2SP tlog-witness). Reading one proves nothing; `Witness.judge` does.
package struct AddCheckpointRequest: Sendable {
    /// The size of the checkpoint that the witness cosigned last, as far as the log knows; 0 where there is none.
    package let oldSize: UInt64
    /// The consistency proof from the old size to the checkpoint's.
    package let proof: [LogHash]
    /// The checkpoint as its log signed it.
    package let note: SignedNote
    /// What the note states.
    package let checkpoint: Checkpoint

    /// The longest consistency proof that a request may have.
    package static let maximumProofLength = 63

    /// Puts a request together.
    package init(oldSize: UInt64, proof: [LogHash], note: SignedNote) throws(AddCheckpointError) {
        guard proof.count <= Self.maximumProofLength else { throw .tooLongProof }
        self.oldSize = oldSize
        self.proof = proof
        self.note = note
        do {
            self.checkpoint = try Checkpoint(parsing: note.text)
        } catch {
            throw .checkpoint(error)
        }
    }

    /// Reads a request's bytes strictly: what is read is exactly what `text` writes.
    package init(parsing bytes: [UInt8]) throws(AddCheckpointError) {
        var lines = NoteLines(bytes[...])
        guard let digits = lines.next()?.dropping("old "), let oldSize = NoteLines.number(digits) else {
            throw .malformedOldSize
        }
        var proof: [LogHash] = []
        while true {
            guard let line = lines.next() else { throw .malformedProof }
            guard !line.isEmpty else { break }
            guard proof.count < Self.maximumProofLength else { throw .tooLongProof }
            guard let bytes = Base64.decode(line), let hash = LogHash(bytes: bytes) else { throw .malformedProof }
            proof.append(hash)
        }
        let note: SignedNote
        do {
            note = try SignedNote(parsing: lines.remainder)
        } catch {
            throw .note(error)
        }
        try self.init(oldSize: oldSize, proof: proof, note: note)
    }

    /// The request's body.
    package var text: String {
        var text = "old \(self.oldSize)\n"
        for hash in self.proof {
            text += "\(hash.base64)\n"
        }
        return "\(text)\n\(self.note.encoded)"
    }
}

/// Why a request to a witness, or its response, was refused.
package enum AddCheckpointError: Error, Hashable, Sendable {
    /// The first line is not `old` and a decimal number without leading zeros.
    case malformedOldSize
    /// A line of the proof is not a base64 hash, or no empty line ends it.
    case malformedProof
    /// The proof has more than 63 hashes.
    case tooLongProof
    /// The note is malformed.
    case note(NoteError)
    /// The note's text is not a checkpoint.
    case checkpoint(CheckpointError)
    /// The witness's response is not what its status says it is.
    case malformedResponse
}

extension AddCheckpointError: CustomStringConvertible {
    /// What is wrong, in words for an operator.
    package var description: String {
        switch self {
        case .malformedOldSize: "the first line is not `old` and a size"
        case .malformedProof: "the consistency proof is malformed"
        case .tooLongProof: "the consistency proof has more than \(AddCheckpointRequest.maximumProofLength) hashes"
        case .note(let error): "the checkpoint's note is refused: \(error)"
        case .checkpoint(let error): "the checkpoint is malformed: \(error)"
        case .malformedResponse: "the witness's response is malformed"
        }
    }
}
