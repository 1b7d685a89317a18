import Cedar

/// Finds entities that policies name and a directory does not have: a typing mistake in them is silent.
struct PolicyNames {
    private let known: Entities
    private static let types: Set<EntityTypeName> = ["Agent", "Connection", "Environment", "Group", "User"]

    init(_ directory: Directory) { known = directory.entities }

    /// The unknown ones of a policy, each once, in the order of the text.
    func unknown(in policy: Policy) -> [EntityUID] {
        var found = [EntityUID]()
        look(at: policy.scope.principal, &found)
        look(at: policy.scope.resource, &found)
        var pending = policy.conditions.reversed().map(\.body)
        while let expression = pending.popLast() {
            if case .literal(.entity(let entity)) = expression.form { look(at: entity, &found) }
            pending += expression.form.operands.reversed()
        }
        return found
    }

    private func look(at constraint: Scope.EntityConstraint, _ found: inout [EntityUID]) {
        switch constraint {
        case .any, .isType: break
        case .equal(let entity), .within(let entity), .isTypeWithin(_, let entity): look(at: entity, &found)
        }
    }

    private func look(at entity: EntityUID, _ found: inout [EntityUID]) {
        guard Self.types.contains(entity.type), known.entity(entity) == nil, !found.contains(entity) else { return }
        found.append(entity)
    }
}
