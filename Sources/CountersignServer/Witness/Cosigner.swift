import CountersignCore
import CountersignStore
import Logging
import TransparencyLog

/// A witness: judges a checkpoint, remembers it durably, and only then cosigns it (C2SP tlog-witness).
///
/// `Witness.judge` has the rules; here is what they rest on: one durable step for each cosignature, a clock that never
/// goes back for a log, and no signature where either fails.
struct Cosigner: Sendable {
    /// What a caller is told.
    struct Answer: Hashable, Sendable {
        let status: Int
        let contentType: String
        let body: String
    }

    let signer: CosignatureSigner
    let store: WitnessStore
    let clock: any WallClock
    let meter: WitnessMeter
    let logger: Logger
    /// The keys of each log, by the bytes of its origin: two spellings of one letter are two logs.
    private let logs: [[UInt8]: [NoteVerifier]]
    private let warnings = WarningPace()

    init(
        signer: CosignatureSigner,
        logs: [NoteVerifier],
        store: WitnessStore,
        clock: any WallClock,
        meter: WitnessMeter,
        logger: Logger,
    ) {
        self.signer = signer
        self.logs = Dictionary(grouping: logs) { Array($0.name.utf8) }
        self.store = store
        self.clock = clock
        self.meter = meter
        self.logger = logger
    }

    /// Answers the body of an `add-checkpoint`.
    func answer(_ body: [UInt8]) async -> Answer {
        let request: AddCheckpointRequest
        do {
            request = try AddCheckpointRequest(parsing: body)
        } catch {
            return Self.refusal(400, "\(error)")
        }
        let checkpoint = request.checkpoint
        guard checkpoint.size <= UInt64(Int64.max) else { return Self.refusal(400, "no log is so large") }
        guard let keys = logs[Array(checkpoint.origin.utf8)] else {
            return Self.refusal(404, "this witness does not know the log; its operator can add the log's key")
        }
        do throws(LedgerError) {
            let memory = try await store.memory(of: checkpoint.origin)
            let log = WitnessedLog(origin: checkpoint.origin, verifiers: keys, tree: memory?.tree ?? .none)
            let verdict = Witness.judge(request, log: log)
            switch verdict {
            case .cosign(let checkpoint): return try await cosign(checkpoint, request.note, keys, after: memory)
            case .conflict(let size):
                if let tree = memory?.tree, checkpoint.size == tree.size, checkpoint.root != tree.root {
                    alarmOfFork(checkpoint)
                }
                return Self.answer(.conflict(size: size))
            case .unprocessable:
                warnOfProof(checkpoint)
                return Self.refusal(
                    422,
                    "the proof does not lead from the checkpoint that was cosigned last to this one"
                )
            case .notFound: return Self.refusal(404, "this witness does not know the log")
            case .forbidden: return Self.refusal(403, "no key that this witness knows of the log signed the checkpoint")
            case .badRequest: return Self.refusal(400, "the old size is beyond the checkpoint's")
            }
        } catch {
            logger.error("nothing is cosigned", metadata: ["error": "\(error.message)"])
            return Self.refusal(503, "the witness cannot use its state now, so it cosigns nothing")
        }
    }

    private func cosign(
        _ checkpoint: Checkpoint,
        _ note: SignedNote,
        _ keys: [NoteVerifier],
        after memory: WitnessStore.Memory?,
    ) async throws(LedgerError) -> Answer {
        let seconds = clock.time().microseconds / 1_000_000
        guard seconds > 0, memory?.time ?? 0 <= UInt64(seconds) else { return clockWentBack(memory?.time ?? 0) }
        let time = UInt64(seconds)
        let signature: SignedNote.Signature
        let cosigned: SignedNote
        do {
            signature = try signer.cosign(checkpoint, time: time)
            cosigned = try Self.kept(note, keys).adding(signature)
        } catch {
            throw LedgerError(.unavailable, "the checkpoint could not be cosigned: \(error)")
        }
        let next = WitnessStore.Memory(checkpoint: checkpoint, time: time, note: cosigned.encoded)
        // A crash after this step leaves a checkpoint remembered whose cosignature nobody has; the log asks again.
        switch try await store.step(from: memory?.tree ?? .none, to: next) {
        case .taken:
            meter.cosigned(next)
            return Self.answer(.cosigned([signature]))
        case .overtaken(let now): return Self.answer(.conflict(size: now?.checkpoint.size ?? 0))
        case .clockWentBack(let latest): return clockWentBack(latest)
        }
    }

    /// The note with the signatures of the log's own keys, which were verified, and no others.
    private static func kept(_ note: SignedNote, _ keys: [NoteVerifier]) throws(NoteError) -> SignedNote {
        var text = note.text + "\n"
        for signature in note.signatures
        where keys.contains(where: {
            $0.keyHash == signature.keyHash && $0.name.utf8.elementsEqual(signature.name.utf8)
        }) {
            text += signature.line + "\n"
        }
        return try SignedNote(parsing: text)
    }

    private func clockWentBack(_ latest: UInt64) -> Answer {
        logger.error(
            "nothing is cosigned: the clock is behind the last cosignature; set it right",
            metadata: ["latest": "\(Timestamp(microseconds: Int64(min(latest, 253_402_300_799)) * 1_000_000))"],
        )
        return Self.refusal(503, "the witness's clock went back, so it cosigns nothing")
    }

    /// The log's key signed two trees of one size: it has two histories.
    ///
    /// Nobody without the key can bring this about.
    private func alarmOfFork(_ checkpoint: Checkpoint) {
        logger.critical(
            "a log signed another checkpoint of the size that was cosigned last: it has two histories",
            metadata: ["origin": "\(checkpoint.origin)", "size": "\(checkpoint.size)", "root": "\(checkpoint.root)"],
        )
    }

    /// Another history, or only somebody who sends a good checkpoint with a bad proof, which anybody can.
    private func warnOfProof(_ checkpoint: Checkpoint) {
        guard let kept = warnings.next(Array(checkpoint.origin.utf8), now: clock.time()) else { return }
        logger.warning(
            "a checkpoint came with a bad proof, or is of another history than the one that was cosigned last",
            metadata: [
                "kept_back": "\(kept)", "origin": "\(checkpoint.origin)", "root": "\(checkpoint.root)",
                "size": "\(checkpoint.size)",
            ],
        )
    }

    private static func answer(_ response: AddCheckpointResponse) -> Answer {
        Answer(status: response.status, contentType: response.contentType ?? plain, body: response.body)
    }

    /// A refusal with a sentence for whoever reads the log's own log.
    static func refusal(_ status: Int, _ words: String) -> Answer {
        Answer(status: status, contentType: plain, body: words + "\n")
    }

    static let plain = "text/plain; charset=utf-8"
}
