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
        case fixed(Cedar.Scope.EntityConstraint)
        /// It is the slot's entity.
        case equalSlot
        /// It is the slot's entity or below it.
        case withinSlot
        /// It is of this type, and the slot's entity or below it.
        case isTypeWithinSlot(EntityTypeName)
    }

    /// The id.
    ///
    /// In a text the value of `@id` where the set takes ids from annotations, else `policy0`, `policy1`, …, counted
    /// together with the policies; in JSON the member's name.
    package let id: String
    /// What its links say when they are satisfied.
    package let effect: Effect
    /// What it and its links say about themselves, in its own order; each name once.
    package let annotations: [Annotation]
    /// Whose requests its links are about.
    package let principal: EntityConstraint
    /// Which actions its links are about.
    package let action: Cedar.Scope.ActionConstraint
    /// Which resources its links are about.
    package let resource: EntityConstraint
    /// When its links apply, in order.
    package let conditions: [Policy.Condition]
    /// Where it stands.
    package let source: PolicyText

    /// The slots that its scope has; each of its links gives each of them an entity.
    package var slots: [Slot] {
        (self.principal.hasSlot ? [.principal] : []) + (self.resource.hasSlot ? [.resource] : [])
    }

    /// Where it starts: its first annotation or its effect; in JSON its object.
    package var position: SourcePosition { self.source.start }

    /// Its text as written, from its first annotation to its semicolon; the canonical text if it is written nowhere.
    package var text: String { self.source.written ?? self.canonicalText }

    /// The value of an annotation, if there is one of that name.
    package func annotation(_ name: String) -> String? {
        let name = CedarString(name)
        return self.annotations.first { CedarString($0.name) == name }?.value
    }

    /// The template in the one form that all texts with its meaning and shape share.
    package var canonicalText: String { PolicyPrinter.text(of: self) }

    /// The head of a template, or of a policy whose slots happen to be none.
    struct Scope {
        let principal: EntityConstraint
        let action: Cedar.Scope.ActionConstraint
        let resource: EntityConstraint
    }

    /// The policy that it is when its slots are these entities, or nil where a slot has none.
    func policy(id: String, values: [Slot: EntityUID]) -> Policy? {
        guard let principal = self.principal.filled(with: values[.principal]),
            let resource = self.resource.filled(with: values[.resource])
        else { return nil }
        return Policy(
            id: id,
            effect: self.effect,
            annotations: self.annotations,
            scope: Cedar.Scope(principal: principal, action: self.action, resource: resource),
            conditions: self.conditions,
            // Whoever is shown a link's text must see the entities, not the slots.
            source: values.isEmpty ? self.source : self.source.unwritten,
        )
    }

    func named(_ id: String) -> Template {
        Template(
            id: id,
            effect: self.effect,
            annotations: self.annotations,
            principal: self.principal,
            action: self.action,
            resource: self.resource,
            conditions: self.conditions,
            source: self.source,
        )
    }
}

extension Template {
    /// A policy in a template's shape, without slots.
    init(_ policy: Policy) {
        self.init(
            id: policy.id,
            effect: policy.effect,
            annotations: policy.annotations,
            principal: .fixed(policy.scope.principal),
            action: policy.scope.action,
            resource: .fixed(policy.scope.resource),
            conditions: policy.conditions,
            source: policy.source,
        )
    }
}

extension Template.EntityConstraint {
    /// Whether a slot stands in it.
    package var hasSlot: Bool {
        switch self {
        case .fixed: false
        case .equalSlot, .withinSlot, .isTypeWithinSlot: true
        }
    }

    /// The constraint with an entity in its slot, or nil where it has one and there is no entity.
    fileprivate func filled(with uid: EntityUID?) -> Scope.EntityConstraint? {
        switch self {
        case .fixed(let constraint): constraint
        case .equalSlot: uid.map { .equal($0) }
        case .withinSlot: uid.map { .within($0) }
        case .isTypeWithinSlot(let type): uid.map { .isTypeWithin(type, $0) }
        }
    }
}
