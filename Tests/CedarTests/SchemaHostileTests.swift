import Cedar
import Foundation
import Synchronization
import Testing

@Suite("Hostile schemas", .timeLimit(.minutes(10)))
struct SchemaHostileTests {
    @Test(
        "what nests too deep is refused, in whatever way it nests",
        arguments: [
            "type A = " + String(repeating: "Set<", count: 100_000) + "Long" + String(repeating: ">", count: 100_000)
                + ";",
            "type A = " + String(repeating: "{a:", count: 100_000) + "Long" + String(repeating: "}", count: 100_000)
                + ";",
            "entity A " + String(repeating: "{a:", count: 100_000),
            "entity A in " + String(repeating: "[", count: 100_000),
            String(repeating: "namespace N {", count: 100_000),
            String(repeating: "{\"\":", count: 100_000),
            "{\"\":" + String(repeating: "[", count: 100_000),
            (0..<300).map { "type A\($0) = Set<A\($0 + 1)>; " }.joined() + "type A300 = Long;",
        ],
    )
    func deep(text: String) {
        #expect(throws: PolicyErrors.self) { try Schema(text) }
    }

    @Test("the deepest that is allowed can be read on a small stack")
    func smallStack() {
        let depth = Self.depth
        let texts = [
            "type A = " + String(repeating: "Set<", count: depth) + "Long" + String(repeating: ">", count: depth) + ";",
            "type A = " + String(repeating: "{a:", count: depth) + "Long" + String(repeating: "}", count: depth)
                + "; entity E {a?: Long};",
            (0..<depth).map { "type A\($0) = {a: A\($0 + 1)}; " }.joined() + "type A\(depth) = Long; entity E = {};",
        ]
        let done = DispatchSemaphore(value: 0)
        let refused = Mutex<[String]>([])
        let thread = Thread {
            for text in texts where (try? Schema(text)) == nil {
                refused.withLock { $0.append(String(text.prefix(20))) }
            }
            done.signal()
        }
        thread.stackSize = 512 << 10
        thread.start()
        done.wait()
        #expect(refused.withLock { $0 } == [])
    }

    private static let depth = 255

    @Test("aliases may form a chain of any length", arguments: [true, false])
    func chain(isForward: Bool) throws {
        let count = 20_000
        let links = (0..<count).map { "type A\($0) = A\($0 + 1);" } + ["type A\(count) = Long;"]
        let text = (isForward ? links : links.reversed()).joined() + "entity E {a: A0};"
        #expect(try Schema(text).entityTypes["E"]?.attributes.attributes["a"]?.type == .long)
    }

    @Test("a circle of aliases is refused however long it is")
    func circle() throws {
        let count = 20_000
        let text = (0..<count).map { "type A\($0) = A\(($0 + 1) % count);" }.joined()
        #expect(try #require(Schema.errors(of: text)).count == 1)
    }

    @Test("types that multiply are refused where they are used, before they cost anything")
    func exponential() throws {
        let types = (0..<200).map { "type A\($0) = {x: A\($0 + 1), y: A\($0 + 1)};" }.joined() + "type A200 = Long;"
        _ = try Schema(types)
        for use in [
            "entity E {a: A0};", "entity E tags A0;",
            "entity E; action a appliesTo {principal: E, resource: E, context: A0};",
        ] {
            let errors = try #require(Schema.errors(of: types + use))
            #expect(errors.count == 1 && errors[0].message.contains("parts once common types are put in"))
        }
    }

    @Test("a type that is used too often is refused")
    func uses() throws {
        let attributes = (0..<1000).map { "a\($0): Long" }.joined(separator: ",")
        let names = (0..<2000).map { "E\($0)" }.joined(separator: ",")
        let text = "type T = {\(attributes)}; entity \(names) {t: T};"
        #expect(try #require(Schema.errors(of: text)).count == 1)
    }

    @Test("names of megabytes are read, but not multiplied by what is declared in them")
    func longNames() throws {
        let long = String(repeating: "x", count: 1 << 20)
        let schema = try Schema(
            "namespace \(long) { entity \(long) in \(long) {\"\(long)\": Long}; } action \"\(long)\";"
        )
        #expect(schema.entityTypes.count == 1)
        let entities = (0..<100).map { "entity E\($0);" }.joined()
        #expect(throws: PolicyErrors.self) { try Schema("namespace \(long) { \(entities) }") }
        let errors = try #require(Schema.errors(of: "entity A in \(long);"))
        #expect(errors[0].message.utf8.count < 200)
    }

    @Test("a hierarchy of too many steps is refused", arguments: ["entity", "action"])
    func hierarchy(word: String) throws {
        let text = "\(word) E0;" + (1..<10_000).map { "\(word) E\($0) in E\($0 - 1);" }.joined()
        let errors = try #require(Schema.errors(of: text))
        #expect(errors.count == 1 && errors[0].message.contains("steps"))
    }

    @Test("no more problems are kept than the limit says, and one at least")
    func errorLimit() throws {
        let sources = [
            PolicySource(name: "a", text: String(repeating: "entity ; ", count: 100_000)),
            PolicySource(
                name: "b",
                text: "entity A {" + (0..<100_000).map { "a\($0): B\($0)" }.joined(separator: ",") + "};"
            ),
        ]
        for source in sources {
            for limit in [0, 1, 7] {
                do {
                    _ = try Schema(parsing: [source], limits: PolicyLimits(errors: limit))
                    Issue.record("read")
                } catch {
                    #expect(error.errors.count == max(limit, 1))
                }
            }
        }
    }

    @Test("a text that is too long is refused")
    func tooLong() throws {
        for text in ["entity A; entity B;", #"{"": {"entityTypes": {}, "actions": {}}}"#] {
            let source = PolicySource(name: "a", text: text)
            #expect(throws: PolicyErrors.self) { try Schema(parsing: [source], limits: PolicyLimits(fileBytes: 12)) }
        }
    }

    @Test("an open quote, an open brace and every cut of a text are refused or read, never trapped on")
    func cuts() throws {
        let texts = [
            "@a(\"x\") namespace N { type T = {\"a b\"?: Set<Long>}; entity A in [B] = {a: T} tags T; entity B enum [\"\\u{41}\"]; action a in [\"b\"] appliesTo {principal: A, resource: [B], context: T}; action b; }",
            #"{"N": {"commonTypes": {"T": {"type": "Record", "attributes": {"a": {"type": "Set", "element": {"type": "Long"}, "required": false}}}}, "entityTypes": {"A": {"memberOfTypes": ["A"], "tags": {"type": "T"}}}, "actions": {"a": {"appliesTo": {"principalTypes": ["A"], "resourceTypes": ["A"]}}}}}"#,
        ]
        for text in texts {
            _ = try Schema(text)
            let bytes = Array(text.utf8)
            for cut in 1..<bytes.count {
                #expect(throws: PolicyErrors.self) { try Schema(String(decoding: bytes[..<cut], as: UTF8.self)) }
                _ = try? Schema(String(decoding: bytes[cut...], as: UTF8.self))
                _ = try? Schema(String(decoding: bytes[..<cut] + bytes[(cut + 1)...], as: UTF8.self))
            }
        }
    }
}
