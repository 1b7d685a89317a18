package import CountersignCore

/// Decides how many entries go at once, and how long to wait after a failure.
package struct ExportPace: Hashable, Sendable {
    /// How many entries the next batch may have.
    package private(set) var size: Int
    /// How many tries failed since the last that went well.
    package private(set) var failures = 0
    private let maximum: Int
    private var delivered = 0

    /// The longest wait that is not asked for.
    package static let longest = Duration.seconds(60)
    /// The longest wait that a receiver may ask for.
    package static let longestAsked = Duration.seconds(3600)
    /// After how many deliveries of smaller batches a larger one is tried again.
    static let patience = 64

    /// Begins with batches of the greatest size.
    package init(maximum: Int) {
        self.maximum = max(1, maximum)
        size = self.maximum
    }

    /// A batch was delivered.
    package mutating func succeeded() {
        failures = 0
        guard size < maximum else { return }
        delivered += 1
        guard delivered >= Self.patience else { return }
        delivered = 0
        size = min(maximum, size * 2)
    }

    /// A batch of `count` entries was not; how long to wait before the next try.
    ///
    /// Waits double from half a second, or from five seconds where the receiver refused, and are spread over their
    /// upper half, so that many senders do not come back at once.
    package mutating func failed(_ failure: ExportFailure.Kind, count: Int, chance: Chance) -> Duration {
        if failure == .tooLarge, count > 1 {
            size = max(1, count / 2)
            delivered = 0
            return .zero
        }
        failures += 1
        let first: Duration =
            switch failure {
            case .unreachable, .busy, .stopped: .milliseconds(500)
            case .refused, .tooLarge: .seconds(5)
            }
        let full = min(Self.longest, first * (1 << min(failures - 1, 10)))
        let spread = Double(chance.bits().0 >> 11) / Double(UInt64(1) << 53)
        let wait = full / 2 + full / 2 * spread
        guard case .busy(let asked?) = failure else { return wait }
        return max(min(asked, Self.longestAsked), .milliseconds(100))
    }
}
