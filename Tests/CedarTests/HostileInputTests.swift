import CanonicalJSON
import Foundation
import Testing

@testable import Cedar

@Suite("Hostile input", .timeLimit(.minutes(10)))
struct HostileInputTests {
    @Test("sets within sets that differ only at the bottom cost no more than their size")
    func nestedSets() {
        var layer = (0..<3).map { Value(Int64($0)) }
        for _ in 0..<15 {
            layer = (0..<3).map { .set(ValueSet([layer[($0 + 1) % 3], layer[($0 + 2) % 3]])) }
        }
        #expect(Set(layer).count == 3)
        #expect(ValueSet(layer + layer).count == 3)
        #expect(layer[0] != layer[1])
    }

    @Test(
        "what nests too deep is refused, in whatever way it nests",
        arguments: [
            String(repeating: "(", count: 100_000) + "1" + String(repeating: ")", count: 100_000),
            String(repeating: "(", count: 10_000),
            String(repeating: "[", count: 10_000),
            String(repeating: "{a:", count: 10_000),
            String(repeating: "ip(", count: 10_000),
            String(repeating: "if ", count: 10_000),
            String(repeating: "if true then 1 else ", count: 5_000) + "1",
            String(repeating: "!", count: 10_000) + "true",
            String(repeating: "-", count: 10_000) + "1",
            String(repeating: "!(", count: 10_000),
            String(repeating: "principal.a(", count: 10_000),
            "principal" + String(repeating: ".a", count: 10_000),
            "principal" + String(repeating: "[\"a\"]", count: 10_000),
            "principal has a" + String(repeating: ".a", count: 10_000),
            "[1]" + String(repeating: ".contains(1)", count: 10_000),
            String(repeating: "(1 == ", count: 10_000),
        ]
    )
    func deep(expression: String) {
        #expect(throws: PolicyErrors.self) { try PolicySet(whenever: expression) }
    }

    @Test("parentheses around a scope's entity are counted too", arguments: ["principal ==", "principal in"])
    func deepScope(start: String) {
        let text = "permit (\(start) " + String(repeating: "(", count: 10_000)
        #expect(throws: PolicyErrors.self) { try PolicySet(text: text) }
    }

    @Test("the deepest that is allowed can be read, printed, compared and evaluated on a small stack")
    func smallStack() throws {
        let limit = PolicyLimits().nesting
        let expressions = [
            String(repeating: "(", count: limit - 4) + "true" + String(repeating: ")", count: limit - 4),
            String(repeating: "!(", count: limit - 4) + "true" + String(repeating: ")", count: limit - 4),
            String(repeating: "[", count: limit - 4) + String(repeating: "]", count: limit - 4),
            String(repeating: "{a: ", count: limit - 4) + "context" + String(repeating: "}", count: limit - 4),
            String(repeating: "(context == ", count: limit - 4) + "1" + String(repeating: ")", count: limit - 4),
            String(repeating: "(true && ", count: limit - 4) + "true" + String(repeating: ")", count: limit - 4),
            String(repeating: "(1 + ", count: limit - 4) + "1" + String(repeating: ")", count: limit - 4),
            String(repeating: "if true then ", count: limit - 4) + "1" + String(repeating: " else 1", count: limit - 4),
            "context" + String(repeating: ".a", count: limit - 4),
        ]
        let failures = FailureList()
        let thread = Thread {
            for expression in expressions {
                do {
                    let set = try PolicySet(whenever: expression)
                    let again = try PolicySet(text: set.canonicalText)
                    if again.policies.map(\.conditions) != set.policies.map(\.conditions) {
                        failures.add("not the same again: \(expression.prefix(40))")
                    }
                    _ = set.authorize(.sample, Entities.empty)
                } catch {
                    failures.add("\(expression.prefix(40)): \(error)")
                }
            }
            failures.finish()
        }
        // The threads of a Linux server have 8 MiB. Unoptimised frames are several times larger than optimised ones.
        #if DEBUG
            thread.stackSize = 4 << 20
        #else
            thread.stackSize = 512 << 10
        #endif
        thread.start()
        failures.wait()
        #expect(failures.all.isEmpty)
    }

