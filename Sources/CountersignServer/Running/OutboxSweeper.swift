import CountersignCore
import Logging
import ServiceLifecycle

/// Forgets notices a month after they were over, with the places of messages that nothing corrects any more.
struct OutboxSweeper: Service {
    let outbox: any Outbox
    let clock: any WallClock
    let logger: Logger

    private static let pace = Duration.seconds(600)
    private static let memory = Duration.seconds(30 * 86_400)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do throws(LedgerError) {
                    let before = clock.time().adding(.zero - Self.memory)
                    while try await outbox.forgetNotices(before: before, limit: 500) == 500, !Task.isCancelled {}
                } catch {
                    logger.warning("old notices could not be forgotten", metadata: ["error": "\(error.message)"])
                }
                try? await Task.sleep(for: Self.pace)
            }
        }
    }
}
