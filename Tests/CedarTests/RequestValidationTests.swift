import CanonicalJSON
import Cedar
import Testing

@Suite("Requests by a schema", .timeLimit(.minutes(10)))
struct RequestValidationTests {
    static let user = #"U::"a""#
    static let group = #"G::"g""#

    static func validate(_ principal: String, _ action: String, _ resource: String, _ context: String) throws {
        let schema = try EntityConformanceTests.schema()
        let action = EntityUID(type: "Action", id: action)
        let request = Request(
            principal: try EntityUID(parsing: principal),
            action: action,
            resource: try EntityUID(parsing: resource),
            context: try Record(context: try JSONValue(cedar: context), schema: schema, action: action),
        )
        try schema.validate(request)
    }

    @Test(
        "what the schema provides for passes",
        arguments: [
            (user, #"{"y": 1}"#), (user, #"{"y": 1, "x": {"type": "Color", "id": "red"}}"#),
            (user, #"{"y": 1, "z": "1.1.1.1"}"#), (user, #"{"y": 1, "z": {"__extn": {"fn": "ip", "arg": "::1"}}}"#),
            (#"Color::"red""#, #"{"y": 1}"#),
        ]
    )
    func valid(principal: String, context: String) throws {
        try Self.validate(principal, "a", Self.group, context)
    }

    @Test(
        "what it does not is refused with its class, as the official engine refuses it",
        arguments: [
            (user, "a", group, "{}", "the context is not what `Action::\"a\"` takes: the attribute `y` is missing"),
            (user, "a", group, #"{"y": 1, "q": 1}"#, "context: there is no attribute `q`"),
            (
                user, "a", group, #"{"y": "s"}"#,
                "the context is not what `Action::\"a\"` takes: y: expected long, got string"
            ),
            (
                user, "a", group, #"{"y": 1, "x": {"type": "Color", "id": "blue"}}"#,
                "the type of `Color::\"blue\"` does not list its id"
            ),
            (user, "a", group, "1", "context: expected a record"),
            (user, "a", group, "null", "context: expected a record"),
            (user, "zz", group, "{}", "the action `Action::\"zz\"` is not declared in the schema"),
            (#"Z::"a""#, "a", group, #"{"y": 1}"#, "the principal's type `Z` is not declared in the schema"),
            (user, "a", #"Z::"a""#, #"{"y": 1}"#, "the resource's type `Z` is not declared in the schema"),
            (user, "a", user, #"{"y": 1}"#, "`Action::\"a\"` does not apply to resources of type `U`"),
            (group, "a", group, #"{"y": 1}"#, "`Action::\"a\"` does not apply to principals of type `G`"),
            (#"Color::"blue""#, "a", group, #"{"y": 1}"#, "the type of `Color::\"blue\"` does not list its id"),
            (#"Action::"a""#, "a", group, #"{"y": 1}"#, "the principal's type `Action` is not declared in the schema"),
            (user, "g", group, "{}", "`Action::\"g\"` does not apply to principals of type `U`"),
        ]
    )
    func refused(principal: String, action: String, resource: String, context: String, message: String) throws {
        do {
            try Self.validate(principal, action, resource, context)
            Issue.record("the request passed")
        } catch let error as RequestValidationError {
            #expect(error.description == message)
        }
    }

    @Test("an open context takes members of any type beside those that are listed")
    func openContext() throws {
        let schema = try EntityConformanceTests.schema().withContexts { $0.context.open(to: .any) }
        let action = EntityUID(type: "Action", id: "a")
        let json = try JSONValue(cedar: #"{"y": 1, "q": [1, "a", {"__extn": {"fn": "ip", "arg": "::1"}}]}"#)
        let context = try Record(context: json, schema: schema, action: action)
        #expect(context["q"]?.typeName == "set")
        let missing = try JSONValue(cedar: #"{"q": 1}"#)
        #expect(throws: RequestValidationError.self) { try Record(context: missing, schema: schema, action: action) }
    }
}
