import CanonicalJSON
import CountersignCore
import CountersignTestKit
import Testing

@Suite(.timeLimit(.minutes(10)))
struct ActionTests {
    /// The example of DESIGN 4.
    static let example = """
        {
          "subject":  {"type": "Agent", "id": "reporting-bot", "properties": {"on_behalf_of": "alice@example.com"}},
          "action":   {"name": "postgres:delete"},
          "resource": {"type": "Connection", "id": "orders-db"},
          "context":  {
            "operations": [{"effect": "delete", "action": "postgres:delete",
                            "resource": {"type": "Table", "id": "orders-db/public.customers"}}],
            "payload": {"media_type": "application/sql", "text": "DELETE FROM customers WHERE id = $1",
                        "parameters": ["42"]}
          }
        }
        """

    static func parse(_ text: String) throws -> Action { try Action(document: JSONParser.parse(text)) }

    @Test("the digest is the SHA-256 of the canonical document, as Python computes it")
    func knownDigest() throws {
        let action = try Self.parse(Self.example)
        #expect(action.digest.rawValue == "NN6DVfCytRHIhL_zyoaA7NRkjzyARu9LpTIleIvfgIM")
        let canonical = """
            {"action":{"name":"postgres:delete"},"context":{"operations":[{"action":"postgres:delete","effect":"delete",\
            "resource":{"id":"orders-db/public.customers","type":"Table"}}],"payload":{"media_type":"application/sql",\
            "parameters":["42"],"text":"DELETE FROM customers WHERE id = $1"}},"resource":{"id":"orders-db",\
            "type":"Connection"},"subject":{"id":"reporting-bot","properties":{"on_behalf_of":"alice@example.com"},\
            "type":"Agent"}}
            """
        #expect(String(decoding: action.canonical, as: UTF8.self) == canonical)
        #expect(action.agent == Fixtures.agent && action.onBehalfOf == Fixtures.alice)
        #expect(action.protocolName == "postgres" && action.operations.count == 1)
        #expect(action.details["operations"] == nil && action.details["payload"] != nil)
    }

    @Test("reading an action's canonical bytes gives the same action")
    func roundTrip() throws {
        let details = JSONObject([
            ("headers", ["x-é": ["a", "b"], "x-e\u{301}": ["c"]]), ("payload", ["text": "\u{1}\u{2028}\"\\/"]),
            ("numbers", [0, -1, .number(0.1), .number(1e21), .integer(9_007_199_254_740_991)]), ("nothing", .null),
        ])
        let effects: [Effect] = [.read, .export]
        let operations = effects.map {
            Operation(protocol: "http", effect: $0, resource: ResourceReference(type: "Endpoint", id: "orders-api/x"))
        }
        let made = Action(
            agent: Fixtures.agent,
            onBehalfOf: nil,
            protocol: "http",
            connection: Fixtures.connection,
            operations: operations,
            details: details,
        )
        let read = try Action(document: JSONParser.parse(made.canonical))
        #expect(read == made && read.digest == made.digest && read.name == "http:export")
    }

    @Test("every change of the document changes the digest")
    func sensitivity() throws {
        let changes = [
            ("reporting-bot", "reporting-bop"), ("alice@example.com", "bob@example.com"), ("customers\"", "orders\""),
            ("id = $1", "id = $2"), ("[\"42\"]", "[42]"), ("[\"42\"]", "[\"42\", null]"),
            ("application/sql", "text/plain"),
            ("orders-db", "orders-dc"), ("\"payload\"", "\"payloae\""), ("customers WHERE", "customers  WHERE"),
        ]
        var digests: Set = [try Self.parse(Self.example).digest]
        for (old, new) in changes {
            let pieces = Self.example.split(separator: old, omittingEmptySubsequences: false)
            digests.insert(try Self.parse(pieces.joined(separator: new)).digest)
        }
        #expect(digests.count == changes.count + 1)
    }

