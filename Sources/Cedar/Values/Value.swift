/// A value that a Cedar expression can have; `==` is Cedar's `==`.
package enum Value: Hashable, Sendable {
    /// `true` or `false`.
    case bool(Bool)
    /// A 64-bit signed integer.
    case long(Int64)
    /// A text.
    case string(CedarString)
    /// A reference to an entity, which need not exist.
    case entity(EntityUID)
    /// An unordered set without duplicates.
    case set(ValueSet)
    /// Named values.
    case record(Record)
    /// A number with four decimals.
    case decimal(Decimal)
    /// An address or a range of addresses.
    case ip(IPAddress)
    /// A moment.
    case datetime(Datetime)
    /// A signed length of time.
    case duration(TimeSpan)
}

extension Value {
    /// A text value.
    package init(_ string: String) { self = .string(CedarString(string)) }

    /// A number value.
    package init(_ number: Int64) { self = .long(number) }

    /// A truth value.
    package init(_ bool: Bool) { self = .bool(bool) }

    /// Whether it is made of other values.
    var isCompound: Bool {
        switch self {
        case .set, .record: true
        case .bool, .long, .string, .entity, .decimal, .ip, .datetime, .duration: false
        }
    }

    /// The type's name, as error messages give it.
    package var typeName: String {
        switch self {
        case .bool: "bool"
        case .long: "long"
        case .string: "string"
        case .entity(let uid): "(entity of type `\(uid.type)`)"
        case .set: "set"
        case .record: "record"
        case .decimal: "decimal"
        case .ip: "ipaddr"
        case .datetime: "datetime"
        case .duration: "duration"
        }
    }
}
