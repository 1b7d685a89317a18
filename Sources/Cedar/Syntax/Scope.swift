/// What a policy is about: the constraints in its head.
package struct Scope: Hashable, Sendable {
    /// Whose requests it is about.
    package let principal: EntityConstraint
    /// Which actions it is about.
    package let action: ActionConstraint
    /// Which resources it is about.
    package let resource: EntityConstraint

    /// What the head says about the principal or the resource.
    package enum EntityConstraint: Hashable, Sendable {
        /// Nothing.
        case any
        /// It is this entity.
        case equal(EntityUID)
        /// It is this entity or below it.
        case within(EntityUID)
        /// It is of this type.
        case isType(EntityTypeName)
        /// It is of this type, and this entity or below it.
        case isTypeWithin(EntityTypeName, EntityUID)
    }

    /// What the head says about the action.
    package enum ActionConstraint: Hashable, Sendable {
        /// Nothing.
        case any
        /// It is this action.
        case equal(EntityUID)
        /// It is this action or below it.
        case within(EntityUID)
        /// It is one of these actions or below one of them.
        case withinAny([EntityUID])
    }
}
