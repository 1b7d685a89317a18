package import CountersignCore
import Synchronization

/// A clock that only moves when a test says so.
package final class ManualClock: WallClock {
    private let now: Mutex<Timestamp>

    /// Starts at 2026-01-01T00:00:00Z, or when told.
    package init(_ start: Timestamp = Timestamp(microseconds: 1_767_225_600_000_000)) { now = Mutex(start) }

    /// The moment that was set.
    package func time() -> Timestamp { now.withLock { $0 } }

    /// Sets the moment, forwards or backwards.
    package func set(_ time: Timestamp) { now.withLock { $0 = time } }

    /// Moves on, or with a negative duration back.
    package func advance(by duration: Duration) { now.withLock { $0 = $0.adding(duration) } }
}
