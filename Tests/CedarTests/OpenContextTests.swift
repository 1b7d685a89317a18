import Cedar
import Testing

@Suite("Open contexts", .timeLimit(.minutes(10)))
struct OpenContextTests {
    private static func schema() throws -> Schema {
        let text = """
            entity U; entity R tags String;
            action a appliesTo { principal: U, resource: R, context: { n: Long, headers: {}, note?: String } };
            action b appliesTo { principal: U, resource: R, context: { n: Long } };
            """
        return try Schema(parsing: [PolicySource(name: "s", text: text)]).withContexts { action in
            guard action.uid == EntityUID(type: "Action", id: "a") else { return action.context }
            return action.context.adding("body", .any, isRequired: false)
                .adding("headers", .record(RecordType([:], rest: .set(.string))), isRequired: true)
        }
    }

    private static func codes(_ condition: String, _ mode: ValidationMode, action: String = "a") throws -> [String] {
        let text = "permit (principal, action == Action::\"\(action)\", resource) when { \(condition) };"
        let set = try PolicySet(parsing: [PolicySource(name: "p", text: text)])
        return Validator(schema: try Self.schema()).validate(set, mode: mode).errors.map(\.code)
    }

    @Test(
        "what is of any type may be asked anything",
        arguments: [
            "context has body && context.body", "context has body && !context.body",
            "context has body && context.body.amount > 1000", "context has body && 1000 < context.body.amount",
            "context has body && context.body.a.b.c == \"x\"", "context has body.amount && context.body.amount <= 3",
            "context has body && context.body.a < context.body.b", "context has body && context.body.a + 1 == 2",
            "context has body && -context.body == 1", "context has body && context.body.tags.contains(\"x\")",
            "context has body && context.body.a.containsAny(context.body.b)",
            "context has body && context.body.isEmpty()",
            "context has body && context.body.name like \"x*\"", "context has body && context.body.u in principal",
            "context has body && principal in context.body.u", "context has body && context.body is U",
            "context has body && context.body.hasTag(\"t\") && context.body.getTag(\"t\") == 1",
            "context has body && [context.body.a, 1].contains(2)", "context has body && context.body.ip.isLoopback()",
            "context has body && (if context.body.a then context.body.b else 3) == 4",
            "context has body && {a: context.body} == {a: 1}", "context has body && context.body has a.b",
            "context has body && (context.body.a || context.n == 1) && context.n == 2",
            "context.headers has \"x-team\" && context.n == 1",
            "context.headers has \"x-team\" && context.headers[\"x-team\"].contains(\"red\")",
        ],
        ValidationMode.allCases,
    )
    func anything(_ condition: String, _ mode: ValidationMode) throws {
        #expect(try Self.codes(condition, mode).isEmpty)
    }

    @Test(
        "what is listed keeps its type, and what is not open has no more than is listed",
        arguments: [
            ("context.body == 1", "unsafe-optional-attribute-access"),
            ("context.other == 1", "unsafe-attribute-access"),
            ("context.note == \"x\"", "unsafe-optional-attribute-access"),
            ("context has body && context.body < \"x\"", "unexpected-type"),
            ("context has body && \"x\" < context.body", "unexpected-type"),
            ("context has body && context.n like \"x\"", "unexpected-type"),
            ("context.headers[\"x-team\"].contains(\"red\")", "unsafe-optional-attribute-access"),
            ("context.headers has \"x-team\" && context.headers[\"x-team\"] == \"red\"", "incompatible-types"),
            ("context.headers has \"x-team\" && context.headers[\"x-team\"] > 1", "unexpected-type"),
            ("context.headers.contains(\"x-team\")", "unexpected-type"),
            ("[context.headers, {a: 1}].contains(context.headers)", "incompatible-types"),
        ],
    )
    func listed(_ condition: String, _ code: String) throws {
        #expect(try Self.codes(condition, .strict) == [code])
    }

    @Test("an action that was left alone is as its schema says")
    func leftAlone() throws {
        #expect(try Self.codes("context.body == 1", .strict, action: "b") == ["unsafe-attribute-access"])
        #expect(try Self.codes("context.n == 1", .strict, action: "b").isEmpty)
    }
}
