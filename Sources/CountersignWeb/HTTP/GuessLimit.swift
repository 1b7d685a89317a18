import CountersignCore
import Synchronization

/// Bounds the entries that guesses of clients' secrets leave, and what they cost.
///
/// It slows no guess down, because each secret is compared first; that they are long keeps them from being guessed. So many failures at once for each address, and one more every six seconds. It judges failures only: a proxy makes one
/// address of everybody's, and whoever has the right secret must not wait for what others send.
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

    /// An attempt failed; whether its address has failed too often.
    func isTooMuch(from source: String?, now: Timestamp) -> Bool {
        buckets.withLock { buckets in
            if buckets.count >= Self.maximum { buckets = buckets.filter { Self.level($0.value, now) < Self.burst } }
            let name = Self.name(source, in: buckets)
            let level = buckets[name].map { Self.level($0, now) } ?? Self.burst
            guard level >= 1 else { return true }
            buckets[name] = Bucket(level: level - 1, filled: now)
            return false
        }
    }

    private static func name(_ source: String?, in buckets: [String: Bucket]) -> String {
        let name = source ?? "unknown"
        return buckets[name] == nil && buckets.count >= maximum ? "others" : name
    }

    private static func level(_ bucket: Bucket, _ now: Timestamp) -> Double {
        let seconds = Double(max(0, now.microseconds - bucket.filled.microseconds)) / 1_000_000
        return min(burst, bucket.level + seconds * rate)
    }
}
