/// A policy with `?principal` or `?resource` in its scope: a pattern of policies, which says nothing until it is linked.
package struct Template: Sendable {
    /// A place in a scope that a link fills in.
    package enum Slot: String, Hashable, Sendable, CaseIterable {
        /// Stands in the principal's constraint.
        case principal = "?principal"
        /// Stands in the resource's constraint.
        case resource = "?resource"
    }

    /// What the head says about the principal or the resource.
    package enum EntityConstraint: Hashable, Sendable {
        /// As in a policy, without a slot.
        case fixed(Scope.EntityConstraint)
        /// It is the slot's entity.
        case equalSlot
        /// It is the slot's entity or below it.
        case withinSlot
        /// It is of this type, and the slot's entity or below it.
        case isTypeWithinSlot(EntityTypeName)
    }

    /// The id: the value of `@id` where the set takes ids from annotations, else `policy0`, `policy1`, …, counted
    /// together with the policies.
    package let id: String
    /// What its links say when they are satisfied.
    package let effect: Effect
    /// What it and its links say about themselves, in its own order; each name once.
    package let annotations: [Annotation]
    /// Whose requests its links are about.
    package let principal: EntityConstraint
    /// Which actions its links are about.
    package let action: Scope.ActionConstraint
    /// Which resources its links are about.
    package let resource: EntityConstraint
    /// When its links apply, in order.
    package let conditions: [Policy.Condition]
    /// Where it stands.
    package let source: PolicyText
}
