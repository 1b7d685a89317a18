/// Why an entity does not conform to a schema.
package enum EntityConformanceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The schema does not declare the entity's type.
    case undeclaredType(EntityUID)
    /// The schema does not declare the action.
    case undeclaredAction(EntityUID)
    /// The action is described otherwise than the schema declares it.
    case actionMismatch(EntityUID)
    /// An attribute that must be there is not.
    case missingAttribute(EntityUID, CedarString)
    /// There can be no attribute of that name.
    case unexpectedAttribute(EntityUID, CedarString)
    /// An attribute's value is not of its type.
    case attributeType(EntityUID, CedarString, InvalidPart)
    /// Entities of that type have no tags.
    case unexpectedTag(EntityUID, CedarString)
    /// A tag's value is not of the tags' type.
    case tagType(EntityUID, CedarString, InvalidPart)
    /// The entity is in something that entities of its type cannot be in.
    case ancestorType(EntityUID, EntityTypeName)
    /// The type is an enumerated one that does not list the id; `within` is the entity that mentions it.
    case unlistedID(EntityUID, within: EntityUID)

    /// The reason, in words.
    package var description: String {
        switch self {
        case .undeclaredType(let uid): "the type of `\(uid)` is not declared in the schema"
        case .undeclaredAction(let uid): "the action `\(uid)` is not declared in the schema"
        case .actionMismatch(let uid): "the action `\(uid)` is described otherwise than the schema declares it"
        case .missingAttribute(let uid, let name): "`\(uid)` lacks the attribute `\(name)`"
        case .unexpectedAttribute(let uid, let name): "the schema gives `\(uid)` no attribute `\(name)`"
        case .attributeType(let uid, let name, let mismatch): "the attribute `\(name)` of `\(uid)`: \(mismatch)"
        case .unexpectedTag(let uid, let name): "the schema gives `\(uid)` no tags, yet it has `\(name)`"
        case .tagType(let uid, let name, let mismatch): "the tag `\(name)` of `\(uid)`: \(mismatch)"
        case .ancestorType(let uid, let type): "the schema lets `\(uid)` be in no entity of type `\(type)`"
        case .unlistedID(let uid, let within): "`\(within)` mentions `\(uid)`, an id that its type does not list"
        }
    }
}
