import CountersignCore
import TransparencyLog

/// A checkpoint that others may have seen, and where it was found; what the log must still contain.
package struct CheckpointClaim: Sendable {
    /// Where the checkpoint was found, for messages.
    package let place: String
    /// The signed note.
    package let note: String

    /// Names a checkpoint and its place.
    package init(place: String, note: String) {
        self.place = place
        self.note = note
    }

    /// The checkpoint, if the log's own key has signed it.
    ///
    /// Throws `.unsigned` for what is not a checkpoint of this log.
    func checkpoint(of key: NoteVerifier) throws(LedgerError) -> Checkpoint {
        do {
            let checkpoint = try Checkpoint(parsing: try SignedNote(parsing: note).verified(by: [key]))
            guard checkpoint.origin.utf8.elementsEqual(key.name.utf8) else { throw NoteError.noKnownSignature }
            return checkpoint
        } catch {
            throw LedgerError(
                .unsigned,
                "\(place) is not a checkpoint that the log key of \(key.name) has signed (\(error)): restore the file, "
                    + "or the log key that belongs to this data folder, from a backup. It says how far the log was "
                    + "shown to others; do not remove it to get on",
            )
        }
    }

    /// Compares the checkpoint with the log as it is.
    ///
    /// Throws `.corrupt` if the log is shorter, or another: then nothing may be signed or written any more.
    func check(
        _ checkpoint: Checkpoint,
        against head: TreeHead,
        of ledger: any LogLedger,
    ) async throws(LedgerError) {
        guard checkpoint.size <= head.size else {
            let lost = "the log has \(head.size) entries, but a checkpoint of \(checkpoint.size) was published "
            throw LedgerError(
                .corrupt,
                lost + "(\(place)): the ledger was restored from an older backup, or entries were lost. "
                    + Self.advice(checkpoint),
            )
        }
        guard checkpoint.size > 0 else { return }
        let isContained: Bool
        if checkpoint.size == head.size {
            isContained = checkpoint.root == head.root
        } else {
            isContained = ConsistencyProof.verify(
                from: checkpoint.size,
                to: head.size,
                oldRoot: checkpoint.root,
                newRoot: head.root,
                proof: try await ledger.consistencyProof(from: checkpoint.size, to: head.size),
            )
        }
        guard isContained else {
            throw LedgerError(
                .corrupt,
                "the log has \(head.size) entries, but they do not continue the \(checkpoint.size) of the checkpoint "
                    + "that was published (\(place)): entries were changed, or the log grew in two places. "
                    + Self.advice(checkpoint),
            )
        }
    }

    /// What an operator can do about a log that is behind what it has shown.
    static func advice(_ checkpoint: Checkpoint) -> String {
        advice(origin: checkpoint.origin, size: checkpoint.size)
    }

    /// What an operator can do about a log of which others have seen so many entries.
    package static func advice(origin: String, size: UInt64) -> String {
        """
        Nothing is signed over it: whoever holds the published checkpoint would rightly call this log forged. Either \
        stop and restore a backup of the data folder that has all \(size) entries; or, if they are lost for good, end \
        this log and begin another: 1. move the whole data folder away and keep it as evidence; 2. set log.origin to a \
        name that was never used (it was \(origin)), and log.folder, if it is set, to an empty folder; 3. start the \
        server, which makes a new data folder and a new log key; 4. make what was made by command again (keys, users, \
        agents), and give the new key (countersign log key) to whoever checks receipts. docs/operations.md, \
        "A log that went back", has the steps.
        """
    }
}
