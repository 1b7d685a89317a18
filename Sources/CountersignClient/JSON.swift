import CanonicalJSON

/// A JSON value, for what a document says in its context.
public enum JSON: Hashable, Sendable {
    /// The literal `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A whole number; beyond ±(2⁵³ − 1) the gateway refuses it.
    case integer(Int)
    /// Any other number.
    case number(Double)
    /// A text.
    case string(String)
    /// A list.
    case array([JSON])
    /// Names and values.
    case object([String: JSON])

    var value: JSONValue {
        switch self {
        case .null: .null
        case .bool(let bool): .bool(bool)
        case .integer(let number): .integer(Int64(number))
        case .number(let number): number.isFinite ? .number(number) : .string("\(number)")
        case .string(let text): .string(text)
        case .array(let items): .array(items.map(\.value))
        case .object(let members): .object(JSONObject(members.map { ($0.key, $0.value.value) }))
        }
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    /// A text.
    public init(stringLiteral text: String) { self = .string(text) }
    /// `true` or `false`.
    public init(booleanLiteral bool: Bool) { self = .bool(bool) }
    /// A whole number.
    public init(integerLiteral number: Int) { self = .integer(number) }
    /// Any number.
    public init(floatLiteral number: Double) { self = .number(number) }
    /// A list.
    public init(arrayLiteral items: JSON...) { self = .array(items) }
    /// Names and values; of two with one name the last stays.
    public init(dictionaryLiteral members: (String, JSON)...) {
        self = .object(Dictionary(members) { _, last in last })
    }
    /// The literal `null`.
    public init(nilLiteral: ()) { self = .null }
}
