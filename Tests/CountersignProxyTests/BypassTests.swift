import CanonicalJSON
import CountersignCore
import Testing

@testable import CountersignProxy

/// Ways around the gates by a document that an agent wrote itself.
///
/// This file only grows.
@Suite("Documents that agents write themselves", .timeLimit(.minutes(10)))
struct BypassTests {
    private static let orders = CurrentConnections(
        [TranslatorTests.connection],
        mcp: [
            MCPConnection(
                name: ConnectionName(unchecked: "files"),
                link: .http(HTTPConnection(trying: ConnectionName(unchecked: "files"), routes: [])),
                tools: [.init(pattern: "read_*", effect: .read), .init(pattern: "wipe", effect: .delete)],
            ),
            MCPConnection(name: ConnectionName(unchecked: "all"), link: .joined([ConnectionName(unchecked: "files")])),
        ],
    )

    /// What the gateway has against a document: a reason code, or nothing.
    private static func verdict(
        _ connection: String,
        _ kind: String,
        _ operations: [(Effect, String, String)],
        _ details: JSONObject = JSONObject(),
    ) -> String? {
        let action = Action(
            agent: AgentID(unchecked: "bot"),
            onBehalfOf: nil,
            protocol: kind,
            connection: ConnectionName(unchecked: connection),
            operations: operations.map { effect, type, id in
                Operation(protocol: kind, effect: effect, resource: ResourceReference(type: type, id: id))
            },
            details: details,
        )
        return orders.objection(to: action)?.code.rawValue
    }

    private static func http(
        _ effect: Effect,
        _ id: String,
        _ details: [(String, JSONValue)] = [],
    ) -> String? {
        verdict("orders", "http", [(effect, "Endpoint", "orders/" + id)], JSONObject(details))
    }

    static let requests: [(Effect, String, String, String, String?)] = [
        // A route's effect is the effect, milder or graver.
        (.read, "exportOrders", "POST", "/v1/exports", "effect-mismatch"),
        (.write, "exportOrders", "POST", "/v1/exports", "effect-mismatch"),
        (.privilege, "exportOrders", "POST", "/v1/exports", "effect-mismatch"),
        (.export, "exportOrders", "POST", "/v1/exports", nil),
        // And its name is the name: a gate on the endpoint is not passed under another one.
        (.export, "POST /v1/exports", "POST", "/v1/exports", "effect-mismatch"),
        (.export, "somethingElse", "POST", "/v1/exports", "effect-mismatch"),
        // Where no route says, the method does, and an agent may know worse.
        (.read, "DELETE /w", "DELETE", "/w", "effect-mismatch"),
        (.write, "DELETE /w", "DELETE", "/w", "effect-mismatch"),
        (.delete, "DELETE /w", "DELETE", "/w", nil),
        (.privilege, "DELETE /w", "DELETE", "/w", nil),
        (.read, "GET /w", "GET", "/w", nil),
        (.read, "get /w", "get", "/w", "effect-mismatch"),
        (.read, "PROPFIND /w", "PROPFIND", "/w", "effect-mismatch"),
        // One path has one spelling.
        (.read, "GET /w", "GET", "/%77", "bad-request"),
        (.read, "GET /w", "GET", "/w/../w", "bad-request"),
        (.read, "GET /w", "GET", "/w?a=1", "bad-request"),
        (.read, "GET /w", "GET", "w", "bad-request"),
    ]

    @Test("a request's effect and name are what the routes and the method say", arguments: requests)
    func requestsAsRouted(_ effect: Effect, _ name: String, _ method: String, _ path: String, _ expected: String?) {
        #expect(Self.http(effect, name, [("method", .string(method)), ("path", .string(path))]) == expected)
    }

    @Test("what a document leaves out does not hide what the routes know")
    func omissions() {
        #expect(Self.http(.read, "exportOrders") == "effect-mismatch")
        #expect(Self.http(.export, "exportOrders") == nil)
        #expect(Self.http(.read, "POST /v1/exports") == "effect-mismatch")
        #expect(Self.http(.read, "DELETE /w") == "effect-mismatch")
        #expect(Self.http(.read, "whatever", [("path", "/v1/exports")]) == "bad-request")
        #expect(Self.http(.read, "whatever", [("path", "/w")]) == nil)
        #expect(Self.http(.read, "GET /w", [("path", "/other")]) == "effect-mismatch")
        #expect(Self.http(.read, "GET /w", [("path", 7)]) == "bad-request")
        #expect(Self.http(.write, "anything") == nil)
        #expect(Self.http(.read, "changeOrder") == "effect-mismatch")
    }

