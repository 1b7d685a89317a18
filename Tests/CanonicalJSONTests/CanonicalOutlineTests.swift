import Testing

@testable import CanonicalJSON

@Suite("An outline finds the strings and outer members of a canonical text", .timeLimit(.minutes(5)))
struct CanonicalOutlineTests {
    /// The strings of a value with their members' names, in the order of the text; only those without escapes.
    private func strings(of value: JSONValue, under name: String = "") -> [[String]] {
        switch value {
        case .string(let text): [[name, text]]
        case .array(let elements): elements.flatMap { strings(of: $0, under: name) }
        case .object(let object): object.members.flatMap { strings(of: $0.value, under: $0.key) }
        case .null, .bool, .integer, .number: []
        }
    }

    /// The outline of a text, or `nil` if it gives up.
    private func outline(of bytes: [UInt8]) -> CanonicalOutline? {
        var outline = CanonicalOutline()
        return outline.read(bytes.span) ? outline : nil
    }

    private func text(_ range: Range<Int>, of bytes: [UInt8]) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    @Test("as a tree has them, or gives up, and does so only where there is an escape", arguments: UInt64(0)..<300)
    func random(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let value = random.value(depth: 4)
        let bytes = value.canonicalBytes()
        guard let outline = outline(of: bytes) else {
            #expect(bytes.contains(UInt8(ascii: "\\")))
            return
        }
        let found = outline.texts.map { [text($0.name, of: bytes), text($0.value, of: bytes)] }
        let expected = strings(of: value)
        #expect(found.count == expected.count)
        for (left, right) in zip(found.joined(), expected.joined()) { #expect(UTF8Order.equal(left, right)) }
    }

    @Test("and the members of the object and of the objects in it, with their values as they are written")
    func members() throws {
        let bytes = Array(#"{"a":{"b":{"c":"d"},"e":[{"f":1},"g"]},"h":[{"i":2}],"j":-1.5e3,"k":null}"#.utf8)
        var outline = CanonicalOutline()
        // What was read before leaves no trace.
        for text in [Array(#"{"x":"y"}"#.utf8), bytes] {
            let isRead = outline.read(text.span)
            #expect(isRead)
        }
        let found = outline.members.map { member in
            [member.parent, member.name, member.value, member.whole].map { text($0, of: bytes) }
        }
        #expect(
            found == [
                ["a", "b", #"{"c":"d"}"#, #""b":{"c":"d"}"#],
                ["a", "e", #"[{"f":1},"g"]"#, #""e":[{"f":1},"g"]"#],
                ["", "a", #"{"b":{"c":"d"},"e":[{"f":1},"g"]}"#, #""a":{"b":{"c":"d"},"e":[{"f":1},"g"]}"#],
                ["", "h", #"[{"i":2}]"#, #""h":[{"i":2}]"#], ["", "j", "-1.5e3", #""j":-1.5e3"#],
                ["", "k", "null", #""k":null"#],
            ]
        )
        #expect(outline.texts.map { text($0.value, of: bytes) } == ["d", "g"])
        #expect(outline.texts.map { text($0.name, of: bytes) } == ["c", "e"])
    }

    @Test(
        "it gives up at what we do not write",
        arguments: [
            "", " {}", "{} ", #"{ "a":1}"#, #"{"a": 1}"#, #"{"a":"\n"}"#, #"{"\n":1}"#, #"{"a":1"#, #"{"a":1,}"#,
            "[1,]",
            #"{"a""#, #"{"a":"b}"#, #"{a:1}"#, "[", "{}{}", "\"\u{1}\"", #"{"a":x}"#,
        ]
    )
    func givesUp(_ text: String) { #expect(outline(of: Array(text.utf8)) == nil) }

    @Test("every cut and every changed byte of a text is read without a trap")
    func hostile() {
        let bytes = Array(#"{"a":{"b":["c",{"d":true}]},"e":"f","g":12}"#.utf8)
        for index in bytes.indices {
            #expect(outline(of: Array(bytes[..<index])) == nil)
            for byte in UInt8.min...UInt8.max {
                var changed = bytes
                changed[index] = byte
                guard let outline = outline(of: changed) else { continue }
                // Whatever is JSON has all its strings in the outline.
                guard let value = try? JSONParser.parse(changed) else { continue }
                #expect(outline.texts.count == strings(of: value).count)
            }
        }
        #expect(outline(of: [UInt8](repeating: UInt8(ascii: "["), count: 100_000)) == nil)
    }
}
