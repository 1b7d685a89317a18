/// What the validator needs of a policy, a template or a link besides the conditions.
struct PolicyHead {
    let id: String
    let principal: Template.EntityConstraint
    let action: Scope.ActionConstraint
    let resource: Template.EntityConstraint
    let source: PolicyText

    init(_ policy: Policy) {
        self.id = policy.id
        self.principal = .fixed(policy.scope.principal)
        self.action = policy.scope.action
        self.resource = .fixed(policy.scope.resource)
        self.source = policy.source
    }

    /// The head of a template, or of its link where there is something for its slots.
    init(_ template: Template, id: String? = nil, _ slots: [Template.Slot: EntityUID] = [:]) {
        self.id = id ?? template.id
        self.principal = template.principal.filled(with: slots[.principal])
        self.action = template.action
        self.resource = template.resource.filled(with: slots[.resource])
        self.source = template.source
    }

    /// The actions that the scope names.
    var namedActions: [EntityUID] {
        switch self.action {
        case .any: []
        case .equal(let uid), .within(let uid): [uid]
        case .withinAny(let uids): uids
        }
    }
}

extension Template.EntityConstraint {
    fileprivate func filled(with uid: EntityUID?) -> Self {
        guard let uid else { return self }
        switch self {
        case .fixed: return self
        case .equalSlot: return .fixed(.equal(uid))
        case .withinSlot: return .fixed(.within(uid))
        case .isTypeWithinSlot(let name): return .fixed(.isTypeWithin(name, uid))
        }
    }

    /// The entity that it names.
    var uid: EntityUID? {
        switch self {
        case .fixed(.equal(let uid)), .fixed(.within(let uid)), .fixed(.isTypeWithin(_, let uid)): uid
        case .fixed(.any), .fixed(.isType), .equalSlot, .withinSlot, .isTypeWithinSlot: nil
        }
    }

    /// The type that it names after `is`.
    var typeName: EntityTypeName? {
        switch self {
        case .fixed(.isType(let name)), .fixed(.isTypeWithin(let name, _)), .isTypeWithinSlot(let name): name
        case .fixed(.any), .fixed(.equal), .fixed(.within), .equalSlot, .withinSlot: nil
        }
    }
}
