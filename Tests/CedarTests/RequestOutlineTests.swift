import Cedar
import Testing

@Suite("Requests of which more is known", .timeLimit(.minutes(10)))
struct RequestOutlineTests {
    private static func validator() throws -> Validator {
        let text = """
            entity U; entity Place; entity Box in [Place]; entity R in [Box] tags String;
            action a, b appliesTo { principal: U, resource: R, context: { n: Long } };
            """
        return Validator(schema: try Schema(parsing: [PolicySource(name: "s", text: text)]))
    }

    private static let outline = RequestOutline(
        principal: "U",
        actions: [EntityUID(type: "Action", id: "a"), EntityUID(type: "Action", id: "b")],
        resourceType: "R",
        resource: EntityUID(type: "R", id: "one"),
        containers: ["Box": [EntityUID(type: "Box", id: "red")], "R": [EntityUID(type: "R", id: "one")]],
        context: RecordType([
            "kind": .init(type: .string, isRequired: true), "more": .init(type: .any, isRequired: false),
            "size": .init(type: .long, isRequired: true),
            "shape": .init(
                type: .record(RecordType(["side": .init(type: .long, isRequired: false)])),
                isRequired: false,
            ),
        ]),
        texts: ["kind": "square"],
    )

    private static func judge(_ scope: String, _ condition: String) throws -> RequestJudgement? {
        let text = "permit (\(scope)) when { \(condition) };"
        let set = try PolicySet(parsing: [PolicySource(name: "p", text: text)])
        let validator = try Self.validator()
        return validator.judge(set.policies[0], validator.prepare([Self.outline]))[0]
    }

    private static func codes(_ condition: String) throws -> [String] {
        try Self.judge("principal, action, resource", condition)?.findings.map(\.code) ?? ["none"]
    }

    @Test(
        "a scope that is about something else leaves them out",
        arguments: [
            (#"principal, action, resource == R::"one""#, true), (#"principal, action, resource == R::"two""#, false),
            (#"principal, action, resource in Box::"red""#, true),
            (#"principal, action, resource in Box::"blue""#, false),
            (#"principal, action, resource in R::"two""#, false), (#"principal, action, resource in Place::"p""#, true),
            (#"principal, action == Action::"b", resource is R in Box::"red""#, true),
            (#"principal, action == Action::"c", resource"#, false), (#"principal is R, action, resource"#, false),
            (#"principal == U::"u", action, resource"#, true),
        ],
    )
    func scope(_ scope: String, _ isAbout: Bool) throws {
        #expect(try (Self.judge(scope, "true") != nil) == isAbout)
    }

    @Test(
        "a branch about something else is not looked at, and the request is not possible",
        arguments: [
            #"resource == R::"two""#, #"resource in Box::"blue""#, #"resource in [Box::"blue", Box::"green"]"#,
            #"[R::"two", R::"three"].contains(resource)"#, #"context.kind == "round""#, #""round" == context.kind"#,
            #"context.kind like "r*""#, #"["round", "flat"].contains(context.kind)"#, #"!(context.kind == "square")"#,
            #"context.kind != "square""#, #"context has other"#,
        ],
    )
    func branches(_ condition: String) throws {
        let judgement = try Self.judge("principal, action, resource", condition + " && context.nothing")
        #expect(judgement?.findings.isEmpty == true)
        #expect(judgement?.isPossible == false)
    }

    @Test(
        "a branch that may be about them is",
        arguments: [
            #"resource == R::"one""#, #"resource in Box::"red""#, #"resource in Place::"p""#,
            #"resource in [Box::"blue", Box::"red"]"#, #"context.kind == "square""#, #"context.kind like "s*e""#,
            #"["round", "square"].contains(context.kind)"#, #"action == Action::"b""#, "context has shape",
        ],
    )
    func possible(_ condition: String) throws {
        #expect(try Set(Self.codes(condition + " && context.nothing")) == ["unsafe-attribute-access"])
    }

    @Test(
        "types are those of the outline, and what is of any type has none",
        arguments: [
            (#"context.size == "x""#, ["incompatible-types"]), ("context.size like \"x\"", ["unexpected-type"]),
            ("context.kind == 5", ["incompatible-types"]), ("context.n == 5", ["unsafe-attribute-access"]),
            ("context.shape.side == 1", ["unsafe-optional-attribute-access", "unsafe-optional-attribute-access"]),
            ("context has shape.side && context.shape.side == 1", []),
            ("context has more && context.more.x + 1 == 2", []),
            // Such records may be equal, or not.
            ("context has shape && context.shape == {side: 1}", []),
            ("context has shape && context.shape == {a: 1}", []),
            ("context has shape && [context.shape, {a: 1}].contains({b: 2})", []),
            (#"context has shape && context.shape == {side: "x"}"#, ["incompatible-types"]),
        ],
    )
    func types(_ condition: String, _ codes: [String]) throws {
        #expect(try Self.codes(condition) == codes)
    }

    @Test("what is asked for with has is told, with what there is")
    func questions() throws {
        let condition = "context has shape.sid && context has other || context has shape"
        let found = try Self.judge("principal, action, resource", condition)?.questions ?? []
        #expect(
            found.map { "\($0.position.column) \($0.path.map(\.string)) \($0.isPossible)" } == [
                "45 [\"context\", \"shape\"] true", "45 [\"context\", \"shape\", \"sid\"] false",
                "91 [\"context\", \"shape\"] true",
            ]
        )
        #expect(found.dropFirst().first?.message == "`context.shape` has no attribute `sid`")
        #expect(found.dropFirst().first?.names == ["side"])
    }
}
