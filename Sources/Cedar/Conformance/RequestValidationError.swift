/// Why a request does not conform to a schema.
package enum RequestValidationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The schema does not declare the principal's type.
    case undeclaredPrincipalType(EntityTypeName)
    /// The schema does not declare the resource's type.
    case undeclaredResourceType(EntityTypeName)
    /// The schema does not declare the action.
    case undeclaredAction(EntityUID)
    /// The action does not apply to principals of the type.
    case principalType(EntityTypeName, action: EntityUID)
    /// The action does not apply to resources of the type.
    case resourceType(EntityTypeName, action: EntityUID)
    /// The entity's type is an enumerated one that does not list its id.
    case unlistedID(EntityUID)
    /// The context is not what the action takes.
    case context(InvalidPart, action: EntityUID)
    /// The context's JSON has no meaning.
    case malformedContext(InvalidPart)

    /// The reason, in words.
    package var description: String {
        switch self {
        case .undeclaredPrincipalType(let type): "the principal's type `\(type)` is not declared in the schema"
        case .undeclaredResourceType(let type): "the resource's type `\(type)` is not declared in the schema"
        case .undeclaredAction(let action): "the action `\(action)` is not declared in the schema"
        case .principalType(let type, let action): "`\(action)` does not apply to principals of type `\(type)`"
        case .resourceType(let type, let action): "`\(action)` does not apply to resources of type `\(type)`"
        case .unlistedID(let uid): "the type of `\(uid)` does not list its id"
        case .context(let mismatch, let action): "the context is not what `\(action)` takes: \(mismatch)"
        case .malformedContext(let error): "context: \(error)"
        }
    }
}
