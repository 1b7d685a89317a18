package import CountersignCore

/// What an attempt to deliver a webhook came to.
package enum WebhookDelivery: Hashable, Sendable {
    /// The receiver has it.
    case delivered
    /// The receiver sent us elsewhere; redirects are not followed, so the address is to be mended, then sent again.
    case failed
    /// The receiver wants nothing more of this kind: the endpoint is switched off.
    case disabled
    /// To be tried again, not before that much time has passed if the receiver says how much.
    case retry(after: Duration?)

    /// The longest time that a receiver can make us wait.
    package static let longestRetryAfter = Duration.seconds(86_400)

    /// Judges an answer by its status and its `Retry-After` field, received at `now`.
    package init(status: Int, retryAfter: String? = nil, now: Timestamp) {
        self =
            switch status {
            case 200...299: .delivered
            case 300...399: .failed
            case 410: .disabled
            case 429, 503: .retry(after: retryAfter.flatMap { RetryAfter.wait($0, now: now) })
            default: .retry(after: nil)
            }
    }
}

/// When a webhook that was not delivered is tried again.
package struct WebhookBackOff: Hashable, Sendable {
    /// The times between attempts, before jitter.
    package let delays: [Duration]

    /// As the specification proposes: soon, then slower, for a little more than three days.
    package static let standard = WebhookBackOff(
        delays: [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400].map { .seconds($0) }
    )

    /// Waits that long after each attempt.
    package init(delays: [Duration]) { self.delays = delays }

    /// How many attempts there are in a time, the one at its beginning included, if none comes late.
    package func attempts(within time: Duration) -> Int {
        var count = 1
        var earliest = Duration.zero
        for delay in delays {
            earliest += delay / 5 * 4
            guard earliest <= time else { break }
            count += 1
        }
        return count
    }

    /// How long to wait after a number of failed attempts; `nil` if that was the last.
    ///
    /// `random` comes from outside; it spreads the time over 80 to 120 percent, so that what failed together does not
    /// come back together. Never shorter than the receiver asked for.
    package func delay(afterAttempts attempts: Int, random: UInt64, atLeast wanted: Duration? = nil) -> Duration? {
        guard attempts >= 1, attempts <= delays.count else { return nil }
        let base = delays[attempts - 1].wholeMicroseconds
        let spread = base / 5 * 2
        let jitter = spread == 0 ? 0 : Int64(random % UInt64(spread + 1))
        let jittered = Duration.microseconds(base - base / 5 + jitter)
        guard let wanted else { return jittered }
        // The jitter comes on top: all who were told the same second would else come at it.
        return max(jittered, wanted + .microseconds(Int64(random % 1_000_000)))
    }
}

/// The field `Retry-After` (RFC 9110, section 10.2.3).
package enum RetryAfter {
    /// How long to wait from `now`, at most a day; `nil` if the field cannot be read.
    ///
    /// Both forms are read: seconds, and a date in any of the three spellings of RFC 9110, section 5.6.7.
    package static func wait(_ text: String, now: Timestamp) -> Duration? {
        let text = text.utf8.filter { $0 != UInt8(ascii: "\t") }.drop { $0 == UInt8(ascii: " ") }
        let trimmed = text.prefix(text.lastIndex { $0 != UInt8(ascii: " ") }.map { $0 - text.startIndex + 1 } ?? 0)
        guard !trimmed.isEmpty else { return nil }
        if trimmed.allSatisfy({ $0 >= 48 && $0 <= 57 }) {
            let seconds = trimmed.count > 9 ? 1_000_000_000 : trimmed.reduce(0) { $0 * 10 + Int64($1 - 48) }
            return min(.seconds(seconds), WebhookDelivery.longestRetryAfter)
        }
        guard let date = date(trimmed, now: now) else { return nil }
        return min(max(date.since(now), .zero), WebhookDelivery.longestRetryAfter)
    }

    private static let months = [
        "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6, "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11,
        "Dec": 12,
    ]

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`.
    private static func date(_ bytes: ArraySlice<UInt8>, now: Timestamp) -> Timestamp? {
        let words = bytes.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ",") }
            .map { String(decoding: $0, as: UTF8.self) }
        let (day, month, year, time): (String, String, String, String)
        if words.count == 6, words[5] == "GMT" {
            (day, month, year, time) = (words[1], words[2], words[3], words[4])
        } else if words.count == 5 {
            (day, month, year, time) = (words[2], words[1], words[4], words[3])
        } else {
            return nil
        }
        guard let number = months[month], let day = Int(day), (1...31).contains(day), var civil = Int(year),
            year.utf8.count == 4 || year.utf8.count == 2, civil >= 0
        else { return nil }
        if year.utf8.count == 2 {
            // A year of two digits that would be more than 50 years ahead is the last one with these digits.
            let current = Int(now.rfc3339.prefix(4)) ?? 1970
            civil += current / 100 * 100
            if civil > current + 50 { civil -= 100 }
        }
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : String(value) }
        let text = String(civil)
        let padded = String(repeating: "0", count: max(0, 4 - text.utf8.count)) + text
        return Timestamp(rfc3339: "\(padded)-\(two(number))-\(two(day))T\(time)Z")
    }
}
