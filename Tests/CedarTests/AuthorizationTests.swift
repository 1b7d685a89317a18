import Cedar
import Testing

@Suite("Authorization", .timeLimit(.minutes(10)))
struct AuthorizationTests {
    private static let group = EntityUID(type: "Group", id: "g")

    private static func entities() throws -> Entities {
        try Entities([
            Entity(uid: Request.sample.principal, parents: [Self.group]),
            Entity(uid: Self.group, parents: [EntityUID(type: "Group", id: "top")]),
            Entity(
                uid: Request.sample.resource,
                attributes: Record([("owner", .entity(Request.sample.principal))]),
                tags: Record([("env", Value("prod"))]),
            ),
        ])
    }

    @Test(
        "nothing permitted is denied, a permit allows, a forbid overrides",
        arguments: [
            ("", "deny", []),
            ("permit (principal, action, resource);", "allow", ["policy0"]),
            (
                "permit (principal, action, resource); permit (principal, action, resource);", "allow",
                ["policy0", "policy1"]
            ),
            ("permit (principal, action, resource); forbid (principal, action, resource);", "deny", ["policy1"]),
            (
                "forbid (principal, action, resource); forbid (principal, action, resource) when { false };", "deny",
                ["policy0"]
            ),
            ("permit (principal, action, resource) unless { true };", "deny", []),
            (
                "permit (principal, action, resource) when { true } when { true } unless { false };", "allow",
                ["policy0"]
            ),
            ("permit (principal, action, resource) when { true } when { false };", "deny", []),
        ]
    )
    func combining(text: String, decision: String, reasons: [String]) throws {
        let answer = try PolicySet(text: text).authorize(.sample, Self.entities())
        #expect(answer.decision.rawValue == decision)
        #expect(answer.reasons == reasons)
        #expect(answer.errors.isEmpty)
    }

    @Test(
        "a scope takes what it names",
        arguments: [
            (#"principal == User::"a", action, resource"#, true),
            (#"principal == User::"b", action, resource"#, false),
            (#"principal in User::"a", action, resource"#, true),
            (#"principal in Group::"g", action, resource"#, true),
            (#"principal in Group::"top", action, resource"#, true),
            (#"principal in Group::"none", action, resource"#, false),
            (#"principal is User, action, resource"#, true),
            (#"principal is Group, action, resource"#, false),
            (#"principal is User in Group::"top", action, resource"#, true),
            (#"principal is Group in Group::"top", action, resource"#, false),
            (#"principal is User in Group::"none", action, resource"#, false),
            (#"principal, action == Action::"x", resource"#, true),
            (#"principal, action in Action::"x", resource"#, true),
            (#"principal, action in [], resource"#, false),
            (#"principal, action in [Action::"y", Action::"x"], resource"#, true),
            (#"principal, action in [Action::"y"], resource"#, false),
            (#"principal, action, resource == R::"r""#, true),
            (#"principal, action, resource in R::"s""#, false),
            (#"principal, action, resource is R in R::"r""#, true),
        ]
    )
    func scope(scope: String, matches: Bool) throws {
        let set = try PolicySet(text: "permit (\(scope));")
        #expect((set.authorize(.sample, try Self.entities()).decision == .allow) == matches)
        let layered = LayeredEntities(base: .empty, overlay: try Self.entities().all)
        #expect((set.authorize(.sample, layered).decision == .allow) == matches)
    }

    @Test("a policy with an error is skipped and reported, and later conditions are not looked at")
    func errors() throws {
        let set = try PolicySet(
            text: """
                forbid (principal, action, resource) when { context.missing };
                permit (principal, action, resource) when { false } when { 1 + true == 2 };
                permit (principal, action, resource) unless { 1 };
                permit (principal, action, resource) when { resource.owner == principal && resource.getTag("env") == "prod" };
                permit (principal == User::"b", action, resource) when { context.missing };
                """
        )
        let evaluation = set.evaluate(.sample, try Self.entities())
        #expect(evaluation.satisfied == [3])
        #expect(evaluation.errors.map(\.policy) == [0, 2])
        #expect(
            evaluation.errors.map(\.error) == [.missingAttribute("missing"), .type(expected: "bool", found: "long")]
        )
        let answer = set.authorize(.sample, try Self.entities())
        #expect(answer.decision == .allow)
        #expect(answer.reasons == ["policy3"])
        #expect(answer.errors.map(\.id) == ["policy0", "policy2"])
    }

    @Test(
        "what an entity has not is an error to read and false to ask for",
        arguments: [
            ("resource.name == 1", #"`R::"r"` does not have the attribute `name`"#),
            ("resource.getTag(\"none\") == 1", #"`R::"r"` does not have the tag `none`"#),
            ("resource has name || resource.hasTag(\"none\") || resource has owner.name", nil),
            ("(R::\"none\").hasTag(\"env\") || R::\"none\" has owner", nil),
        ]
    )
    func missing(expression: String, message: String?) throws {
        let answer = try PolicySet(whenever: expression).authorize(.sample, Self.entities())
        #expect(answer.decision == .deny)
        #expect(answer.errors.map(\.message) == (message.map { [$0] } ?? []))
    }

    @Test("an action is in its groups, which its entity names")
    func actionGroups() throws {
        let parent = EntityUID(type: "Action", id: "all")
        let entities = try Entities([Entity(uid: Request.sample.action, parents: [parent])])
        for text in [
            #"permit (principal, action in Action::"all", resource);"#,
            #"permit (principal, action in [Action::"y", Action::"all"], resource);"#,
            #"permit (principal, action, resource) when { action in Action::"all" };"#,
            #"permit (principal, action, resource) when { action in [Action::"all"] };"#,
        ] {
            #expect(try PolicySet(text: text).authorize(.sample, entities).decision == .allow)
        }
    }
}
