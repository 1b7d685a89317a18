import Cedar

extension PolicyVocabulary {
    private static let types: Set<EntityTypeName> = Set(
        (resourceTypes + ["Action", "Agent", "Approval", "Environment", "Group", "User"]).map { EntityTypeName($0) }
    )
    private static let actionIDs = Set(actions.map(\.uid))

    /// What a policy names that there never is: it would load, and never match.
    static func problems(of policy: Policy) -> [PolicyError] {
        var finder = Finder()
        finder.look(at: policy.scope.principal)
        finder.look(at: policy.scope.resource)
        switch policy.scope.action {
        case .any: break
        case .equal(let action), .within(let action): finder.look(at: action)
        case .withinAny(let actions): for action in actions { finder.look(at: action) }
        }
        for condition in policy.conditions { finder.look(at: condition.body) }
        let known = types.map { "\($0)" }.sorted().joined(separator: ", ")
        let unknownTypes = finder.types.map { type in
            PolicyError(
                message: "the policy \(policy.id) names the unknown entity type \(type)",
                hint: "known are \(known)",
                position: policy.position,
            )
        }
        let unknownActions = finder.actions.map { action in
            PolicyError(
                message: "the policy \(policy.id) names the unknown action \(action)",
                hint: "write a protocol and an effect, Action::\"http:delete\", or one of them; "
                    + "`countersign policy schema` lists all",
                position: policy.position,
            )
        }
        return unknownTypes + unknownActions
    }

    /// Collects each unknown name once, in the order of the text.
    private struct Finder {
        var types = [EntityTypeName]()
        var actions = [EntityUID]()

        mutating func look(at constraint: Scope.EntityConstraint) {
            switch constraint {
            case .any: break
            case .equal(let entity), .within(let entity): look(at: entity)
            case .isType(let type): look(at: type)
            case .isTypeWithin(let type, let entity):
                look(at: type)
                look(at: entity)
            }
        }

        mutating func look(at expression: Expression) {
            switch expression.form {
            case .literal(.entity(let entity)): look(at: entity)
            case .isType(_, let type, within: _): look(at: type)
            default: break
            }
            for operand in expression.form.operands { look(at: operand) }
        }

        mutating func look(at entity: EntityUID) {
            if entity.type == "Action" {
                if !actionIDs.contains(entity), !actions.contains(entity) { actions.append(entity) }
            } else {
                look(at: entity.type)
            }
        }

        mutating func look(at type: EntityTypeName) {
            if !PolicyVocabulary.types.contains(type), !types.contains(type) { types.append(type) }
        }
    }
}
