import CanonicalJSON
import Testing

@Suite("What is written without a tree is what the tree would be")
struct CanonicalWriterTests {
    @Test("for members of every kind")
    func members() throws {
        var writer = CanonicalWriter(capacity: 16)
        writer.object { root in
            root.member("array", objects: [1, 2]) { number, object in object.member("n", Int64(number)) }
            root.member("empty") { _ in }
            root.member("none", strings: [])
            root.member("object") { object in
                object.member("a", "é\u{1}\"")
                object.member("b") { $0.member("c", Int64(-5)) }
                object.member("d", "last")
            }
            root.member("strings", strings: ["x", "y\\"])
            root.member("value", ["z": [.null, 1.5, true], "a": "b"] as JSONValue)
        }
        let expected: JSONValue = [
            "array": [["n": 1], ["n": 2]], "empty": [:], "none": [], "strings": ["x", "y\\"],
            "object": ["a": "é\u{1}\"", "b": ["c": -5], "d": "last"], "value": ["z": [.null, 1.5, true], "a": "b"],
        ]
        #expect(writer.bytes == expected.canonicalBytes())
    }

    @Test("for random objects, member by member")
    func random() {
        var source = SplitMix64(seed: 7)
        for _ in 0..<500 {
            let value = source.value(depth: 4)
            guard case .object(let object) = value else { continue }
            var writer = CanonicalWriter(capacity: 16)
            writer.object { root in
                for member in object.members { root.member(member.key, member.value) }
            }
            #expect(writer.bytes == value.canonicalBytes())
        }
    }
}
