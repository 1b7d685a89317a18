package import CanonicalJSON

extension Value {
    /// Reads a value from Cedar's JSON form.
    ///
    /// Numbers are integers of 64 bits, `null` is nothing, `{"__entity": {"type", "id"}}` is an entity and
    /// `{"__extn": {"fn", "arg"}}` (or `"args": […]`) a function's result. As in the official engine, an object that
    /// merely resembles an escape, or has other members beside it, is a record.
    package init(json: JSONValue) throws(InvalidPart) {
        switch json {
        case .null: throw InvalidPart("`null` is not a Cedar value")
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .long(value)
        case .number(let value): throw Self.foreign(value)
        case .string(let value): self = .string(CedarString(value))
        case .array(let elements): self = .set(ValueSet(try Self.values(elements)))
        case .object(let object):
            if let escaped = try Self.escape(object) {
                self = escaped
            } else {
                self = .record(try Record(json: object))
            }
        }
    }

    private static func escape(_ object: JSONObject) throws(InvalidPart) -> Value? {
        guard object.count == 1 else { return nil }
        guard let escaped = try Self.unescaped(object) else { return nil }
        // Members beside those of the escape do not matter, yet even they must be numbers of Cedar.
        if let number = JSONValue.object(object).foreignNumber { throw Self.foreign(number) }
        return escaped
    }

    private static func foreign(_ number: Double) -> InvalidPart {
        InvalidPart("`\(number)` is not an integer of 64 bits")
    }

    private static func unescaped(_ object: JSONObject) throws(InvalidPart) -> Value? {
        if let entity = object["__entity"], let reference = EntityUID.Reference(entity) {
            return .entity(try EntityUID(reference))
        }
        if let function = object["__extn"], let name = function["fn"]?.stringValue {
            if let argument = function["arg"] { return try Self.call(name, [argument]) }
            if let arguments = function["args"]?.arrayValue { return try Self.call(name, arguments) }
        }
        if object["__expr"]?.stringValue != nil {
            throw InvalidPart("the `__expr` escape is not supported")
        }
        return nil
    }

    private static func call(_ name: String, _ arguments: [JSONValue]) throws(InvalidPart) -> Value {
        guard let function = ExtensionFunction(rawValue: name) else {
            throw InvalidPart("`\(name)` is not a function of an extension type")
        }
        let values = try Self.values(arguments)
        do {
            return try function.apply(to: values)
        } catch {
            throw InvalidPart(error.description)
        }
    }

    private static func values(_ elements: [JSONValue]) throws(InvalidPart) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            do {
                values.append(try Value(json: element))
            } catch {
                throw error.within("[\(index)]")
            }
        }
        return values
    }
}

extension JSONValue {
    /// A number somewhere within that is no integer of 64 bits.
    var foreignNumber: Double? {
        switch self {
        case .number(let number): return number
        case .null, .bool, .integer, .string: return nil
        case .array(let elements):
            for element in elements {
                if let number = element.foreignNumber { return number }
            }
            return nil
        case .object(let object):
            for member in object.members {
                if let number = member.value.foreignNumber { return number }
            }
            return nil
        }
    }
}

extension Record {
    /// Reads a record from a JSON object; the object itself is not looked at for escapes, its members are.
    package init(json object: JSONObject) throws(InvalidPart) {
        var members: [Member] = []
        members.reserveCapacity(object.count)
        for member in object.members {
            do {
                members.append(Member(name: CedarString(member.key), value: try Value(json: member.value)))
            } catch {
                throw error.within(member.key)
            }
        }
        self.init(members: members)
    }

    /// Reads a record from JSON that must be an object, such as a request's context.
    package init(json: JSONValue) throws(InvalidPart) {
        guard case .record(let record) = try Value(json: json) else { throw InvalidPart("expected a record") }
        self = record
    }
}

extension EntityUID {
    /// `{"type": "T", "id": "i"}`.
    fileprivate struct Reference {
        let type: String
        let id: String

        init?(_ json: JSONValue) {
            guard let type = json["type"]?.stringValue, let id = json["id"]?.stringValue else { return nil }
            self.type = type
            self.id = id
        }
    }

    /// Reads an entity's identity: `{"type": "T", "id": "i"}`, that below `__entity`, or Cedar text `T::"i"`, normalized.
    package init(json: JSONValue) throws(InvalidPart) {
        if let text = json.stringValue {
            self = try EntityUID(normalized: text)
        } else if json["__expr"]?.stringValue != nil {
            throw InvalidPart("the `__expr` escape is not supported")
        } else if let entity = json["__entity"], let reference = Reference(entity) {
            self = try EntityUID(reference)
        } else if let reference = Reference(json) {
            self = try EntityUID(reference)
        } else {
            throw InvalidPart("expected an entity such as {\"type\": \"User\", \"id\": \"alice\"}")
        }
    }

    fileprivate init(_ reference: Reference) throws(InvalidPart) {
        guard CedarText.isName(reference.type) else { throw InvalidPart("`\(reference.type)` is not a type name") }
        self.init(type: reference.type, id: reference.id)
    }

    /// Reads an entity's identity from the one text that the official engine writes for it.
    ///
    /// There, escapes stand for just those characters that need one; that engine takes no other text where it reads
    /// requests, so that nothing can be read in two ways.
    package init(normalized text: String) throws(InvalidPart) {
        let uid = try EntityUID(parsing: text)
        let written = "\(uid.type)::\(CedarText.debugQuoted(uid.id.string))"
        guard CedarString(written) == CedarString(text) else {
            throw InvalidPart("`\(text)` is to be written as `\(written)`")
        }
        self = uid
    }

    /// Reads an entity's identity from Cedar text: `Photos::User::"alice"`, with any escapes.
    package init(parsing text: String) throws(InvalidPart) {
        let bytes = Array(text.utf8)
        let tokens = Lexer.tokens(of: bytes)
        let wrong = InvalidPart("`\(text)` is not an entity such as `User::\"alice\"`")
        guard let last = tokens.dropLast().last, last.kind == .string, last.end == bytes.count,
            let id = try? Escapes.string(bytes, last.start..<last.end), last.start > 2,
            bytes[last.start - 1] == UInt8(ascii: ":"), bytes[last.start - 2] == UInt8(ascii: ":")
        else { throw wrong }
        let type = String(decoding: bytes[..<(last.start - 2)], as: UTF8.self)
        guard CedarText.isName(type) else { throw wrong }
        self.init(type: type, id: id)
    }
}
