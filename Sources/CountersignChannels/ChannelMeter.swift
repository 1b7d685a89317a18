import CountersignCore
import Synchronization

/// What a channel did since the start; the mutex guards the numbers.
package final class ChannelMeter: Sendable {
    /// The numbers.
    package struct Reading: Hashable, Sendable {
        /// Notices that were delivered.
        package var delivered: UInt64 = 0
        /// Attempts that failed.
        package var failures: UInt64 = 0
        /// How long after it was due the last one was delivered.
        package var lateness: Duration = .zero
        /// The sum of all of these.
        package var totalLateness: Duration = .zero
        /// Why the latest attempt failed, unless one went well since.
        package var trouble: String?
    }

    private let reading = Mutex(Reading())

    /// Starts at zero.
    package init() {}

    /// The numbers now.
    package var now: Reading { reading.withLock { $0 } }

    func delivered(after lateness: Duration) {
        reading.withLock { reading in
            reading.delivered += 1
            reading.lateness = lateness
            reading.totalLateness += lateness
            reading.trouble = nil
        }
    }

    /// Whether that is news: the attempt before did not fail in this way.
    func failed(_ trouble: String) -> Bool {
        reading.withLock { reading in
            reading.failures += 1
            defer { reading.trouble = trouble }
            return reading.trouble != trouble
        }
    }
}
