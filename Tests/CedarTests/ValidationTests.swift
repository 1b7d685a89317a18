import Cedar
import Testing

@Suite("Validation of policies", .timeLimit(.minutes(10)))
struct ValidationTests {
    /// One row of a table.
    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        let expected: String

        var testDescription: String { self.text }

        static func rows(_ table: String) -> [Row] {
            table.split(separator: "\n").compactMap { line in
                let parts = line.split(separator: " => ").map(String.init)
                return parts.count == 2 ? Row(text: parts[0], expected: parts[1]) : nil
            }
        }
    }

    private static let head = #"permit(principal, action == Action::"view", resource) when { "#

    private static func validator(_ schema: String = ValidationTable.schema) throws -> Validator {
        Validator(schema: try Schema(parsing: [PolicySource(name: "schema", text: schema)]))
    }

    private static func validate(
        _ policies: String,
        _ mode: ValidationMode = .strict,
        schema: String = ValidationTable.schema,
    ) throws -> ValidationResult {
        let set = try PolicySet(parsing: [PolicySource(name: "test.cedar", text: policies)])
        return try Self.validator(schema).validate(set, mode: mode)
    }

    private static func summary(_ result: ValidationResult, from column: Int) -> String {
        guard !result.passed else { return "valid" }
        return result.errors.map { "\($0.code) \($0.position.column - column)" }.joined(separator: ", ")
    }

    @Test(
        "a condition has the errors that the official engine finds, where they are",
        arguments: Row.rows(ValidationTable.conditions)
    )
    func condition(_ row: Row) throws {
        let result = try Self.validate(Self.head + row.text + " };")
        #expect(Self.summary(result, from: Self.head.count) == row.expected)
    }

    @Test(
        "a policy has the errors that the official engine finds, where they are",
        arguments: Row.rows(ValidationTable.policies)
    )
    func policy(_ row: Row) throws {
        #expect(Self.summary(try Self.validate(row.text), from: 0) == row.expected)
    }

    @Test(
        "the permissive mode lets pass what cannot fail, and nothing else",
        arguments: Row.rows(PermissiveTable.conditions)
    )
    func permissive(_ row: Row) throws {
        let condition = PermissiveTable.words.reduce(row.text) { $0.replacing($1.key, with: $1.value) }
        let text = Self.head + condition + " };"
        let codes = Set(try Self.validate(text, .permissive).errors.map(\.code)).sorted()
        #expect((codes.isEmpty ? "valid" : codes.joined(separator: ", ")) == row.expected)
        #expect(try !Self.validate(text, .strict).passed)
    }

    @Test("what is valid in strict mode is valid in permissive mode", arguments: Row.rows(ValidationTable.conditions))
    func permissiveIsWeaker(_ row: Row) throws {
        guard row.expected == "valid" else { return }
        #expect(try Self.validate(Self.head + row.text + " };", .permissive).passed)
    }

    @Test(
        "the permissive mode asks of a scope's actions only that one of them applies",
        arguments: [
            (#"permit(principal, action in [Action::"view", Ops::Action::"restart"], resource);"#, []),
            ("permit(principal, action in [], resource);", ["invalid-action-application"]),
            (
                #"permit(principal, action in [Action::"none"], resource);"#,
                ["unrecognized-action-id"]
            ),
        ],
    )
    func permissiveScope(_ policy: String, _ codes: [String]) throws {
        #expect(try Self.validate(policy, .permissive).errors.map(\.code) == codes)
        #expect(try !Self.validate(policy, .strict).passed)
    }

    @Test("the tables have enough rows of both verdicts")
    func tables() {
        let strict = Row.rows(ValidationTable.conditions) + Row.rows(ValidationTable.policies)
        let permissive = Row.rows(PermissiveTable.conditions)
        #expect(strict.count >= 200)
        #expect(strict.count { $0.expected == "valid" } >= 90)
        #expect(permissive.count { $0.expected == "valid" } >= 35)
        #expect(permissive.count { $0.expected != "valid" } >= 25)
    }

    @Test("a finding names its policy, its place and what would be right")
    func finding() throws {
        let policies = """
            permit(principal, action, resource);
            forbid(principal is User, action == Action::"view", resource)
            when { principal.nam == "a" };
            """
        let finding = try #require(try Self.validate(policies).errors.first)
        #expect(finding.kind == .unsafeAttributeAccess)
        #expect(finding.policyID == "policy1")
        #expect(finding.description == "test.cedar:3:8: `User` has no attribute `nam` (did you mean `name`?)")
    }

    @Test(
        "an unknown name is answered with the nearest known one",
        arguments: [
            (#"principal is Usr"#, "did you mean `User`?"),
            (#"principal in Teem::"a""#, "did you mean `Team`?"),
            (#"action == Action::"viw""#, "did you mean `Action::\"view\"`?"),
            (#"context.color == Color::"rad""#, "did you mean \"red\"?"),
            (#"context.nte == "a""#, "did you mean `note`?"),
            (#"context.note == "a""#, "test for it first: `context has note && …`"),
            (#"principal.address.zip == 1"#, "test for it first: `principal.address has zip && …`"),
            (#"principal.name + "a" == principal.name"#, "Cedar does not join texts"),
            (#"principal.name.contains("a")"#, "texts are compared with `==` and `like \"*a*\"`"),
        ],
    )
    func hints(_ condition: String, _ hint: String) throws {
        let result = try Self.validate(Self.head + condition + " };")
        #expect(result.errors.contains { $0.hint == hint })
    }

    @Test(
        "what a scope lacks or gets wrong is said at its place, with what to write",
        arguments: [
            (
                #"permit(principal, action == Action::"read", resource);"#,
                [
                    #"1:29: no action that the scope names applies to such principals and resources (`Action::"read"` is a group: write `action in Action::"read"`)"#
                ]
            ),
            (
                #"permit(principal, action, resource) when { principal.admin };"#,
                ["1:44: `Bot` has no attribute `admin` (say `principal is User`, which has it)"]
            ),
            (
                #"permit(principal is Bot, action, resource) when { principal.admin };"#,
                ["1:51: `Bot` has no attribute `admin`"]
            ),
            (
                #"permit(principal, action == Action::"edit", resource) when { resource.title == "a" };"#,
                ["1:62: `Folder` has no attribute `title` (say `resource is Doc`, which has it)"]
            ),
            (
                #"permit(principal, action, resource) when { resource.port == 1 };"#,
                [
                    "1:44: `Doc` has no attribute `port` (say `resource is Ops::Host`, which has it)",
                    "1:44: `Folder` has no attribute `port` (say `resource is Ops::Host`, which has it)",
                ]
            ),
            (
                #"permit(principal is Usr in Teem::"a", action in [Action::"view", Action::"viw"], resource);"#,
                [
                    "1:21: the schema has no entity type `Usr` (did you mean `User`?)",
                    "1:28: the schema has no entity type `Teem` (did you mean `Team`?)",
                    #"1:66: the schema has no action `Action::"viw"` (did you mean `Action::"view"`?)"#,
                ]
            ),
            (
                #"permit(principal, action, resource) when { principal.getTag("a") == principal.getTag("a") };"#,
                [
                    "1:44: the tag may not be there on every `Bot`, `User` (test for it first: `.hasTag(…) && …`, with the same entity and name)",
                    "1:69: the tag may not be there on every `Bot`, `User` (test for it first: `.hasTag(…) && …`, with the same entity and name)",
                ]
            ),
        ],
    )
    func places(_ policy: String, _ findings: [String]) throws {
        let result = try Self.validate(policy)
        #expect(result.errors.map(\.description) == findings.map { "test.cedar:" + $0 })
    }

    @Test(
        "a policy that is false for every request is warned of, in both modes",
        arguments: [
            "permit(principal, action, resource) when { false };",
            #"permit(principal == Bot::"a", action == Action::"view", resource);"#,
            "permit(principal, action, resource) when { context has nothing };",
            "permit(principal, action, resource) unless { principal is User || principal is Bot };",
            #"permit(principal, action == Action::"read", resource);"#,
        ],
        ValidationMode.allCases,
    )
    func impossible(_ policy: String, _ mode: ValidationMode) throws {
        #expect(try Self.validate(policy, mode).warnings.map(\.kind) == [.impossiblePolicy])
    }

    @Test("a policy that can apply is not warned of")
    func possible() throws {
        #expect(try Self.validate("permit(principal, action, resource);").warnings.isEmpty)
        #expect(try Self.validate("permit(principal, action, resource) when { context has note };").warnings.isEmpty)
    }

    @Test("text that turns its direction is warned of, and is no error")
    func direction() throws {
        let result = try Self.validate(Self.head + "principal.name == \"a\u{202E}b\" };")
        #expect(result.passed)
        #expect(result.warnings.map(\.kind) == [.bidirectionalText])
        #expect(result.warnings.first?.position.column == Self.head.count + 19)
    }

    @Test("a link's entities are held against the schema and the template's action")
    func links() throws {
        let text = #"permit(principal in ?principal, action == Action::"view", resource == ?resource);"#
        let set = try PolicySet(parsing: [PolicySource(name: "t", text: text)])
        func codes(_ principal: EntityUID, _ resource: EntityUID) throws -> [String] {
            let values: [Template.Slot: EntityUID] = [.principal: principal, .resource: resource]
            let linked = try set.linking(template: "policy0", newID: "link", values: values)
            let result = try Self.validator().validate(linked)
            #expect(result.errors.allSatisfy { $0.policyID == "link" })
            return result.errors.map(\.code)
        }
        #expect(try codes(EntityUID(type: "Team", id: "a"), EntityUID(type: "Doc", id: "b")) == [])
        #expect(
            try codes(EntityUID(type: "Folder", id: "a"), EntityUID(type: "Doc", id: "b"))
                == ["invalid-action-application"]
        )
        #expect(
            try codes(EntityUID(type: "Nobody", id: "a"), EntityUID(type: "Doc", id: "b"))
                == ["unrecognized-entity-type"]
        )
    }

    @Test("one error that many environments share is reported once")
    func once() throws {
        let result = try Self.validate("permit(principal, action, resource) when { principal.nothing };")
        #expect(
            result.errors.map(\.message) == ["`Bot` has no attribute `nothing`", "`User` has no attribute `nothing`"]
        )
    }

    @Test("names are compared byte for byte")
    func bytes() throws {
        let schema = "entity U = {\"\u{E9}\": Long}; action a appliesTo {principal: U, resource: U};"
        let precomposed = "permit(principal, action, resource) when { principal[\"\u{E9}\"] == 1 };"
        let decomposed = "permit(principal, action, resource) when { principal[\"e\u{301}\"] == 1 };"
        #expect(try Self.validate(precomposed, schema: schema).passed)
        #expect(try !Self.validate(decomposed, schema: schema).passed)
    }
}
