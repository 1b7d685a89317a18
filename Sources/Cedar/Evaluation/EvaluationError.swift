/// Why an expression has no value.
package indirect enum EvaluationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// An attribute or a tag was asked of an entity that is not known.
    case unknownEntity(EntityUID)
    /// An entity has no attribute of that name.
    case missingEntityAttribute(EntityUID, CedarString)
    /// A record has no member of that name.
    case missingAttribute(CedarString)
    /// An entity has no tag of that name.
    case missingTag(EntityUID, CedarString)
    /// An operand is of a type that the operator does not take.
    case type(expected: String, found: String)
    /// An integer result beyond 64 bits.
    case overflow(String)
    /// A function was given another number of arguments than it takes.
    case argumentCount(ExtensionFunction, found: Int)
    /// A function has no result for its arguments.
    case function(ExtensionFunction, ExtensionError)

    /// The reason, in words.
    package var description: String {
        switch self {
        case .unknownEntity(let uid): "entity `\(uid)` does not exist"
        case .missingEntityAttribute(let uid, let name): "`\(uid)` does not have the attribute `\(name)`"
        case .missingAttribute(let name): "record does not have the attribute `\(name)`"
        case .missingTag(let uid, let name): "`\(uid)` does not have the tag `\(name)`"
        case .type(let expected, let found): "type error: expected \(expected), got \(found)"
        case .overflow(let operation): "integer overflow while attempting to \(operation)"
        case .argumentCount(let function, let found):
            "wrong number of arguments provided to extension function `\(function.rawValue)`: "
                + "expected \(function.argumentCount), got \(found)"
        case .function(let function, let error):
            "error while evaluating `\(function.rawValue)` extension function: \(error)"
        }
    }

    static func type(_ expected: String, _ found: Value) -> EvaluationError {
        .type(expected: expected, found: found.typeName)
    }
}
