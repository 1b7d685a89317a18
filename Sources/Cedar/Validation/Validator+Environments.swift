extension Validator {
    /// What the scope's part about the principal, the action or the resource is in an environment.
    private enum Constraint {
        case possible
        case impossible
    }

    /// What an environment shows to the conditions; nil is a part that they do not read.
    private struct View: Hashable {
        var principal: Int?
        var action: Int?
        var resource: Int?
        var context: Int?
    }

    /// Checks the conditions wherever the scope lets them be asked, and gives back whether they may be true somewhere.
    ///
    /// Environments that look the same to the conditions are checked once.
    func typecheck(
        _ template: Template,
        _ condition: Term?,
        _ variables: Set<Expression.Variable>,
        _ mode: ValidationMode,
        _ findings: inout Findings,
    ) -> Bool {
        let principals = self.index.entityTypes.indices.map { self.constraint(template.principal, $0) }
        let resources = self.index.entityTypes.indices.map { self.constraint(template.resource, $0) }
        let isFaulty = self.isFaulty(template.action, mode)
        var answers: [View: Bool] = [:]
        var isPossible = false
        var checker: Typechecker?
        let isReached = self.index.actions.contains { action in
            !action.resources.isEmpty && action.principals.contains { principals[$0] == .possible }
        }
        let room = self.room(template.action, mode, isFaulty, principals, resources)
        if isReached { self.noteFaults(template, mode, &findings) }
        for (number, action) in self.index.actions.enumerated() {
            let allowed = action.principals.filter { principals[$0] == .possible }
            guard isFaulty || self.constraint(template.action, action, mode) == .possible else { continue }
            for resource in action.resources where resources[resource] == .possible {
                for principal in allowed {
                    guard let condition else {
                        isPossible = true
                        continue
                    }
                    let view = View(
                        principal: variables.contains(.principal) ? principal : nil,
                        action: variables.contains(.action) ? number : nil,
                        resource: variables.contains(.resource) ? resource : nil,
                        context: variables.contains(.context) ? action.contextNumber : nil,
                    )
                    guard answers[view] == nil else { continue }
                    let environment = Typechecker.Environment(principal: principal, action: action, resource: resource)
                    var current = checker ?? Typechecker(self.index, mode, room, environment, findings)
                    checker = nil
                    current.environment = environment
                    let judgement = current.truth(condition)
                    checker = current
                    answers[view] = judgement.type != .bool(false)
                    isPossible = isPossible || judgement.type != .bool(false)
                }
            }
        }
        if let checker { findings = checker.findings }
        return isPossible
    }

    /// Whether the scope may be about principals, or resources, of a type.
    func mayHold(_ constraint: Template.EntityConstraint, _ type: Int) -> Bool {
        self.constraint(constraint, type) == .possible
    }

    /// Whether the scope may be about an action.
    func mayHold(_ constraint: Scope.ActionConstraint, _ action: SchemaIndex.Action) -> Bool {
        self.constraint(constraint, action, .strict) == .possible
    }

    private func room(
        _ constraint: Scope.ActionConstraint,
        _ mode: ValidationMode,
        _ isFaulty: Bool,
        _ principals: [Constraint],
        _ resources: [Constraint],
    ) -> Typechecker.Room {
        var found: (principals: Set<Int>, resources: Set<Int>) = ([], [])
        for action in self.index.actions where isFaulty || self.constraint(constraint, action, mode) == .possible {
            found.principals.formUnion(action.principals)
            found.resources.formUnion(action.resources)
        }
        return Typechecker.Room(
            principals: found.principals.filter { principals[$0] == .possible }.sorted(),
            resources: found.resources.filter { resources[$0] == .possible }.sorted(),
        )
    }

    /// What the scope says of a type of principals or resources, as the official engine's typechecker reads it.
    ///
    /// An entity that the schema does not know has no type there, so nothing is certain of it and the conditions are
    /// checked. That engine's check of what applies, `allows`, goes by the names of types alone: there, such an entity
    /// leaves room for nothing, and an unrestricted scope leaves none for the types of actions.
    private func constraint(_ constraint: Template.EntityConstraint, _ type: Int) -> Constraint {
        switch constraint {
        case .fixed(.any), .equalSlot, .withinSlot: .possible
        case .fixed(.equal(let uid)): self.isDisjoint(type, uid) { $0 == $1 } ? .impossible : .possible
        case .fixed(.within(let uid)): self.isDisjoint(type, uid, self.index.canBeWithin) ? .impossible : .possible
        case .fixed(.isType(let name)), .isTypeWithinSlot(let name):
            self.index.entityTypes[type].name == name ? .possible : .impossible
        case .fixed(.isTypeWithin(let name, let uid)):
            self.index.entityTypes[type].name == name && !self.isDisjoint(type, uid, self.index.canBeWithin)
                ? .possible : .impossible
        }
    }

    /// Whether an entity of a type certainly does not stand in a relation to an entity; of one that the schema does not
    /// know, nothing is certain.
    private func isDisjoint(_ type: Int, _ uid: EntityUID, _ isRelated: (Int, Int) -> Bool) -> Bool {
        guard case .entity(let types) = self.index.type(of: uid), let other = types.only else { return false }
        return !isRelated(type, other)
    }

    private func constraint(
        _ constraint: Scope.ActionConstraint,
        _ action: SchemaIndex.Action,
        _ mode: ValidationMode,
    ) -> Constraint {
        let isPossible =
            switch constraint {
            case .any: true
            case .equal(let uid): action.uid == uid
            case .within(let uid): action.uid == uid || action.ancestors.contains(uid)
            case .withinAny(let uids): uids.contains { action.uid == $0 || action.ancestors.contains($0) }
            }
        return isPossible ? .possible : .impossible
    }

    /// Whether what the scope says of the action has an error of its own, so that nothing follows from it.
    private func isFaulty(_ constraint: Scope.ActionConstraint, _ mode: ValidationMode) -> Bool {
        switch constraint {
        case .any, .equal: false
        case .within(let uid): self.index.action(uid) == nil
        case .withinAny(let uids):
            uids.contains { self.index.action($0) == nil } || (mode == .strict && Set(uids.map(\.type)).count != 1)
        }
    }

    /// Notes a set of actions without elements, or with elements of several types; in strict mode it has no type.
    private func noteFaults(_ template: Template, _ mode: ValidationMode, _ findings: inout Findings) {
        guard mode == .strict, case .withinAny(let uids) = template.action else { return }
        let offset = template.source.names.action.first
        guard !uids.isEmpty else {
            findings.note(
                .emptySetForbidden,
                "the scope's set of actions is empty",
                hint: "name an action",
                at: offset,
            )
            return
        }
        let types = Set(uids.map(\.type.name)).sorted()
        guard uids.allSatisfy({ self.index.action($0) != nil }), types.count > 1 else { return }
        findings.note(
            .incompatibleTypes,
            "the scope's actions must have one type, found \(types.map(\.string).joined(separator: " and "))",
            hint: "write a policy for each",
            at: offset,
        )
    }
}
