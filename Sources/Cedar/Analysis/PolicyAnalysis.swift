/// What can be said of policies without a request; every claim is certain, and silence says nothing.
///
/// "Satisfied" means that scope and conditions come out true without an error.
package struct PolicyAnalysis: Sendable {
    private let hierarchy: ActionHierarchy

    /// Prepares an analysis; a schema tells which actions are in which groups.
    package init(schema: Schema? = nil) { hierarchy = ActionHierarchy(schema) }

    /// Whether every request that satisfies the first policy satisfies the second, too, whatever else they say.
    package func implies(_ policy: PolicyOutline, _ other: PolicyOutline) -> Bool {
        other.scope.covers(policy.scope, hierarchy) && other.parts.isSubset(of: policy.parts)
    }

    /// Whether no request passes the scopes of both.
    package func areDisjoint(_ policy: PolicyOutline, _ other: PolicyOutline) -> Bool {
        policy.scope.isDisjoint(from: other.scope, hierarchy)
    }

    /// Whether a policy is about some of these actions only.
    package func isOnly(about actions: Set<EntityUID>, _ policy: PolicyOutline) -> Bool {
        guard let known = hierarchy.actions(of: policy.scope.action) else { return false }
        return !known.isEmpty && known.isSubset(of: actions)
    }
}

/// What an analysis keeps of a policy.
package struct PolicyOutline: Sendable {
    let scope: Scope
    let parts: Set<ConditionPart>
    /// Whether no request ever satisfies it, because of what its conditions ask.
    package let isNeverSatisfied: Bool

    /// Takes a policy's conditions apart.
    package init(_ policy: Policy) {
        let parts = ConditionPart.parts(of: policy)
        scope = policy.scope
        self.parts = Set(parts)
        var finder = TruthFinder(weight: policy.conditions.reduce(0) { $0 + $1.body.weight })
        isNeverSatisfied = !finder.mayHold(parts)
    }

    /// Whether it is satisfied by every request that its scope lets pass.
    package var isUnconditional: Bool { parts.isEmpty }
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
            source: PolicyText(start: position, written: nil, map: nil),
        )
    }
}
