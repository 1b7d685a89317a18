package import Logging
import Synchronization

/// Remembers what was logged; the mutex guards the lines.
package final class HeardLog: Sendable {
    private let lines = Mutex<[(level: Logger.Level, text: String)]>([])

    /// Has heard nothing yet.
    package init() {}

    /// A logger whose lines are remembered here.
    package var logger: Logger { Logger(label: "test") { _ in Handler(heard: self) } }

    /// The lines of one level, each with its metadata.
    package func messages(_ level: Logger.Level) -> [String] {
        lines.withLock { lines in lines.filter { $0.level == level }.map(\.text) }
    }

    private struct Handler: LogHandler {
        let heard: HeardLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let more = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
            heard.lines.withLock { $0.append((event.level, "\(event.message) \(more)")) }
        }
    }
}
