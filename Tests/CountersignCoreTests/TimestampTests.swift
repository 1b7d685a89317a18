import CountersignCore
import Testing

@Suite(.timeLimit(.minutes(10)))
struct TimestampTests {
    /// Moments that Python's `datetime` and `date -u` agree on.
    static let known: [(String, Int64)] = [
        ("1970-01-01T00:00:00.000000Z", 0),
        ("1969-12-31T23:59:59.000000Z", -1_000_000),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2000-02-29T23:59:59.000000Z", 951_868_799_000_000),
        ("1900-03-01T00:00:00.000000Z", -2_203_891_200_000_000),
        ("2026-11-21T05:00:00.000000Z", 1_795_237_200_000_000),
        ("2100-02-28T12:00:00.000000Z", 4_107_499_200_000_000),
        ("0001-01-01T00:00:00.000000Z", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59.000000Z", 253_402_300_799_000_000),
        ("0000-01-01T00:00:00.000000Z", -62_167_219_200_000_000),
    ]

    @Test("a moment is written and read as RFC 3339", arguments: known)
    func knownMoments(_ text: String, _ microseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.microseconds == microseconds)
        #expect(Timestamp(microseconds: microseconds).rfc3339 == text)
    }

    @Test(
        "other spellings of RFC 3339 mean the same moment",
        arguments: [
            ("1970-01-01t00:00:00z", 0), ("1970-01-01T00:00:00.5Z", 500_000), ("1970-01-01T00:00:00.000001Z", 1),
            ("1970-01-01T01:00:00+01:00", 0), ("1969-12-31T23:30:00-00:30", 0), ("1970-01-01T00:00:00-00:00", 0),
            ("1970-01-01T23:59:00+23:59", 0), ("2000-02-29T00:00:00+00:00", 951_782_400_000_000),
        ] as [(String, Int64)],
    )
    func spellings(_ text: String, _ microseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.microseconds == microseconds)
    }

    @Test(
        "what is not RFC 3339 is no moment",
        arguments: [
            "", "1970-01-01", "1970-01-01T00:00:00", "1970-01-01 00:00:00Z", "1970-01-01T00:00Z",
            "1970-13-01T00:00:00Z",
            "1970-00-01T00:00:00Z", "1970-01-00T00:00:00Z", "1970-01-32T00:00:00Z", "1970-04-31T00:00:00Z",
            "1900-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2001-02-29T00:00:00Z", "1970-01-01T24:00:00Z",
            "1970-01-01T00:60:00Z", "1970-01-01T00:00:60Z", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00.1234567Z",
            "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00+00:60", "1970-01-01T00:00:00+0000",
            "1970-01-01T00:00:00+00:0",
            "1970-01-01T00:00:00ZZ", "1970-01-01T00:00:00Z ", " 1970-01-01T00:00:00Z", "+1970-01-01T00:00:00",
            "1970-01-01T00:00:00é", "197O-01-01T00:00:00Z", "１970-01-01T00:00:00Z", "1970-01-01T00:00:00+٠1:00",
            "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "10000-01-01T00:00:00Z", "-001-01-01T00:00:00Z",
        ],
    )
    func refused(_ text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("every year's days come back as they were, leap years too")
    func everyDay() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<4000 {
            let moment = Timestamp(
                microseconds: Int64.random(in: -62_167_219_200_000_000...253_402_300_799_999_999, using: &random)
            )
            #expect(moment.rfc3339.utf8.count == 27)
            #expect(Timestamp(rfc3339: moment.rfc3339) == moment)
        }
    }

    @Test("text order is time order")
    func order() {
        var random = SeededGenerator(seed: 6)
        for _ in 0..<500 {
            let range: ClosedRange<Int64> = -62_167_219_200_000_000...253_402_300_799_999_999
            let left = Timestamp(microseconds: Int64.random(in: range, using: &random))
            let right = Timestamp(microseconds: Int64.random(in: range, using: &random))
            #expect((left < right) == (left.rfc3339 < right.rfc3339))
        }
    }

    @Test("a moment beyond what RFC 3339 can write is written as its nearest end, not trapped on")
    func beyond() {
        #expect(Timestamp(microseconds: .min).rfc3339 == "0000-01-01T00:00:00.000000Z")
        #expect(Timestamp(microseconds: -62_167_219_200_000_001).rfc3339 == "0000-01-01T00:00:00.000000Z")
        #expect(Timestamp(microseconds: .max).rfc3339 == "9999-12-31T23:59:59.999999Z")
    }

    @Test("durations add, subtract and round")
    func durations() {
        let start = Timestamp(microseconds: 10)
        #expect(start.adding(.milliseconds(1)).microseconds == 1010)
        #expect(start.adding(.seconds(-1)).microseconds == -999_990)
        #expect(start.adding(.seconds(5)).since(start) == .seconds(5))
        #expect(Duration.milliseconds(1001).wholeSecondsRoundedUp == 2)
        #expect(Duration.seconds(3).wholeSecondsRoundedUp == 3)
        #expect(Duration.nanoseconds(1999).wholeMicroseconds == 1)
    }

    @Test(
        "a duration is a whole number and one unit",
        arguments: [
            ("250ms", .milliseconds(250)), ("50s", .seconds(50)), ("30m", .seconds(1800)), ("1h", .seconds(3600)),
            ("7d", .seconds(604_800)), ("0s", .zero), ("366d", .seconds(31_622_400)), ("", nil), ("s", nil), ("5", nil),
            ("-5s", nil), ("+5s", nil), ("5 s", nil), (" 5s", nil), ("5S", nil), ("1.5h", nil), ("1h30m", nil),
            ("367d", nil), ("9999999999s", nil), ("٣m", nil), ("5us", nil),
        ] as [(String, Duration?)],
    )
    func durationText(_ text: String, _ duration: Duration?) {
        #expect(Duration(text: text) == duration)
    }
}
