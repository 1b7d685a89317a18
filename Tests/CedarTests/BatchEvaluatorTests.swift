import CanonicalJSON
import Cedar
import Synchronization
import Testing

@Suite("Batches of requests", .timeLimit(.minutes(10)))
struct BatchEvaluatorTests {
    /// Files of one batch, which count how often each is read.
    private final class Files: Sendable {
        let texts: [String: String]
        let reads = Mutex<[String]>([])

        init(_ texts: [String: String]) { self.texts = texts }

        func read(_ path: String) throws(BatchEvaluator.FileError) -> [UInt8] {
            self.reads.withLock { $0.append(path) }
            guard let text = self.texts[path] else { throw BatchEvaluator.FileError("there is no such file") }
            return Array(text.utf8)
        }
    }

    private static func isGate(_ policy: Policy) -> Bool { policy.annotation("approvers") != nil }

    private static func answers(_ lines: [String], _ files: Files = Files([:])) throws -> [JSONValue] {
        var evaluator = BatchEvaluator(isLiftable: Self.isGate, read: files.read)
        return try lines.compactMap { evaluator.answer(to: Array($0.utf8)) }.map {
            try JSONValue(cedar: String(decoding: $0, as: UTF8.self))
        }
    }

    private static func answer(_ members: JSONObject) throws -> JSONValue {
        var request: JSONObject = [
            "id": "r", "principal": ["type": "User", "id": "a"], "action": ["type": "Action", "id": "x"],
            "resource": ["type": "Doc", "id": "d"], "context": [:],
        ]
        for member in members { request[member.key] = member.value }
        return try #require(try Self.answers([JSONValue.object(request).canonicalText]).first)
    }

    @Test(
        "an id comes back as it was",
        arguments: [
            "9007199254740993", "-9223372036854775808", "1.5", "\"x\"", "null", "[9007199254740993]", "{\"a\":true}",
        ]
    )
    func ids(_ id: String) throws {
        let answer = try #require(try Self.answers(["{\"id\": \(id), \"policies\": \"\"}"]).first)
        #expect(answer["id"] == (try JSONValue(cedar: id)))
    }

