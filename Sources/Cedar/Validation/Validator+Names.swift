extension Validator {
    /// Notes every type, action and enumerated entity that the schema does not declare, wherever the policy names it.
    ///
    /// Gives back whether the scope names a type or an action that is not declared.
    func checkNames(_ template: Template, _ maker: TermMaker, _ findings: inout Findings) -> Bool {
        let names = template.source.names
        var isUnknown = false
        for (constraint, offsets) in [(template.principal, names.principal), (template.resource, names.resource)] {
            // A constraint that names both names the type first.
            if let name = constraint.typeName { isUnknown = !self.check(name, offsets.first, &findings) || isUnknown }
            if let uid = constraint.uid { isUnknown = !self.check(uid, offsets.last, &findings) || isUnknown }
        }
        for (place, uid) in template.action.named.enumerated() {
            let offset = place < names.action.count ? names.action[place] : nil
            isUnknown = !self.check(uid, offset, &findings) || isUnknown
        }
        for (name, expression) in maker.typeNames { _ = self.check(name, expression.offset, &findings) }
        for (uid, expression) in maker.entities { _ = self.check(uid, expression.offset, &findings) }
        return isUnknown
    }

    /// Notes a type that is not declared, and gives back whether it is.
    private func check(_ name: EntityTypeName, _ offset: Int?, _ findings: inout Findings) -> Bool {
        if self.index.isKnown(name) { return true }
        self.noteUnrecognized(name, offset, &findings)
        return false
    }

    /// Notes an entity whose type or action is not declared or lacks its id, and gives back whether it is declared.
    private func check(_ uid: EntityUID, _ offset: Int?, _ findings: inout Findings) -> Bool {
        let isKnown = self.check(uid.type, offset, &findings)
        if uid.type.isAction {
            guard self.index.action(uid) == nil else { return isKnown }
            let near = SyntaxHints.nearest(to: uid.description, among: self.index.actions.map(\.uid.description))
            findings.note(
                .unrecognizedActionID,
                "the schema has no action `\(uid)`",
                hint: near.map { "did you mean `\($0)`?" },
                at: offset,
            )
            return false
        }
        if let choices = self.index.choices(of: uid.type), !choices.contains(uid.id) {
            let near = SyntaxHints.nearest(to: uid.id.string, among: choices.map(\.string))
            let some = choices.prefix(8).map { CedarText.quoted($0.string) }.joined(separator: ", ")
            findings.note(
                .invalidEnumEntity,
                "the enumerated type `\(uid.type)` has no entity \(CedarText.quoted(uid.id.string))",
                hint: near.map { "did you mean \(CedarText.quoted($0))?" } ?? "it has \(some)",
                at: offset,
            )
        }
        return isKnown
    }

    func noteUnrecognized(_ name: EntityTypeName, _ offset: Int?, _ findings: inout Findings) {
        findings.note(
            .unrecognizedEntityType,
            "the schema has no entity type `\(name)`",
            hint: self.index.nearestType(to: name).map { "did you mean `\($0)`?" },
            at: offset,
        )
    }
}

extension Validator {
    /// Notes when no action that the scope allows applies to any principal and resource that it allows.
    func checkApplication(_ template: Template, _ findings: inout Findings) {
        let actions = self.actions(template.action)
        guard !self.applies(template, actions) else { return }
        let clauses = [
            self.wouldApply(template.principal, actions.flatMap(\.principals)) ? "principal" : nil,
            self.wouldApply(template.resource, actions.flatMap(\.resources)) ? "resource" : nil,
        ].compactMap { $0 }
        findings.note(
            .invalidActionApplication,
            "no action that the scope names applies to such principals and resources",
            hint: self.groupHint(template)
                ?? (clauses.isEmpty
                    ? nil : "perhaps `in` is meant instead of `==` for the \(clauses.joined(separator: " and the "))"),
            at: template.source.names.action.first,
        )
    }

    private func applies(_ template: Template, _ actions: [SchemaIndex.Action]) -> Bool {
        actions.contains { action in
            action.principals.contains { self.allows(template.principal, $0) }
                && action.resources.contains { self.allows(template.resource, $0) }
        }
    }

    /// What to write where the scope names a group whose members apply.
    private func groupHint(_ template: Template) -> String? {
        guard case .equal(let uid) = template.action, self.applies(template, self.actions(within: [uid])) else {
            return nil
        }
        return "`\(uid)` is a group: write `action in \(uid)`"
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

    /// Whether the scope leaves room for entities of a type, as its names say; see `constraint`, which asks for less.
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
