extension Policy {
    /// An entity that a policy names, and where.
    package struct NamedEntity: Hashable, Sendable {
        /// The entity.
        package let uid: EntityUID
        /// Where it stands.
        package let position: SourcePosition
    }

    /// The entities that scope and conditions name, in the order of the text; actions only where conditions name them.
    package var namedEntities: [NamedEntity] {
        var found: [NamedEntity] = []
        let names = self.source.names
        for (constraint, offsets) in [(self.scope.principal, names.principal), (self.scope.resource, names.resource)] {
            guard let uid = constraint.entity else { continue }
            // A constraint that names a type, too, names it first.
            found.append(NamedEntity(uid: uid, position: self.source.position(at: offsets.last)))
        }
        self.visit { expression in
            guard case .literal(.entity(let uid)) = expression.form else { return }
            found.append(NamedEntity(uid: uid, position: self.source.position(of: expression)))
        }
        return found
    }

    /// The names of all attributes that the conditions read or ask for, of whatever.
    package var memberNames: Set<CedarString> {
        var found: Set<CedarString> = []
        self.visit { expression in
            switch expression.form {
            case .attribute(_, let name): found.insert(name)
            case .has(_, let path): found.formUnion(path)
            case .literal, .variable, .and, .or, .not, .negate, .conditional, .compare, .arithmetic, .method, .call,
                .like, .isType, .set, .record:
                break
            }
        }
        return found
    }

    /// Whether the conditions read a part of the request.
    package func reads(_ variable: Expression.Variable) -> Bool {
        var isRead = false
        self.visit { expression in
            if case .variable(variable) = expression.form { isRead = true }
        }
        return isRead
    }

    /// Visits every expression of the conditions, in the order of the text.
    private func visit(_ look: (Expression) -> Void) {
        var pending = Array(self.conditions.reversed().map(\.body))
        while let expression = pending.popLast() {
            look(expression)
            pending += expression.form.operands.reversed()
        }
    }
}

extension Scope.EntityConstraint {
    /// The entity that it names.
    package var entity: EntityUID? {
        switch self {
        case .any, .isType: nil
        case .equal(let uid), .within(let uid), .isTypeWithin(_, let uid): uid
        }
    }
}