    @Test("an answer has the request's id, the decision, its reasons, the errors and the gates")
    func shape() throws {
        let policies: JSONValue = """
            permit (principal, action, resource);
            permit (principal, action, resource) when { 1 + "a" == 2 };
            """
        let answer = try Self.answer(["policies": policies])
        #expect(
            answer == [
                "id": "r", "decision": "allow", "reasons": ["policy0"], "gates": [], "validation": nil,
                "errors": ["policy1: type error: expected long, got string"],
            ]
        )
    }

    @Test("a policy is named by its @id, or by its place where it has none or where positions are asked for")
    func names() throws {
        let policies: JSONValue = """
            @id("one") permit (principal, action, resource);
            @id("") permit (principal, action, resource);
            permit (principal, action, resource);
            """
        #expect(try Self.answer(["policies": policies])["reasons"] == ["one", "policy1", "policy2"])
        let positions = try Self.answer(["policies": policies, "ids": "positions"])
        #expect(positions["reasons"] == ["policy0", "policy1", "policy2"])
    }

    @Test(
        "where two policies would have one name, all are named by their places",
        arguments: [#"@id("a") X @id("a") X"#, #"X @id("policy0") X"#],
    )
    func ambiguousNames(_ sketch: String) throws {
        let policies = sketch.replacing("X", with: "permit (principal, action, resource);")
        #expect(try Self.answer(["policies": .string(policies)])["reasons"] == ["policy0", "policy1"])
    }

    @Test(
        "gates are named exactly where nothing but gates stands in the way",
        arguments: [
            (["permit", "gate"], ["policy1"]),
            (["permit", "gate", "gate"], ["policy1", "policy2"]),
            (["gate"], []),
            (["permit", "gate", "forbid"], []),
            (["permit", "gate", "broken forbid"], []),
            (["permit", "gate", "broken gate"], []),
            (["permit", "gate", "broken permit"], ["policy1"]),
            (["permit", "idle gate"], []),
        ],
    )
    func gates(_ parts: [String], _ gates: [String]) throws {
        let texts = parts.map { part in
            let isGate = part.hasSuffix("gate")
            let condition =
                part.hasPrefix("broken") ? " when { 1 < true }" : part.hasPrefix("idle") ? " when { false }" : ""
            let effect = part.hasSuffix("permit") ? "permit" : "forbid"
            return "\(isGate ? "@approvers(\"dba\") " : "")\(effect) (principal, action, resource)\(condition);"
        }
        let answer = try Self.answer(["policies": .string(texts.joined(separator: "\n"))])
        #expect(answer["gates"] == .array(gates.map { .string($0) }))
    }

    @Test(
        "what is not what it must be is denied, and the answer says which part it is",
        arguments: [
            (["policies": "permit (principal);"], "policies"),
            (["policies": nil], "policies"),
            (["policies_file": "p"], "policies"),
            (["policies": [1]], "policies"),
            (["entities": [["uid": 1]]], "entities"),
            (["entities": "["], "entities"),
            (["entities_file": "e"], "entities"),
            (["entities_file": 1], "entities"),
            (["schema": "entity ;"], "schema"),
            (["schema": ["": 1]], "schema"),
            (["schema": "entity User; entity Doc; action y;"], "request"),
            (["schema": "entity Doc; action x appliesTo { principal: Doc, resource: Doc };"], "request"),
            (
                [
                    "schema":
                        "entity User; entity Doc; action x appliesTo { principal: User, resource: Doc, context: { a: Long } };"
                ],
                "context"
            ),
            (
                [
                    "schema": "entity User; entity Doc; action x appliesTo { principal: User, resource: Doc };",
                    "entities": [["uid": ["type": "User", "id": "a"], "attrs": ["n": 1], "parents": []]],
                ],
                "entities"
            ),
            (["context": "{"], "context"),
            (["context": [1]], "context"),
            (["context": ["a": nil]], "context"),
            (["principal": nil], "request"),
            (["principal": "User"], "request"),
            (["resource": ["type": "a b", "id": "x"]], "request"),
            (["ids": "names"], "line"),
            (["validation_mode": "lax"], "line"),
            (["links": [["template_id": "policy0", "new_id": "l", "values": [:]]]], "policies"),
            (["links": [1]], "policies"),
        ] as [(JSONObject, String)],
    )
    func refusals(_ members: JSONObject, _ part: String) throws {
        var request: JSONObject = ["policies": "permit (principal, action, resource);"]
        for member in members { request[member.key] = member.value }
        if members["policies_file"] != nil { request["policies"] = nil }
        let answer = try Self.answer(request)
        #expect(answer["refused"]?.stringValue == part)
        #expect(answer["decision"] == "deny")
        #expect(answer["id"] == "r")
        #expect(answer["errors"]?.arrayValue?.isEmpty == false)
    }

    @Test("every error of the policies is said, with line and column")
    func positions() throws {
        let answer = try Self.answer(["policies": "permit (principal);\nforbid (actor, action, resource);"])
        let errors = try #require(answer["errors"]?.arrayValue).compactMap(\.stringValue)
        #expect(errors.count == 2)
        #expect(errors.first?.hasPrefix("policies:1:") == true)
        #expect(errors.last?.hasPrefix("policies:2:") == true)
    }

    @Test("every line is answered, in order, whatever it holds; a blank one is no line")
    func everyLine() throws {
        let deep = String(repeating: "[", count: 100_000)
        let long = String(repeating: "x", count: 1 << 20)
        let request = #"{"id": 7, "policies": "permit (principal, action, resource) when { \"LONG\" == \"\" };"}"#
        let lines = [
            "", "{", "[]", "7", "\u{0}", deep, #"{"id": "a\u0000"}"#, "  \r", #"{"id": 1, "id": 2}"#,
            request.replacing("LONG", with: long),
            #"{"id": 8, "policies": "permit (principal, action, resource) when { DEEP };"}"#
                .replacing("DEEP", with: String(repeating: "(", count: 100_000)),
            #"{"id": 9, "policies": "permit (principal, action, resource);", "context": DEEP}"#
                .replacing(
                    "DEEP",
                    with: String(repeating: #"{"a":"#, count: 400) + "1" + String(repeating: "}", count: 400)
                ),
        ]
        let answers = try Self.answers(lines)
        #expect(answers.count == 10)
        #expect(answers.allSatisfy { $0["decision"] == "deny" && $0["refused"] != nil })
        #expect(answers.map { $0["id"] ?? 0 } == [nil, nil, nil, nil, nil, "a\u{0}", nil, 7, 8, 9])
    }

    @Test("a file that several lines name is read once")
    func files() throws {
        let schema = "entity User; entity Doc; action x appliesTo { principal: User, resource: Doc };"
        let files = Files([
            "p.cedar": "permit (principal, action, resource) when { principal has name };", "e.json": "[]",
            "s.cedarschema": schema,
        ])
        let line = """
            {"policies_file": "p.cedar", "entities_file": "e.json", "schema_file": "s.cedarschema", "principal": \
            {"type": "User", "id": "a"}, "action": {"type": "Action", "id": "x"}, "resource": {"type": "Doc", "id": "d"}}
            """
        let answers = try Self.answers([line, line, line], files)
        #expect(answers.count == 3)
        #expect(answers.allSatisfy { $0["refused"] == nil && $0["validation"]?["passed"] == true })
        #expect(files.reads.withLock { $0.sorted() } == ["e.json", "p.cedar", "s.cedarschema"])
    }

    @Test("what is kept for later lines is bounded, and the answers are the same without it")
    func forgetting() {
        let files = Files(["p.cedar": "permit (principal, action, resource);"])
        var evaluator = BatchEvaluator(cachedBytes: 8, isLiftable: Self.isGate, read: files.read)
        let line = """
            {"policies_file": "p.cedar", "principal": "User::\\"a\\"", "action": "Action::\\"x\\"", "resource": "D::\\"d\\""}
            """
        for _ in 0..<3 {
            let answer = evaluator.answer(to: Array(line.utf8))
            #expect(String(decoding: answer ?? [], as: UTF8.self).contains(#""decision":"allow""#))
        }
        #expect(files.reads.withLock { $0.count } == 3)
    }

    @Test("validation says what is wrong where a schema is given, strictly unless told otherwise")
    func validation() throws {
        let schema: JSONValue = "entity User; entity Doc; action x appliesTo { principal: User, resource: Doc };"
        let policies: JSONValue = "permit (principal, action, resource) when { [] == [] };"
        let strict = try Self.answer(["policies": policies, "schema": schema])
        #expect(strict["validation"]?["passed"] == false)
        let errors = try #require(strict["validation"]?["errors"]?.arrayValue).compactMap(\.stringValue)
        #expect(errors.allSatisfy { $0.hasPrefix("policy0: policies:1:") } && !errors.isEmpty)
        #expect(strict["decision"] == "allow")
        let permissive = try Self.answer(["policies": policies, "schema": schema, "validation_mode": "permissive"])
        #expect(permissive["validation"]?["passed"] == true)
    }

    @Test("a template's links are policies, by the template's place or its @id")
    func links() throws {
        let policies: JSONValue = #"@id("share") permit (principal == ?principal, action, resource);"#
        for template in ["policy0", "share"] as [JSONValue] {
            let link: JSONValue = [
                "template_id": template, "new_id": "linked", "values": ["?principal": ["type": "User", "id": "a"]],
            ]
            let answer = try Self.answer(["policies": policies, "links": [link], "ids": "positions"])
            #expect(answer["decision"] == "allow")
            #expect(answer["reasons"] == ["linked"])
        }
    }

    @Test("a link is named by its own id, whatever the @id of its template")
    func linkNames() throws {
        let policies: JSONValue = """
            @id("all") permit (principal, action, resource);
            @id("share") permit (principal == ?principal, action, resource);
            """
        func link(_ id: String) -> JSONValue {
            let values: JSONValue = ["?principal": ["type": "User", "id": "a"]]
            return ["template_id": "share", "new_id": .string(id), "values": values]
        }
        let answer = try Self.answer(["policies": policies, "links": [link("first"), link("second")]])
        #expect(answer["reasons"] == ["all", "first", "second"])
        // One name for two policies.
        let ambiguous = try Self.answer(["policies": policies, "links": [link("all")]])
        #expect(ambiguous["reasons"] == ["policy0", "all"])
    }

    @Test("policies may be JSON, as a text or in the line itself")
    func jsonPolicies() throws {
        let policy: JSONValue = [
            "effect": "permit", "principal": ["op": "All"], "action": ["op": "All"], "resource": ["op": "All"],
            "conditions": [],
        ]
        let set: JSONValue = ["staticPolicies": ["p": policy], "templates": [:], "templateLinks": []]
        for policies in [set, .string(set.canonicalText)] {
            #expect(try Self.answer(["policies": policies])["reasons"] == ["p"])
        }
    }
}
