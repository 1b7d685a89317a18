import Cedar
import CountersignCore
import CountersignTestKit
import Testing

@Suite(.timeLimit(.minutes(10)))
struct GatedPolicySetTests {
    static let groups: Set<GroupName> = [GroupName(unchecked: "dba"), GroupName(unchecked: "sre")]

    static func load(_ text: String, _ more: String...) throws -> GatedPolicySet {
        let sources =
            [PolicySource(name: "a.cedar", text: text)]
            + more.enumerated().map { PolicySource(name: "more\($0).cedar", text: $1) }
        return try GatedPolicySet(parsing: sources, groups: groups)
    }

    @Test("a gate has what its annotations say")
    func fullGate() throws {
        let set = try Self.load(
            """
            permit (principal, action, resource);
              @id("two-dbas")
            @approvers(" dba ,sre") @quorum("2") @expires("30m") @grant("10m") @assurance("session")
            @advice("Check the WHERE clause.") @description("why")
            forbid (principal, action, resource);
            """
        )
        #expect(set.gates.count == 2 && set.gates[0] == nil)
        let gate = try #require(set.gates[1])
        #expect(gate.policy == "two-dbas")
        #expect(gate.approvers.map(\.rawValue) == ["dba", "sre"])
        #expect(gate.quorum == 2 && gate.expires == .seconds(1800) && gate.grant == .seconds(600))
        #expect(gate.assurance == .session && gate.advice == "Check the WHERE clause.")
        #expect(gate.position == PolicyPosition(file: "a.cedar", line: 2, column: 3))
        #expect(gate.text.hasPrefix("@id(\"two-dbas\")") && gate.text.hasSuffix(";"))
    }

    @Test("a gate without more than its group has the defaults")
    func defaults() throws {
        let gate = try #require(try Self.load("@approvers(\"dba\")\nforbid (principal, action, resource);").gates[0])
        #expect(gate.policy == "policy0" && gate.quorum == 1 && gate.expires == nil && gate.grant == .seconds(300))
        #expect(gate.advice == nil && gate.assurance == .session)
    }

    /// Annotations of a forbid on line 2, and what is said about them.
    static let wrong: [(String, String)] = [
        ("@approver(\"dba\")", "a.cedar:2:1: the annotation @approver is unknown"),
        ("@approvers(\"dba\") @Quorum(\"1\")", "a.cedar:2:19: the annotation @Quorum is unknown"),
        ("@approvers(\"\")", "a.cedar:2:1: @approvers names no group: \"\""),
        ("@approvers", "a.cedar:2:1: @approvers names no group: \"\""),
        ("@approvers(\"dba,\")", "a.cedar:2:1: @approvers names no group: \"\""),
        ("@approvers(\"dba sre\")", "a.cedar:2:1: @approvers names no group: \"dba sre\""),
        ("@approvers(\"dbas\")", "a.cedar:2:1: @approvers names the unknown group \"dbas\""),
        ("@approvers(\"x, dba, y\")", "a.cedar:2:1: @approvers names the unknown groups \"x\" and \"y\""),
        ("@approvers(\"dba,dba\")", "a.cedar:2:1: @approvers names \"dba\" twice"),
        ("@approvers(\"dbа\")", "a.cedar:2:1: @approvers names no group: \"dbа\""),
        ("@approvers(\"dba\") @quorum(\"0\")", "a.cedar:2:19: @quorum(\"0\") is not a number from 1 to 20"),
        ("@approvers(\"dba\") @quorum(\"+2\")", "a.cedar:2:19: @quorum(\"+2\") is not a number from 1 to 20"),
        ("@approvers(\"dba\") @quorum(\"02\")", "a.cedar:2:19: @quorum(\"02\") is not a number from 1 to 20"),
        ("@approvers(\"dba\") @quorum(\"-1\")", "a.cedar:2:19: @quorum(\"-1\") is not a number from 1 to 20"),
        ("@approvers(\"dba\") @quorum(\"21\")", "a.cedar:2:19: @quorum(\"21\") is not a number from 1 to 20"),
        ("@approvers(\"dba\") @quorum(\"two\")", "a.cedar:2:19: @quorum(\"two\") is not a number from 1 to 20"),
        ("@approvers(\"dba\") @quorum(\"1.0\")", "a.cedar:2:19: @quorum(\"1.0\") is not a number from 1 to 20"),
        ("@approvers(\"dba\") @expires(\"soon\")", "a.cedar:2:19: @expires(\"soon\") is not a duration"),
        ("@approvers(\"dba\") @expires(\"0s\")", "a.cedar:2:19: @expires(\"0s\") is not a duration"),
        ("@approvers(\"dba\") @grant(\"10\")", "a.cedar:2:19: @grant(\"10\") is not a duration"),
        ("@approvers(\"dba\") @grant(\"0m\")", "a.cedar:2:19: @grant(\"0m\") is not a duration"),
        (
            "@approvers(\"dba\") @assurance(\"passkey\")",
            "a.cedar:2:19: @assurance(\"passkey\") cannot be met: this version has no passkeys"
        ),
        ("@approvers(\"dba\") @assurance(\"touch\")", "a.cedar:2:19: @assurance(\"touch\") is unknown"),
        ("@quorum(\"2\")", "a.cedar:2:1: @quorum without @approvers does nothing"),
        ("@id(\"x\") @grant(\"2m\")", "a.cedar:2:10: @grant without @approvers does nothing"),
        ("@expires(\"2m\")", "a.cedar:2:1: @expires without @approvers does nothing"),
        ("@assurance(\"session\")", "a.cedar:2:1: @assurance without @approvers does nothing"),
    ]