    @Test(
        "data nested as deep as JSON may be is read, compared, hashed and let go on a small stack",
        arguments: [64, 500]
    )
    func deepData(depth: Int) {
        let failures = FailureList()
        let thread = Thread {
            for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
                let value = String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
                let entity = "{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"x\":\(value)},\"parents\":[]}"
                do {
                    let context = try Record(json: JSONValue(cedar: "{\"x\":\(value),\"y\":\(value)}"))
                    let entities = try Entities(json: JSONValue(cedar: "[\(entity),\(entity)]"))
                    let set = try PolicySet(
                        whenever: """
                            context.x == context.y && principal.x == context.y && [context].contains(context)
                            && [context, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].contains(context)
                            """,
                    )
                    let request = Request(
                        principal: Request.sample.principal,
                        action: Request.sample.action,
                        resource: Request.sample.resource,
                        context: context,
                    )
                    if set.authorize(request, entities).decision != .allow { failures.add("denied: \(open)") }
                } catch {
                    failures.add("\(open): \(error)")
                }
            }
            failures.finish()
        }
        #if DEBUG
            thread.stackSize = 4 << 20
        #else
            thread.stackSize = 512 << 10
        #endif
        thread.start()
        failures.wait()
        #expect(failures.all.isEmpty)
    }

    @Test(
        "a long chain is not a deep one",
        arguments: [
            (String(repeating: "true && ", count: 10_000) + "true", true),
            (String(repeating: "false || ", count: 10_000) + "true", true),
            (String(repeating: "1 + ", count: 10_000) + "1 == 10001", true),
            (String(repeating: "1 * ", count: 10_000) + "1 == 1", true),
            ("[" + String(repeating: "1, ", count: 10_000) + "2].contains(2)", true),
        ]
    )
    func long(expression: String, isTrue: Bool) throws {
        let set = try PolicySet(whenever: expression)
        #expect((set.authorize(.sample, Entities.empty).decision == .allow) == isTrue)
        #expect(try PolicySet(text: set.canonicalText).policies.count == 1)
    }

    @Test("a string of a mebibyte is read, matched and printed")
    func longString() throws {
        let text = String(repeating: "a", count: 1 << 20)
        let set = try PolicySet(whenever: "\"\(text)b\" like \"\(String(repeating: "*a", count: 1_000))*b\"")
        #expect(set.authorize(.sample, Entities.empty).decision == .allow)
        #expect(set.canonicalText.utf8.count > 1 << 20)
    }

    @Test("a file beyond the limit is not looked at")
    func size() throws {
        let source = PolicySource(name: "a", text: String(repeating: " ", count: 101))
        #expect(throws: PolicyErrors.self) {
            try PolicySet(parsing: [source], limits: PolicyLimits(fileBytes: 100))
        }
        #expect(try PolicySet(parsing: [source], limits: PolicyLimits(fileBytes: 101)).policies.isEmpty)
    }

    @Test("problems are reported up to a limit")
    func errorLimit() {
        do {
            _ = try PolicySet(text: String(repeating: "permit (a);\n", count: 10_000))
            Issue.record("the text was read")
        } catch {
            #expect(error.errors.count == PolicyLimits().errors)
        }
    }

    @Test("quotes that are never closed are looked for once, not once for each")
    func unclosedQuotes() {
        for (start, line) in [("\"\n", "\\\"\n"), ("", "\" \\\n"), ("\"\n", "\\\"\\\"\\\"\n")] {
            let text = start + String(repeating: line, count: 120_000)
            #expect(throws: PolicyErrors.self) { try PolicySet(text: text) }
        }
        // What closes after one that does not is still a string.
        let kinds = Lexer.tokens(of: Array("\"a\\\n\"b\" \"c\\\"".utf8)).map(\.kind)
        #expect(kinds == [.invalid, .string, .invalid, .end])
    }

    @Test("an annotation that stands twice is found among very many")
    func manyAnnotations() throws {
        let names = (0..<60_000).map { "@a\($0)" }.joined(separator: " ")
        let policy = "permit (principal, action, resource);"
        #expect(try PolicySet(text: "\(names) \(policy)").policies[0].annotations.count == 60_000)
        #expect(throws: PolicyErrors.self) { try PolicySet(text: "\(names) @a77 \(policy)") }
    }

    @Test("a template's conditions are held once, however many links it has")
    func manyLinks() throws {
        let condition = (0..<5_000).map { "context.n != \($0)" }.joined(separator: " && ")
        let template = "permit (principal == ?principal, action, resource) when { \(condition) };"
        let other = "permit (principal == ?principal, action, resource) when { context.n == 1 };"
        let set = try PolicySet(text: template + other)
        let links = (0..<20_000).map { number in
            let user = EntityUID(type: "User", id: CedarString("\(number)"))
            return TemplateLink(id: "l\(number)", template: "policy\(number % 2)", values: [.principal: user])
        }
        let one = try set.linking(Array(links.prefix(2)))
        let all = try set.linking(links)
        #expect(all.program.nodes.count == one.program.nodes.count)
        #expect(all.program.lists.count == one.program.lists.count)
        func allowed(_ user: Int, _ number: Int64) -> [String] {
            let request = Request(
                principal: EntityUID(type: "User", id: CedarString("\(user)")),
                action: Request.sample.action,
                resource: Request.sample.resource,
                context: Record(members: [.init(name: "n", value: .long(number))]),
            )
            return all.authorize(request, Entities.empty).reasons
        }
        #expect(allowed(4, 6_000) == ["l4"] && allowed(4, 1) == [])
        #expect(allowed(5, 6_000) == [] && allowed(5, 1) == ["l5"])
        #expect(all.policies[5].text == all.policies[5].canonicalText)
        #expect(all.policies[5].text.contains("principal == User::\"5\""))
    }

    @Test("no cut or damaged text traps the parser")
    func damage() {
        let text = Array(
            #"""
            @id("a\u{41}") permit (principal is A in A::"b", action in [Action::"x"], resource) // c
            when { if context has a.b then !(-1 + 2 * 3 < 4) else ["x", {a: 1, "b": ip("::1")}].contains(1) }
            unless { context["a"].b like "a*\*" && principal in resource || principal is B };
            """#.utf8,
        )
        for cut in text.indices {
            _ = try? PolicySet(text: String(decoding: text[..<cut], as: UTF8.self))
            _ = try? PolicySet(text: String(decoding: text[cut...], as: UTF8.self))
            for byte in [0x00, 0x22, 0x28, 0x29, 0x3A, 0x3B, 0x5C, 0x7B, 0x7D, 0xC3, 0xFF] as [UInt8] {
                var damaged = text
                damaged[cut] = byte
                _ = try? PolicySet(text: String(decoding: damaged, as: UTF8.self))
            }
        }
    }

    @Test("a long chain of parents is walked without recursion, a cycle of them is refused")
    func longChain() throws {
        func uid(_ number: Int) -> EntityUID { EntityUID(type: "G", id: "\(number)") }
        let count = 500
        var chain = (0..<count).map { Entity(uid: uid($0), parents: [uid($0 + 1)]) }
        let entities = try Entities(chain)
        #expect(entities.isAncestor(uid(count), of: uid(0)))
        #expect(!entities.isAncestor(uid(0), of: uid(count)))
        chain.append(Entity(uid: uid(count), parents: [uid(0)]))
        #expect(throws: EntitiesError.self) { try Entities(chain) }
    }

    @Test("a hierarchy that would need too much memory is refused")
    func ancestorLimit() throws {
        let chain = (0..<20_000).map { number in
            Entity(uid: EntityUID(type: "G", id: "\(number)"), parents: [EntityUID(type: "G", id: "\(number + 1)")])
        }
        #expect(throws: EntitiesError.tooManyAncestors(limit: 50_000)) { try Entities(chain, ancestorLimit: 50_000) }
        #expect(try Entities(chain.prefix(10) + [], ancestorLimit: 55).count == 10)
        #expect(throws: EntitiesError.self) { try Entities(chain.prefix(10) + [], ancestorLimit: 54) }
    }
}

/// What went wrong on another thread.
private final class FailureList: @unchecked Sendable {
    // Guarded by `condition`, which is what makes this sendable.
    private var failures: [String] = []
    private var isFinished = false
    private let condition = NSCondition()

    var all: [String] {
        self.condition.withLock { self.failures }
    }

    func add(_ failure: String) {
        self.condition.withLock { self.failures.append(failure) }
    }

    func finish() {
        self.condition.withLock {
            self.isFinished = true
            self.condition.signal()
        }
    }

    func wait() {
        self.condition.withLock {
            while !self.isFinished { self.condition.wait() }
        }
    }
}
