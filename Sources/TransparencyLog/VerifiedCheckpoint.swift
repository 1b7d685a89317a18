/// A checkpoint that its log signed, and who of the known witnesses cosigned it: only checking a note makes one.
package struct VerifiedCheckpoint: Hashable, Sendable {
    /// The checkpoint.
    package let checkpoint: Checkpoint
    /// The cosignatures of the policy's witnesses, in the order of the signatures.
    package let cosignatures: [Cosignature]

    /// Checks that one of the given keys bears the checkpoint's origin as its name and signed it, and that the policy holds.
    ///
    /// Signatures of other keys are ignored. A bad or repeated signature of a given key refuses the note.
    package init(
        _ note: SignedNote,
        logs: [NoteVerifier],
        witnesses: WitnessPolicy = .none,
    ) throws(ProofError) {
        let signers = try ProofError.wrapping { () throws(NoteError) in try note.validVerifiers(among: logs) }
        guard !signers.isEmpty else { throw .note(.noKnownSignature) }
        let checkpoint: Checkpoint
        do {
            checkpoint = try Checkpoint(parsing: note.text)
        } catch {
            throw .checkpoint(error)
        }
        guard signers.contains(where: { $0.isNamed(checkpoint.origin) }) else { throw .originMismatch }
        self.checkpoint = checkpoint
        self.cosignatures = try ProofError.wrapping { () throws(NoteError) in try witnesses.verify(note) }
    }
}
