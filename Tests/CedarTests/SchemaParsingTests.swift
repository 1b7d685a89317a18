import Cedar
import Foundation
import Testing

@Suite("Schema texts and documents", .timeLimit(.minutes(10)))
struct SchemaParsingTests {
    @Test("what the official engine reads is read", arguments: SchemaTextTable.accepted + SchemaDocumentTable.accepted)
    func accepted(text: String) throws {
        _ = try Schema(text)
    }

    @Test(
        "what the official engine refuses is refused",
        arguments: SchemaTextTable.refused + SchemaDocumentTable.refused,
    )
    func refused(text: String) {
        #expect(throws: PolicyErrors.self) { try Schema(text) }
    }

    @Test(
        "white space of any kind separates, and nothing else does",
        arguments: [
            ("", true), (" \n\t\r\u{B}\u{C}", true), ("entity A;\u{A0}entity B;", true), ("entity\u{2028}A;", true),
            ("entity // x\rA;", true), ("entity // x\nA;", true), ("entity // x", false), ("entity A; // x\r", true),
            ("\u{FEFF}entity A;", false), ("entity A;\0", false), ("entity A {\"a\nb\": Long};", true),
            ("entity A {\"a\rb\": Long};", false), ("entity A {\"a\\\nb\": Long};", false), ("[]", false),
            ("\u{FEFF}{}", false), ("\u{A0}{}", false), ("{}", true), (" \n\r\t{}", true),
        ],
    )
    func space(text: String, isRead: Bool) {
        #expect((Schema.errors(of: text) == nil) == isRead)
    }

