import CanonicalJSON

extension Value {
    /// Reads a value from JSON where a type is expected.
    ///
    /// An entity may stand as a mere `{"type", "id"}`, an extension value as the mere text that its constructor takes
    /// or as a mere `{"fn", "arg"}`. Whether the value is of the type is not looked at, only how it must be read.
    init(json: JSONValue, as type: SchemaType) throws(InvalidPart) {
        switch type {
        case .entity: self = .entity(try EntityUID(object: json))
        case .extension(let type): self = try Self.extensionValue(json, type)
        case .set(let type):
            guard let elements = json.arrayValue else { throw InvalidPart("expected a set") }
            self = .set(ValueSet(try Self.values(elements) { _ in type }))
        case .record(let type): self = .record(try Record(json: json, as: type))
        case .bool, .long, .string, .any: self = try Value(json: json)
        }
    }

    private static func extensionValue(_ json: JSONValue, _ type: ExtensionType) throws(InvalidPart) -> Value {
        if json["__expr"]?.stringValue != nil { throw InvalidPart("the `__expr` escape is not supported") }
        if let value = try Self.call(json["__extn"]) { return value }
        if let value = try Self.call(json) { return value }
        return try Self.apply(type.constructor, [try Value(json: json)])
    }

    /// The result of `{"fn", "arg"}` or `{"fn", "args"}`, or nil where the JSON is something else.
    private static func call(_ json: JSONValue?) throws(InvalidPart) -> Value? {
        guard let json, let name = json["fn"]?.stringValue,
            let arguments = json["arg"].map({ [$0] }) ?? json["args"]?.arrayValue
        else { return nil }
        guard let function = ExtensionFunction(rawValue: name) else {
            throw InvalidPart("`\(name)` is not a function of an extension type")
        }
        let types = function.argumentTypes.map { $0.map { SchemaType.extension($0) } ?? .string }
        return try Self.apply(function, try Self.values(arguments) { $0 < types.count ? types[$0] : .any })
    }

    private static func apply(_ function: ExtensionFunction, _ arguments: [Value]) throws(InvalidPart) -> Value {
        do {
            return try function.apply(to: arguments)
        } catch {
            throw InvalidPart(error.description)
        }
    }

    private static func values(
        _ elements: [JSONValue],
        _ type: (Int) -> SchemaType,
    ) throws(InvalidPart) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            do {
                values.append(try Value(json: element, as: type(index)))
            } catch {
                throw error.within("[\(index)]")
            }
        }
        return values
    }
}

extension Record {
    /// Reads a record from JSON where a type is expected; no escape makes something else of it.
    init(json: JSONValue, as type: RecordType) throws(InvalidPart) {
        guard let object = json.objectValue else { throw InvalidPart("expected a record") }
        var members: [Member] = []
        members.reserveCapacity(object.count)
        for member in object.members {
            let name = CedarString(member.key)
            guard let type = type.type(of: name) else { throw InvalidPart("there is no attribute `\(name)`") }
            do {
                members.append(Member(name: name, value: try Value(json: member.value, as: type)))
            } catch {
                throw error.within(member.key)
            }
        }
        self.init(members: members)
    }
}

extension EntityUID {
    /// Reads `{"type", "id"}`, or that below `__entity`; Cedar text is none of the two.
    init(object json: JSONValue) throws(InvalidPart) {
        guard json.objectValue != nil else {
            throw InvalidPart("expected an entity such as {\"type\": \"User\", \"id\": \"alice\"}")
        }
        try self.init(json: json)
    }
}

extension ExtensionType {
    /// The function that makes a value of the type from text.
    var constructor: ExtensionFunction {
        switch self {
        case .decimal: .decimal
        case .ipaddr: .ip
        case .datetime: .datetime
        case .duration: .duration
        }
    }
}
