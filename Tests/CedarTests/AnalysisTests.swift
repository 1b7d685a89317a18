import Testing

@testable import Cedar

@Suite("What can be said of policies without a request", .timeLimit(.minutes(10)))
struct AnalysisTests {
    static let schema = """
        entity Group; entity User in [Group]; entity Agent in [Group]; entity Box;
        action read, write;
        action "http:read" in [read] appliesTo { principal: [User, Agent], resource: Box };
        action "http:write" in [write] appliesTo { principal: [User, Agent], resource: Box };
        """

    static func analysis() throws -> PolicyAnalysis {
        PolicyAnalysis(schema: try Schema(parsing: [PolicySource(name: "s", text: schema)]))
    }

    static func policy(_ text: String) throws -> PolicyOutline {
        PolicyOutline(try #require(PolicySet(parsing: [PolicySource(name: "p", text: text)]).policies.first))
    }

    static func policy(asking conditions: String) throws -> PolicyOutline {
        try policy("permit (principal, action, resource) \(conditions);")
    }

    @Test(
        "conditions that nothing can satisfy are found",
        arguments: [
            "when { false }", "unless { true }", "when { 1 == 2 }", "when { !(1 < 2) }", "when { context.a && false }",
            "when { false && context.a }", "unless { context.a || true }", "when { context.a == 1 && context.a == 2 }",
            "when { context.a == 1 } when { context.a == 2 }", "when { context.a == 1 } unless { context.a == 1 }",
            "when { context.a } unless { context.a }", "when { context.a && !context.a }",
            "when { context.n < 3 && context.n > 3 }", "when { context.n < 3 && context.n >= 3 }",
            "when { 3 > context.n && context.n >= 3 }", "when { context.n <= 2 && 3 <= context.n }",
            "when { context.n == 5 && context.n < 5 }", "when { context.n > 5 && context.n == 5 }",
            "when { context.n == 5 && context.n != 5 }", "when { context.n < 3 } unless { context.n < 7 }",
            #"when { context.t.toTime() < duration("8h") && context.t.toTime() >= duration("16h") }"#,
            #"when { context.t >= datetime("2027-01-01") && context.t < datetime("2026-01-01") }"#,
            #"when { ip("10.0.0.1").isInRange(ip("192.168.0.0/16")) }"#,
            #"when { decimal("1.0").lessThan(decimal("0.5")) }"#,
            #"when { "abc" like "b*" }"#, "when { [1, 2].contains(3) }", "when { {a: 1} has b }",
            "when { if context.a then false else 1 == 2 }", "when { if true then false else context.a }",
            "when { (context.a && false) || (context.b == 1 && context.b == 2) }", "when { 1 + 1 == 3 }",
            // Constants that fail are never true, and never false.
            "when { 1 }", "unless { 1 }", #"when { ip("nowhere").isLoopback() }"#, #"unless { 1 < "a" }"#,
        ]
    )
    func neverSatisfied(conditions: String) throws {
        #expect(try Self.policy(asking: conditions).isNeverSatisfied)
    }

    @Test(
        "nothing is said of conditions that something may satisfy",
        arguments: [
            "", "when { true }", "when { context.a }", "unless { false }", "when { context.a == 1 || context.a == 2 }",
            "when { context.a == 1 && context.b == 2 }", "when { context.n > 3 && context.n < 5 }",
            "when { context.n <= 3 && context.n >= 3 }", "when { context.n == 5 && context.n <= 5 }",
            "when { context.n != 5 && context.n != 6 }", "when { context.n < 3 } unless { context.n < 2 }",
            #"when { context.t.toTime() < duration("8h") || context.t.toTime() >= duration("16h") }"#,
            #"when { context.t.toTime() >= duration("8h") && context.t.toTime() < duration("16h") }"#,
            "when { context.n == 5 && context.n == 2 + 3 }", "when { if context.a then false else true }",
            "when { principal == User::\"a\" }", "when { principal == User::\"a\" && principal != User::\"b\" }",
            "when { context.a } unless { !context.a }", #"when { context.s like "*" }"#,
            // Other types do not compare, and that is not ours to tell.
            #"when { context.n < 3 && context.n < duration("1h") }"#, "unless { context.a && false }",
        ]
    )
    func maybeSatisfied(conditions: String) throws {
        #expect(try !Self.policy(asking: conditions).isNeverSatisfied)
    }

    static let any = "(principal, action, resource)"
    static let scopes: [(wider: String, narrower: String)] = [
        (any, any),
        (any, #"(principal == User::"a", action == Action::"http:read", resource is Box)"#),
        ("(principal is User, action, resource)", #"(principal == User::"a", action, resource)"#),
        ("(principal is User, action, resource)", #"(principal is User in Group::"g", action, resource)"#),
        (#"(principal in Group::"g", action, resource)"#, #"(principal is User in Group::"g", action, resource)"#),
        (#"(principal in Group::"g", action, resource)"#, #"(principal == Group::"g", action, resource)"#),
        (#"(principal is User in User::"a", action, resource)"#, #"(principal == User::"a", action, resource)"#),
        (#"(principal, action in Action::"read", resource)"#, #"(principal, action == Action::"http:read", resource)"#),
        (
            #"(principal, action in [Action::"read", Action::"write"], resource)"#,
            #"(principal, action in Action::"write", resource)"#
        ),
        (
            #"(principal, action in [Action::"read", Action::"write"], resource)"#,
            #"(principal, action in [Action::"http:write", Action::"http:read"], resource)"#
        ),
    ]

    @Test(
        "a scope that surely lets pass all that another does covers it, and not the other way round",
        arguments: scopes
    )
    func covering(wider: String, narrower: String) throws {
        let analysis = try Self.analysis()
        let (wide, narrow) = (try Self.policy("permit \(wider);"), try Self.policy("permit \(narrower);"))
        #expect(analysis.implies(narrow, wide))
        #expect(analysis.implies(wide, narrow) == (wide.scope == narrow.scope))
    }

    @Test(
        "a scope of which that is not sure covers nothing",
        arguments: [
            (#"(principal in Group::"g", action, resource)"#, #"(principal in Group::"h", action, resource)"#),
            (#"(principal in Group::"g", action, resource)"#, #"(principal == User::"a", action, resource)"#),
            (#"(principal is Agent, action, resource)"#, #"(principal == User::"a", action, resource)"#),
            (
                #"(principal, action in Action::"write", resource)"#,
                #"(principal, action == Action::"http:read", resource)"#
            ),
            (
                #"(principal, action == Action::"read", resource)"#,
                #"(principal, action == Action::"http:read", resource)"#
            ),
            (
                #"(principal, action in Action::"read", resource)"#,
                #"(principal, action in [Action::"http:read", Action::"write"], resource)"#
            ),
            (#"(principal, action in Action::"a", resource)"#, #"(principal, action == Action::"b", resource)"#),
        ]
    )
    func notCovering(outer: String, inner: String) throws {
        #expect(try !Self.analysis().implies(Self.policy("permit \(inner);"), Self.policy("permit \(outer);")))
    }

    @Test("a policy with fewer conditions is implied by one with more, in whatever clauses they stand")
    func conditions() throws {
        let analysis = try Self.analysis()
        let both = try Self.policy(asking: "when { context.a && context.b == 1 }")
        #expect(analysis.implies(both, try Self.policy(asking: "when { context.b == 1 }")))
        #expect(analysis.implies(both, try Self.policy(asking: "unless { !context.a }")))
        #expect(
            analysis.implies(both, try Self.policy(asking: "when { context.b == 1 } when { 1 < 2 } when { context.a }"))
        )
        #expect(!analysis.implies(both, try Self.policy(asking: "when { context.b == 2 }")))
        #expect(!analysis.implies(try Self.policy(asking: "when { context.a }"), both))
        #expect(!analysis.implies(both, try Self.policy(asking: "unless { context.a }")))
    }

    @Test(
        "scopes that share no request are told apart",
        arguments: [
            (#"(principal is User, action, resource)"#, #"(principal is Agent, action, resource)"#, true),
            (#"(principal == User::"a", action, resource)"#, #"(principal == User::"b", action, resource)"#, true),
            (
                #"(principal == User::"a", action, resource)"#,
                #"(principal is Agent in Group::"g", action, resource)"#, true
            ),
            (
                #"(principal, action in Action::"read", resource)"#,
                #"(principal, action in Action::"write", resource)"#, true
            ),
            (
                #"(principal, action == Action::"http:read", resource)"#,
                #"(principal, action in Action::"write", resource)"#, true
            ),
            (#"(principal, action == Action::"a", resource)"#, #"(principal, action == Action::"b", resource)"#, true),
            (#"(principal, action in Action::"a", resource)"#, #"(principal, action in Action::"b", resource)"#, false),
            (#"(principal in Group::"g", action, resource)"#, #"(principal in Group::"h", action, resource)"#, false),
            (#"(principal in Group::"g", action, resource)"#, #"(principal is User, action, resource)"#, false),
            (
                #"(principal, action in Action::"read", resource)"#,
                #"(principal, action == Action::"http:read", resource)"#, false
            ),
        ]
    )
    func disjoint(left: String, right: String, expected: Bool) throws {
        let analysis = try Self.analysis()
        let (one, other) = (try Self.policy("permit \(left);"), try Self.policy("permit \(right);"))
        #expect(analysis.areDisjoint(one, other) == expected)
        #expect(analysis.areDisjoint(other, one) == expected)
    }

    @Test("a policy of very many conditions is analysed in reasonable time")
    func hostile() throws {
        let parts = (0..<2000).map { "context.a\($0 % 7) != \($0)" }.joined(separator: " && ")
        #expect(try !Self.policy(asking: "when { \(parts) }").isNeverSatisfied)
    }

    static let depth = 80

    static func nested(_ open: String, _ middle: String, _ close: String) -> String {
        String(repeating: open, count: depth) + middle + String(repeating: close, count: depth)
    }

    @Test(
        "every expression is looked at once, however deep it nests",
        arguments: [
            (nested("if context.t then (", "context.a", ") else context.b"), false),
            (nested("if context.t then (", "false", ") else false"), true),
            (nested("if (", "context.a", ") then context.b else context.c"), false),
            (nested("context.a && !(", "context.b", ")"), false),
            (nested("context.a || !(", "context.b", ")"), false),
            (nested("(context.a && (context.b || ", "context.c", "))"), false),
        ]
    )
    func deep(condition: String, isNeverSatisfied: Bool) throws {
        #expect(try Self.policy(asking: "when { \(condition) }").isNeverSatisfied == isNeverSatisfied)
    }

    @Test("constants that cost much to compare are compared until it is enough, and then nothing is said")
    func manyLargeConstants() throws {
        let large = "[" + (0..<3_000).map(String.init).joined(separator: ", ") + "]"
        let parts = Array(repeating: "context.a == \(large)", count: 20) + (0..<10_000).map { "context.a != \($0)" }
        #expect(try !Self.policy(asking: "when { \(parts.joined(separator: " && ")) }").isNeverSatisfied)
    }
}
