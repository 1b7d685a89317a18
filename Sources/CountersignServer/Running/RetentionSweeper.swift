import CountersignCore
import Logging
import ServiceLifecycle

/// Erases payloads whose connections have kept them for long enough: at the start, and every ten minutes.
struct RetentionSweeper: Service {
    let enforcement: Enforcement
    let logger: Logger

    private static let pace = Duration.seconds(600)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do throws(LedgerError) {
                    let count = try await enforcement.sweepPayloads()
                    if count > 0 { logger.info("payloads erased by retention", metadata: ["count": "\(count)"]) }
                } catch {
                    logger.error(
                        "payloads past their time could not be erased",
                        metadata: ["error": "\(error.message)"]
                    )
                }
                try? await Task.sleep(for: Self.pace)
            }
        }
    }
}
