import CountersignCards
import CountersignCore

/// Keeps a channel's pace, as a value: which addresses may be sent to now, and how many attempts may begin.
struct PaceKeeper {
    private struct Bucket {
        var level: Double
        var filled: Timestamp
    }

    private let pace: ChannelPace
    private var buckets: [String: Bucket] = [:]
    private var pauses: [String: Timestamp] = [:]
    /// Until when the channel as a whole takes nothing.
    private(set) var pausedUntil: Timestamp?
    /// How many attempts failed in a row for the channel as a whole.
    private(set) var failures = 0
    /// So many notices that fail in a row mean that the channel does.
    private static let longestStreak = 10
    /// So many that failed in a row were not alone in it.
    private static let shortestStreak = 3
    /// How long after those that had failed were hurried they may be again.
    private static let betweenHurries = Duration.seconds(30)

    /// How many attempts failed in a row, for whatever reason; those of one notice count once.
    private var streak = 0
    private var lastFailed: Int64?
    /// When those that had failed were last hurried.
    private var hurriedAt: Timestamp?
    /// Attempts that are under way.
    private(set) var underWay = 0

    init(_ pace: ChannelPace) { self.pace = pace }

    /// How many attempts may begin; after a failure of the whole channel one, which tries whether it is back.
    func room(now: Timestamp) -> Int {
        if let pausedUntil, now < pausedUntil { return 0 }
        return max(0, (isDown ? 1 : pace.concurrency) - underWay)
    }

    /// Whether the channel as a whole took nothing when it was last asked.
    var isDown: Bool { failures > 0 }

    /// The addresses that take nothing now.
    mutating func closed(now: Timestamp) -> [String] {
        pauses = pauses.filter { $0.value > now }
        // A bucket that is full again says nothing that a new one would not.
        buckets = buckets.filter { level(of: $0.value, now) < Double(pace.burst) }
        return Set(pauses.keys).union(buckets.filter { level(of: $0.value, now) < 1 }.keys).sorted()
    }

    /// An attempt begins, if its address takes it.
    mutating func begin(_ address: String, now: Timestamp) -> Bool {
        if let pause = pauses[address], now < pause { return false }
        if pace.perSecond != nil {
            let full = Bucket(level: Double(pace.burst), filled: now)
            let level = level(of: buckets[address] ?? full, now)
            guard level >= 1 else { return false }
            buckets[address] = Bucket(level: level - 1, filled: now)
        }
        underWay += 1
        return true
    }

    /// An attempt that says nothing of the channel gives its place back.
    mutating func end() { underWay -= 1 }

    /// An attempt sent nothing, so its address can take another one instead.
    mutating func giveBack(_ address: String) {
        underWay -= 1
        guard let bucket = buckets[address] else { return }
        buckets[address]?.level = min(Double(pace.burst), bucket.level + 1)
    }

    /// The receiver took an attempt, or refused it for good; whether those that had failed before should be tried at once.
    ///
    /// One that fails alone among others that succeed is not hurried. A pause that lies ahead stays: the receiver may have
    /// asked for it after it took this one.
    mutating func succeeded(now: Timestamp) -> Bool {
        underWay -= 1
        let wasDown = max(streak, failures) >= Self.shortestStreak
        if wasDown, let hurriedAt, now < hurriedAt.adding(Self.betweenHurries) {
            // It could not take all at once. What failed is not forgotten, and a channel that is down is asked on.
            streak = Self.shortestStreak
            return false
        }
        failures = 0
        streak = 0
        lastFailed = nil
        if wasDown { hurriedAt = now }
        return wasDown
    }

    /// An attempt failed, of a notice that was due for that long; when to try it again.
    mutating func failed(
        _ notice: Int64,
        _ scope: Delivery.Scope,
        address: String,
        tries: Int,
        age: Duration,
        asked: Duration?,
        random: UInt64,
        now: Timestamp,
    ) -> Timestamp {
        underWay -= 1
        if notice != lastFailed { streak += 1 }
        lastFailed = notice
        let backOff: WebhookBackOff
        let count: Int
        switch scope {
        case .notice, .address:
            // Attempts that only asked whether the channel is back make no schedule longer.
            (backOff, count) = (pace.backOff, min(tries, pace.backOff.attempts(within: age)))
        case .whole:
            // Those that were under way when the first failed fail for the same reason.
            if pausedUntil.map({ $0 <= now }) ?? true { failures += 1 }
            // Whoever is back is found within a minute, whatever a single notice's schedule is.
            (backOff, count) = (ChannelPace.chat, failures)
        }
        let step = min(max(1, count), backOff.delays.count)
        let wait = backOff.delay(afterAttempts: step, random: random, atLeast: asked)
        let time = now.adding(wait ?? .seconds(60))
        switch scope {
        case .notice where isDown || streak >= Self.longestStreak:
            // One notice after the other fails: it is the channel, and one at a time finds out when it is back.
            if pausedUntil.map({ $0 <= now }) ?? true { failures += 1 }
            let step = min(failures, ChannelPace.chat.delays.count)
            let pause = ChannelPace.chat.delay(afterAttempts: step, random: random).map { now.adding($0) } ?? now
            pausedUntil = max(pausedUntil ?? pause, pause)
        case .notice: break
        case .address: pauses[address] = max(pauses[address] ?? time, time)
        case .whole: pausedUntil = max(pausedUntil ?? time, time)
        }
        return time
    }

    /// When a closed address or the channel opens next.
    func nextOpening(now: Timestamp) -> Timestamp? {
        if let pausedUntil, now < pausedUntil { return pausedUntil }
        var times = pauses.values.filter { $0 > now }
        if let rate = pace.perSecond {
            for bucket in buckets.values {
                let level = level(of: bucket, now)
                if level < 1 { times.append(now.adding(.microseconds(Int64((1 - level) / rate * 1_000_000) + 1))) }
            }
        }
        return times.min()
    }

    private func level(of bucket: Bucket, _ now: Timestamp) -> Double {
        guard let rate = pace.perSecond else { return Double(pace.burst) }
        let seconds = Double(max(0, now.microseconds - bucket.filled.microseconds)) / 1_000_000
        return min(Double(pace.burst), bucket.level + seconds * rate)
    }
}
