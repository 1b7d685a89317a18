import Cedar
import Testing

@Suite("All that is wrong with policies", .timeLimit(.minutes(10)))
struct PolicyProblemTests {
    private static func problems(_ texts: String...) -> [String] {
        let sources = texts.enumerated().map { PolicySource(name: "\($0)", text: $1) }
        return PolicySet.reading(sources).errors.map(\.description)
    }

    private static let lacking = "the policy before lacks its `;` (every policy ends with `;`)"

    @Test(
        "a missing semicolon is told where it belongs, and swallows nothing",
        arguments: [
            (
                "permit(principal, action, resource)\n\nforbid(principal, action, resource) when { foo };\n;",
                [
                    "0:1:36: \(Self.lacking)",
                    "0:3:44: `foo` is not a variable (the variables are `principal`, `action`, `resource` and `context`)",
                    "0:4:1: expected `permit` or `forbid`, found `;`",
                ]
            ),
            (
                "permit(principal, action, resource) when { true } // why\n@id(\"a\") permit(principal, action, resource);",
                ["0:1:50: \(Self.lacking)"]
            ),
            (
                "permit(principal, action, resource permit(principal, action, resource) when { bar() };",
                [
                    "0:1:36: expected `==`, `in`, `is`, `,` or `)`, found `permit`",
                    "0:1:79: `bar` is not a function (the functions are `decimal`, `ip`, `datetime` and `duration`)",
                ]
            ),
            (
                "permit(principal, action) @id(\"x\") forbid(principal, action);",
                [
                    "0:1:25: expected `,`, found `)` (the scope lacks `resource`)",
                    "0:1:60: expected `,`, found `)` (the scope lacks `resource`)",
                ]
            ),
            (
                "permit(principal, action, resource) permit { true };",
                [
                    "0:1:37: `permit` is not a condition (conditions are `when { … }` and `unless { … }`)"
                ]
            ),
        ]
    )
    func semicolons(text: String, problems: [String]) {
        #expect(Self.problems(text) == problems)
    }

    @Test("what could be read is there beside what could not, with the ids that it will have")
    func reading() {
        let text = """
            permit(principal, action, resource) when { };
            forbid(principal, action, resource)
            @id("c") permit(principal, action, resource);
            @a(1) permit(principal, action, resource);
            permit(principal == ?principal, action, resource);
            """
        let (set, errors) = PolicySet.reading([PolicySource(name: "a", text: text)])
        #expect(set.policies.map(\.id) == ["policy1", "policy2"])
        #expect(set.policies.map(\.text.utf8.count) == [35, 45])
        #expect(set.templates.map(\.id) == ["policy4"])
        #expect(errors.map(\.position.line) == [1, 2, 4])
        let named = PolicySet.reading([PolicySource(name: "a", text: text)], idsFromAnnotations: true).set
        #expect(named.policies.map(\.id) == ["policy1", "c"])
    }

    private static let good = #"""
        {"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"},
        """#

    @Test("every member and every link of a document that is wrong is told of, where it stands")
    func documents() {
        let document = """
            {"staticPolicies": {
              "b": \(Self.good) "conditions": 1},
              "a": {"effect": "allow"},
              "c": \(Self.good) "conditions": []}
            },
            "templates": {
              "t\\u0041": \(Self.good) "conditions": [2]},
              "t": \(Self.good.replacing("\"All\"", with: "\"==\", \"slot\": \"?principal\"", maxReplacements: 1)) "conditions": []}
            },
            "templateLinks": [
              {"templateId": "t", "newId": "c", "values": {"?principal": {"type": "U", "id": "a"}}},
              {"templateId": 1, "newId": "e", "values": {}},
              {"templateId": "t", "newId": "d", "values": {"?principal": {"type": "U", "id": "a"}}},
              {"templateId": "t", "newId": "f", "values": {}}
            ]}
            """
        let (set, errors) = PolicySet.reading([PolicySource(name: "d", text: document)])
        #expect(set.policies.map(\.id) == ["c", "d"])
        #expect(set.policies.map { "\($0.position)" } == ["d:4:8", "d:8:8"])
        #expect(
            errors.map(\.description) == [
                "d:2:8: staticPolicies.b.conditions: expected an array",
                "d:3:8: staticPolicies.a: `principal` is missing",
                "d:7:14: templates.tA.conditions[0]: expected an object",
                "d:12:3: templateLinks[1].templateId: expected a string",
                "d:11:3: the set has a policy, a template or a link `c` already",
                "d:14:3: the template `t` needs a value for `?principal`",
            ]
        )
    }

    @Test("a text that is no JSON is told of where it stops being JSON")
    func noDocument() {
        #expect(Self.problems("{\"staticPolicies\": {},\n  nothing").map { $0.prefix(5) } == ["0:2:3"])
    }

    @Test("every link to a template that is not there is told of")
    func unknownTemplates() {
        let links = ["a", "c"].map { #"{"templateId": "\#($0)", "newId": "new \#($0)", "values": {}}"# }
        let document =
            #"{"staticPolicies": {}, "templates": {}, "templateLinks": [\#(links.joined(separator: ", "))]}"#
        #expect(Self.problems(document) == ["0:1:59: there is no template `a`", "0:1:112: there is no template `c`"])
        // One that could not be read has been told of.
        #expect(Self.problems(document, "permit(").count == 1)
    }

    @Test("no limit lets a broken text pass for an empty one", arguments: [0, -1, 1])
    func limit(errors: Int) {
        let limits = PolicyLimits(errors: errors)
        let sources = ["permit(", "{", "{}"].map { PolicySource(name: "a", text: $0) }
        for source in sources {
            #expect(throws: PolicyErrors.self) { try PolicySet(parsing: [source], limits: limits) }
        }
    }
}
