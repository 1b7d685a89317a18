import CanonicalJSON
import Cedar
import CountersignTestKit
import Testing

@testable import CountersignCore

/// Ways around what policies say.
///
/// This file only grows.
extension BypassTests {
    @Test(
        "a whole number is one number to policy, however it is written",
        arguments: [
            "1", "1.0", "1e0", "10e-1", "0.1e1", "1.00000000000000000001", "1.000", "100e-2",
        ],
        [
            "context.body.role == 1", "[1, 2].contains(context.body.role)", "context.body == {role: 1}",
            "!(context.body.role != 1)", "context.body.role < 2 && context.body.role > 0",
        ]
    )
    func wholeNumbers(_ number: String, _ condition: String) throws {
        let text =
            "permit (principal, action, resource);\n"
            + "forbid (principal, action, resource) when { context has body && \(condition) };"
        let payload = JSONObject([("media_type", "application/json"), ("text", .string("{\"role\":\(number)}"))])
        let action = PolicyContextTests.action(JSONObject([("payload", .object(payload))]))
        #expect(Stage.name(try PolicyVerdictTests.judge(text, action).answer) == "deny forbidden")
    }

    @Test("a number in a document is to policy what it is to the digest")
    func numbersInDocuments() throws {
        let text = "permit (principal, action, resource); forbid (principal, action, resource) when { context.n == 1 };"
        for number in [JSONValue.integer(1), .number(1.0)] {
            let action = PolicyContextTests.action(JSONObject([("n", number)]))
            let verdict = try PolicyVerdictTests.judge(text, action, ownVocabulary: false)
            #expect(Stage.name(verdict.answer) == "deny forbidden")
        }
    }

    @Test("two sets that differ in what their policies are called have two versions")
    func versions() throws {
        func version(_ text: String) throws -> String {
            try GatedPolicySet(
                parsing: [PolicySource(name: "p", text: text)],
                groups: [GroupName(unchecked: "dba")],
            ).version
        }
        let scope = #""principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"}, "conditions": []"#
        func document(_ permit: String, _ permitID: String, _ gate: String, _ gateID: String) -> String {
            """
            {"templates": {}, "templateLinks": [], "staticPolicies": {
              "\(permit)": {"effect": "permit", \(scope), "annotations": {"id": "\(permitID)"}},
              "\(gate)": {"effect": "forbid", \(scope), "annotations": {"approvers": "dba", "id": "\(gateID)"}}}}
            """
        }
        let texts = [
            "@id(\"policy1\") permit (principal, action, resource);"
                + "@approvers(\"dba\") @id(\"policy0\") forbid (principal, action, resource);",
            document("policy0", "policy1", "policy1", "policy0"), document("policy0", "x", "policy1", "y"),
            document("policy0", "policy0", "policy1", "policy1"), document("x", "x", "y", "y"),
            document("x", "policy0", "y", "policy1"),
        ]
        #expect(Set(try texts.map(version)).count == texts.count)
    }

    @Test(
        "a form, and JSON behind what lenient readers skip, are no way around a rule about bodies",
        arguments: [
            ("application/x-www-form-urlencoded", "amount=5000"),
            ("Application/X-WWW-Form-Urlencoded; charset=utf-8", "amount=5000"),
            (
                "multipart/form-data; boundary=x",
                "--x\r\ncontent-disposition: form-data; name=amount\r\n\r\n5000\r\n--x--"
            ),
            ("application/x-www-form-urlencoded", "{\"a\": \"&amount=5000&\"}"),
            ("application/x-www-form-urlencoded", "{\"a\": \";amount=5000;\"}"),
            ("text/plain", "/**/{\"amount\": 5000}"), ("application/octet-stream", "// x\n{\"amount\": 5000}"),
            ("text/plain", "#\n{\"amount\": 5000}"), ("text/plain", "\u{B}\u{C}{\"amount\": 5000}"),
            ("text/plain", "\u{A0}\u{2028}{\"amount\": 5000}"),
        ]
    )
    func otherBodies(_ mediaType: String, _ body: String) throws {
        #expect(try Self.payloadVerdict(mediaType, body) == "deny policy-error")
    }
}
