import CanonicalJSON
import Cedar
import Testing

@Suite("Policies in JSON", .timeLimit(.minutes(10)))
struct PolicyJSONTests {
    /// The condition of the policy `permit (principal, action, resource) when { … };` in its JSON form.
    static func body(of expression: String) throws -> JSONValue? {
        let set = try PolicySet(text: "permit (principal, action, resource) when { \(expression) };")
        return try set.json()["staticPolicies"]?["policy0"]?["conditions"]?.arrayValue?.first?["body"]
    }

    /// What the official engine writes of an expression.
    @Test(
        "an expression's JSON is the official one, and reads as the same policy",
        arguments: PolicyJSONTable.expressions
    )
    func expressions(text: String, json: String) throws {
        #expect(try Self.body(of: text) == JSONValue(cedar: json))
        let set = try PolicySet(text: "permit (principal, action, resource) when { \(text) };")
        let again = try PolicySet(json: try set.json())
        #expect(try again.json() == set.json())
    }

    @Test("a policy's JSON is the official one, and reads as the same policy", arguments: PolicyJSONTable.policies)
    func policies(text: String, json: String) throws {
        let set = try PolicySet(text: text)
        let expected = try JSONValue(cedar: json)
        let written = try set.json()
        #expect((written["staticPolicies"]?["policy0"] ?? written["templates"]?["policy0"]) == expected)
        let again = try PolicySet(json: written)
        #expect(try again.json() == written)
    }

