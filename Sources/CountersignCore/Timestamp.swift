/// A moment of civil time in microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// The core never reads a clock: a timestamp always comes in as an argument.
package struct Timestamp: Hashable, Sendable, Comparable, Codable {
    /// Microseconds since the epoch.
    package let microseconds: Int64

    /// Makes a moment from microseconds since the epoch.
    package init(microseconds: Int64) { self.microseconds = microseconds }

    /// Parses RFC 3339 with up to six fractional digits and `Z` or an offset; `nil` for anything else.
    package init?(rfc3339 text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20 else { return nil }
        func number(_ from: Int, _ count: Int) -> Int64? {
            var value: Int64 = 0
            for byte in bytes[from..<(from + count)] {
                guard byte >= 48, byte <= 57 else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            return value
        }
        guard let year = number(0, 4), bytes[4] == 45, let month = number(5, 2), bytes[7] == 45,
            let day = number(8, 2), bytes[10] == 84 || bytes[10] == 116, let hour = number(11, 2), bytes[13] == 58,
            let minute = number(14, 2), bytes[16] == 58, let second = number(17, 2),
            (1...12).contains(month), (1...Timestamp.days(in: month, of: year)).contains(day),
            hour < 24, minute < 60, second < 60
        else { return nil }
        var index = 19
        var fraction: Int64 = 0
        if bytes[index] == 46 {
            index += 1
            var digits = 0
            while index < bytes.count, bytes[index] >= 48, bytes[index] <= 57 {
                guard digits < 6 else { return nil }
                fraction = fraction * 10 + Int64(bytes[index] - 48)
                digits += 1
                index += 1
            }
            guard digits > 0 else { return nil }
            for _ in digits..<6 { fraction *= 10 }
        }
        guard index < bytes.count else { return nil }
        var offset: Int64 = 0
        switch bytes[index] {
        case 90, 122:
            index += 1
        case 43, 45:
            guard bytes.count == index + 6, bytes[index + 3] == 58, let hours = number(index + 1, 2),
                let minutes = number(index + 4, 2), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (bytes[index] == 43 ? 60 : -60)
            index += 6
        default: return nil
        }
        guard index == bytes.count else { return nil }
        let days = Timestamp.daysSinceEpoch(year: year, month: month, day: day)
        microseconds = ((days * 24 + hour) * 60 + minute) * 60_000_000 + (second - offset) * 1_000_000 + fraction
        // An offset can lead out of the years that RFC 3339 can write.
        guard Timestamp.writable.contains(microseconds) else { return nil }
    }

    /// The RFC 3339 form in UTC with six fractional digits, always 27 bytes, so that text order is time order.
    package var rfc3339: String {
        var bytes = [UInt8]()
        bytes.reserveCapacity(27)
        func append(_ value: Int64, _ width: Int) {
            var divisor: Int64 = 1
            for _ in 1..<width { divisor *= 10 }
            while divisor > 0 {
                bytes.append(48 + UInt8((value / divisor) % 10))
                divisor /= 10
            }
        }
        let microseconds = min(max(microseconds, Timestamp.writable.lowerBound), Timestamp.writable.upperBound)
        let day = Int64(86_400_000_000)
        let days = microseconds.dividedFlooring(by: day)
        let rest = microseconds - days * day
        let (year, month, dayOfMonth) = Timestamp.civil(days)
        append(year, 4)
        bytes.append(45)
        append(month, 2)
        bytes.append(45)
        append(dayOfMonth, 2)
        bytes.append(84)
        append(rest / 3_600_000_000, 2)
        bytes.append(58)
        append(rest / 60_000_000 % 60, 2)
        bytes.append(58)
        append(rest / 1_000_000 % 60, 2)
        bytes.append(46)
        append(rest % 1_000_000, 6)
        bytes.append(90)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The moment that lies `duration` after this one.
    package func adding(_ duration: Duration) -> Timestamp {
        Timestamp(microseconds: microseconds &+ duration.wholeMicroseconds)
    }

    /// The time from `earlier` to this moment.
    package func since(_ earlier: Timestamp) -> Duration {
        let (time, overflows) = microseconds.subtractingReportingOverflow(earlier.microseconds)
        return .microseconds(overflows ? (microseconds < earlier.microseconds ? .min : .max) : time)
    }

    /// What four digits of a year can tell: 0000-01-01T00:00:00Z to the end of 9999.
    private static let writable: ClosedRange<Int64> = -62_167_219_200_000_000...253_402_300_799_999_999

    /// Time order.
    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        default: 31
        }
    }

    /// Days from the epoch to a civil date, by counting 400-year eras from 1 March of year 0.
    private static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted.dividedFlooring(by: 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted.dividedFlooring(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthIndex + 2) / 5 + 1)
    }
}

extension Int64 {
    fileprivate func dividedFlooring(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}

extension Duration {
    /// The duration in whole microseconds, rounded towards zero.
    package var wholeMicroseconds: Int64 {
        let parts = bounded.components
        return parts.seconds &* 1_000_000 &+ parts.attoseconds / 1_000_000_000_000
    }

    /// The duration in whole seconds, rounded up; what `Retry-After` and friends take.
    package var wholeSecondsRoundedUp: Int64 {
        let parts = bounded.components
        return parts.seconds + (parts.attoseconds > 0 ? 1 : 0)
    }

    /// Within 35,000 years, because the components of one that was read from a damaged file may be no numbers.
    private var bounded: Duration { min(max(self, .seconds(-1 << 40)), .seconds(1 << 40)) }

    /// Parses `250ms`, `50s`, `30m`, `1h` or `7d`: a whole number and one unit, at most 366 days.
    package init?(text: String) {
        let bytes = Array(text.utf8)
        let digits = bytes.prefix { $0 >= 48 && $0 <= 57 }
        guard !digits.isEmpty, digits.count <= 9 else { return nil }
        let value = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 48) }
        let milliseconds: Int64
        switch String(decoding: bytes.dropFirst(digits.count), as: UTF8.self) {
        case "ms": milliseconds = value
        case "s": milliseconds = value * 1000
        case "m": milliseconds = value * 60_000
        case "h": milliseconds = value * 3_600_000
        case "d": milliseconds = value * 86_400_000
        default: return nil
        }
        guard milliseconds <= 366 * 86_400_000 else { return nil }
        self = .milliseconds(milliseconds)
    }
}