    @Test("a wrong annotation refuses the set, with file, line and column", arguments: wrong)
    func wrongAnnotations(_ annotations: String, _ message: String) throws {
        let text = "permit (principal, action, resource);\n\(annotations)\nforbid (principal, action, resource);"
        let errors = try #require(throws: PolicyErrors.self) { try Self.load(text) }
        #expect(errors.errors.count == 1)
        #expect(errors.description.hasPrefix(message), "\(errors)")
    }

    @Test("a gate on a permit is refused")
    func gateOnPermit() throws {
        let text = "@approvers(\"dba\")\npermit (principal, action, resource);"
        let errors = try #require(throws: PolicyErrors.self) { try Self.load(text) }
        #expect(errors.description.hasPrefix("a.cedar:1:1: @approvers stands on a permit"))
    }

    @Test("a template that nothing links is refused, as it would never apply")
    func templates() throws {
        let text = "permit (principal, action, resource);\nforbid (principal == ?principal, action, resource);"
        let errors = try #require(throws: PolicyErrors.self) { try Self.load(text) }
        #expect(errors.description.hasPrefix("a.cedar:2:1: nothing links the template policy1"))
    }

    @Test("a link of a gate's template is a gate, shown with the entities in its slots")
    func links() throws {
        let template = """
            @id("guarded") @approvers("dba") @quorum("2")
            forbid (principal is Agent, action in Action::"delete", resource in ?resource);
            """
        let links = """
            {"staticPolicies": {}, "templates": {}, "templateLinks": [
              {"templateId": "guarded", "newId": "guarded-prod",
               "values": {"?resource": {"__entity": {"type": "Environment", "id": "prod"}}}},
              {"templateId": "guarded", "newId": "guarded-billing",
               "values": {"?resource": {"__entity": {"type": "Connection", "id": "billing"}}}}]}
            """
        let set = try Self.load(template, links)
        #expect(set.gates.compactMap { $0?.policy } == ["guarded-prod", "guarded-billing"])
        #expect(set.gates.allSatisfy { $0?.quorum == 2 })
        let text = try #require(set.gates[0]).text
        #expect(text.contains("resource in Environment::\"prod\""), "\(text)")
        let other = try Self.load(template, links.replacing("billing\"}", with: "orders\"}"))
        #expect(other.version != set.version)
        let broken = [
            ("guarded-billing", "guarded-prod", "the set has a policy, a template or a link `guarded-prod` already"),
            ("\"templateId\": \"guarded\"", "\"templateId\": \"gone\"", "there is no template `gone`"),
            ("?resource", "?principal", "the template `guarded` needs a value for `?resource`"),
            ("Environment", "Enviroment", "the schema has no entity type `Enviroment`"),
            ("\"templateLinks\"", "\"links\"", "`templateLinks` is missing"),
        ]
        for (old, new, message) in broken {
            let errors = try #require(throws: PolicyErrors.self) {
                try Self.load(template, links.replacing(old, with: new))
            }
            #expect(errors.description.contains(message), "\(errors)")
        }
    }

    @Test("every error of every file is told at once")
    func allErrors() throws {
        let one = "@approvers(\"x\") @quorum(\"0\")\nforbid (principal, action, resource);"
        let errors = try #require(throws: PolicyErrors.self) {
            try Self.load(one, "\n\n  @nope permit(principal,action,resource);")
        }
        let places = errors.errors.map { "\($0.position)" }
        #expect(places == ["a.cedar:1:1", "a.cedar:1:17", "more0.cedar:3:3"])
    }

    @Test("what cannot be read hides nothing of what can")
    func errorsBesideUnreadable() throws {
        let errors = try #require(throws: PolicyErrors.self) {
            try Self.load(
                "permit (principal, action, resource) when { context.pth == 1 };\npermit (principal action, resource);\n"
                    + "@approvers(\"x\")\nforbid (principal, action, resource);",
                "permit (principal is Agnet, action, resource);",
            )
        }
        let places = errors.errors.map { "\($0.position.file):\($0.position.line)" }
        #expect(Set(places) == ["a.cedar:1", "a.cedar:2", "a.cedar:3", "more0.cedar:1"])
        #expect(places == places.sorted())
    }

    @Test("two policies with one id are refused, in one file or in two, and with a generated id too")
    func duplicateIDs() throws {
        let policy = "@id(\"x\") permit (principal, action, resource);"
        for load in [{ try Self.load(policy + "\n" + policy) }, { try Self.load(policy, policy) }] {
            let errors = try #require(throws: PolicyErrors.self) { try load() }
            #expect(errors.errors.count == 1 && errors.description.contains("`x`"))
        }
        let generated = "permit (principal, action, resource);\n@id(\"policy0\") permit (principal, action, resource);"
        #expect(throws: PolicyErrors.self) { try Self.load(generated) }
        #expect(
            try Self.load(
                "@id(\"\u{E9}\") permit (principal, action, resource);",
                "@id(\"e\u{301}\") permit (principal, action, resource);"
            ).gates.count == 2
        )
    }

    @Test("the version is the same for another layout, and another for other content")
    func version() throws {
        let text =
            "@id(\"a\") @approvers(\"dba\") forbid (principal, action, resource) when { context.time > datetime(\"2026-01-01\") };"
        let version = try Self.load(text).version
        #expect(ActionDigest(version) != nil)
        let layouts = [
            "// comment\n\n" + text + "  // end",
            "@id (\"a\")\n@approvers(\"dba\")\n\nforbid(principal,action,resource)\nwhen{context.time>datetime(\"2026-01-01\")};",
            "@id(\"a\") @approvers(\"db\\u{61}\") forbid (principal, action, resource) when { (context.time > datetime(\"2026-01-01\")) };",
        ]
        for layout in layouts { #expect(try Self.load(layout).version == version) }
        let contents = [
            "", text + " permit (principal, action, resource);",
            "@id(\"b\") @approvers(\"dba\") forbid (principal, action, resource) when { context.time > datetime(\"2026-01-01\") };",
            "@id(\"a\") @approvers(\"sre\") forbid (principal, action, resource) when { context.time > datetime(\"2026-01-01\") };",
            "@id(\"a\") @approvers(\"dba\") @quorum(\"2\") forbid (principal, action, resource) when { context.time > datetime(\"2026-01-01\") };",
            "@id(\"a\") forbid (principal, action, resource) when { context.time > datetime(\"2026-01-01\") };",
            "@id(\"a\") @approvers(\"dba\") forbid (principal, action, resource) when { context.time > datetime(\"2026-01-02\") };",
            "@id(\"a\") @approvers(\"dba\") forbid (principal, action, resource) unless { context.time > datetime(\"2026-01-01\") };",
            "@id(\"a\") @approvers(\"dba\") forbid (principal is Agent, action, resource) when { context.time > datetime(\"2026-01-01\") };",
        ]
        let versions = try contents.map { try Self.load($0).version }
        #expect(Set(versions + [version]).count == contents.count + 1)
    }
}

