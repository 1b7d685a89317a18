package import CountersignCore
package import Logging
import ServiceLifecycle
import Synchronization

/// Keeps the published folder behind the signed log, never in the way of it.
///
/// The mutex guards what the status tells.
package final class Publisher: Service {
    /// The least time between two checkpoints in the folder: each is a few files that must reach the disk.
    package static let interval = Duration.seconds(1)

    private struct State {
        var size: UInt64?
        var error: String?
    }

    private let folder: PublishedFolder
    private let head: LogHead
    private let logger: Logger
    private let sleep: LogHead.Sleep
    private let state = Mutex(State())

    /// Publishes what `head` signs.
    package init(
        folder: PublishedFolder,
        head: LogHead,
        logger: Logger,
        sleep: @escaping LogHead.Sleep = { try await Task.sleep(for: $0) },
    ) {
        self.folder = folder
        self.head = head
        self.logger = logger
        self.sleep = sleep
    }

    /// How far the folder is.
    package var status: LogStatus.Folder {
        let state = state.withLock { $0 }
        return LogStatus.Folder(path: folder.path, size: state.size, error: state.error)
    }

    /// Publishes until the end.
    package func run() async throws {
        await cancelWhenGracefulShutdown { await self.follow() }
        try? await gracefulShutdown()
    }

    private func follow() async {
        while !Task.isCancelled {
            guard await head.shown.grown(beyond: status.size ?? 0) != nil else { return }
            async let pause: Void? = try? sleep(Self.interval)
            do throws(LedgerError) {
                try await publish()
                if state.withLock({ exchange(&$0.error, with: nil) }) != nil {
                    logger.notice("the log is published again")
                }
            } catch {
                if state.withLock({ exchange(&$0.error, with: error.message) }) == nil {
                    logger.error("the log is not published", metadata: ["error": "\(error.message)"])
                }
                if error.code == .corrupt { return }
            }
            _ = await pause
        }
    }

    /// Publishes the newest checkpoint, if the folder is as this log left it.
    package func publish() async throws(LedgerError) {
        guard let newest = head.newest else { return }
        // Somebody else who publishes there has shown the world another log under this key.
        if let claim = try await folder.claim() { try await head.check(claim) }
        let known = state.withLock { $0.size }
        let old: UInt64
        if let known {
            old = known
        } else {
            old = try await folder.resume()
            if old == 0 {
                logger.notice("the whole log is written to the folder", metadata: ["folder": "\(folder.path)"])
            }
        }
        // The folder never goes back, not even to a checkpoint that is as true.
        guard old <= newest.size else { return }
        if old < newest.size || known == nil { try await folder.publish(newest, since: old) }
        state.withLock { $0.size = newest.size }
    }
}

/// Puts a new value in place and returns the old one.
private func exchange<Value>(_ place: inout Value, with value: Value) -> Value {
    let old = place
    place = value
    return old
}
