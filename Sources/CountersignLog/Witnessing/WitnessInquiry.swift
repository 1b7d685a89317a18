package import CountersignCore
package import Logging
package import TransparencyLog

/// Asks every witness, before anything is signed, whether it knows more of the log than is here.
///
/// A data folder that was restored whole from a backup, with the file that remembers the newest checkpoint, can only be
/// found out by somebody elsewhere.
package struct WitnessInquiry: Sendable {
    /// How long a start waits for all of them together.
    package static let patience = Duration.seconds(2)

    private let settings: WitnessSettings
    private let connect: @Sendable (WitnessSettings.Peer) -> any WitnessLink
    private let logger: Logger
    private let sleep: LogHead.Sleep

    /// Prepares to ask.
    package init(
        settings: WitnessSettings,
        logger: Logger,
        connect: @escaping @Sendable (WitnessSettings.Peer) -> any WitnessLink = { HTTPWitnessLink(to: $0) },
        sleep: @escaping LogHead.Sleep = { try await Task.sleep(for: $0) },
    ) {
        self.settings = settings
        self.connect = connect
        self.logger = logger
        self.sleep = sleep
    }

    /// Throws `.corrupt` if a witness has seen a larger checkpoint, or another one, than the ledger remembers.
    ///
    /// A witness that does not answer changes nothing: witnesses never stop actions by being away.
    package func ask(about ledger: any LogLedger, signer: NoteSigner) async throws(LedgerError) {
        let note: String
        if let remembered = try await ledger.latestCheckpoint() {
            note = remembered
        } else {
            // Nothing was signed here. The checkpoint of no entries says nothing that could be wrong later.
            let empty = Checkpoint(origin: signer.name, size: 0, root: .emptyTree)
            do { note = try empty.signed(by: signer) } catch {
                throw LedgerError(.unsigned, "the log's head could not be signed: \(error); look at log.origin")
            }
        }
        let request: AddCheckpointRequest
        do {
            let parsed = try SignedNote(parsing: note)
            request = try AddCheckpointRequest(
                oldSize: try Checkpoint(parsing: parsed.text).size,
                proof: [],
                note: parsed,
            )
        } catch {
            throw LedgerError(.corrupt, "the checkpoint that the ledger remembers cannot be read: \(error)")
        }
        let size = request.checkpoint.size
        for (peer, outcome) in await answers(to: request) {
            if let end = peer.end(for: outcome, origin: signer.name, newest: size) { throw end }
            guard case .failed(let message) = outcome else { continue }
            logger.warning(
                "a witness could not be asked whether it knows more of the log; the start goes on",
                metadata: ["witness": "\(peer.description)", "error": "\(message)"],
            )
        }
    }

    private func answers(to request: AddCheckpointRequest) async -> [(WitnessSettings.Peer, WitnessOutcome)] {
        await withTaskGroup(of: (Int, WitnessOutcome).self) { group in
            for (place, peer) in settings.peers.enumerated() {
                group.addTask { (place, await answer(of: peer, to: request)) }
            }
            var outcomes = [Int: WitnessOutcome]()
            for await (place, outcome) in group { outcomes[place] = outcome }
            return settings.peers.enumerated().map { ($1, outcomes[$0] ?? .failed("it was not asked")) }
        }
    }

    private func answer(of peer: WitnessSettings.Peer, to request: AddCheckpointRequest) async -> WitnessOutcome {
        let link = connect(peer)
        let late = WitnessOutcome.failed("it did not answer in \(Self.patience)")
        let outcome = await Deadline.within(Self.patience, sleep: sleep, late: late) {
            do throws(WitnessFailure) {
                let reply = try await link.submit(request.text)
                return .judge(reply, to: request, key: peer.key, newest: request.checkpoint.size)
            } catch {
                return .failed(error.description)
            }
        }
        await link.close()
        return outcome
    }
}
