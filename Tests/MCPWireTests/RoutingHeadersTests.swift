import CanonicalJSON
import MCPWire
import Testing

@Suite("Routing headers", .timeLimit(.minutes(10)))
struct RoutingHeadersTests {
    @Test(
        "a value that a header can carry stays as it is, any other is in base64",
        arguments: [
            ("us-west1", "us-west1"), ("", ""), ("a b", "a b"), ("=?base64?=", "=?base64?="),
            ("=?BASE64?eA==?=", "=?BASE64?eA==?="), ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="), ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="), ("a\r\nb", "=?base64?YQ0KYg==?="),
            ("\t", "=?base64?CQ==?="), ("a\tb", "=?base64?YQli?="), ("\u{7F}", "=?base64?fw==?="),
            ("=?base64??=", "=?base64?PT9iYXNlNjQ/Pz0=?="), ("\0", "=?base64?AA==?="),
        ],
    )
    func codec(value: String, header: String) {
        #expect(RoutingHeaders.encode(value) == header)
        #expect(RoutingHeaders.decode(header) == value)
    }

    @Test(
        "a value that is malformed is none",
        arguments: [
            "=?base64?A?=", "=?base64?AA?=", "=?base64?AAA?=", "=?base64?AAAAA?=", "=?base64?A===?=", "=?base64?====?=",
            "=?base64?AB==?=", "=?base64?AAB=?=", "=?base64?AA==AA==?=", "=?base64?AA= =?=", "=?base64? AA==?=",
            "=?base64?A-_A?=", "=?base64?/w==?=", "=?base64?wIA=?=", "=?base64?7aCA?=", "=?base64?YQ\n==?=", "é",
            "a\r\nb",
            "a\0", "\u{7F}", "=?base64?é?=", "=?base64?AA=?=",
        ],
    )
    func malformed(header: String) {
        #expect(RoutingHeaders.decode(header) == nil)
    }

    @Test("every sequence of bytes has one base64")
    func base64() {
        for length in 0...40 {
            let text = String(repeating: "水\n", count: length).prefix(length)
            let header = RoutingHeaders.encode("é" + text)
            #expect(RoutingHeaders.decode(header) == "é" + text)
        }
        #expect(RoutingHeaders.decode("=?base64??=") == "")
    }

    private static let meta: JSONObject = [
        MetaKey.clientCapabilities: ["extensions": [MetaKey.tasksExtension: [:]]],
        MetaKey.clientInfo: ["name": "x"],
        MetaKey.protocolVersion: "2026-07-28",
    ]

    private typealias Fields = [(name: String, value: String)]

    private static func fields(_ method: String, name: String? = nil, version: String = "2026-07-28") -> Fields {
        [("Accept", "*/*"), ("mcp-PROTOCOL-version", version), ("MCP-METHOD", method)]
            + (name.map { [("mcp-name", $0)] } ?? [])
    }

    @Test("a request whose headers say what its body says gives its envelope")
    func envelope() throws {
        let params: JSONObject = ["_meta": .object(Self.meta), "name": "é", "uri": "x"]
        let envelope = try RoutingHeaders.check(
            method: "tools/call",
            params: params,
            fields: Self.fields("tools/call", name: "=?base64?w6k=?="),
        )
        #expect(envelope.revision == .v2026_07_28)
        #expect(envelope.clientInfo == ["name": "x"])
        #expect(envelope.hasTasks)
        #expect(!ModernEnvelope(revision: .newest).hasTasks)
        for (method, name) in [("resources/read", "x"), ("prompts/get", "=?base64?w6k=?="), ("tools/list", "any")] {
            _ = try RoutingHeaders.check(method: method, params: params, fields: Self.fields(method, name: name))
        }
        let task: JSONObject = ["_meta": .object(Self.meta), "taskId": "t"]
        for name in ["t", nil] {
            _ = try RoutingHeaders.check(
                method: "tasks/get",
                params: task,
                fields: Self.fields("tasks/get", name: name)
            )
        }
        // Left out of both: for the method to refuse.
        let bare: JSONObject = ["_meta": .object(Self.meta)]
        _ = try RoutingHeaders.check(method: "tools/call", params: bare, fields: Self.fields("tools/call"))
    }

    @Test("a method, a version or a name that a header says otherwise, or not at all, is a mismatch")
    func mismatches() {
        let params: JSONObject = ["_meta": .object(Self.meta), "name": "a", "taskId": "t"]
        let good = Self.fields("tools/call", name: "a")
        let rows: [(String, Fields)] = [
            ("tools/call", []), ("tools/call", Self.fields("tools/call")),
            ("tools/call", Self.fields("tools/list", name: "a")),
            ("tools/call", Self.fields("Tools/call", name: "a")), ("tools/call", Self.fields("tools/call", name: "A")),
            ("tools/call", Self.fields("tools/call", name: "a ")), ("tools/call", Self.fields("tools/call", name: "")),
            ("tools/call", Self.fields("tools/call", name: "=?base64?YQ=?=")),
            ("tools/call", Self.fields("tools/call", name: "=?base64?YR==?=")),
            ("tools/call", Self.fields("tools/call", name: "a", version: "2025-11-25")),
            ("tools/call", Self.fields("tools/call", name: "a", version: " 2026-07-28")),
            ("tools/call", good + [("Mcp-Name", "a")]), ("tools/call", good + [("Mcp-Method", "tools/call")]),
            ("tools/call", good + [("MCP-Protocol-Version", "2026-07-28")]),
            ("tools/call", Array(good.dropFirst(2)) + [("x", "")]),
            ("tasks/get", Self.fields("tasks/get", name: "u")), ("tasks/cancel", Self.fields("tasks/cancel", name: "")),
            ("resources/read", Self.fields("resources/read", name: "a")),
        ]
        for (method, fields) in rows {
            let error = #expect(throws: RPCError.self) {
                try RoutingHeaders.check(method: method, params: params, fields: fields)
            }
            #expect(error?.code == RPCCode.headerMismatch, "\(method) \(fields)")
        }
        let number: JSONObject = ["_meta": .object(Self.meta), "name": 7]
        let error = #expect(throws: RPCError.self) {
            try RoutingHeaders.check(method: "tools/call", params: number, fields: Self.fields("tools/call", name: "7"))
        }
        #expect(error?.code == RPCCode.headerMismatch)
    }

    @Test("of several faults the first on the ladder is answered: duplicates, envelope, headers, version")
    func ladder() {
        func code(_ params: JSONObject, _ fields: Fields) -> Int64? {
            do throws(RPCError) {
                _ = try RoutingHeaders.check(method: "tools/list", params: params, fields: fields)
                return nil
            } catch {
                return error.code
            }
        }
        let good = Self.fields("tools/list")
        #expect(code([:], good + good) == RPCCode.headerMismatch)
        let broken: [JSONObject] = [
            [:], ["_meta": nil], ["_meta": []], ["_meta": [:]], ["_meta": [MetaKey.protocolVersion: "2026-07-28"]],
            ["_meta": [MetaKey.clientCapabilities: [:]]],
            ["_meta": [MetaKey.clientCapabilities: nil, MetaKey.protocolVersion: "2026-07-28"]],
        ]
        for params in broken { #expect(code(params, []) == RPCCode.invalidParams) }
        func params(_ version: JSONValue) -> JSONObject {
            ["_meta": [MetaKey.clientCapabilities: [:], MetaKey.protocolVersion: version]]
        }
        #expect(code(params("2030-01-01"), good) == RPCCode.headerMismatch)
        #expect(code(params(nil), good) == RPCCode.headerMismatch)
        #expect(code(params(1), Self.fields("tools/list", version: "1")) == RPCCode.headerMismatch)
        for version in ["2030-01-01", "2025-11-25", "", "2026-07-28 "] {
            #expect(
                code(params(.string(version)), Self.fields("tools/list", version: version))
                    == RPCCode.unsupportedVersion
            )
        }
    }

    @Test("a revision that is not served is answered with those that are")
    func unsupported() {
        #expect(RPCError.unsupported("1").data == ["requested": "1", "supported": ["2026-07-28"]])
    }

    @Test(
        "what goes upstream names the method and what it is about",
        arguments: [
            ("tools/call", ["name": "a"], "a"), ("prompts/get", ["name": "é"], "=?base64?w6k=?="),
            ("resources/read", ["uri": "file:///x"], "file:///x"), ("tasks/get", ["taskId": "t"], "t"),
            ("tasks/update", ["taskId": "t"], "t"),
            ("tasks/cancel", ["taskId": "a\r\nb: c"], "=?base64?YQ0KYjogYw==?="),
            ("tools/list", ["name": "a"], nil), ("tools/call", [:], nil), ("tools/call", ["name": 1], nil),
        ] as [(String, JSONObject, String?)],
    )
    func upstream(method: String, params: JSONObject, name: String?) {
        let fields = RoutingHeaders.fields(method: method, params: params)
        #expect(fields.map(\.name) == (name == nil ? ["Mcp-Method"] : ["Mcp-Method", "Mcp-Name"]))
        #expect(fields.map(\.value) == [method] + (name.map { [$0] } ?? []))
    }
}
