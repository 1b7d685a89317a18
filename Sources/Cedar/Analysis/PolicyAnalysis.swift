/// What can be said of policies without a request; every claim is certain, and silence says nothing.
///
/// "Satisfied" means that scope and conditions come out true without an error.
package struct PolicyAnalysis: Sendable {
    private let hierarchy: ActionHierarchy

    /// Prepares an analysis; a schema tells which actions are in which groups.
    package init(schema: Schema? = nil) { hierarchy = ActionHierarchy(schema) }

    /// Whether no request ever satisfies a policy, because of what its conditions ask.
    package func isNeverSatisfied(_ policy: Policy) -> Bool {
        !ConditionPart.mayHold(ConditionPart.parts(of: policy))
    }

    /// Whether a policy is satisfied by every request that its scope lets pass.
    package func isUnconditional(_ policy: Policy) -> Bool { ConditionPart.parts(of: policy).isEmpty }

    /// Whether every request that satisfies the first policy satisfies the second, too, whatever else they say.
    package func implies(_ policy: Policy, _ other: Policy) -> Bool {
        guard other.scope.covers(policy.scope, hierarchy) else { return false }
        let parts = ConditionPart.parts(of: other)
        return parts.isEmpty || Set(ConditionPart.parts(of: policy)).isSuperset(of: parts)
    }

    /// Whether no request passes the scopes of both.
    package func areDisjoint(_ policy: Policy, _ other: Policy) -> Bool {
        policy.scope.isDisjoint(from: other.scope, hierarchy)
    }

    /// Whether a policy is about some of these actions only.
    package func isOnly(about actions: Set<EntityUID>, _ policy: Policy) -> Bool {
        guard let known = hierarchy.actions(of: policy.scope.action) else { return false }
        return !known.isEmpty && known.isSubset(of: actions)
    }
}

extension Policy {
    /// A policy that is satisfied where an expression is true, or false.
    init(asking expression: Expression, isUnless: Bool) {
        let position = SourcePosition(file: "", line: 1, column: 1, offset: 0)
        self.init(
            id: "asking",
            effect: .permit,
            annotations: [],
            scope: Scope(principal: .any, action: .any, resource: .any),
            conditions: [Condition(isUnless: isUnless, body: expression)],
            source: PolicyText(start: position, text: "", map: nil),
        )
    }
}
