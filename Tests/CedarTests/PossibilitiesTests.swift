import Testing

@testable import Cedar

@Suite("What could be permitted while little is known", .timeLimit(.minutes(10)))
struct PossibilitiesTests {
    func permits(_ text: String, liftable: Bool = false) throws -> Bool {
        let (set, errors) = PolicySet.reading([PolicySource(name: "p", text: text)], idsFromAnnotations: false)
        #expect(errors.isEmpty)
        let possible = set.possibilities(knowing: ["tool"]) { liftable && $0.effect == .forbid }
        let request = Request(
            principal: EntityUID(type: "Agent", id: "a"),
            action: EntityUID(type: "Action", id: "call"),
            resource: EntityUID(type: "Tool", id: "t"),
            context: Record([("tool", Value("t"))]),
        )
        let evaluation = possible.evaluate(request, Entities.empty)
        let policies = possible.policies
        return !evaluation.satisfied.contains { policies[$0].effect == .forbid }
            && evaluation.satisfied.contains { policies[$0].effect == .permit }
    }

    @Test(
        "conditions on what is not known may hold; conditions on what is known decide",
        arguments: [
            ("permit(principal, action, resource);", true),
            ("permit(principal, action, resource == Tool::\"u\");", false),
            ("permit(principal, action, resource) when { context.tool == \"t\" };", true),
            ("permit(principal, action, resource) when { context.tool == \"u\" };", false),
            ("permit(principal, action, resource) when { context has arguments && context.arguments.a == 1 };", true),
            ("permit(principal, action, resource) unless { context.arguments.a == 1 };", true),
            ("permit(principal, action, resource) when { context == {} };", true),
            ("permit(principal, action, resource); forbid(principal, action, resource);", false),
            ("permit(principal, action, resource); forbid(principal, action, resource) when { context.x };", true),
            (
                "permit(principal, action, resource); forbid(principal, action, resource) when { context.tool == \"t\" };",
                false
            ),
            ("forbid(principal, action, resource);", false), ("", false),
        ]
    )
    func conditions(text: String, isPossible: Bool) throws { #expect(try permits(text) == isPossible) }

    @Test("what people can lift does not make a thing impossible")
    func gates() throws {
        #expect(
            try permits("permit(principal, action, resource); forbid(principal, action, resource);", liftable: true)
        )
    }
}
