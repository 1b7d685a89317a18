/// Which actions there are, and in which groups; nothing is known of others.
struct ActionHierarchy: Sendable {
    private let ancestors: [EntityUID: Set<EntityUID>]

    /// What a schema declares.
    init(_ schema: Schema?) { ancestors = schema?.actions.mapValues(\.ancestors) ?? [:] }

    /// Whether an action is the group or surely in it.
    func isWithin(_ action: EntityUID, _ group: EntityUID) -> Bool {
        action == group || (ancestors[action]?.contains(group) ?? false)
    }

    /// Every action that a constraint lets pass; `nil` where that is not known.
    func actions(of constraint: Scope.ActionConstraint) -> Set<EntityUID>? {
        let named = constraint.named
        guard !ancestors.isEmpty, named.allSatisfy({ ancestors[$0] != nil }) else { return nil }
        switch constraint {
        case .any: return nil
        case .equal(let action): return [action]
        case .within, .withinAny:
            return Set(ancestors.keys.filter { action in named.contains { isWithin(action, $0) } })
        }
    }
}
