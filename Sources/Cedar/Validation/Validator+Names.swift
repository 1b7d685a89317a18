extension Validator {
    /// Notes every type, action and enumerated entity that the schema does not declare, wherever the policy names it.
    func checkNames(_ template: Template, _ maker: TermMaker, _ findings: inout Findings) {
        for constraint in [template.principal, template.resource] {
            if let name = constraint.typeName { self.check(name, nil, &findings) }
            if let uid = constraint.uid { self.check(uid, nil, &findings) }
        }
        for uid in template.action.named { self.check(uid, nil, &findings) }
        for (name, expression) in maker.typeNames { self.check(name, expression, &findings) }
        for (uid, expression) in maker.entities { self.check(uid, expression, &findings) }
    }

    private func check(_ name: EntityTypeName, _ expression: Expression?, _ findings: inout Findings) {
        if !self.index.isKnown(name) { self.noteUnrecognized(name, expression, &findings) }
    }

    private func check(_ uid: EntityUID, _ expression: Expression?, _ findings: inout Findings) {
        self.check(uid.type, expression, &findings)
        if uid.type.isAction {
            guard self.index.action(uid) == nil else { return }
            let near = SyntaxHints.nearest(to: uid.description, among: self.index.actions.map(\.uid.description))
            findings.note(
                .unrecognizedActionID,
                "the schema has no action `\(uid)`",
                hint: near.map { "did you mean `\($0)`?" },
                at: expression,
            )
        } else if let choices = self.index.choices(of: uid.type), !choices.contains(uid.id) {
            let near = SyntaxHints.nearest(to: uid.id.string, among: choices.map(\.string))
            let some = choices.prefix(8).map { CedarText.quoted($0.string) }.joined(separator: ", ")
            findings.note(
                .invalidEnumEntity,
                "the enumerated type `\(uid.type)` has no entity \(CedarText.quoted(uid.id.string))",
                hint: near.map { "did you mean \(CedarText.quoted($0))?" } ?? "it has \(some)",
                at: expression,
            )
        }
    }

    func noteUnrecognized(_ name: EntityTypeName, _ expression: Expression?, _ findings: inout Findings) {
        findings.note(
            .unrecognizedEntityType,
            "the schema has no entity type `\(name)`",
            hint: self.index.nearestType(to: name).map { "did you mean `\($0)`?" },
            at: expression,
        )
    }
}

extension Validator {
    /// Notes when no action that the scope allows applies to any principal and resource that it allows.
    func checkApplication(_ template: Template, _ findings: inout Findings) {
        let actions = self.actions(template.action)
        let applies = actions.contains { action in
            action.principals.contains { self.allows(template.principal, $0) }
                && action.resources.contains { self.allows(template.resource, $0) }
        }
        guard !applies else { return }
        let clauses = [
            self.wouldApply(template.principal, actions.flatMap(\.principals)) ? "principal" : nil,
            self.wouldApply(template.resource, actions.flatMap(\.resources)) ? "resource" : nil,
        ].compactMap { $0 }
        findings.note(
            .invalidActionApplication,
            "no action that the scope names applies to such principals and resources",
            hint: clauses.isEmpty
                ? nil : "perhaps `in` is meant instead of `==` for the \(clauses.joined(separator: " and the "))",
        )
    }

    private func actions(_ constraint: Scope.ActionConstraint) -> [SchemaIndex.Action] {
        switch constraint {
        case .any: self.index.actions
        case .equal(let uid): self.index.action(uid).map { [$0] } ?? []
        case .within(let uid): self.actions(within: [uid])
        case .withinAny(let uids): self.actions(within: uids)
        }
    }

    /// The actions in some groups, or none where one of them is not in the schema.
    private func actions(within groups: [EntityUID]) -> [SchemaIndex.Action] {
        let groups = Set(groups)
        guard groups.allSatisfy({ self.index.action($0) != nil }) else { return [] }
        return self.index.actions.filter { groups.contains($0.uid) || !$0.ancestors.isDisjoint(with: groups) }
    }

    /// Whether the scope leaves room for entities of a type.
    private func allows(_ constraint: Template.EntityConstraint, _ type: Int) -> Bool {
        let entityType = self.index.entityTypes[type]
        switch constraint {
        case .fixed(.any), .equalSlot, .withinSlot: return entityType.isDeclared
        case .fixed(.equal(let uid)): return entityType.name == uid.type
        case .fixed(.within(let uid)): return self.isWithin(type, uid.type)
        case .fixed(.isType(let name)), .isTypeWithinSlot(let name):
            return entityType.name == name && self.index.isKnown(name)
        case .fixed(.isTypeWithin(let name, let uid)): return entityType.name == name && self.isWithin(type, uid.type)
        }
    }

    private func isWithin(_ type: Int, _ name: EntityTypeName) -> Bool {
        guard let other = self.index.number(name) else { return false }
        return type == other || self.index.entityTypes[type].isDeclared && self.index.canBeWithin(type, other)
    }

    /// Whether `in` in the place of `==` would let the action apply.
    private func wouldApply(_ constraint: Template.EntityConstraint, _ types: [Int]) -> Bool {
        guard case .fixed(.equal(let uid)) = constraint, let number = self.index.number(uid.type) else { return false }
        return !types.contains(number) && types.contains { self.index.canBeWithin($0, number) }
    }
}

extension Template.EntityConstraint {
    /// The entity that it names.
    fileprivate var uid: EntityUID? {
        switch self {
        case .fixed(.equal(let uid)), .fixed(.within(let uid)), .fixed(.isTypeWithin(_, let uid)): uid
        case .fixed(.any), .fixed(.isType), .equalSlot, .withinSlot, .isTypeWithinSlot: nil
        }
    }

    /// The type that it names after `is`.
    fileprivate var typeName: EntityTypeName? {
        switch self {
        case .fixed(.isType(let name)), .fixed(.isTypeWithin(let name, _)), .isTypeWithinSlot(let name): name
        case .fixed(.any), .fixed(.equal), .fixed(.within), .equalSlot, .withinSlot: nil
        }
    }
}

extension Scope.ActionConstraint {
    /// The actions that it names.
    var named: [EntityUID] {
        switch self {
        case .any: []
        case .equal(let uid), .within(let uid): [uid]
        case .withinAny(let uids): uids
        }
    }
}
