import CountersignCore

/// How many requests each address may make: a bucket of tokens for each, and one for all that find no room.
///
/// A gateway sends a request a second; what is much more than that is not a log.
struct RequestPace {
    /// What one address may ask in a second, on average.
    static let rate = 50.0
    /// What it may ask at once.
    static let burst = 100.0
    /// How many addresses are told apart.
    static let maximumAddresses = 4096

    private struct Bucket {
        var tokens: Double
        var time: Timestamp

        mutating func refill(_ now: Timestamp) {
            let elapsed = max(0, now.microseconds - time.microseconds)
            tokens = min(RequestPace.burst, tokens + Double(elapsed) / 1_000_000 * RequestPace.rate)
            time = now
        }
    }

    private var buckets: [String: Bucket] = [:]

    /// Whether an address may ask now; if so, that was one request.
    mutating func admits(_ address: String, now: Timestamp) -> Bool {
        var key = address
        if buckets[key] == nil, buckets.count >= Self.maximumAddresses {
            // Those who were quiet for long enough are as good as new ones.
            buckets = buckets.filter { _, bucket in
                var bucket = bucket
                bucket.refill(now)
                return bucket.tokens < Self.burst
            }
            if buckets.count >= Self.maximumAddresses { key = "" }
        }
        var bucket = buckets[key] ?? Bucket(tokens: Self.burst, time: now)
        bucket.refill(now)
        let isAdmitted = bucket.tokens >= 1
        if isAdmitted { bucket.tokens -= 1 }
        buckets[key] = bucket
        return isAdmitted
    }
}
