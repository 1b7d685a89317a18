import CanonicalJSON
import Testing

@Suite("Values and objects", .timeLimit(.minutes(10)))
struct JSONValueTests {
    private let precomposed = "\u{E9}"
    private let decomposed = "e\u{301}"

    @Test("strings and keys that differ in bytes differ, although Swift's strings are equal")
    func bytesDecide() {
        #expect(precomposed == decomposed)
        #expect(JSONValue.string(precomposed) != .string(decomposed))
        #expect(Set([JSONValue.string(precomposed), .string(decomposed)]).count == 2)
        let object = JSONObject([(precomposed, 1), (decomposed, 2)])
        #expect(object.count == 2)
        #expect(object[precomposed] == 1)
        #expect(object[decomposed] == 2)
        #expect(JSONObject([(precomposed, 1)]) != JSONObject([(decomposed, 1)]))
        #expect(JSONObject([(precomposed, 1)]).members.first != JSONObject([(decomposed, 1)]).members.first)
    }

    @Test(
        "numbers are equal when their values are, however written",
        arguments: [
            (.integer(1), .number(1), true), (.integer(0), .number(-0.0), true), (.integer(1), .number(1.5), false),
            (.integer(.max), .number(0x1p63), false), (.integer(.min), .number(-0x1p63), true),
            (.number(0.5), .number(0.5), true), (.integer(1), .string("1"), false), (.null, .bool(false), false),
            (.array([]), .object([:]), false), (.bool(true), .integer(1), false), (.number(1e300), .integer(3), false),
        ] as [(JSONValue, JSONValue, Bool)],
    )
    func numbers(left: JSONValue, right: JSONValue, areEqual: Bool) {
        #expect((left == right) == areEqual)
        #expect((right == left) == areEqual)
        if areEqual { #expect(left.hashValue == right.hashValue) }
    }

    @Test("an object is equal whatever the order of its members, and a later duplicate replaces an earlier one")
    func members() {
        #expect(JSONObject([("b", 1), ("a", 2)]) == JSONObject([("a", 2), ("b", 1)]))
        #expect(JSONObject([("a", 1), ("b", 2), ("a", 3)]) == ["a": 3, "b": 2])
        #expect(JSONObject([("a", 1), ("a", 2), ("a", 3)]).map(\.value) == [3])
        #expect(JSONObject().isEmpty)
    }

    @Test("setting adds in order, replaces, and with nil removes")
    func setting() {
        var object = JSONObject()
        object["b"] = 1
        object["a"] = 2
        object["\u{E000}"] = 4
        object["😀"] = 3
        object["b"] = "x"
        object["none"] = nil
        #expect(object.map(\.key) == ["a", "b", "😀", "\u{E000}"])
        #expect(object["b"] == "x")
        object["a"] = nil
        #expect(object["a"] == nil)
        #expect(object.count == 3)
    }

    @Test("a value gives what it is and nothing else")
    func accessors() {
        let value: JSONValue = ["s": "x", "i": 7, "d": 1.5, "b": true, "n": nil, "a": [1], "o": [:]]
        #expect(value["s"]?.stringValue == "x")
        #expect(value["i"]?.integerValue == 7)
        #expect(value["i"]?.doubleValue == 7)
        #expect(value["d"]?.doubleValue == 1.5)
        #expect(value["d"]?.integerValue == nil)
        #expect(value["b"]?.boolValue == true)
        #expect(value["n"]?.isNull == true)
        #expect(value["a"]?.arrayValue == [1])
        #expect(value["o"]?.objectValue == [:])
        #expect(value["s"]?["x"] == nil)
        #expect(value["missing"] == nil)
        for key in ["s", "i", "d", "b", "n", "a", "o"] {
            let member = value[key]
            let answers: [Any?] = [
                member?.stringValue, member?.doubleValue, member?.boolValue, member?.arrayValue, member?.objectValue,
            ]
            #expect(answers.compactMap(\.self).count == (key == "n" ? 0 : 1))
            #expect(member?.isNull == (key == "n"))
        }
    }
}
