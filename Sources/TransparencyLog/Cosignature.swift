/// A witness's statement about a checkpoint, verified: only checking a note makes one.
package struct Cosignature: Hashable, Sendable {
    /// The witness's key.
    package let witness: CosignatureVerifier
    /// When the witness signed, in seconds since 1970, as it says itself.
    ///
    /// Whoever needs a fresh checkpoint, or none from the future, compares it with a clock.
    package let time: UInt64

    init(witness: CosignatureVerifier, time: UInt64) {
        self.witness = witness
        self.time = time
    }

    /// The witness's name.
    package var name: String { self.witness.name }
}

extension SignedNote {
    /// The cosignatures of the given witnesses, in the order of the signatures.
    ///
    /// Signatures of other keys are ignored. A bad or repeated signature of a given key refuses the whole note.
    package func cosignatures(among witnesses: [CosignatureVerifier]) throws(NoteError) -> [Cosignature] {
        try Self.signatures(self.signatures, of: witnesses).map { witness, signature throws(NoteError) in
            guard let time = witness.time(of: signature.signature, on: self.text) else { throw .invalidSignature }
            return Cosignature(witness: witness, time: time)
        }
    }

    /// The note with one more signature, which nobody has checked.
    ///
    /// A key signs a note once: a second signature of the same name and short hash is refused.
    package func adding(_ signature: Signature) throws(NoteError) -> SignedNote {
        let isRepeated = self.signatures.contains {
            $0.keyHash == signature.keyHash && $0.name.utf8.elementsEqual(signature.name.utf8)
        }
        guard !isRepeated else { throw .repeatedSignature }
        guard self.signatures.count < Self.maximumSignatures else { throw .tooManySignatures }
        return SignedNote(text: self.text, signatures: self.signatures + [signature])
    }

    /// The note with one more signature line, given without its newline, which nobody has checked.
    package func adding(line: String) throws(NoteError) -> SignedNote {
        try self.adding(Signature(line: line))
    }

    /// The note with those of the signatures that are cosignatures of the given witnesses; at least one must be.
    ///
    /// This is how a log takes up a witness's response: signatures of other keys are left out, and a bad one of a given
    /// key refuses them all.
    package func adding(
        _ signatures: [Signature],
        of witnesses: [CosignatureVerifier],
    ) throws(NoteError) -> SignedNote {
        var note = self
        let known = try Self.signatures(signatures, of: witnesses)
        guard !known.isEmpty else { throw .noKnownSignature }
        for (witness, signature) in known {
            guard witness.time(of: signature.signature, on: self.text) != nil else { throw .invalidSignature }
            note = try note.adding(signature)
        }
        return note
    }
}
