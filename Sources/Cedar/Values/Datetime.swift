/// A moment in milliseconds since 1970-01-01T00:00:00Z, Cedar's `datetime`.
package struct Datetime: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The milliseconds since the epoch.
    package let milliseconds: Int64

    /// Wraps milliseconds since the epoch.
    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Reads `2024-01-31`, or that with `T12:34:56`, optionally `.789`, and `Z` or an offset such as `+0130`.
    package init(parsing text: CedarString) throws(ExtensionError) {
        var scanner = Scanner(bytes: Array(text.string.utf8)[...])
        guard let milliseconds = scanner.moment() else {
            throw ExtensionError("`\(text)` is not a datetime such as `2024-01-31` or `2024-01-31T12:34:56Z`")
        }
        self.milliseconds = milliseconds
    }

    /// The moment that much later, or nil beyond what can be counted.
    package func advanced(by span: TimeSpan) -> Datetime? {
        let (sum, overflow) = self.milliseconds.addingReportingOverflow(span.milliseconds)
        return overflow ? nil : Datetime(milliseconds: sum)
    }

    /// The time since another moment, or nil beyond what can be counted.
    package func since(_ other: Datetime) -> TimeSpan? {
        let (difference, overflow) = self.milliseconds.subtractingReportingOverflow(other.milliseconds)
        return overflow ? nil : TimeSpan(milliseconds: difference)
    }

    /// The start of the day (UTC), or nil beyond what can be counted.
    package var startOfDay: Datetime? {
        let (start, overflow) = self.milliseconds.subtractingReportingOverflow(self.timeOfDay.milliseconds)
        return overflow ? nil : Datetime(milliseconds: start)
    }

    /// The time since the start of the day (UTC).
    package var timeOfDay: TimeSpan {
        let rest = self.milliseconds % TimeSpan.millisecondsInDay
        return TimeSpan(milliseconds: rest < 0 ? rest + TimeSpan.millisecondsInDay : rest)
    }

    /// The moment as a datetime text where its year has four digits, else as milliseconds since the epoch.
    package var description: String {
        // Days from 0000-03-01, so that a leap day is the last of its year.
        let time = self.timeOfDay.milliseconds
        let days = (self.milliseconds / TimeSpan.millisecondsInDay) - (self.milliseconds < 0 && time != 0 ? 1 : 0)
        let shifted = days + 719_468
        guard shifted >= -60, shifted < 3_652_365 else { return "\(self.milliseconds)ms" }
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let year = yearOfEra + era * 400 + (month >= 10 ? 1 : 0)
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        func padded(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        let date = "\(padded(year, 4))-\(padded(month < 10 ? month + 3 : month - 9, 2))-\(padded(day, 2))"
        let clock = "\(padded(time / 3_600_000, 2)):\(padded(time / 60_000 % 60, 2)):\(padded(time / 1_000 % 60, 2))"
        return "\(date)T\(clock).\(padded(time % 1_000, 3))Z"
    }

    /// Orders by time.
    package static func < (left: Datetime, right: Datetime) -> Bool { left.milliseconds < right.milliseconds }

    /// Reads the parts of a datetime; every step answers nil when the text is not what it must be.
    private struct Scanner {
        var bytes: ArraySlice<UInt8>

        mutating func moment() -> Int64? {
            guard let year = self.number(4), self.take("-"), let month = self.number(2), self.take("-"),
                let day = self.number(2), let days = Self.days(year, month, day)
            else { return nil }
            let midnight = days * TimeSpan.millisecondsInDay
            if self.bytes.isEmpty { return midnight }
            guard self.take("T"), let hour = self.number(2), hour < 24, self.take(":"), let minute = self.number(2),
                minute < 60, self.take(":"), let second = self.number(2), second < 60
            else { return nil }
            var fraction: Int64 = 0
            if self.take(".") {
                guard let milliseconds = self.number(3) else { return nil }
                fraction = milliseconds
            }
            guard let zone = self.zone(), self.bytes.isEmpty else { return nil }
            return midnight + (hour * 3_600 + minute * 60 + second) * 1_000 + fraction - zone
        }

        /// The milliseconds by which local time is ahead of UTC.
        private mutating func zone() -> Int64? {
            if self.take("Z") { return 0 }
            let isAhead = self.take("+")
            guard isAhead || self.take("-"), let hour = self.number(2), hour < 24, let minute = self.number(2),
                minute < 60
            else { return nil }
            let offset = (hour * 60 + minute) * 60_000
            return isAhead ? offset : -offset
        }

        private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
            guard self.bytes.first == UInt8(ascii: scalar) else { return false }
            self.bytes = self.bytes.dropFirst()
            return true
        }

        private mutating func number(_ width: Int) -> Int64? {
            let digits = self.bytes.prefix(width)
            guard digits.count == width, digits.allSatisfy(Lexer.isDigit) else { return nil }
            self.bytes = self.bytes.dropFirst(width)
            return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }

        /// The days from 1970-01-01 to a date of the proleptic Gregorian calendar, or nil if there is no such date.
        private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64? {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            guard month >= 1, month <= 12, day >= 1, day <= lengths[Int(month) - 1] else { return nil }
            let before = year == 0 ? 0 : (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 + 1
            return year * 365 + before + lengths[..<(Int(month) - 1)].reduce(0, +) + day - 1 - 719_528
        }
    }
}
