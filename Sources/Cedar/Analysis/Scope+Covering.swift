extension Scope {
    /// Whether every request that the other scope lets pass surely passes this one, too.
    func covers(_ other: Scope, _ hierarchy: ActionHierarchy) -> Bool {
        self.principal.covers(other.principal) && self.resource.covers(other.resource)
            && self.action.covers(other.action, hierarchy)
    }

    /// Whether surely no request passes both.
    func isDisjoint(from other: Scope, _ hierarchy: ActionHierarchy) -> Bool {
        self.principal.isDisjoint(from: other.principal) || self.resource.isDisjoint(from: other.resource)
            || self.action.isDisjoint(from: other.action, hierarchy)
    }
}

extension Scope.EntityConstraint {
    /// Whether what the other lets pass surely passes this one; of hierarchies, only that everything is in itself counts.
    fileprivate func covers(_ other: Scope.EntityConstraint) -> Bool {
        switch (self, other) {
        case (.any, _): true
        case (.equal(let entity), .equal(let inner)): entity == inner
        case (.within(let entity), .equal(let inner)), (.within(let entity), .within(let inner)),
            (.within(let entity), .isTypeWithin(_, let inner)):
            entity == inner
        case (.isType(let type), .equal(let inner)): type == inner.type
        case (.isType(let type), .isType(let inner)), (.isType(let type), .isTypeWithin(let inner, _)): type == inner
        case (.isTypeWithin(let type, let entity), .equal(let inner)): type == inner.type && entity == inner
        case (.isTypeWithin(let type, let entity), .isTypeWithin(let innerType, let inner)):
            type == innerType && entity == inner
        case (.equal, .any), (.equal, .within), (.equal, .isType), (.equal, .isTypeWithin), (.within, .any),
            (.within, .isType), (.isType, .any), (.isType, .within), (.isTypeWithin, .any), (.isTypeWithin, .within),
            (.isTypeWithin, .isType):
            false
        }
    }

    fileprivate func isDisjoint(from other: Scope.EntityConstraint) -> Bool {
        if case .equal(let entity) = self, case .equal(let inner) = other { return entity != inner }
        guard let type = self.type, let otherType = other.type else { return false }
        return type != otherType
    }

    /// The only type that passes, if there is only one.
    private var type: EntityTypeName? {
        switch self {
        case .any, .within: nil
        case .equal(let entity): entity.type
        case .isType(let type), .isTypeWithin(let type, _): type
        }
    }
}

extension Scope.ActionConstraint {
    fileprivate func covers(_ other: Scope.ActionConstraint, _ hierarchy: ActionHierarchy) -> Bool {
        switch self {
        case .any: return true
        case .equal(let action):
            guard case .equal(let inner) = other else { return false }
            return action == inner
        case .within, .withinAny:
            let groups = self.named
            let inner = other.named
            return !inner.isEmpty && inner.allSatisfy { action in groups.contains { hierarchy.isWithin(action, $0) } }
        }
    }

    fileprivate func isDisjoint(from other: Scope.ActionConstraint, _ hierarchy: ActionHierarchy) -> Bool {
        if case .equal(let action) = self, case .equal(let inner) = other { return action != inner }
        guard let actions = hierarchy.actions(of: self), let others = hierarchy.actions(of: other) else {
            return false
        }
        return actions.isDisjoint(with: others)
    }
}
