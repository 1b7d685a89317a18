import CountersignCore
import Synchronization

/// One warning a minute about each log, however often somebody gives cause; the mutex guards when and how often.
///
/// Anybody can send a log's public checkpoint with a proof of their own making.
final class WarningPace: Sendable {
    private static let interval = Duration.seconds(60)

    private let warned = Mutex<[[UInt8]: (time: Timestamp, kept: Int)]>([:])

    /// How many warnings about this log were kept back since the last one, if it is time for another; else `nil`.
    func next(_ origin: [UInt8], now: Timestamp) -> Int? {
        warned.withLock { warned in
            guard let last = warned[origin], now.since(last.time) < Self.interval else {
                defer { warned[origin] = (now, 0) }
                return warned[origin]?.kept ?? 0
            }
            warned[origin] = (last.time, last.kept + 1)
            return nil
        }
    }
}