extension GatedPolicySetTests {
    @Test(
        "what the product's schema does not know refuses the set, at the place where it stands",
        arguments: [
            ("forbid (principal, action, resource) when { context.pth like \"/x\" };", "unsafe-attribute-access"),
            ("forbid (principal, action == Action::\"http:export\", resource) when { context.path == 1 };", "types"),
            ("forbid (principal, action in Action::\"http\", resource) when { context.query == \"\" };", "optional"),
            (
                "forbid (principal, action in Action::\"http\", resource) when { context.headers.accept.isEmpty() };",
                "optional"
            ),
            ("forbid (principal is Robot, action, resource);", "entity type `Robot`"),
            ("forbid (principal is Agnet, action, resource);", "did you mean `Agent`?"),
            ("forbid (principal == Usr::\"a\", action, resource);", "entity type `Usr`"),
            (
                "forbid (principal, action == Action::\"http:delet\", resource);",
                "did you mean `Action::\"http:delete\"`"
            ),
            ("forbid (principal is Agent, action == Action::\"approve\", resource);", "invalid-action-application"),
            (
                "forbid (principal, action, resource) when { resource.getTag(\"data\") == \"pii\" };",
                "unsafe-tag-access"
            ),
            ("permit (principal, action, resource) when { principal.groups.contains(\"a\") };", "no attribute"),
        ],
    )
    func validated(_ text: String, _ message: String) throws {
        let error = try #require(throws: PolicyErrors.self) { try Self.load("// one\n\n  " + text) }
        #expect(error.description.contains("a.cedar:3:"))
        #expect(error.description.contains(message), "\(error)")
    }

