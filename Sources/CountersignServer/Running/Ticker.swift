import CountersignCore
import Logging
import ServiceLifecycle

/// Ends waits and approvals whose time has come.
struct Ticker: Service {
    let enforcement: Enforcement
    let logger: Logger

    private static let pace = Duration.milliseconds(100)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var isFailing = false
            while !Task.isCancelled {
                let now = enforcement.clock.time()
                enforcement.ledger.feed.sweep(now: now)
                do throws(LedgerError) {
                    for id in try await enforcement.ledger.due(now: now, limit: 200) {
                        try await enforcement.settleIfDue(id)
                    }
                    isFailing = false
                } catch {
                    // Once for each outage: the gateway refuses new actions on its own.
                    if !isFailing {
                        logger.error("the ledger does not answer", metadata: ["error": "\(error.message)"])
                    }
                    isFailing = true
                }
                try? await Task.sleep(for: Self.pace)
            }
        }
    }
}
