/// A JSON text as a value: what the parser returns and the canonical form is written from.
///
/// Two values are equal exactly when they say the same: strings and keys by their UTF-8 bytes (not by Swift's canonical
/// equivalence), numbers by their mathematical value (`1` equals `1.0`), objects whatever the order of their members.
/// Equal values have equal canonical bytes.
package enum JSONValue: Sendable {
    /// The literal `null`.
    case null
    /// The literals `true` and `false`.
    case bool(Bool)
    /// An integer literal, without fraction and exponent, that fits `Int64`.
    case integer(Int64)
    /// Any other number; always finite. The parser never makes another, and a caller must not.
    case number(Double)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object, its members in canonical order.
    case object(JSONObject)
}

extension JSONValue {
    /// The member of that name; nil if there is none or this is not an object.
    package subscript(_ key: String) -> JSONValue? { objectValue?[key] }

    /// The string, if this is one.
    package var stringValue: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    /// The integer, if this was written as one: `1.0` is not.
    package var integerValue: Int64? {
        guard case .integer(let value) = self else { return nil }
        return value
    }

    /// The number as a double, however it was written.
    package var doubleValue: Double? {
        if case .integer(let value) = self { return Double(value) }
        guard case .number(let value) = self else { return nil }
        return value
    }

    /// The boolean, if this is one.
    package var boolValue: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The elements, if this is an array.
    package var arrayValue: [JSONValue]? {
        guard case .array(let value) = self else { return nil }
        return value
    }

    /// The members, if this is an object.
    package var objectValue: JSONObject? {
        guard case .object(let value) = self else { return nil }
        return value
    }

    /// Whether this is the literal `null`.
    package var isNull: Bool {
        guard case .null = self else { return false }
        return true
    }
}
