import CanonicalJSON
import Cedar
import CountersignCore
import Testing

@Suite("Types of tools' arguments", .timeLimit(.minutes(10)))
struct InputSchemaTests {
    /// The type in Cedar's words; `any` and open records, for which it has none, as `any` and `…`.
    private static func text(_ type: SchemaType) -> String {
        switch type {
        case .any: return "any"
        case .set(let element): return "Set<\(text(element))>"
        case .record(let record):
            var members = record.attributes.sorted { $0.key < $1.key }.map { name, attribute in
                "\(name)\(attribute.isRequired ? "" : "?"): \(text(attribute.type))"
            }
            if let rest = record.rest { members.append("…: \(text(rest))") }
            return "{\(members.joined(separator: ", "))}"
        case .bool, .long, .string, .extension, .entity: return type.schemaText ?? ""
        }
    }

    private static func arguments(_ schema: String) throws -> String {
        text(InputSchema.argumentsType(try JSONParser.parse(schema)))
    }

    /// The type of one property `a` that is required.
    private static func property(_ schema: String, _ more: String = "") throws -> String {
        try arguments(#"{"type": "object", "properties": {"a": \#(schema)}, "required": ["a"]\#(more)}"#)
    }

    @Test(
        "a property has the type that policy sees of its values",
        arguments: [
            (#"{"type": "string"}"#, "{a: String}"),
            (#"{"type": "string", "enum": ["x", "y"]}"#, "{a: String}"),
            (#"{"enum": ["x", "y"]}"#, "{a: String}"), (#"{"const": "x"}"#, "{a: String}"),
            (#"{"const": 3}"#, "{a: Long}"), (#"{"enum": [1, true]}"#, "{a: any}"),
            (#"{"enum": ["x", null]}"#, "{a?: String}"), (#"{"enum": [["x"]]}"#, "{a: any}"),
            (#"{"type": "integer"}"#, "{a: Long}"), (#"{"type": "boolean"}"#, "{a: Bool}"),
            // A whole number is a long, 0.5 a decimal, 0.00001 a text.
            (#"{"type": "number"}"#, "{a: any}"), (#"{"type": ["integer", "number"]}"#, "{a: any}"),
            (#"{"type": "null"}"#, "{a?: any}"), (#"{"type": ["string", "null"]}"#, "{a?: String}"),
            (#"{"type": "string", "nullable": true}"#, "{a?: String}"),
            (#"{"anyOf": [{"type": "string"}, {"type": "null"}], "default": null}"#, "{a?: String}"),
            (#"{"anyOf": [{"type": "string"}, {"type": "integer"}]}"#, "{a: any}"),
            (#"{"oneOf": [{"type": "string"}, {"const": "x"}]}"#, "{a: String}"),
            (#"{"type": ["string", "integer"]}"#, "{a: any}"),
            (#"{"allOf": [{"type": "string"}, {"minLength": 1}]}"#, "{a: String}"),
            (#"{"allOf": [{"type": ["string", "null"]}, {"type": "string"}]}"#, "{a: String}"),
            (#"{"type": "array", "items": {"type": "string"}}"#, "{a: Set<String>}"),
            (#"{"type": "array", "items": {"type": ["string", "null"]}}"#, "{a: Set<String>}"),
            (#"{"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}"#, "{a: Set<Set<Long>>}"),
            (#"{"type": "array", "items": {"type": "number"}}"#, "{a: Set<any>}"),
            (#"{"type": "array"}"#, "{a: Set<any>}"),
            (#"{"type": "array", "prefixItems": [{"type": "string"}]}"#, "{a: Set<any>}"),
            (#"{"type": "array", "items": [{"type": "string"}]}"#, "{a: Set<any>}"),
            ("{}", "{a: any}"), ("true", "{a: any}"), (#"{"type": "date"}"#, "{a: any}"), (#"{"type": 3}"#, "{a: any}"),
            (#"{"not": {"type": "string"}}"#, "{a: any}"), (#"{"type": []}"#, "{a: any}"),
            (#"{"anyOf": []}"#, "{a: any}"),
        ],
    )
    func values(_ schema: String, _ type: String) throws {
        #expect(try Self.property(schema) == type)
    }

    @Test(
        "an object has the members that are listed, and others where the schema says so",
        arguments: [
            (#"{"type": "object"}"#, "{…: any}"), (#"{"type": "object", "properties": {}}"#, "{}"),
            (#"{"type": "object", "additionalProperties": false}"#, "{}"),
            (#"{"type": "object", "properties": {"a": {"type": "string"}}}"#, "{a?: String}"),
            (
                #"{"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": true}"#,
                "{a?: String, …: any}"
            ),
            (#"{"type": "object", "additionalProperties": {"type": "string"}}"#, "{…: String}"),
            (#"{"type": "object", "additionalProperties": {"type": ["string", "null"]}}"#, "{…: String}"),
            (#"{"type": "object", "properties": {}, "patternProperties": {"^x": {"type": "string"}}}"#, "{…: any}"),
            (
                #"{"type": "object", "properties": {"a": {}}, "if": {}, "then": {"properties": {"b": {}}}}"#,
                "{a?: any, …: any}"
            ),
            (#"{"type": "object", "required": ["a"]}"#, "{a: any, …: any}"),
            (#"{"type": "object", "properties": {"a": false, "b": {}}}"#, "{b?: any}"),
            (
                #"{"type": "object", "properties": {"o": {"properties": {"a": {"type": "integer"}}, "required": ["a"]}}}"#,
                "{o?: {a: Long}}"
            ),
            (
                #"{"type": "object", "properties": {"a": {"type": "string"}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}"#,
                "{a?: String, b?: any}"
            ),
            (
                #"{"type": "object", "properties": {"k": {"const": "x"}}, "oneOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "integer"}}}]}"#,
                "{a?: String, b?: Long, k?: String}"
            ),
            (
                #"{"type": "object", "allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {}}, "required": ["a"]}]}"#,
                "{a: String, b?: any}"
            ),
            (
                #"{"type": "object", "anyOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}, {"properties": {"a": {"type": "integer"}}, "required": ["a"]}]}"#,
                "{a: any}"
            ),
            (
                #"{"type": "object", "oneOf": [{"properties": {"a": {"type": "string"}}}, {}]}"#,
                "{a?: any, …: any}"
            ),
        ],
    )
    func objects(_ schema: String, _ type: String) throws {
        #expect(try Self.arguments(schema) == type)
    }

    @Test(
        "references are followed within the schema, and not around in it",
        arguments: [
            (##"{"$ref": "#/$defs/n"}"##, ##""$defs": {"n": {"type": "integer"}}"##, "{a: Long}"),
            (
                ##"{"$ref": "#/definitions/x~1y~0z"}"##, ##""definitions": {"x/y~z": {"type": "string"}}"##,
                "{a: String}"
            ),
            (##"{"$ref": "#/$defs/n", "nullable": true}"##, ##""$defs": {"n": {"type": "integer"}}"##, "{a: Long}"),
            (##"{"$ref": "#/$defs/none"}"##, ##""$defs": {}"##, "{a: any}"),
            (##"{"$ref": "https://example.com/s"}"##, ##""$defs": {}"##, "{a: any}"),
            (##"{"$ref": 7}"##, ##""$defs": {}"##, "{a: any}"),
            (##"{"$ref": "#/$defs/n"}"##, ##""$defs": {"n": {"$id": "x", "type": "integer"}}"##, "{a: any}"),
            (##"{"$ref": "#/$defs/n"}"##, ##""$defs": {"n": {"$ref": "#/$defs/n"}}"##, "{a: any}"),
            (
                ##"{"$ref": "#/$defs/t"}"##,
                ##""$defs": {"t": {"type": "object", "properties": {"next": {"$ref": "#/$defs/t"}, "s": {"type": "string"}}}}"##,
                "{a: {next?: any, s?: String}}"
            ),
            (##"{"$ref": "#"}"##, ##""title": "all""##, "{a: {a: any}}"),
        ],
    )
    func references(_ schema: String, _ definitions: String, _ type: String) throws {
        #expect(try Self.property(schema, ", " + definitions) == type)
    }

    private static func joined(_ count: Int, _ make: (Int) -> String) -> String {
        (0..<count).map(make).joined(separator: ", ")
    }

    private static let hostile: [String] = {
        func reference(_ name: String) -> String { ##"{"$ref": "#/$defs/\##(name)"}"## }
        func object(_ more: String) -> String { #"{"type": "object", \#(more)}"# }
        let twice = joined(60) { index in
            let next = reference("d\(index + 1)")
            return "\"d\(index)\": " + object(#""properties": {"x": \#(next), "y": \#(next)}"#)
        }
        let choices = joined(60) { #"{"properties": {"p\#($0)": {"enum": ["a", "b"]}}}"# }
        let all = joined(60) { _ in reference("d") }
        let many = joined(2000) { _ in reference("d") }
        let deep = String(repeating: #"{"anyOf": ["#, count: 25) + "{}" + String(repeating: "]}", count: 25)
        return [
            // Each definition uses the next one twice.
            object(#""properties": {"a": \#(reference("d0"))}, "$defs": {\#(twice)}"#),
            object(#""allOf": [\#(all)], "$defs": {"d": {"anyOf": [\#(choices)]}}"#),
            object(#""properties": {"a": \#(deep)}"#),
            object(#""properties": {\#(joined(9000) { "\"p\($0)\": {}" })}"#),
            object(#""required": [\#(joined(9000) { "\"p\($0)\"" })]"#),
            // Much in one place, which is referred to again and again.
            object(#""allOf": [\#(many)], "$defs": {"d": {"type": [\#(joined(100_000) { _ in "\"null\"" })]}}"#),
            object(
                ##""allOf": [\##(many)], "$defs": {"d": {"$ref": "#/\##(String(repeating: "x/", count: 300_000))"}}"##
            ),
        ]
    }()

    @Test("whatever a server writes there ends soon", arguments: hostile)
    func bounded(_ schema: String) throws {
        let began = ContinuousClock.now
        _ = InputSchema.argumentsType(try JSONParser.parse(schema))
        #expect(ContinuousClock.now - began < .seconds(20))
    }
}
