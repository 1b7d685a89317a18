/// Which actions there are, and in which groups; nothing is known of others.
struct ActionHierarchy: Sendable {
    private let ancestors: [EntityUID: Set<EntityUID>]

    /// What a schema declares.
    init(_ schema: Schema?) { self.ancestors = schema?.actions.mapValues(\.ancestors) ?? [:] }

    /// Whether an action is the group or surely in it.
    func isWithin(_ action: EntityUID, _ group: EntityUID) -> Bool {
        action == group || (self.ancestors[action]?.contains(group) ?? false)
    }

    /// Every action that a constraint lets pass; `nil` where that is not known.
    func actions(of constraint: Scope.ActionConstraint) -> Set<EntityUID>? {
        let named = constraint.named
        guard !self.ancestors.isEmpty, named.allSatisfy({ self.ancestors[$0] != nil }) else { return nil }
        switch constraint {
        case .any: return nil
        case .equal(let action): return [action]
        case .within, .withinAny:
            return Set(self.ancestors.keys.filter { action in named.contains { self.isWithin(action, $0) } })
        }
    }
}
