package import CountersignCore
package import Logging
package import TransparencyLog

/// The log's signed head: makes checkpoints, and never two that disagree.
///
/// A checkpoint is shown only when three things are true: it was proven to continue the one that was shown before, the
/// ledger remembers it, and so does the floor, a file beside the database. One checkpoint is made at a time.
package final class LogHead: Sendable {
    /// The longest that a request waits for a checkpoint.
    package static let patience = Duration.seconds(5)

    /// Waits, or throws when the task is cancelled.
    package typealias Sleep = @Sendable (Duration) async throws -> Void

    private let ledger: any LogLedger
    private let signer: NoteSigner
    private let floor: CheckpointFloor
    private let clock: any WallClock
    private let sleep: Sleep
    private let logger: Logger
    /// Tells who follows the checkpoints that a newer one is shown, and how many entries it covers.
    package let shown = LogGrowth()
    private let board = CheckpointBoard()
    private let turns = Turns()

    /// Signs for a ledger; ``begin(claims:)`` comes before everything else.
    package init(
        ledger: any LogLedger,
        signer: NoteSigner,
        floor: CheckpointFloor,
        clock: any WallClock,
        logger: Logger,
        sleep: @escaping Sleep = { try await Task.sleep(for: $0) },
    ) {
        self.ledger = ledger
        self.signer = signer
        self.floor = floor
        self.clock = clock
        self.logger = logger
        self.sleep = sleep
    }

    /// The log's public key.
    package var key: NoteVerifier { signer.verifier }

    /// The newest checkpoint that anybody may see.
    package var newest: SignedHead? { board.newest }

    /// Why no newer one can be made now.
    package var trouble: LedgerError? { ledger.halted ?? board.trouble }

    /// Wakes who waits for the log to grow.
    package var growth: LogGrowth { ledger.growth }

    /// Compares the log with every checkpoint that others may have seen; called once, before anything is served.
    ///
    /// A log that is shorter than, or differs from, what was shown must not be signed again.
    package func begin(claims: [CheckpointClaim] = []) async throws(LedgerError) {
        var all = claims
        let remembered = try await ledger.latestCheckpoint()
        if let remembered { all.append(CheckpointClaim(place: "the ledger's own memory", note: remembered)) }
        if let cosigned = try await ledger.latestCosigned() {
            all.append(CheckpointClaim(place: "the ledger's memory of what witnesses cosigned", note: cosigned))
        }
        if let note = try await floor.read() {
            all.append(CheckpointClaim(place: floor.place, note: note))
        } else if remembered != nil {
            logger.warning(
                "the file that remembers the newest checkpoint is missing, so only the ledger's own memory was checked",
                metadata: ["file": "\(floor.place)"],
            )
        }
        let head = try await ledger.treeHead()
        for claim in all {
            let checkpoint = try claim.checkpoint(of: signer.verifier)
            try await claim.check(checkpoint, against: head, of: ledger)
        }
    }

    /// Signs the log as it is now, unless the newest checkpoint covers it.
    ///
    /// Throws `.unsigned` where trying again may help, and anything else once the ledger is halted for good.
    @discardableResult
    package func advance() async throws(LedgerError) -> SignedHead {
        let result = await turns.take { await self.next() }
        switch result {
        case .success(let head):
            board.show(head)
            shown.advance(to: head.size)
            return head
        case .failure(let error):
            if error.code == .corrupt { halt(error) } else { board.fail(error) }
            throw error
        }
    }

    /// Compares the log with a checkpoint that others may have seen; one that it does not contain ends it for good.
    package func check(_ claim: CheckpointClaim) async throws(LedgerError) {
        do {
            let checkpoint = try claim.checkpoint(of: signer.verifier)
            try await claim.check(checkpoint, against: try await ledger.treeHead(), of: ledger)
        } catch {
            if error.code == .corrupt { halt(error) }
            throw error
        }
    }

    /// Ends signing and writing for good, because others know more of this log than is here.
    ///
    /// For whoever learns of it: a witness that has seen a larger checkpoint, for instance.
    package func halt(_ error: LedgerError) {
        if ledger.halted == nil {
            logger.critical("the log is not written any more", metadata: ["error": "\(error.message)"])
        }
        ledger.halt(error)
        board.fail(error)
    }

    /// Ends signing and writing for good if others have seen more entries than there are.
    ///
    /// `place` says who has seen them.
    package func raiseFloor(to size: UInt64, seenBy place: String) async throws(LedgerError) {
        let head = try await ledger.treeHead()
        guard size > head.size else { return }
        let error = LedgerError(
            .corrupt,
            "the log has \(head.size) entries, but \(place) has seen a checkpoint of \(size): the data folder was "
                + "restored from an older backup, or another gateway signs with the same key. "
                + CheckpointClaim.advice(origin: signer.name, size: size),
        )
        halt(error)
        throw error
    }

    /// The newest checkpoint, once it covers so many entries.
    ///
    /// Waits a bounded time for whoever signs; throws at once while signing fails.
    package func covering(_ size: UInt64) async throws(LedgerError) -> SignedHead {
        if let halted = ledger.halted { throw halted }
        if let newest = board.newest, newest.size >= size { return newest }
        let board = board
        let sleep = sleep
        let result = await withTaskGroup(of: Result<SignedHead, LedgerError>.self) { group in
            group.addTask {
                do throws(LedgerError) { return .success(try await board.head(covering: size)) } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                try? await sleep(Self.patience)
                return .failure(LedgerError(.unsigned, "no checkpoint of \(size) entries was made in time"))
            }
            let first = await group.next()
            group.cancelAll()
            return first ?? .failure(LedgerError(.unsigned, "no checkpoint was made"))
        }
        return try result.get()
    }

    private func next() async -> Result<SignedHead, LedgerError> {
        do throws(LedgerError) {
            return .success(try await sign())
        } catch {
            return .failure(error)
        }
    }

    private func sign() async throws(LedgerError) -> SignedHead {
        if let halted = ledger.halted { throw halted }
        let head = try await ledger.treeHead()
        let newest = board.newest
        if let newest {
            let claim = CheckpointClaim(place: "shown by this process", note: newest.note)
            let shown = Checkpoint(origin: signer.name, size: newest.size, root: newest.root)
            try await claim.check(shown, against: head, of: ledger)
            if newest.size == head.size { return newest }
        }
        try await checkFloor(against: head, newest: newest)
        let note: String
        do {
            note = try Checkpoint(origin: signer.name, size: head.size, root: head.root).signed(by: signer)
        } catch {
            throw LedgerError(.unsigned, "the log's head could not be signed: \(error); look at log.origin")
        }
        let signed = SignedHead(size: head.size, root: head.root, note: note, time: clock.time())
        // A crash after any of these two leaves a floor that nobody has seen, and that the log contains.
        try await ledger.rememberCheckpoint(note, size: head.size)
        try await floor.raise(to: note)
        return signed
    }

    /// Whether the floor is as this process left it.
    ///
    /// Another process, or a folder that was swapped, may have raised it.
    private func checkFloor(against head: TreeHead, newest: SignedHead?) async throws(LedgerError) {
        guard let note = try await floor.read() else {
            if newest != nil {
                logger.warning("the file that remembers the newest checkpoint was removed; it is made again")
            }
            return
        }
        if let newest, note.utf8.elementsEqual(newest.note.utf8) { return }
        let claim = CheckpointClaim(place: floor.place, note: note)
        try await claim.check(try claim.checkpoint(of: signer.verifier), against: head, of: ledger)
    }
}
