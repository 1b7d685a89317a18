import Cedar
import Testing

@Suite("Values", .timeLimit(.minutes(10)))
struct ValueTests {
    @Test("sets are equal whatever their order and repetitions, small or large", arguments: [0, 1, 5, 11, 12, 13, 100])
    func sets(count: Int) {
        let values = (0..<count).map { Value.long(Int64($0)) }
        let set = ValueSet(values)
        let other = ValueSet(values.reversed() + values)
        #expect(set == other)
        #expect(set.hashValue == other.hashValue)
        #expect(set.count == count)
        #expect(values.allSatisfy(set.contains))
        #expect(!set.contains(.long(-1)))
        #expect(set != ValueSet(values + [.long(-1)]))
        #expect(set.isSuperset(of: other))
        #expect(set.intersects(other) == (count > 0))
    }

    @Test("a record finds its members by bytes and keeps the later of two with one name", arguments: [1, 15, 16, 50])
    func records(count: Int) {
        let pairs = (0..<count).map { ("k\($0)", Value.long(Int64($0))) }
        let record = Record(pairs.reversed() + [("k0", .bool(true)), ("e\u{301}", .long(1)), ("\u{e9}", .long(2))])
        #expect(record.members.count == count + 2)
        #expect(record["k0"] == .bool(true))
        #expect((1..<count).allSatisfy { record["k\($0)"] == .long(Int64($0)) })
        #expect(record["e\u{301}"] == .long(1))
        #expect(record["\u{e9}"] == .long(2))
        #expect(record["none"] == nil)
        #expect(record == Record(members: record.members.reversed()))
    }

    @Test("values of different types are never equal")
    func types() throws {
        let values: [Value] = [
            .bool(true), .long(1), Value("1"), .entity(EntityUID(type: "U", id: "1")), .set(ValueSet([.long(1)])),
            .record(Record([("1", .long(1))])), .decimal(Decimal(tenThousandths: 1)), .ip(IPAddress(version4: 1)),
            .ip(IPAddress(version6: 0, 1)), .datetime(Datetime(milliseconds: 1)), .duration(TimeSpan(milliseconds: 1)),
        ]
        #expect(Set(values).count == values.count)
    }

    @Test("type and id are told apart, byte for byte")
    func identities() {
        let uids = [
            EntityUID(type: "A", id: "B"), EntityUID(type: "AB", id: ""), EntityUID(type: "A::B", id: "c"),
            EntityUID(type: "A", id: "B::c"), EntityUID(type: "A", id: "\u{e9}"), EntityUID(type: "A", id: "e\u{301}"),
            EntityUID(type: "A", id: "b"),
        ]
        #expect(Set(uids).count == uids.count)
        #expect(EntityUID(type: "A", id: "B") == uids[0])
        #expect(EntityUID(type: "A", id: "x\"\\\n\u{202E}é").description == #"A::"x\"\\\n\u{202e}é""#)
    }

    @Test("strings are ordered by scalars")
    func order() {
        let sorted: [CedarString] = ["", "A", "a", "aa", "b", "é", "\u{FFFD}", "😀"]
        #expect(sorted.shuffled().sorted() == sorted)
    }

    @Test("extension values print as they are read", arguments: ["0.0", "-0.5", "12.3456", "-922337203685477.5808"])
    func decimals(text: String) throws {
        let value = try Decimal(parsing: CedarString(text))
        #expect(try Decimal(parsing: CedarString(value.description)) == value)
    }

    @Test(
        "moments print as they are read",
        arguments: [
            ("1970-01-01", "1970-01-01T00:00:00.000Z"),
            ("0000-01-01", "0000-01-01T00:00:00.000Z"),
            ("0000-02-29T01:02:03Z", "0000-02-29T01:02:03.000Z"),
            ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
            ("2000-02-29", "2000-02-29T00:00:00.000Z"),
            ("2000-03-01T00:00:00+0030", "2000-02-29T23:30:00.000Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ]
    )
    func datetimes(text: String, printed: String) throws {
        #expect(try Datetime(parsing: CedarString(text)).description == printed)
    }

    @Test("every day of 2,400 years has its own date, and the date gives the day")
    func calendar() throws {
        var day: Int64 = -719_528
        while day < 157_000 {
            let moment = Datetime(milliseconds: day * 86_400_000)
            #expect(try Datetime(parsing: CedarString(moment.description)) == moment)
            day += 97
        }
        #expect(Datetime(milliseconds: .max).description == "9223372036854775807ms")
        #expect(Datetime(milliseconds: .min).description == "-9223372036854775808ms")
    }

    @Test(
        "addresses print as they are read",
        arguments: ["1.2.3.4", "10.0.0.0/8", "::1", "2001:db8::/32", "::", "ff00::1"]
    )
    func addresses(text: String) throws {
        let address = try IPAddress(parsing: CedarString(text))
        #expect(try IPAddress(parsing: CedarString(address.description)) == address)
    }

    @Test("a range holds what shares its prefix, at every length", arguments: 0...32)
    func ranges(length: Int) {
        let range = IPAddress(version4: 0xFFFF_FFFF, prefixLength: UInt8(length))
        #expect(IPAddress(version4: 0xFFFF_FFFF).isInRange(range))
        #expect(IPAddress(version4: 0).isInRange(range) == (length == 0))
        for (flipped, prefix) in [(UInt64.max, 0), (0, 64)] {
            let wide = IPAddress(version6: .max, .max, prefixLength: UInt8(length + prefix))
            #expect(IPAddress(version6: .max, .max).isInRange(wide))
            #expect(IPAddress(version6: ~flipped, 0).isInRange(wide) == (length == 0))
        }
    }

    @Test(
        "a span of negative length is read down to the smallest",
        arguments: [
            ("-1ms", -1), ("1d2h3m4s5ms", 93_784_005), ("-9223372036854775808ms", Int64.min), ("0d0ms", 0),
        ]
    )
    func durations(text: String, milliseconds: Int64) throws {
        #expect(try TimeSpan(parsing: CedarString(text)).milliseconds == milliseconds)
    }
}
