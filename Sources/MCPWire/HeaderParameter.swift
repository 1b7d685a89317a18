import CanonicalJSON

/// A parameter of a tool that is repeated in a header: an `x-mcp-header` annotation of its schema.
struct HeaderParameter: Hashable {
    static let keyword = "x-mcp-header"

    /// The names from the arguments' root to the value.
    let path: [String]
    /// What follows `Mcp-Param-`.
    let token: String
    /// Whether the schema says `integer`, which is compared as a number.
    let isInteger: Bool

    /// All that a schema annotates; nil if an annotation breaks a rule, for then clients drop the tool.
    ///
    /// Every position of JSON Schema 2020-12 is visited, no data and no `$ref`. An annotation is allowed only where a chain
    /// of `properties` leads, on a string, an integer or a boolean, with a token that occurs once, whatever its case.
    static func all(in schema: JSONValue) -> [HeaderParameter]? {
        var found: [HeaderParameter] = []
        var tokens: Set<String> = []
        var stack: [(path: [String]?, schema: JSONValue)] = [([], schema)]
        while let (path, node) = stack.popLast() {
            guard case .object(let schema) = node else { continue }
            if let annotation = schema[keyword] {
                guard let path, let parameter = HeaderParameter(path, annotation, schema["type"]),
                    tokens.insert(parameter.token.lowercased()).inserted
                else { return nil }
                found.append(parameter)
            }
            for member in schema.reversed() {
                switch (kind(of: member.key), member.value) {
                case (.properties, .object(let properties)):
                    for property in properties.reversed() {
                        // Deeper, no header could be meant for a person; and paths must not grow without bound.
                        let isTooLong = (path?.count ?? 0) >= maxPath
                        stack.append((isTooLong ? nil : path.map { $0 + [property.key] }, property.value))
                    }
                case (.one, let value): stack.append((nil, value))
                case (.list, .array(let values)): stack.append(contentsOf: values.map { (nil, $0) })
                case (.map, .object(let values)): stack.append(contentsOf: values.map { (nil, $0.value) })
                case (.properties, _), (.list, _), (.map, _), (nil, _): break
                }
            }
        }
        return found
    }

    private static let maxPath = 32

    private enum Kind {
        case properties
        case one
        case list
        case map
    }

    private static func kind(of keyword: String) -> Kind? {
        switch keyword {
        case "properties": .properties
        case "items", "contains", "unevaluatedItems", "additionalProperties", "propertyNames", "unevaluatedProperties",
            "not", "if", "then", "else", "contentSchema":
            .one
        case "allOf", "anyOf", "oneOf", "prefixItems": .list
        case "patternProperties", "dependentSchemas", "$defs", "definitions": .map
        default: nil
        }
    }

    private init?(_ path: [String], _ annotation: JSONValue, _ type: JSONValue?) {
        guard !path.isEmpty, case .string(let token) = annotation, Self.isToken(token),
            case .string(let type) = type, ["string", "integer", "boolean"].contains(type)
        else { return nil }
        self.path = path
        self.token = token
        isInteger = type == "integer"
    }

    /// Whether a name can be part of a field's (RFC 9110, section 5.6.2).
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                byte &- UInt8(ascii: "0") <= 9 || (byte | 0x20) &- UInt8(ascii: "a") <= 25
                    || "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
    }

    /// The value that arguments have for it; nil if none, or null.
    func value(in arguments: JSONObject) -> JSONValue? {
        var node = JSONValue.object(arguments)
        for key in path {
            guard let next = node[key] else { return nil }
            node = next
        }
        return node.isNull ? nil : node
    }

    /// A value as text; nil of arrays and objects.
    static func text(of value: JSONValue) -> String? {
        switch value {
        case .string(let text): text
        case .bool(let flag): flag ? "true" : "false"
        case .integer(let number): String(number)
        case .number: value.canonicalText
        case .null, .array, .object: nil
        }
    }

    /// Whether a header's text says what a value does: integers as numbers, so that `42.0` is 42.
    func matches(_ header: String, _ value: JSONValue) -> Bool {
        if isInteger, let wanted = Self.integer(value), let found = Self.decimal(header) { return wanted == found }
        return Self.text(of: value).map { UTF8Order.equal($0, header) } ?? false
    }

    private static func integer(_ value: JSONValue) -> Int64? {
        switch value {
        case .integer(let number): number
        case .number(let number) where number.magnitude < 0x1p53 && Double(Int64(number)) == number: Int64(number)
        case .null, .bool, .number, .string, .array, .object: nil
        }
    }

    /// The integer that digits say, with a fraction of zeros or none.
    private static func decimal(_ text: String) -> Int64? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, whole.first != UInt8(ascii: "+") else { return nil }
        if parts.count == 2, parts[1].isEmpty || parts[1].contains(where: { $0 != UInt8(ascii: "0") }) { return nil }
        return Int64(String(decoding: whole, as: UTF8.self))
    }
}
