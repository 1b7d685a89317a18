package import CanonicalJSON
package import Cedar

/// The Cedar types of the arguments that a tool's `inputSchema`, a JSON Schema, lets a call have.
///
/// Every value that conforms to the schema has, as policy sees it (``PolicyContext/value(_:)``), the type that is found
/// here, except for integers beyond 64 bits, which policy sees as texts. What cannot be told is of any type. Two things are
/// taken more narrowly than JSON Schema does, as those who write schemas mean them: what has `properties` is an object,
/// and it has no others than are listed, unless the schema says that it may. The schema is a stranger's, so depth and work
/// are bounded; beyond the bounds everything is of any type.
package struct InputSchema {
    /// The type of `context.arguments`: a record, or any.
    package static func argumentsType(_ schema: JSONValue) -> SchemaType {
        var reader = InputSchema(root: schema)
        return reader.shape(of: schema, depth: 0, isObject: true).type
    }

    /// Deeper parts are of any type.
    private static let maximumDepth = 24
    /// So many parts are looked at, those that references repeat included.
    private static let maximumParts = 4096
    /// Longer references are not followed.
    ///
    /// Bytes.
    private static let maximumReference = 1024

    private let root: JSONValue
    private var parts = 0
    /// The references that are being followed.
    private var following: [String] = []

    private init(root: JSONValue) { self.root = root }

    /// Whether so many more parts may be looked at.
    private mutating func mayLook(at count: Int) -> Bool {
        parts += count
        return parts <= Self.maximumParts
    }

    /// What a schema lets its values be; `isObject` is whether they are objects for certain, by what stands around it.
    private mutating func shape(of schema: JSONValue, depth: Int, isObject: Bool = false) -> ArgumentShape {
        guard depth < Self.maximumDepth, mayLook(at: 1) else { return .unknown }
        guard case .object(let object) = schema else { return schema == .bool(false) ? .nothing : .unknown }
        // A base of its own gives references another meaning.
        guard depth == 0 || object["$id"] == nil else { return .unknown }
        let isObject = isObject || object["properties"]?.objectValue != nil
        let kinds = Self.kinds(object["type"], isObject: isObject)
        var shape = ArgumentShape.unknown
        if let kinds {
            shape = .nothing
            for kind in kinds { shape = shape.union(self.shape(of: kind, object, depth)) }
            if object["type"] == nil { shape.null = .unsaid }
        }
        if object["nullable"] == .bool(true) { shape = shape.union(.null) }
        if let values = object["enum"]?.arrayValue { shape = shape.both(self.shape(of: values)) }
        if let value = object["const"] { shape = shape.both(self.shape(of: [value])) }
        let partsAreObjects = kinds == ["object"]
        if let name = object["$ref"] {
            shape = shape.both(referred(name.stringValue, depth: depth, isObject: partsAreObjects))
        }
        for part in object["allOf"]?.arrayValue ?? [] {
            shape = shape.both(self.shape(of: part, depth: depth + 1, isObject: partsAreObjects))
        }
        for key in ["anyOf", "oneOf"] {
            guard let choices = object[key]?.arrayValue, !choices.isEmpty else { continue }
            var either = ArgumentShape.nothing
            for choice in choices {
                either = either.union(self.shape(of: choice, depth: depth + 1, isObject: partsAreObjects))
            }
            shape = shape.both(either)
        }
        // They may list more properties, under conditions that are not looked into.
        let conditional = ["if", "then", "else", "dependentSchemas", "dependencies", "$dynamicRef", "$recursiveRef"]
        if conditional.contains(where: { object[$0] != nil }) { shape = shape.opened }
        return shape
    }

    /// The kinds of values that `type` names; nil where they are not all known.
    private static func kinds(_ type: JSONValue?, isObject: Bool) -> [String]? {
        switch type {
        case .string(let kind): [kind]
        case .array(let items):
            // There are seven, and no more need be looked at again wherever something refers to this.
            items.isEmpty || items.count > 7 || items.contains { $0.stringValue == nil }
                ? nil : items.compactMap(\.stringValue)
        case nil: isObject ? ["object"] : nil
        case .null, .bool, .integer, .number, .object: nil
        }
    }

    private mutating func shape(of kind: String, _ object: JSONObject, _ depth: Int) -> ArgumentShape {
        switch kind {
        case "string": return .of(.string)
        case "integer": return .of(.long)
        case "boolean": return .of(.bool)
        case "null": return .null
        // Whole ones are integers, others decimals, and what no decimal holds is a text.
        case "number": return .of(.any)
        case "array":
            guard let items = object["items"], items.arrayValue == nil, object["prefixItems"] == nil else {
                return .of(.set(.any))
            }
            // A null is in no set.
            return .of(.set(shape(of: items, depth: depth + 1).type))
        case "object": return .object(members(object, depth))
        default: return .unknown
        }
    }

    private mutating func members(_ object: JSONObject, _ depth: Int) -> ArgumentShape.Members {
        var members = ArgumentShape.Members(others: .unsaid)
        if let properties = object["properties"]?.objectValue {
            members.others = .unlisted
            for member in properties {
                let shape = shape(of: member.value, depth: depth + 1)
                guard mayLook(at: 0) else { return ArgumentShape.Members(others: .open(.unknown)) }
                members.properties[CedarString(member.key)] = .init(shape: shape, isRequired: false)
            }
        }
        let required = (object["required"]?.arrayValue ?? []).compactMap(\.stringValue)
        guard mayLook(at: required.count) else { return ArgumentShape.Members(others: .open(.unknown)) }
        for name in required {
            let name = CedarString(name)
            members.properties[name] = .init(shape: members.properties[name]?.shape ?? .unknown, isRequired: true)
        }
        switch object["additionalProperties"] ?? object["unevaluatedProperties"] {
        case nil: break
        case .bool(false): members.others = .unlisted
        case .bool, .null, .integer, .number, .string, .array: members.others = .open(.unknown)
        case .object(let other)?: members.others = .open(shape(of: .object(other), depth: depth + 1))
        }
        if object["patternProperties"] != nil { members.others = .open(.unknown) }
        return members
    }

    /// What a reference within the schema refers to; others, and those that lead back to themselves, are unknown.
    private mutating func referred(_ name: String?, depth: Int, isObject: Bool) -> ArgumentShape {
        guard let name, name.utf8.count <= Self.maximumReference, name == "#" || name.hasPrefix("#/"),
            !name.contains("%"),
            !following.contains(where: { $0.utf8.elementsEqual(name.utf8) })
        else { return .unknown }
        var target = root
        for part in name.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            guard let next = target[Self.unescaped(part)] else { return .unknown }
            target = next
        }
        following.append(name)
        defer { following.removeLast() }
        // What another schema says of itself is known without what stands around this one.
        return shape(of: target, depth: depth + 1, isObject: isObject)
    }

    /// A part of a JSON pointer (RFC 6901, section 4).
    private static func unescaped(_ part: Substring) -> String {
        var bytes = [UInt8]()
        var rest = part.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "~"), let next = rest.first, next == 0x30 || next == 0x31 else {
                bytes.append(byte)
                continue
            }
            rest = rest.dropFirst()
            bytes.append(next == 0x30 ? UInt8(ascii: "~") : UInt8(ascii: "/"))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What certain values are together.
    private mutating func shape(of values: [JSONValue]) -> ArgumentShape {
        guard mayLook(at: values.count) else { return .unknown }
        return values.reduce(.nothing) { shape, value in
            switch value {
            case .null: shape.union(.null)
            case .bool: shape.union(.of(.bool))
            case .integer: shape.union(.of(.long))
            case .string: shape.union(.of(.string))
            case .number, .array, .object: shape.union(.of(.any))
            }
        }
    }
}