    @Test("a document that nests as deep as the official parser goes is read, a deeper one is not")
    func documentDepth() throws {
        func document(_ depth: Int) -> String {
            let sets = String(repeating: #"{"type":"Set","element":"#, count: depth)
            let type = sets + #"{"type":"Long"}"# + String(repeating: "}", count: depth)
            return #"{"":{"entityTypes":{},"actions":{},"commonTypes":{"T":"# + type + "}}}"
        }
        _ = try Schema(document(123))
        #expect(throws: PolicyErrors.self) { try Schema(document(124)) }
    }

    /// The official engine's JSON reader also takes an object's members as an array in the order of its source code.
    @Test(
        "an array in an object's place is refused",
        arguments: [
            #"{"":[{},{},{}]}"#, #"{"":{"entityTypes":{"A":[]},"actions":{}}}"#,
            #"{"":{"entityTypes":{},"actions":{"a":{"appliesTo":[[],[]]}}}}"#,
            #"{"":{"entityTypes":{},"actions":{"a":{"memberOf":[["b"]]},"b":{}}}}"#,
        ],
    )
    func arrays(text: String) {
        #expect(throws: PolicyErrors.self) { try Schema(text) }
    }

    @Test(
        "a problem is placed, and a hint given where one is known",
        arguments: [
            ("entity A", "1:9: expected `;`, found the end of the file (every declaration ends with `;`)"),
            (
                "\n  entiti A;",
                "2:3: expected `entity`, `action`, `type` or `namespace`, found `entiti` (did you mean `entity`?)"
            ),
            ("entity é;", "1:8: expected an entity type, found `é`, which is no part of the language"),
            (
                "entity A = {if: Long};",
                "1:13: expected an attribute's name or `}`, found the reserved word `if` (quote it: `\"if\"`)"
            ),
            ("namespace N { entity A {a: Set<{b: 1}>}; entity B; }", "1:36: expected a type, found `1`"),
            ("namespace N { entity A {a: {b: Long; entity B; }", "1:36: expected `}` or `,`, found `;`"),
            ("entity A {a??: Long};", "1:13: expected `:`, found `?`"),
            ("entity User; entity A {a: Usr};", "1:27: `Usr` is not declared as a type (did you mean `User`?)"),
            ("entity A {a: Boolean};", "1:14: `Boolean` is not declared as a type (did you mean `Bool`?)"),
            ("action read; action b in [rea];", "1:27: the action `rea` is not declared (did you mean `read`?)"),
            (
                "type A = {b: B}; type B = Set<A>;",
                "1:6: the common type refers to itself: `A` → `B` → `A` (a type cannot contain itself; entities can refer to each other)"
            ),
            ("action a in b; action b in a;", "1:8: the action `a` is in itself (groups of actions form no circles)"),
            ("namespace N { entity A; entity A; }", "1:32: the entity type `N::A` is declared already"),
            (
                "{\"N\": {\"entityTypes\": {\n  \"A\": {\"memberOfTypes\": [\"A\",\n \"B\"]}}, \"actions\": {}}}",
                "3:2: N.entityTypes.A.memberOfTypes[1]: `B` is not declared as an entity type (did you mean `A`?)"
            ),
            (
                "{\"\": {\"entityTypes\": {}, \"actions\": {\"\\u0061\": {\"appliesto\": 1}}}}",
                "1:62: \"\".actions.a.appliesto: this member is not known here (did you mean `appliesTo`?)"
            ),
            ("{\"\": {\"actions\": {}}}", "1:6: \"\": `entityTypes` is missing"),
            ("{\"\": 1 2}", "1:8: a character stands where JSON does not allow it"),
        ],
    )
    func places(text: String, expected: String) throws {
        let errors = try #require(Schema.errors(of: text))
        #expect(errors.map(\.description) == ["test.cedarschema:" + expected])
    }

    @Test("every problem of every text is reported")
    func allProblems() throws {
        let sources = [
            PolicySource(name: "a", text: "entity A\nentity B; type Set = Long;\nentity C {\"\\q\": Long};"),
            PolicySource(name: "b", text: "namespace N { action; entity if; } entity D;;"),
            PolicySource(name: "c", text: #"{"": {"entityTypes": {"A": 1, "B": {"x": 1}}, "actions": {}}}"#),
        ]
        let errors = try #require(Schema.errors(of: sources))
        let places = errors.map { "\($0.position.file):\($0.position.line):\($0.position.column)" }
        #expect(places == ["a:2:1", "a:2:16", "a:3:12", "b:1:21", "b:1:30", "b:1:45", "c:1:28", "c:1:42"])
    }

    @Test("every name that stands for nothing is reported")
    func allUnresolved() throws {
        let errors = try #require(
            Schema.errors(
                of: [
                    PolicySource(name: "a", text: "entity A in X {a: Y, b: Set<Z>} tags W; type T = V;"),
                    PolicySource(
                        name: "b",
                        text: "action a in b appliesTo {principal: [P, A], resource: R, context: C};"
                    ),
                ]
            )
        )
        let names = ["V", "X", "Y", "Z", "W", "P", "R", "C", "b"]
        for name in names { #expect(errors.count { $0.message.contains("`\(name)`") } == 1, "\(name)") }
        #expect(errors.count == names.count)
    }

    @Test("texts and documents are fragments of one schema and share namespaces")
    func fragments() throws {
        let schema = try Schema(parsing: [
            PolicySource(name: "a", text: "namespace N { entity A in B; action a in b; }"),
            PolicySource(name: "b", text: #"{"N": {"entityTypes": {"B": {}}, "actions": {"b": {}}}}"#),
        ])
        #expect(schema.entityTypes["N::A"]?.parents == ["N::B"])
        let action = schema.actions[EntityUID(type: "N::Action", id: "a")]
        #expect(action?.parents == [EntityUID(type: "N::Action", id: "b")])
    }

    @Test(
        "what two fragments both declare is refused",
        arguments: ["entity A;", "type T = Long;", "action a;", "namespace N { entity A; }"],
    )
    func duplicates(declaration: String) throws {
        let sources = ["a", "b"].map { PolicySource(name: $0, text: declaration) }
        let errors = try #require(Schema.errors(of: sources))
        #expect(errors.map(\.position.file) == ["b"])
    }

    @Test("every schema of the official examples and of the corpus sample is read", .enabled(if: Vectors.isAvailable))
    func vectors() throws {
        var count = 0
        let files = FileManager.default.enumerator(at: Vectors.root, includingPropertiesForKeys: nil)
        for case let file as URL in try #require(files) where file.pathExtension == "cedarschema" {
            let text = try String(contentsOf: file, encoding: .utf8)
            _ = try Schema(parsing: [PolicySource(name: file.lastPathComponent, text: text)])
            count += 1
        }
        #expect(count >= 3)
    }
}

extension Schema {
    init(_ text: String) throws(PolicyErrors) {
        try self.init(parsing: [PolicySource(name: "test.cedarschema", text: text)])
    }

    static func errors(of text: String) -> [PolicyError]? {
        self.errors(of: [PolicySource(name: "test.cedarschema", text: text)])
    }

    static func errors(of sources: [PolicySource]) -> [PolicyError]? {
        do {
            _ = try Schema(parsing: sources)
            return nil
        } catch {
            return error.errors
        }
    }
}
