import CanonicalJSON
import Testing

@Suite("Strict reading", .timeLimit(.minutes(10)))
struct StrictnessTests {
    @Test(
        "a well-formed text is accepted",
        arguments: [
            "null", "true", "false", "0", "-0", "-1", "1.5", "1e5", "1E+2", "1e-2", "0e1", "0.0", "-0.0e-0",
            "123456789012345",
            "9007199254740991", "-9007199254740991", "1.7976931348623157e308", "5e-324", "0e999999999", "0.1", "1e21",
            "0.10000000000000001", "1.50000000000000000000000000", "333333333.33333329", "\"\"", "\" \"",
            "\"a\u{7F}b\"",
            #""\"\\\/\b\f\n\r\t""#, #""\u0000""#, #""\uD83D\uDE00""#, #""\ud83d\ude00""#, #""\uFFFD""#, #""\\u0000""#,
            "\"é\"", "\"\u{2028}\u{2029}\"", "\"😀\"", "\"\u{10FFFD}\"", "\"\u{FEFF}\"", "\"\u{FFFD}\"", "[]", "{}",
            "[ ]", "{ }", "[[]]", "[{}]", "[1,2]", "\t[\n1\r,\t2 ]\n", #"{"a":1}"#, #"{"a":{"a":1}}"#, #"{"":0}"#,
            #"{"a":1,"A":2}"#, #"{"\u00e9":1,"e\u0301":2}"#, #"{"\u0000":1}"#, #"{ "a" : [ 1 , "x" ] , "b" : null }"#,
            #"[null,1,"1",{}]"#, #""/*not a comment*/""#,
        ],
    )
    func accepted(text: String) {
        #expect(throws: Never.self) { try JSONParser.parse(text) }
    }

    @Test(
        "a text that is not JSON, or not I-JSON, is refused with this code at this place",
        arguments: Refusal.all,
    )
    func refused(_ row: Refusal) {
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(row.text) }
        #expect(error?.code == row.code)
        #expect(error?.offset == row.offset)
    }

    @Test("U+FDD0 to U+FDEF, and only these between, are refused as noncharacters")
    func noncharacterBlock() throws {
        for scalar in 0xFDC0...UInt32(0xFDFF) {
            let bytes = Array("\"".utf8) + (Unicode.Scalar(scalar).flatMap(UTF8.encode).map(Array.init) ?? []) + [0x22]
            let escaped = "\"\\u\(String(scalar, radix: 16))\""
            if 0xFDD0...0xFDEF ~= scalar {
                #expect(throws: JSONError.self) { try JSONParser.parse(bytes) }
                #expect(throws: JSONError.self) { try JSONParser.parse(escaped) }
            } else {
                #expect(try JSONParser.parse(bytes) == JSONParser.parse(escaped))
            }
        }
    }

    @Test(
        "bytes that are not UTF-8 are refused at their first byte",
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
            [0xE2, 0x82], [0xE2, 0x28, 0xA1], [0xE2, 0x82, 0x28], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
            [0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF0, 0x9F, 0x98], [0xF0, 0x9F, 0x28, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
            [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF],
        ] as [[UInt8]],
    )
    func invalidUTF8(bytes: [UInt8]) {
        for prefix in ["", "ab", "\\n"] {
            let start = Array("\"\(prefix)".utf8)
            let error = #expect(throws: JSONError.self) { try JSONParser.parse(start + bytes + [0x22]) }
            #expect(error?.code == .invalidUTF8)
            #expect(error?.offset == start.count)
        }
        let truncated = #expect(throws: JSONError.self) { try JSONParser.parse([0x22] + bytes) }
        #expect(truncated?.code == .invalidUTF8)
    }

    @Test("a text that is cut anywhere is refused")
    func truncated() throws {
        let bytes = Array(#"{"a":[1.5e-3,true,null,"\ud83d\ude00é😀"],"b":{"c":-12}}"#.utf8)
        _ = try JSONParser.parse(bytes)
        for length in bytes.indices {
            #expect(throws: JSONError.self) { try JSONParser.parse(bytes[..<length]) }
        }
    }

    @Test("no change of one byte makes the parser trap, and what it accepts has a canonical form that it accepts")
    func mutated() throws {
        let bytes = Array(#"{"a":[1.5e-3,9007199254740991,null,"\ud83d\ude00é😀"],"b":{"c":-12}}"#.utf8)
        for index in bytes.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = bytes
                changed[index] = byte
                guard let value = try? JSONParser.parse(changed) else { continue }
                #expect(try JSONParser.parse(value.canonicalBytes()) == value)
            }
        }
    }
}