    @Test(
        "what people write of a request loads",
        arguments: [
            "action in Action::\"http\", resource) when { context.path like \"/admin/*\" || context.method == \"PUT\" }",
            "action, resource) when { context has path && context.path like \"/admin/*\" }",
            "action, resource) when { context has query && context.query like \"*debug*\" }",
            "action in Action::\"http\", resource) when { context.headers has \"x-team\" && context.headers[\"x-team\"].contains(\"red\") }",
            "action, resource) when { context has body && context.body.amount > 1000 }",
            "action, resource) when { context has body.amount && context.body.amount > 1000 }",
            "action, resource) unless { context.source_address.isInRange(ip(\"10.0.0.0/8\")) }",
            "action, resource) when { context.time.toTime() > duration(\"17h\") }",
            "action, resource) when { context has on_behalf_of && context.on_behalf_of in Group::\"dba\" }",
            "action, resource) when { resource.hasTag(\"data\") && resource.getTag(\"data\") == \"pii\" }",
            "action in Action::\"mcp\", resource) when { context.arguments.force == true }",
            "action in Action::\"postgres\", resource) when { context has payload.text && context.payload.text like \"*\" }",
        ],
    )
    func loads(_ rest: String) throws {
        #expect(
            try Self.load("@approvers(\"dba\") forbid (principal, \(rest);").warnings(nil).map(\.code) == [
                .nothingPermitted
            ]
        )
    }

    @Test("what narrows approving may look at the action")
    func approving() throws {
        let text =
            "forbid (principal, action == Action::\"approve\", resource) "
            + "when { resource.action == \"http:delete\" && context.path like \"/*\" };"
        #expect(try Self.load(text).gates.count == 1)
    }

    @Test("a policy that can never apply loads with a warning")
    func warned() throws {
        let text = "permit (principal, action == Action::\"http:read\", resource) when { resource is Agent };"
        #expect(try Self.load(text).warnings(nil).map(\.code) == [.neverApplies])
    }
}