    /// What is replaced in the example, by what, and the path that the error names.
    static let refused: [(String, String, String)] = [
        ("\"subject\":", "\"extra\": 1, \"subject\":", "the document"),
        ("\"subject\":", "\"subjekt\":", "the document"),
        ("\"type\": \"Agent\"", "\"type\": \"User\"", "subject.type"),
        ("\"type\": \"Agent\"", "\"type\": 1", "subject.type"),
        ("\"type\": \"Agent\"", "\"type\": \"Agent\", \"owner\": \"x\"", "subject"),
        ("\"reporting-bot\"", "\"\"", "subject.id"),
        ("\"reporting-bot\"", "\"report\u{456}ng-bot\"", "subject.id"),
        ("\"reporting-bot\"", "null", "subject.id"),
        ("\"on_behalf_of\": \"alice@example.com\"", "\"on_behalf_of\": 1", "subject.properties.on_behalf_of"),
        ("\"on_behalf_of\": \"alice@example.com\"", "\"on_behalf_of\": null", "subject.properties.on_behalf_of"),
        ("\"on_behalf_of\": \"alice@example.com\"", "\"role\": \"admin\"", "subject.properties"),
        ("{\"on_behalf_of\": \"alice@example.com\"}", "[]", "subject.properties"),
        ("{\"name\": \"postgres:delete\"}", "{\"name\": \"postgres:delete\", \"x\": 1}", "action"),
        ("{\"name\": \"postgres:delete\"}", "\"postgres:delete\"", "action"),
        ("\"name\": \"postgres:delete\"", "\"name\": \"postgres:drop\"", "action.name"),
        ("\"name\": \"postgres:delete\"", "\"name\": \"postgres\"", "action.name"),
        ("\"name\": \"postgres:delete\"", "\"name\": \"postgres:delete:x\"", "action.name"),
        ("\"name\": \"postgres:delete\"", "\"name\": \"smtp:delete\"", "action.name"),
        ("\"name\": \"postgres:delete\"", "\"name\": \"http:delete\"", "context.operations[0].action"),
        ("\"name\": \"postgres:delete\"", "\"name\": \"postgres:read\"", "action.name"),
        ("\"name\": \"postgres:delete\"", "\"name\": \"postgres:privilege\"", "action.name"),
        ("\"type\": \"Connection\"", "\"type\": \"Table\"", "resource"),
        ("\"id\": \"orders-db\"}", "\"id\": \"orders db\"}", "resource"),
        ("\"id\": \"orders-db\"}", "\"id\": \"orders-db\", \"x\": 1}", "resource"),
        ("\"effect\": \"delete\"", "\"effect\": \"DELETE\"", "context.operations[0].effect"),
        ("\"effect\": \"delete\"", "\"effect\": 1", "context.operations[0].effect"),
        ("\"effect\": \"delete\"", "\"effect\": \"read\"", "context.operations[0].action"),
        ("\"effect\": \"delete\",", "\"effect\": \"delete\", \"sql\": \"\",", "context.operations[0]"),
        ("\"type\": \"Table\"", "\"type\": \"User\"", "context.operations[0].resource.type"),
        ("\"type\": \"Table\"", "\"type\": \"Environment\"", "context.operations[0].resource.type"),
        ("orders-db/public.customers", "other-db/public.customers", "context.operations[0].resource.id"),
        ("orders-db/public.customers", "orders-dbpublic.customers", "context.operations[0].resource.id"),
        ("orders-db/public.customers", "orders-db", "context.operations[0].resource.id"),
        ("\"payload\":", "\"time\":", "context.time"),
        ("\"payload\":", "\"source_address\":", "context.source_address"),
        ("\"payload\":", "\"on_behalf_of\":", "context.on_behalf_of"),
        ("\"payload\":", "\"body\":", "context.body"),
        ("\"payload\":", "\"justification\":", "context.justification"),
        ("\"operations\":", "\"operation\":", "context.operations"),
    ]

    @Test("a document that is not exactly an action is refused, with the path of what is wrong", arguments: refused)
    func strictness(_ old: String, _ new: String, _ path: String) throws {
        let pieces = Self.example.split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
        try #require(pieces.count == 2)
        let text = pieces.joined(separator: new)
        let error = try #require(throws: ActionError.self) { try Self.parse(text) }
        #expect(error.path == path)
    }

    @Test("between 1 and 256 operations, each an object", arguments: ["[]", "{}", "null", "[1]"])
    func operations(_ text: String) throws {
        let document = """
            {"subject": {"type": "Agent", "id": "a"}, "action": {"name": "http:read"},
             "resource": {"type": "Connection", "id": "c"}, "context": {"operations": \(text)}}
            """
        #expect(throws: ActionError.self) { try Self.parse(document) }
        let one = #"{"effect":"read","action":"http:read","resource":{"type":"Connection","id":"c"}}"#
        func many(_ count: Int) -> String {
            document.split(separator: text, maxSplits: 1).joined(
                separator: "[" + Array(repeating: one, count: count).joined(separator: ",") + "]"
            )
        }
        if text == "null" {
            #expect(try Self.parse(many(256)).operations.count == 256)
            #expect(throws: ActionError.self) { try Self.parse(many(257)) }
        }
    }

    @Test("the gravest operation names the action")
    func gravest() throws {
        let order: [Effect] = [.read, .write, .execute, .export, .delete, .infrastructure, .privilege, .unknown]
        #expect(Set(order) == Set(Effect.allCases))
        for (index, effect) in order.enumerated() {
            let operations = order.prefix(index + 1).shuffled().map {
                Operation(protocol: "mcp", effect: $0, resource: ResourceReference(type: "Tool", id: "c/t"))
            }
            let action = Action(
                agent: Fixtures.agent,
                onBehalfOf: nil,
                protocol: "mcp",
                connection: ConnectionName(unchecked: "c"),
                operations: operations,
                details: JSONObject(),
            )
            #expect(action.name == "mcp:\(effect.rawValue)")
        }
    }
}
