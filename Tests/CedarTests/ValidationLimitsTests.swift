import Cedar
import Testing

@Suite("Validation of hostile policies", .timeLimit(.minutes(10)))
struct ValidationLimitsTests {
    private static let schema = """
        entity U in [G] = {next?: U, n: Long, s: String} tags String;
        entity G;
        action a appliesTo {principal: U, resource: U, context: {b: Bool}};
        """

    private static let deep: [String] = [
        Self.nested("!(", "context.b", ")", 120),
        Self.nested("(context.b && ", "true", ")", 120),
        Self.nested("(true == ", "true", ")", 120),
        Self.nested("if context.b then ", "true", " else false", 120),
        Self.nested("[", "1", "]", 120) + " == " + Self.nested("[", "2", "]", 120),
        Self.nested("{a: ", "1", "}", 120) + " == " + Self.nested("{a: ", "2", "}", 120),
        "principal.n == " + Self.nested("(1 - ", "1", ")", 120),
    ]

    private static let shared: [String] = [
        Self.nested("(", "principal", " is U in G::\"a\")", 60),
        "principal has " + Self.repeated("next", 200, "."),
        "principal has next && principal." + Self.repeated("next", 240, ".") + " == principal",
    ]

    private static let chains: [String] = [
        Self.tags(" && "),
        Self.tags(" || "),
        Self.tags(" } when { "),
        "principal.n == " + Self.repeated("principal.n", 5_000, " + "),
        "[" + Self.repeated("principal.n", 5_000, ", ") + "].contains(1)",
    ]

    private static func tags(_ separator: String) -> String {
        let tags: [String] = (0..<5_000).map { "principal.hasTag(\"\($0)\")" }
        return tags.joined(separator: separator)
    }

    private static func repeated(_ text: String, _ count: Int, _ separator: String) -> String {
        Array(repeating: text, count: count).joined(separator: separator)
    }

    private static func validate(_ condition: String) throws -> ValidationResult {
        let schema = try Schema(parsing: [PolicySource(name: "schema", text: Self.schema)])
        let text = "permit(principal, action, resource) when { \(condition) };"
        let set = try PolicySet(parsing: [PolicySource(name: "test", text: text)])
        return Validator(schema: schema).validate(set)
    }

    private static func nested(_ open: String, _ middle: String, _ close: String, _ depth: Int) -> String {
        String(repeating: open, count: depth) + middle + String(repeating: close, count: depth)
    }

    @Test("expressions as deep as the parser takes them are validated", arguments: Self.deep)
    func depth(_ condition: String) throws {
        #expect(try Self.validate(condition).passed)
    }

    @Test("a check is not repeated for what stands twice in the official syntax tree", arguments: Self.shared)
    func sharing(_ condition: String) throws {
        _ = try Self.validate(condition)
    }

    @Test("a long chain costs as much as it is long", arguments: Self.chains)
    func length(_ condition: String) throws {
        let start = ContinuousClock.now
        #expect(try Self.validate(condition).passed)
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test("thousands of errors are found, each where it is")
    func errors() throws {
        let count = 2_000
        let condition = (0..<count).map { "Unknown\($0)::\"a\" == principal" }.joined(separator: " || ")
        let errors = try Self.validate(condition).errors
        #expect(errors.count == count)
        #expect(errors.map(\.position.offset) == errors.map(\.position.offset).sorted())
    }

    @Test("hundreds of actions are no burden, and the order of the findings does not depend on hashes")
    func actions() throws {
        let actions = (0..<300).map {
            "action a\($0) in [g] appliesTo {principal: [P, Q], resource: [P, Q], context: {c\($0 % 3)?: Long}};"
        }
        let schema = try Schema(parsing: [
            PolicySource(name: "schema", text: "entity P, Q = {n: Long}; action g;" + actions.joined(separator: "\n"))
        ])
        let text =
            "permit(principal, action in Action::\"g\", resource) when { principal.x == context.c0 && resource.y };"
        let set = try PolicySet(parsing: [PolicySource(name: "test", text: text)])
        let start = ContinuousClock.now
        let results = (0..<3).map { _ in Validator(schema: schema).validate(set) }
        #expect(ContinuousClock.now - start < .seconds(10))
        #expect(Set(results.map(\.errors)).count == 1)
        #expect(results[0].errors.map(\.code).contains("unsafe-optional-attribute-access"))
    }

    @Test("records of one wide type are told to be equal without a look at their members")
    func wideTypes() throws {
        let types = (1...15).map { "type T\($0) = {a: T\($0 - 1), b?: Set<T\($0 - 1)>};" }.joined()
        let schema = try Schema(parsing: [
            PolicySource(
                name: "schema",
                text: """
                    type T0 = Long; \(types) entity U {x: T15, y: {a: T14, b?: Set<T14>}, z: {a: T14, b: Set<T14>}};
                    action a appliesTo {principal: U, resource: U, context: T15};
                    """
            )
        ])
        func passes(_ condition: String) throws -> Bool {
            let text = "permit (principal, action, resource) when { \(condition) };"
            return Validator(schema: schema).validate(try PolicySet(text: text)).passed
        }
        let equal = ["principal.x == resource.x", "principal.x == resource.y", "context == principal.y"]
        #expect(try passes(Self.repeated(equal.joined(separator: " && "), 5_000, " && ")))
        #expect(try !passes("principal.x == resource.z"))
        #expect(try passes("{a: principal.x.a, c: 1} == {a: resource.y.a, c: 2}"))
    }
}
