import CountersignCore
import Synchronization

/// Slows down who guesses the secrets of clients.
///
/// So many failures at once for each client and address, and one more every six seconds. Whoever has the right secret is
/// held up only by what came from their own address.
///
/// The mutex guards the buckets.
final class GuessLimit: Sendable {
    private struct Bucket {
        var level: Double
        var filled: Timestamp
    }

    private static let burst = 10.0
    private static let rate = 1.0 / 6
    /// Who has a network of addresses shares one bucket when there are too many.
    private static let maximum = 4096

    private let buckets = Mutex<[String: Bucket]>([:])

    /// Seconds to wait before the next attempt; `nil` if it may be made now.
    func wait(_ client: String, from source: String?, now: Timestamp) -> Int? {
        buckets.withLock { buckets in
            guard let bucket = buckets[Self.name(client, source, in: buckets)] else { return nil }
            let level = Self.level(bucket, now)
            return level >= 1 ? nil : Int(((1 - level) / Self.rate).rounded(.up))
        }
    }

    /// An attempt failed.
    func failed(_ client: String, from source: String?, now: Timestamp) {
        buckets.withLock { buckets in
            if buckets.count >= Self.maximum { buckets = buckets.filter { Self.level($0.value, now) < Self.burst } }
            let name = Self.name(client, source, in: buckets)
            let level = buckets[name].map { Self.level($0, now) } ?? Self.burst
            buckets[name] = Bucket(level: max(0, level - 1), filled: now)
        }
    }

    private static func name(_ client: String, _ source: String?, in buckets: [String: Bucket]) -> String {
        let name = "\(source ?? "unknown") \(client)"
        return buckets[name] == nil && buckets.count >= maximum ? "others" : name
    }

    private static func level(_ bucket: Bucket, _ now: Timestamp) -> Double {
        let seconds = Double(max(0, now.microseconds - bucket.filled.microseconds)) / 1_000_000
        return min(burst, bucket.level + seconds * rate)
    }
}
