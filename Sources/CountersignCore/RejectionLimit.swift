import Synchronization

/// Keeps strangers from filling the disk: of the rejections that no agent is behind, each source address and all of them
/// together get so many entries, and the next entry of an address tells how many of its own were left out.
///
/// Nothing passes by it: what is rejected is rejected, with an entry or without. The mutex guards the buckets.
final class RejectionLimit: Sendable {
    /// Entries at once, and entries a second after that.
    private struct Allowance {
        let burst: Double
        let rate: Double

        static let source = Allowance(burst: 1000, rate: 10)
        /// Who has a network of addresses has as many sources as they like.
        static let all = Allowance(burst: 10_000, rate: 100)
    }

    private struct Bucket {
        var level: Double
        var filled: Timestamp
        var suppressed: Int64 = 0

        init(_ allowance: Allowance, _ now: Timestamp) {
            level = allowance.burst
            filled = now
        }

        /// A clock that goes back fills nothing.
        mutating func fill(_ allowance: Allowance, _ now: Timestamp) {
            let seconds = Double(max(0, now.microseconds - filled.microseconds)) / 1_000_000
            level = min(allowance.burst, level + seconds * allowance.rate)
            filled = now
        }
    }

    private struct State {
        var all: Bucket?
        var sources: [String: Bucket] = [:]
        var sweptAt: Timestamp?

        /// Forgets who has been quiet long enough, once a second at most.
        mutating func sweep(_ now: Timestamp) {
            if let sweptAt, now < sweptAt.adding(.seconds(1)) { return }
            sweptAt = now
            sources = sources.filter { _, bucket in
                var bucket = bucket
                bucket.fill(.source, now)
                return bucket.level < Allowance.source.burst || bucket.suppressed > 0
            }
        }
    }

    /// Addresses that are told apart; those beyond share a bucket.
    private static let maximumSources = 4096

    private let state = Mutex(State())

    /// Whether this rejection gets an entry: how many before it got none, or `nil` if it gets none itself.
    func admit(_ source: String?, now: Timestamp) -> Int64? {
        state.withLock { state in
            var all = state.all ?? Bucket(.all, now)
            all.fill(.all, now)
            var name = source ?? "unknown"
            if state.sources[name] == nil, state.sources.count >= Self.maximumSources {
                state.sweep(now)
                if state.sources.count >= Self.maximumSources { name = "others" }
            }
            var bucket = state.sources[name] ?? Bucket(.source, now)
            bucket.fill(.source, now)
            defer {
                state.all = all
                state.sources[name] = bucket
            }
            guard bucket.level >= 1, all.level >= 1 else {
                bucket.suppressed += 1
                return nil
            }
            bucket.level -= 1
            all.level -= 1
            defer { bucket.suppressed = 0 }
            return bucket.suppressed
        }
    }
}