    @Test("an upgrade, and a query in another spelling, are not what they are said to be")
    func upgradesAndQueries() {
        let plain: [(String, JSONValue)] = [("method", "GET"), ("path", "/w")]
        #expect(Self.http(.read, "GET /w", plain + [("upgrade", "websocket")]) == "effect-mismatch")
        #expect(Self.http(.read, "GET /w", plain + [("query", "a=%62")]) == "bad-request")
        #expect(Self.http(.read, "GET /w", plain + [("query", "a=b")]) == nil)
        #expect(Self.http(.read, "GET /w", plain + [("query", "a=b"), ("raw_query", "a=%62")]) == nil)
        #expect(Self.http(.read, "GET /w", plain + [("query", "a=b"), ("raw_query", "a=c")]) == "bad-request")
        #expect(Self.http(.read, "GET /w", plain + [("raw_path", "/%77")]) == nil)
        #expect(Self.http(.read, "GET /w", plain + [("raw_path", "/x")]) == "bad-request")
    }

    @Test("every operation is looked at, not only the first")
    func several() {
        let details = JSONObject([("method", "DELETE"), ("path", "/w")])
        let operations: [(Effect, String, String)] = [
            (.delete, "Endpoint", "orders/DELETE /w"), (.read, "Endpoint", "orders/DELETE /w"),
        ]
        #expect(Self.verdict("orders", "http", operations, details) == "effect-mismatch")
        let other: [(Effect, String, String)] = [(.delete, "Connection", "orders")]
        #expect(Self.verdict("orders", "http", other, details) == "effect-mismatch")
    }

    static let calls: [(Effect, String, String?)] = [
        (.read, "wipe", "effect-mismatch"), (.write, "wipe", "effect-mismatch"),
        (.privilege, "wipe", "effect-mismatch"), (.delete, "wipe", nil), (.read, "read_all", nil),
        (.write, "read_all", "effect-mismatch"),
        // Nobody has said what it does, and an agent's word does not change that.
        (.read, "other", "effect-mismatch"), (.privilege, "other", "effect-mismatch"), (.unknown, "other", nil),
    ]

    @Test("a tool's effect is what rules say; without one it is unknown", arguments: calls)
    func toolsAsRuled(_ effect: Effect, _ tool: String, _ expected: String?) {
        let details = JSONObject([("method", "tools/call"), ("tool", .string(tool)), ("arguments", [:])])
        #expect(Self.verdict("files", "mcp", [(effect, "Tool", "files/" + tool)], details) == expected)
    }

    @Test("a call is not passed off as a prompt, as another method, or as one of a joined connection")
    func disguises() {
        let call = JSONObject([("method", "tools/call"), ("tool", "wipe")])
        #expect(Self.verdict("files", "mcp", [(.delete, "Prompt", "files/wipe")], call) == "effect-mismatch")
        #expect(Self.verdict("files", "mcp", [(.delete, "Tool", "files/read_all")], call) == "effect-mismatch")
        #expect(Self.verdict("all", "mcp", [(.read, "Tool", "all/files__wipe")], call) == "bad-request")
        let made = JSONObject([("method", "tools/wipe"), ("tool", "wipe")])
        #expect(Self.verdict("files", "mcp", [(.read, "Tool", "files/wipe")], made) == "bad-request")
        let list = JSONObject([("method", "tools/list")])
        #expect(Self.verdict("files", "mcp", [(.read, "Connection", "files")], list) == "bad-request")
        let read = JSONObject([("method", "resources/read"), ("uri", "file:///a")])
        #expect(Self.verdict("files", "mcp", [(.read, "Resource", "files/file:///a")], read) == nil)
        #expect(Self.verdict("files", "mcp", [(.read, "Resource", "files/file:///b")], read) == "effect-mismatch")
    }
}
