import CanonicalJSON
import Testing

@Suite("Limits and errors", .timeLimit(.minutes(10)))
struct JSONLimitsTests {
    @Test("64 containers within each other are accepted and the 65th is refused")
    func depth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSONParser.parse(nested(64))
        _ = try JSONParser.parse("[\(nested(63)),\(nested(63))]")
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(nested(65)) }
        #expect(error?.code == .tooDeep)
        #expect(error?.offset == 64)
        let objects = String(repeating: #"{"a":"#, count: 100_000)
        #expect(throws: JSONError.self) { try JSONParser.parse(objects) }
    }

    @Test("no limit lets the depth exceed 512")
    func depthCeiling() {
        let bytes = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(bytes, limits: .init(maxDepth: .max)) }
        #expect(error?.offset == 512)
    }

    @Test("a text longer than allowed is refused, one of exactly that length is not")
    func size() throws {
        _ = try JSONParser.parse("[10]", limits: .init(maxBytes: 4))
        let error = #expect(throws: JSONError.self) { try JSONParser.parse("[100]", limits: .init(maxBytes: 4)) }
        #expect(error?.code == .tooLarge)
    }

    @Test(
        "the 64-bit policy keeps integers whole and gives other numbers as doubles",
        arguments: [
            ("9007199254740993", .integer(9_007_199_254_740_993)), ("9223372036854775807", .integer(.max)),
            ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .number(0x1p63)),
            ("-9223372036854775809", .number(-0x1p63)), ("1e20", .number(1e20)),
            ("3.141592653589793238462643383279", .number(3.141592653589793)), ("1e-400", .number(0)),
            ("100000000000000000000", .number(1e20)), ("-0", .number(-0.0)),
        ] as [(String, JSONValue)],
    )
    func int64Policy(text: String, value: JSONValue) throws {
        let parsed = try JSONParser.parse(text, limits: .init(numbers: .int64))
        #expect(parsed == value)
        #expect((parsed.integerValue == nil) == (value.integerValue == nil))
    }

    @Test("overflow, and a literal of thousands of digits, is refused under every policy")
    func overflow() {
        let digits = String(repeating: "1", count: 3000)
        for text in ["1e309", "-1e309", "2e308", digits, "0.\(digits)", "1e\(digits)"] {
            for numbers in [JSONLimits.NumberPolicy.iJSON, .int64] {
                let error = #expect(throws: JSONError.self) {
                    try JSONParser.parse(text, limits: .init(numbers: numbers))
                }
                #expect(error?.code == .numberOutOfRange)
            }
        }
    }

    @Test("noncharacters are accepted where the limits say so")
    func noncharacters() throws {
        let limits = JSONLimits(allowsNoncharacters: true)
        #expect(try JSONParser.parse("\"\u{FFFF}\\uFFFE\"", limits: limits) == .string("\u{FFFF}\u{FFFE}"))
    }

    @Test("a duplicate is found in a large object whatever the order, at its second place")
    func largeObjects() throws {
        for count in [23, 24, 25, 26, 1000] {
            let keys = (0..<count).map { "k\($0 * 7919 % 100_003)" }
            for order in [keys, keys.sorted(), keys.sorted().reversed()] {
                let members = order.map { "\"\($0)\":1" }.joined(separator: ",")
                let object = try #require(try JSONParser.parse("{\(members)}").objectValue)
                #expect(object.map(\.key) == keys.sorted())
                let text = "{\(members),\"\(order[1])\":{},\"zz\":[]}"
                let error = #expect(throws: JSONError.self) { try JSONParser.parse(text) }
                #expect(error?.code == .duplicateKey)
                #expect(error?.offset == members.utf8.count + 2)
            }
        }
    }

    @Test("an error names line and column, counted in code points, and repeats nothing of the text")
    func description() {
        let error = #expect(throws: JSONError.self) { try JSONParser.parse("{\n  \"é😀\": secret}") }
        #expect(error?.line == 2)
        #expect(error?.column == 9)
        #expect(
            error.map { "\($0)" }
                == "a character stands where JSON does not allow it (unexpected-character, line 2, column 9)"
        )
    }

    @Test("every code is kebab-case")
    func codes() {
        for code in JSONError.Code.allCases {
            #expect(code.rawValue.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x2D || $0 == 0x38 })
        }
    }

    @Test("arrays, slices, strings and collections that are not contiguous read alike")
    func inputs() throws {
        let text = #"{"a":["é",1]}"#
        let value: JSONValue = ["a": ["é", 1]]
        #expect(try JSONParser.parse(text) == value)
        #expect(try JSONParser.parse(Array(text.utf8)) == value)
        #expect(try JSONParser.parse(Array(text.utf8)[...]) == value)
        #expect(try JSONParser.parse(Array(text.utf8.reversed()).reversed() as ReversedCollection) == value)
        #expect(try JSONParser.parse(Array(text.utf8).span) == value)
    }
}
