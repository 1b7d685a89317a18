import CanonicalJSON
import MCPWire
import Testing

@Suite("Parameter headers", .timeLimit(.minutes(10)))
struct ParameterHeadersTests {
    private static let schema: JSONValue = [
        "properties": [
            "count": ["type": "integer", "x-mcp-header": "Count"],
            "dry": ["type": "boolean", "x-mcp-header": "dry-run"],
            "plain": ["type": "string"],
            "region": ["type": "string", "x-mcp-header": "Region"],
            "where": [
                "properties": ["city": ["type": "string", "x-mcp-header": "City"]],
                "type": "object",
            ],
        ],
        "type": "object",
    ]

    private func isAccepted(
        _ arguments: JSONObject,
        _ fields: [(String, String)],
        schema: JSONValue = Self.schema,
    ) -> Bool {
        do throws(RPCError) {
            let fields = fields.map { (name: $0.0, value: $0.1) }
            try RoutingHeaders.checkParameters(schema: schema, arguments: arguments, fields: fields)
            return true
        } catch {
            #expect(error.code == RPCCode.headerMismatch)
            return false
        }
    }

    @Test("what is sent upstream is accepted by the same rules")
    func roundTrip() {
        let arguments: JSONObject = [
            "count": -7, "dry": false, "plain": "x", "region": "Zürich\n", "where": ["city": "=?base64?x?="],
        ]
        let fields = RoutingHeaders.parameterFields(schema: Self.schema, arguments: arguments)
        #expect(
            fields.map { "\($0.name): \($0.value)" } == [
                "Mcp-Param-Count: -7", "Mcp-Param-dry-run: false", "Mcp-Param-Region: =?base64?WsO8cmljaAo=?=",
                "Mcp-Param-City: =?base64?PT9iYXNlNjQ/eD89?=",
            ]
        )
        #expect(isAccepted(arguments, fields.map { ($0.name.uppercased(), $0.value) }))
        #expect(isAccepted([:], []))
        for index in fields.indices {
            var fewer = fields
            fewer.remove(at: index)
            #expect(!isAccepted(arguments, fewer.map { ($0.name, $0.value) }))
            #expect(!isAccepted(arguments, (fields + [fields[index]]).map { ($0.name, $0.value) }))
        }
    }

    @Test("an argument that is missing, null, or where no object is, has no header")
    func absent() {
        let header = ("mcp-param-city", "x")
        for arguments in [[:], ["where": nil], ["where": 1], ["where": [:]], ["where": ["city": nil]]] as [JSONObject] {
            #expect(isAccepted(arguments, [("mcp-param-other", "1"), ("accept", "a"), ("accept", "b")]))
            #expect(!isAccepted(arguments, [header]))
            #expect(RoutingHeaders.parameterFields(schema: Self.schema, arguments: arguments).isEmpty)
        }
    }

    @Test("an array or an object has no text, hence no header")
    func unrenderable() {
        for value in [[], [:]] as [JSONValue] {
            #expect(isAccepted(["region": value], []))
            #expect(!isAccepted(["region": value], [("mcp-param-region", "x")]))
        }
    }

    @Test(
        "integers are compared as numbers, all else as text",
        arguments: [
            ("count", 42, "42", true), ("count", 42, "42.0", true), ("count", 42, "042", true),
            ("count", 42, "42.000", true), ("count", 42, "42.5", false), ("count", 42, "42.", false),
            ("count", 42, ".42", false), ("count", 42, "+42", false), ("count", 42, "4.2e1", false),
            ("count", 42, "43", false), ("count", 42, "", false), ("count", 42, " 42", false),
            ("count", 42, "4 2", false),
            ("count", 0, "-0", true), ("count", -3, "-3.0", true), ("count", 42, "42.0.0", false),
            ("count", 9_007_199_254_740_991, "9007199254740991", true),
            ("count", 9_007_199_254_740_991, "9007199254740992", false),
            ("count", 1, "99999999999999999999", false), ("count", 42.0, "42", true), ("count", 1.5, "1.5", true),
            ("count", 1.5, "2", false), ("count", "42", "42", true), ("count", "42", "42.0", false),
            ("count", true, "true", true), ("region", 42, "42", true), ("region", 42, "42.0", false),
            ("region", "é", "=?base64?w6k=?=", true), ("region", "é", "é", false),
            ("region", "e\u{301}", "=?base64?w6k=?=", false),
            ("region", "a", "=?base64?YQ=?=", false), ("region", "", "", true), ("dry", true, "true", true),
            ("dry", true, "True", false), ("dry", false, "0", false), ("count", 1e300, "1", false),
        ] as [(String, JSONValue, String, Bool)],
    )
    func comparing(key: String, value: JSONValue, header: String, expected: Bool) {
        let name = key == "dry" ? "Mcp-Param-Dry-Run" : "Mcp-Param-\(key)"
        #expect(isAccepted([(key, value)].reduce(into: [:]) { $0[$1.0] = $1.1 }, [(name, header)]) == expected)
    }

    @Test(
        "a schema with an annotation that breaks a rule asks for nothing, for clients drop the tool",
        arguments: 0..<20
    )
    func invalid(index: Int) {
        let good: JSONValue = ["type": "string", "x-mcp-header": "A"]
        let rows: [JSONValue] = [
            good,
            ["properties": ["a": ["type": "number", "x-mcp-header": "A"]]],
            ["properties": ["a": ["type": "object", "x-mcp-header": "A"]]],
            ["properties": ["a": ["type": ["string", "null"], "x-mcp-header": "A"]]],
            ["properties": ["a": ["x-mcp-header": "A"]]],
            ["properties": ["a": ["type": "string", "x-mcp-header": ""]]],
            ["properties": ["a": ["type": "string", "x-mcp-header": "a b"]]],
            ["properties": ["a": ["type": "string", "x-mcp-header": "a\r\nB: c"]]],
            ["properties": ["a": ["type": "string", "x-mcp-header": "é"]]],
            ["properties": ["a": ["type": "string", "x-mcp-header": nil]]],
            ["properties": ["a": ["type": "string", "x-mcp-header": 1]]],
            ["properties": ["a": good, "b": ["type": "string", "x-mcp-header": "a"]]],
            ["properties": ["a": ["items": good]]],
            ["properties": ["a": ["items": ["properties": ["b": good]]]]],
            ["properties": ["a": good], "allOf": [["properties": ["b": good]]]],
            ["properties": ["a": ["not": good]]],
            ["if": ["properties": ["a": good]]],
            ["$defs": ["a": good]],
            ["patternProperties": ["a": good]],
            ["additionalProperties": good],
        ]
        #expect(!RoutingHeaders.isValid(schema: rows[index]))
        #expect(isAccepted(["a": "x"], [], schema: rows[index]))
        #expect(RoutingHeaders.parameterFields(schema: rows[index], arguments: ["a": "x"]).isEmpty)
    }

    @Test("what only looks like an annotation, in data or under another keyword, is none")
    func data() {
        let annotated: JSONValue = ["x-mcp-header": 7]
        for keyword in ["default", "examples", "const", "enum", "$ref", "x-other"] {
            let schema: JSONValue = .object(JSONObject([(keyword, annotated), ("type", "object")]))
            #expect(RoutingHeaders.isValid(schema: schema))
        }
        let names: JSONValue = ["properties": ["x-mcp-header": ["type": "string"], "items": ["type": "string"]]]
        #expect(RoutingHeaders.isValid(schema: names))
        for schema in [nil, true, [], "x", ["properties": 1, "allOf": 1, "$defs": [], "items": 1]] as [JSONValue] {
            #expect(RoutingHeaders.isValid(schema: schema))
        }
    }

    @Test("a schema as deep as JSON may be is walked without recursion")
    func deep() {
        var schema: JSONValue = ["type": "string", "x-mcp-header": "A"]
        for _ in 0..<500 { schema = ["properties": ["a": schema]] }
        #expect(!RoutingHeaders.isValid(schema: schema))
        schema = ["type": "string", "x-mcp-header": "A"]
        for _ in 0..<32 { schema = ["properties": ["a": schema]] }
        #expect(RoutingHeaders.isValid(schema: schema))
    }
}
