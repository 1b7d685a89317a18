import CanonicalJSON
import Testing

@Suite("Canonical numbers", .timeLimit(.minutes(10)))
struct CanonicalNumberTests {
    @Test(
        "a double is written as RFC 8785, appendix B, shows",
        arguments: [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7FEF_FFFF_FFFF_FFFF, "1.7976931348623157e+308"),
            (0xFFEF_FFFF_FFFF_FFFF, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xC340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44B5_2D02_C7E1_4AF5, "9.999999999999997e+22"),
            (0x44B5_2D02_C7E1_4AF6, "1e+23"),
            (0x44B5_2D02_C7E1_4AF7, "1.0000000000000001e+23"),
            (0x444B_1AE4_D6E2_EF4E, "999999999999999700000"),
            (0x444B_1AE4_D6E2_EF4F, "999999999999999900000"),
            (0x444B_1AE4_D6E2_EF50, "1e+21"),
            (0x3EB0_C6F7_A0B5_ED8C, "9.999999999999997e-7"),
            (0x3EB0_C6F7_A0B5_ED8D, "0.000001"),
            (0x41B3_DE43_5555_5553, "333333333.3333332"),
            (0x41B3_DE43_5555_5554, "333333333.33333325"),
            (0x41B3_DE43_5555_5555, "333333333.3333333"),
            (0x41B3_DE43_5555_5556, "333333333.3333334"),
            (0x41B3_DE43_5555_5557, "333333333.33333343"),
            (0xBECB_F647_612F_3696, "-0.0000033333333333333333"),
            (0x4314_3FF3_C1CB_0959, "1424953923781206.2"),
        ] as [(UInt64, String)],
    )
    func appendixB(bits: UInt64, text: String) {
        #expect(JSONValue.number(Double(bitPattern: bits)).canonicalText == text)
    }

    @Test(
        "the exponent begins at 1e21 and below 1e-6",
        arguments: [
            (1e20, "100000000000000000000"), (123e18, "123000000000000000000"), (1e21, "1e+21"), (1.5e300, "1.5e+300"),
            (0.00001, "0.00001"), (1e-7, "1e-7"), (-1.25e-7, "-1.25e-7"), (0.5, "0.5"), (100.0, "100"),
            (12.5, "12.5"), (4.5e15, "4500000000000000"), (9_007_199_254_740_991.0, "9007199254740991"),
            (123456.789, "123456.789"), (0.001234, "0.001234"), (1e100, "1e+100"), (-1.5, "-1.5"),
        ],
    )
    func layout(value: Double, text: String) {
        #expect(JSONValue.number(value).canonicalText == text)
    }

    @Test(
        "an integer is its digits up to 2^53 - 1, and the nearest double beyond",
        arguments: [
            (0, "0"), (7, "7"), (-7, "-7"), (10, "10"), (1_234_567_890, "1234567890"),
            (9_007_199_254_740_991, "9007199254740991"), (-9_007_199_254_740_991, "-9007199254740991"),
            (9_007_199_254_740_993, "9007199254740992"), (Int64.max, "9223372036854776000"),
            (Int64.min, "-9223372036854776000"),
        ] as [(Int64, String)],
    )
    func integers(value: Int64, text: String) {
        #expect(JSONValue.integer(value).canonicalText == text)
    }

    @Test("a double that is not finite, which the parser never makes, is written as null")
    func notFinite() {
        #expect(JSONValue.array([.number(.nan), .number(.infinity)]).canonicalText == "[null,null]")
    }

    @Test("every double reads back as itself")
    func roundTrip() throws {
        var random = SplitMix64(seed: 0x6A63_7320_6E75_6D73)
        let limits = JSONLimits(numbers: .int64)
        for _ in 0..<20_000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            let text = JSONValue.number(value).canonicalText
            #expect(Double(text) == value)
            #expect(try JSONParser.parse(text, limits: limits).doubleValue == value)
        }
    }

    @Test("a decimal literal is read as the nearest double, also where a short cut is taken")
    func nearest() throws {
        var random = SplitMix64(seed: 0x6E65_6172_6573_7421)
        for _ in 0..<20_000 {
            let digits = random.next() >> (random.next() % 60)
            let text = "\(digits)e\(Int(random.next() % 80) - 40)"
            #expect(try JSONParser.parse(text, limits: .init(numbers: .int64)).doubleValue == Double(text))
        }
    }
}