    @Test("what the official engine reads as an expression is read", arguments: PolicyJSONTable.readable)
    func readable(json: String, text: String) throws {
        let policy = try Policy(
            json: try PolicyJSONTable.policy("conditions", #"[{"kind": "when", "body": \#(json)}]"#),
            id: "a"
        )
        #expect(policy.canonicalText == "permit (principal, action, resource)\nwhen { \(text) };")
    }

    @Test("what the official engine refuses as an expression is refused", arguments: PolicyJSONTable.unreadable)
    func unreadable(json: String) throws {
        let json = try PolicyJSONTable.policy("conditions", #"[{"kind": "when", "body": \#(json)}]"#)
        #expect(throws: InvalidPart.self) { try Policy(json: json, id: "a") }
    }

    @Test("the members of a policy are read as the official engine reads them", arguments: PolicyJSONTable.members)
    func members(key: String, json: String, text: String) throws {
        let policy = try Policy(json: try PolicyJSONTable.policy(key, json), id: "a")
        #expect(policy.canonicalText == text)
        #expect(policy.id == "a")
    }

    @Test("the members of a policy are refused as the official engine refuses them", arguments: PolicyJSONTable.refused)
    func refusedMembers(key: String, json: String) throws {
        let json = try PolicyJSONTable.policy(key, json)
        #expect(throws: InvalidPart.self) { try Policy(json: json, id: "a") }
    }

    static let slotted =
        #"{"effect":"permit","principal":{"op":"==","slot":"?principal"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[]}"#
    static let plain =
        #"{"effect":"permit","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[]}"#

    static func set(_ policies: String, _ templates: String, _ links: String) throws -> JSONValue {
        try JSONValue(
            cedar: #"{"staticPolicies":{\#(policies)},"templates":{\#(templates)},"templateLinks":[\#(links)]}"#
        )
    }

    @Test(
        "a set is read as the official engine reads it",
        arguments: [
            ("", "", "", []),
            (#""a":\#(plain),"b":\#(plain)"#, "", "", ["a", "b"]),
            ("", #""t":\#(slotted)"#, "", []),
            ("", #""t":\#(plain)"#, "", []),
            ("", #""t":\#(plain)"#, #"{"templateId":"t","newId":"n","values":{}}"#, ["n"]),
            (
                #""a":\#(plain)"#, #""t":\#(slotted)"#,
                #"{"templateId":"t","newId":"n","values":{"?principal":{"type":"U","id":"a"}}}"#, ["a", "n"]
            ),
            (
                "", #""t":\#(slotted)"#,
                #"{"templateId":"t","newId":"","values":{"?principal":{"__entity":{"type":"U","id":"a"}}}}"#, [""]
            ),
        ]
    )
    func sets(policies: String, templates: String, links: String, ids: [String]) throws {
        let set = try PolicySet(json: try Self.set(policies, templates, links))
        #expect(set.policies.map(\.id) == ids)
        let again = try PolicySet(json: try set.json())
        #expect(again.canonicalText == set.canonicalText)
        #expect(again.links == set.links)
    }

    @Test(
        "a set is refused as the official engine refuses it, with the place",
        arguments: [
            (#""a":\#(slotted)"#, "", "", "staticPolicies.a: a static policy cannot have slots; this is a template"),
            (#""t":\#(plain)"#, #""t":\#(slotted)"#, "", "staticPolicies.t: a template has this id already"),
            (
                #""t":\#(plain)"#, "", #"{"templateId":"t","newId":"n","values":{}}"#,
                "templateLinks: there is no template `t`"
            ),
            (
                "", #""t":\#(slotted)"#, #"{"templateId":"t","newId":"n","values":{}}"#,
                "templateLinks: the template `t` needs a value for `?principal`"
            ),
            (
                "", #""t":\#(slotted)"#, #"{"templateId":"t","newId":"n","values":{"?principal":"U::\"a\""}}"#,
                "templateLinks[0].values.?principal: expected an entity such as {\"type\": \"User\", \"id\": \"alice\"}"
            ),
            (
                "", #""t":\#(slotted)"#, #"{"templateId":"t","newId":"n","values":{"?foo":{"type":"U","id":"a"}}}"#,
                "templateLinks[0].values: `?foo` is not a slot"
            ),
            (
                "", "", #"{"templateId":"t","newId":"n","values":{},"x":1}"#,
                "templateLinks[0]: there is no `x` here"
            ),
        ]
    )
    func refusedSets(policies: String, templates: String, links: String, message: String) throws {
        let json = try Self.set(policies, templates, links)
        do {
            _ = try PolicySet(json: json)
            Issue.record("the set was read")
        } catch {
            #expect(error.description == message)
        }
    }

    @Test(
        "a set needs its three parts and has no other",
        arguments: [
            #"{"staticPolicies":{},"templates":{}}"#, #"{"staticPolicies":{},"templateLinks":[]}"#, "[]", "null",
            #"{"staticPolicies":{},"templates":{},"templateLinks":[],"x":1}"#,
            #"{"staticPolicies":[],"templates":{},"templateLinks":[]}"#,
            #"{"staticPolicies":{},"templates":{},"templateLinks":{}}"#,
        ]
    )
    func parts(json: String) throws {
        let json = try JSONValue(cedar: json)
        #expect(throws: InvalidPart.self) { try PolicySet(json: json) }
    }

    @Test("ids that only JSON can give, and templates without slots, change the canonical text")
    func canonicalText() throws {
        let texts = try [
            Self.set(#""policy0":\#(Self.plain)"#, "", ""), Self.set(#""a\n":\#(Self.plain)"#, "", ""),
            Self.set("", #""policy0":\#(Self.plain)"#, ""),
        ].map { try PolicySet(json: $0).canonicalText }
        #expect(texts[0] == "permit (principal, action, resource);\n")
        #expect(texts[1] == "// \"a\\n\"\npermit (principal, action, resource);\n")
        #expect(texts[2] == "// a template\npermit (principal, action, resource);\n")
    }

    @Test("JSON of any depth is read or refused, never a crash", arguments: [2, 100, 255, 256, 257, 10_000])
    func depth(levels: Int) throws {
        var json: JSONValue = ["Value": true]
        for _ in 0..<levels { json = .object(["!": .object(["arg": json])]) }
        var policy = try JSONValue(cedar: Self.plain).objectValue ?? [:]
        policy["conditions"] = .array([.object(["kind": "when", "body": json])])
        let whole = JSONValue.object(policy)
        if levels < 256 {
            #expect(try Policy(json: whole, id: "a").json() == whole)
        } else {
            #expect(throws: InvalidPart.self) { try Policy(json: whole, id: "a") }
        }
    }

    @Test("a policy whose JSON would be too deep or too large has none")
    func writing() throws {
        let deep = Array(repeating: "context.a", count: 600).joined(separator: " && ")
        let large = (0..<30).reduce("context") { text, _ in "(\(text) has a.b).c" }
        for expression in [deep, large] {
            let set = try PolicySet(text: "permit (principal, action, resource) when { \(expression) };")
            #expect(throws: InvalidPart.self) { try set.json() }
        }
    }

    @Test("an escape that stands for a star is a wildcard in a pattern, as in the official engine")
    func starEscapes() throws {
        let set = try PolicySet(whenever: #""abc" like "a\x2a" && "abc" like "\u{2a}c" && !("abc" like "a\*")"#)
        #expect(set.authorize(.sample, Entities.empty).decision == .allow)
        #expect(set.canonicalText.contains(#""abc" like "a*" && "abc" like "*c""#))
    }
}
