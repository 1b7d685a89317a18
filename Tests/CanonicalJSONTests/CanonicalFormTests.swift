import CanonicalJSON
import Testing

@Suite("Canonical form", .timeLimit(.minutes(10)))
struct CanonicalFormTests {
    @Test("the example of RFC 8785, section 3.2, has the bytes of section 3.2.4")
    func example() throws {
        let text = #"""
            {
              "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
              "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
              "literals": [null, true, false]
            }
            """#
        let hex = """
            7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a5b3333333333333333332e333333\
            333333332c31652b33302c342e352c302e3030322c31652d32375d2c22737472696e67223a22e282ac245c75303030665c6e4127425c22\
            5c5c5c5c5c222f227d
            """
        let bytes = try JSONParser.parse(text).canonicalBytes()
        #expect(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == hex)
    }

    @Test("keys are sorted as RFC 8785, section 3.2.3, shows: by UTF-16 code units")
    func sorting() throws {
        let text = #"""
            {"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
             "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}
            """#
        let values = try #require(try JSONParser.parse(text).objectValue).map { $0.value.stringValue ?? "" }
        #expect(
            values == [
                "Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign",
                "Emoji: Grinning Face", "Hebrew Letter Dalet With Dagesh",
            ]
        )
    }

    @Test(
        "a document has this canonical form",
        arguments: [
            (
                #"{"1":{"f":{"f":"hi","F":5},"\n":56.0},"10":{},"":"empty","a":{},"111":[{"e":"yes","E":"no"}],"A":{}}"#,
                #"{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}"#
            ),
            (#" [ 56 , { "d" : true , "10" : null , "1" : [ ] } ] "#, #"[56,{"1":[],"10":null,"d":true}]"#),
            (
                #"{"peach":"This sorting order","péché":"is wrong according to French","pêche":"but canonicalization MUST"}"#,
                #"{"peach":"This sorting order","péché":"is wrong according to French","pêche":"but canonicalization MUST"}"#
            ),
            (#"{"Unnormalized Unicode":"A\u030a"}"#, "{\"Unnormalized Unicode\":\"A\u{30A}\"}"),
            (#""\u20ac$\u000f\nA'B\"\\\\\"\/""#, #""€$\u000f\nA'B\"\\\\\"/""#),
            (
                #""\u0000\u0007\b\t\n\u000b\f\r\u001f\u007f\u2028""#,
                "\"\\u0000\\u0007\\b\\t\\n\\u000b\\f\\r\\u001f\u{7F}\u{2028}\""
            ),
            ("[-0, -0.0, 0e5, 1.0, 10e-1, 1E1]", "[0,0,0,1,1,10]"),
            (#"{"b":1,"aa":2,"a":3,"":4}"#, #"{"":4,"a":3,"aa":2,"b":1}"#),
            ("\t\r\n null ", "null"),
        ],
    )
    func documents(text: String, canonical: String) throws {
        let value = try JSONParser.parse(text)
        #expect(Array(value.canonicalText.utf8) == Array(canonical.utf8))
        #expect(try JSONParser.parse(value.canonicalBytes()) == value)
    }

    @Test("any sequence of keys is sorted as their UTF-16 code units are")
    func order() {
        var random = SplitMix64(seed: 0x7574_6631_3621_2121)
        for _ in 0..<500 {
            let keys = (0..<12).map { _ in random.string() }
            let object = JSONObject(keys.map { ($0, .null) })
            let units = object.map { Array($0.key.utf16) }
            for (left, right) in zip(units, units.dropFirst()) { #expect(left.lexicographicallyPrecedes(right)) }
            #expect(Set(keys.map { Array($0.utf16) }) == Set(units))
        }
    }

    @Test("a hand-written string is escaped as one in a document is")
    func handWritten() {
        for text in ["", "plain", "q\"b\\", "\u{1}\u{1F}\n", "é€😀", String(repeating: "long text, ", count: 20) + "\n"]
        {
            var output = Array("x".utf8)
            appendJSONString(text, to: &output)
            #expect(output == [0x78] + JSONValue.string(text).canonicalBytes())
        }
    }

    @Test("pretty text is indented by two, sorted, and reads back as the value")
    func pretty() throws {
        let value: JSONValue = ["b": [1, ["c": nil], [], [:]], "a": "x\n"]
        let text = """
            {
              "a": "x\\n",
              "b": [
                1,
                {
                  "c": null
                },
                [],
                {}
              ]
            }
            """
        #expect(value.prettyText() == text)
        #expect(try JSONParser.parse(text) == value)
    }

    @Test("random values survive canonical form and parsing, and their canonical form is a fixed point")
    func property() throws {
        var random = SplitMix64(seed: 0x436F_756E_7465_7273)
        for _ in 0..<2_000 {
            let value = random.value(depth: 4)
            let bytes = value.canonicalBytes()
            let parsed = try JSONParser.parse(bytes)
            #expect(parsed == value)
            #expect(parsed.hashValue == value.hashValue)
            #expect(parsed.canonicalBytes() == bytes)
            #expect(try JSONParser.parse(value.prettyText()) == value)
        }
    }
}
