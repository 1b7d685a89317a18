/// What an analysis keeps of a policy.
package struct PolicyOutline: Sendable {
    let scope: Scope
    let parts: Set<ConditionPart>
    /// Whether no request ever satisfies it, because of what its conditions ask.
    package let isNeverSatisfied: Bool

    /// Takes a policy's conditions apart.
    package init(_ policy: Policy) {
        let parts = ConditionPart.parts(of: policy)
        self.scope = policy.scope
        self.parts = Set(parts)
        var finder = TruthFinder(weight: policy.conditions.reduce(0) { $0 + $1.body.weight })
        self.isNeverSatisfied = !finder.mayHold(parts)
    }

    /// Whether it is satisfied by every request that its scope lets pass.
    package var isUnconditional: Bool { self.parts.isEmpty }
}
