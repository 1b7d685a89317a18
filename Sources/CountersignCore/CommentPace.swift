import Synchronization

/// Keeps an agent from talking over its approvers: so many comments at once, and so many a minute after that.
///
/// Each approval takes only a few in any case; this bounds an agent with many approvals. The mutex guards the buckets.
final class CommentPace: Sendable {
    private struct Bucket {
        var level: Double
        var filled: Timestamp
    }

    /// How many at once, which is also how many a minute.
    static let burst = 16

    private let buckets = Mutex([AgentID: Bucket]())

    /// Takes one of the agent's comments; whether there was one left.
    func take(_ agent: AgentID, now: Timestamp) -> Bool {
        let burst = Double(Self.burst)
        return buckets.withLock { buckets in
            var bucket = buckets[agent] ?? Bucket(level: burst, filled: now)
            // A clock that goes back fills nothing.
            let seconds = Double(max(0, now.microseconds - bucket.filled.microseconds)) / 1_000_000
            bucket.level = min(burst, bucket.level + seconds * burst / 60)
            bucket.filled = now
            defer { buckets[agent] = bucket }
            guard bucket.level >= 1 else { return false }
            bucket.level -= 1
            return true
        }
    }
}
