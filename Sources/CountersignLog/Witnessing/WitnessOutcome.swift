import CountersignCore
import TransparencyLog

/// What a witness's answer to a checkpoint means.
enum WitnessOutcome: Hashable, Sendable {
    /// It cosigned; this is its signature line, verified.
    case cosigned(line: String)
    /// Its latest checkpoint of the log has this size, which is one that the log may have had: prove from there.
    case knows(UInt64)
    /// Its latest checkpoint of the log is larger than any that was signed here.
    case ahead(UInt64)
    /// It has cosigned a checkpoint of this size, which is not one of this log.
    case contradicts(UInt64)
    /// Nothing that helps; for operators.
    case failed(String)

    /// Judges a reply; nothing in it is believed unless the witness's key signed it, or it says that we are wrong.
    ///
    /// - Parameters:
    ///   - request: What the reply answers.
    ///   - key: The key that the configuration gives the witness.
    ///   - newest: The size of the largest checkpoint that was ever signed here.
    static func judge(
        _ reply: WitnessReply,
        to request: AddCheckpointRequest,
        key: CosignatureVerifier,
        newest: UInt64,
    ) -> WitnessOutcome {
        let response: AddCheckpointResponse
        do {
            response = try AddCheckpointResponse(
                status: reply.status,
                contentType: reply.contentType,
                body: reply.body,
            )
        } catch {
            return .failed("it answered \(reply.status) with something that is not what a witness answers")
        }
        switch response {
        case .cosigned(let signatures): return cosigned(signatures, request, key)
        case .conflict(let size) where size > newest: return .ahead(size)
        case .conflict(let size) where size == request.oldSize:
            // It has this size and was told so; what it minds can only be the root.
            guard size > 0, size == request.checkpoint.size else {
                return .failed("it answered 409 and a size of \(size), which is what it was sent")
            }
            return .contradicts(size)
        case .conflict(let size): return .knows(size)
        // Only a proof can fail to lead anywhere; where none was sent, it is some other server's 422.
        case .refused(422) where request.oldSize > 0 && !request.proof.isEmpty: return .contradicts(request.oldSize)
        case .refused(let status): return .failed(refusal(status, request.checkpoint.origin))
        }
    }

    private static func cosigned(
        _ signatures: [SignedNote.Signature],
        _ request: AddCheckpointRequest,
        _ key: CosignatureVerifier,
    ) -> WitnessOutcome {
        do {
            // The log's own signature and no others, so that what is added is the witness's.
            let note = try request.note.adding(signatures, of: [key])
            guard let line = note.signatures.last?.line else { return .failed("it cosigned nothing") }
            return .cosigned(line: line)
        } catch .noKnownSignature {
            return .failed("its cosignature is not of the key in log.witnesses: correct the key, or the url")
        } catch {
            return .failed(
                "its cosignature is not one of this checkpoint (\(error)): do not trust it before you know why"
            )
        }
    }

    private static func refusal(_ status: Int, _ origin: String) -> String {
        switch status {
        case 300..<400: "it answered \(status); a redirect is not followed: set url to the witness's own address"
        case 403: "it answered 403: it knows another key of the log \(origin); give it this one (countersign log key)"
        case 404:
            "it answered 404: it does not know the log \(origin), or url is wrong; give it the key (countersign log key)"
        default: "it answered \(status)"
        }
    }
}

extension WitnessSettings.Peer {
    /// Why nothing may be signed or written any more; `nil` for what does not end a log.
    func end(for outcome: WitnessOutcome, origin: String, newest: UInt64) -> LedgerError? {
        switch outcome {
        case .cosigned, .knows, .failed: return nil
        case .ahead(let size):
            return LedgerError(
                .corrupt,
                "the witness \(description) has cosigned a checkpoint of \(size) entries of this log, but the largest that "
                    + "this gateway knows it signed has \(newest): the data folder was restored from an older backup, or "
                    + "another gateway signs with the same key. "
                    + CheckpointClaim.advice(origin: origin, size: size),
            )
        case .contradicts(let size):
            return LedgerError(
                .corrupt,
                "the witness \(description) has cosigned a checkpoint of \(size) entries of this log that are not the first "
                    + "\(size) entries here (the largest checkpoint that this gateway knows it signed has \(newest)): the "
                    + "data folder was restored from an older backup and written on, or another gateway signs with the "
                    + "same key. " + CheckpointClaim.advice(origin: origin, size: size),
            )
        }
    }
}
