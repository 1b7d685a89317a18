import CountersignCore
package import Logging
import ServiceLifecycle

/// Signs the log as it grows: at once when it was quiet, and at most once an interval under load.
package struct CheckpointService: Service {
    /// The least time between two checkpoints.
    package static let interval = Duration.milliseconds(200)

    private let head: LogHead
    private let logger: Logger
    private let sleep: LogHead.Sleep

    /// Keeps a log signed.
    package init(head: LogHead, logger: Logger, sleep: @escaping LogHead.Sleep = { try await Task.sleep(for: $0) }) {
        self.head = head
        self.logger = logger
        self.sleep = sleep
    }

    /// Signs until the end.
    package func run() async throws {
        await cancelWhenGracefulShutdown { await follow() }
        try? await gracefulShutdown()
    }

    private func follow() async {
        var isFailing = false
        while !Task.isCancelled {
            guard await head.growth.grown(beyond: head.newest?.size ?? 0) != nil else { return }
            // Beside the signing, so that an interval is one from beginning to beginning.
            async let pause: Void? = try? sleep(Self.interval)
            do throws(LedgerError) {
                try await head.advance()
                if isFailing { logger.notice("the log is signed again") }
                isFailing = false
            } catch {
                // Once for each outage; a halt has been logged, and nothing is signed after it.
                if error.code == .corrupt { return }
                if !isFailing { logger.error("the log is not signed", metadata: ["error": "\(error.message)"]) }
                isFailing = true
            }
            _ = await pause
        }
    }
}
