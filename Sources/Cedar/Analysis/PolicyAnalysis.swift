/// What can be said of policies without a request; every claim is certain, and silence says nothing.
///
/// "Satisfied" means that scope and conditions come out true without an error.
package struct PolicyAnalysis: Sendable {
    private let hierarchy: ActionHierarchy

    /// Prepares an analysis; a schema tells which actions are in which groups.
    package init(schema: Schema? = nil) { self.hierarchy = ActionHierarchy(schema) }

    /// Whether every request that satisfies the first policy satisfies the second, too, whatever else they say.
    package func implies(_ policy: PolicyOutline, _ other: PolicyOutline) -> Bool {
        other.scope.covers(policy.scope, self.hierarchy) && other.parts.isSubset(of: policy.parts)
    }

    /// Whether no request passes the scopes of both.
    package func areDisjoint(_ policy: PolicyOutline, _ other: PolicyOutline) -> Bool {
        policy.scope.isDisjoint(from: other.scope, self.hierarchy)
    }

    /// Whether a policy is about some of these actions only.
    package func isOnly(about actions: Set<EntityUID>, _ policy: PolicyOutline) -> Bool {
        guard let known = self.hierarchy.actions(of: policy.scope.action) else { return false }
        return !known.isEmpty && known.isSubset(of: actions)
    }
}
