package import CountersignCore
package import Logging
import ServiceLifecycle
import Synchronization
import TransparencyLog

/// Has witnesses cosign the log's checkpoints, and remembers those that enough of them have cosigned (C2SP tlog-witness).
///
/// Nothing waits for it but cosignatures: a witness that is slow or down holds up neither actions, nor checkpoints, nor
/// the other witnesses. Only a witness that proves that this log went back, or has two histories, ends it.
package final class WitnessService: Service {
    /// The least time between the beginnings of two rounds, so that witnesses are not asked at the pace of checkpoints.
    package static let pace = Duration.seconds(1)
    /// How long a round waits for the quorum before all are asked about a newer checkpoint.
    package static let patience = Duration.seconds(5)
    /// The longest wait after failures.
    package static let longestWait = Duration.seconds(60)

    let settings: WitnessSettings
    let ledger: any LogLedger
    let head: LogHead
    let clock: any WallClock
    private let chance: Chance
    let logger: Logger
    private let connect: @Sendable (WitnessSettings.Peer) -> any WitnessLink
    private let sleep: LogHead.Sleep
    /// Tells who follows the cosigned checkpoints that a larger one is remembered, and its size.
    package let agreed = LogGrowth()
    /// Guards what is known of witnesses and rounds.
    let board: Mutex<WitnessBoard>
    /// Tells the witnesses' loops that a round began, by its size.
    private let began = LogGrowth()
    /// Tells that a checkpoint of this size is cosigned by enough.
    private let reached = LogGrowth()
    private let (changes, change) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// Prepares to have a log cosigned.
    ///
    /// - Parameter cosigned: The checkpoint that the ledger remembers as cosigned, if any.
    package init(
        settings: WitnessSettings,
        ledger: any LogLedger,
        head: LogHead,
        cosigned: String?,
        clock: any WallClock,
        chance: Chance,
        logger: Logger,
        connect: @escaping @Sendable (WitnessSettings.Peer) -> any WitnessLink = { HTTPWitnessLink(to: $0) },
        sleep: @escaping LogHead.Sleep = { try await Task.sleep(for: $0) },
    ) {
        self.settings = settings
        self.ledger = ledger
        self.head = head
        self.clock = clock
        self.chance = chance
        self.logger = logger
        self.connect = connect
        self.sleep = sleep
        board = Mutex(WitnessBoard(settings, cosigned: cosigned))
    }

    /// Follows the checkpoints until the end.
    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            await withDiscardingTaskGroup { group in
                group.addTask { await self.lead() }
                group.addTask { await self.remember() }
                for witness in settings.peers.indices { group.addTask { await self.follow(witness) } }
            }
        }
        // Without it, the end of all loops after a halt would end the whole server.
        try? await gracefulShutdown()
    }

    // MARK: Rounds

    /// Begins rounds: at once when the log was quiet, and otherwise when the last one is done, or old.
    private func lead() async {
        var last: UInt64 = 0
        while await head.shown.grown(beyond: last) != nil {
            guard let newest = head.newest, newest.size > last else { return }
            last = newest.size
            let isCosigned = board.withLock { board in
                board.rounds.begin(newest)
                return board.rounds.isCosigned(newest.size)
            }
            // Cosigned before a restart, perhaps.
            if isCosigned { announce(newest.size) }
            began.advance(to: newest.size)
            async let pause: Void? = try? sleep(Self.pace)
            await settled(newest.size)
            _ = await pause
        }
    }

    /// Returns when enough witnesses have cosigned the checkpoint of `size`, or the round is old.
    private func settled(_ size: UInt64) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [reached] in _ = await reached.grown(beyond: size - 1) }
            group.addTask { [sleep] in try? await sleep(Self.patience) }
            await group.next()
            group.cancelAll()
        }
    }

    private func announce(_ size: UInt64) {
        reached.advance(to: size)
        change.yield()
    }

    // MARK: One witness

    /// Asks one witness about round after round, for as long as the log may go on.
    private func follow(_ witness: Int) async {
        let peer = settings.peers[witness]
        let link = connect(peer)
        // How often it may send us to another size before that counts as a failure.
        var turns = 0
        while await began.grown(beyond: board.withLock { $0.standings[witness].beyond }) != nil {
            let (current, known) = board.withLock { ($0.rounds.current?.head, $0.standings[witness].known) }
            guard let current else { continue }
            let outcome = await ask(peer, link, about: current, from: known)
            if let end = peer.end(for: outcome, origin: head.key.name, newest: head.newest?.size ?? 0) {
                _ = board.withLock { $0.failed(witness, end.message) }
                head.halt(end)
                break
            }
            switch outcome {
            case .cosigned(let line):
                turns = 0
                took(line, of: witness, size: current.size)
            case .knows(let size):
                turns += 1
                wentBack(witness, to: size)
                if turns > 3 {
                    turns = 0
                    await pause(witness, "it names another size each time that it is asked")
                }
            case .failed(let message):
                turns = 0
                await pause(witness, message)
            case .ahead, .contradicts: break
            }
        }
        await link.close()
    }

    private func ask(
        _ peer: WitnessSettings.Peer,
        _ link: any WitnessLink,
        about current: SignedHead,
        from known: UInt64,
    ) async -> WitnessOutcome {
        do {
            let request = try AddCheckpointRequest(
                oldSize: known,
                proof: try await ledger.consistencyProof(from: known, to: current.size),
                note: try SignedNote(parsing: current.note),
            )
            let reply = try await link.submit(request.text)
            // Read after the answer came: nothing that is larger was signed when the witness spoke.
            let newest = max(current.size, head.newest?.size ?? 0)
            return .judge(reply, to: request, key: peer.key, newest: newest)
        } catch let error as LedgerError {
            return .failed("the ledger has no proof for it: \(error.message)")
        } catch {
            return .failed("\(error)")
        }
    }

    private func took(_ line: String, of witness: Int, size: UInt64) {
        let now = clock.time()
        let (isBack, isNew, isCosigned) = board.withLock { board in
            let isBack = board.standings[witness].failures > 0
            let isNew = board.cosigned(line, by: witness, size: size, now: now)
            return (isBack, isNew, board.rounds.isCosigned(size))
        }
        if isBack {
            logger.notice("a witness cosigns again", metadata: ["witness": "\(settings.peers[witness].description)"])
        }
        if isNew, isCosigned { announce(size) }
    }

    /// Notes the size that a witness has.
    private func wentBack(_ witness: Int, to size: UInt64) {
        let forgotten = board.withLock { board -> UInt64? in
            defer { board.standings[witness].known = size }
            guard let cosigned = board.standings[witness].cosigned, size < cosigned else { return nil }
            board.standings[witness].cosigned = size
            return cosigned
        }
        guard let forgotten else { return }
        logger.error(
            "a witness has forgotten what it cosigned; it protects nobody until it is replaced",
            metadata: [
                "witness": "\(settings.peers[witness].description)", "cosigned": "\(forgotten)", "now": "\(size)",
            ],
        )
    }

    /// Notes a failure and waits: a second at first, twice as long each time, spread over the upper half.
    private func pause(_ witness: Int, _ message: String) async {
        if Task.isCancelled { return }
        let (failures, isNews) = board.withLock { board in
            let isNews = board.standings[witness].error != message
            return (board.failed(witness, message), isNews)
        }
        // Once for each outage, and again when it turns out to be for another reason.
        if failures == 1 || isNews {
            logger.warning(
                "a witness does not cosign; actions go on",
                metadata: ["witness": "\(settings.peers[witness].description)", "error": "\(message)"],
            )
        }
        let longest = min(Self.longestWait, .seconds(1 << min(failures - 1, 6)))
        let share = Double(chance.bits().0 >> 11) / Double(1 << 53)
        try? await sleep(longest * (0.5 + share / 2))
    }

    // MARK: The ledger

    /// Remembers what is cosigned; alone, so that a later note never loses to an earlier one.
    private func remember() async {
        var latest: String?
        var isFailing = false
        for await _ in changes {
            guard let best = board.withLock({ $0.rounds.best }), best.note != latest else { continue }
            do throws(LedgerError) {
                try await ledger.rememberCosigned(best.note, size: best.size)
                latest = best.note
                board.withLock { $0.remembered = max($0.remembered ?? 0, best.size) }
                agreed.advance(to: best.size)
                isFailing = false
            } catch {
                if !isFailing {
                    logger.error("a cosigned checkpoint is not remembered", metadata: ["error": "\(error.message)"])
                }
                isFailing = true
                try? await sleep(Self.pace)
                if !Task.isCancelled { change.yield() }
            }
        }
    }
}
