import CanonicalJSON
import CountersignCore
import CountersignTestKit
import Testing

@Suite(.timeLimit(.minutes(10)))
struct PolicyContextTests {
    private static let details = JSONObject([
        ("headers", ["x-team": ["red", "blue"]]), ("method", "POST"), ("path", "/v1/orders"), ("query", "a=1"),
        ("payload", ["media_type": "application/json", "text": .string(body)]),
    ])
    private static let body =
        #"{"amount": 1500, "rate": 0.25, "big": 9007199254740993, "items": [1, null, 2], "none": null}"#

    static func action(_ details: JSONObject, onBehalfOf: UserID? = nil) -> Action {
        Action(
            agent: Fixtures.agent,
            onBehalfOf: onBehalfOf,
            protocol: "http",
            connection: Fixtures.connection,
            operations: [
                Operation(
                    protocol: "http",
                    effect: .write,
                    resource: ResourceReference(type: "Endpoint", id: "orders-api/o")
                )
            ],
            details: details,
        )
    }

    static func holds(_ condition: String, _ action: Action, _ circumstances: Circumstances = Circumstances()) throws
        -> String
    {
        let text = "permit (principal, action, resource) when { \(condition) };"
        let verdict = try PolicyVerdictTests.judge(text, action, circumstances, ownVocabulary: false)
        if !verdict.errors.isEmpty { return "error" }
        return verdict.answer == .allow ? "true" : "false"
    }

    @Test(
        "policy sees the method, path, query, fields, body, address, time, human and justification",
        arguments: [
            "context.method == \"POST\"", "context.path like \"/v1/*\"", "context.query == \"a=1\"",
            "context.headers[\"x-team\"].contains(\"red\")",
            "context.headers[\"x-team\"].containsAll([\"red\", \"blue\"])",
            "context.body.amount > 1000", "context.body.rate.lessThan(decimal(\"0.3\"))",
            "context.body.big == 9007199254740993", "context.body.items == [1, 2]", "!(context.body has none)",
            "context.payload.media_type == \"application/json\"",
            "context.source_address.isInRange(ip(\"192.0.2.0/24\"))",
            "context.time == datetime(\"2026-01-01T00:00:00Z\")",
            "context.on_behalf_of == User::\"alice@example.com\"", "context.on_behalf_of in Group::\"dba\"",
            "context.justification == \"month end\"",
        ],
    )
    func members(_ condition: String) throws {
        let circumstances = Circumstances(sourceAddress: "192.0.2.7", justification: "month end", requestID: "r")
        let action = Self.action(Self.details, onBehalfOf: Fixtures.alice)
        #expect(try Self.holds(condition, action, circumstances) == "true")
    }

    @Test(
        "what is not known is missing, not empty",
        arguments: ["query", "body", "source_address", "on_behalf_of", "justification", "request_id", "operations"],
    )
    func missing(_ name: String) throws {
        let action = Self.action(["method": "POST"])
        #expect(try Self.holds("context has \(name)", action) == "false")
        #expect(try Self.holds("context.\(name) == 1", action) == "error")
    }

    @Test("an address that is none is missing")
    func badAddress() throws {
        let action = Self.action(["method": "POST"])
        #expect(
            try Self.holds("context has source_address", action, Circumstances(sourceAddress: "localhost")) == "false"
        )
        let v6 = Circumstances(sourceAddress: "2001:db8::1")
        #expect(try Self.holds("context.source_address.isIpv6()", action, v6) == "true")
    }

    @Test(
        "a document's details never stand in for what the gateway fills in",
        arguments: [
            "body", "justification", "on_behalf_of", "source_address", "time",
        ]
    )
    func ownMembers(_ name: String) throws {
        let action = Self.action(JSONObject([(name, "forged")]))
        let answer = try Self.holds("context has \(name) && context.\(name) == \"forged\"", action)
        #expect(answer == "false")
    }
}
