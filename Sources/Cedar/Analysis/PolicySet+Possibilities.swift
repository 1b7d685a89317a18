extension PolicySet {
    /// The set to ask whether a request could ever be permitted, while only some attributes of its context are known.
    ///
    /// A permit loses the conditions that look at anything else of the context, since they may hold; a forbid with such a
    /// condition is left out, since it may not, and so is whatever `isLiftable` names. What this set does not permit, the
    /// whole set permits under no context.
    package func possibilities(knowing attributes: Set<String>, isLiftable: (Policy) -> Bool) -> PolicySet {
        let known = Set(attributes.map { CedarString($0) })
        let policies = self.policies.compactMap { policy -> Policy? in
            let certain = policy.conditions.filter { Self.looksOnly(at: known, $0.body) }
            switch policy.effect {
            case .permit: return policy.with(certain)
            case .forbid: return certain.count == policy.conditions.count && !isLiftable(policy) ? policy : nil
            }
        }
        return PolicySet(statements: policies.map { .policy($0) }, links: [], linked: [])
    }

    /// Whether an expression looks at nothing of the context but these attributes.
    private static func looksOnly(at known: Set<CedarString>, _ expression: Expression) -> Bool {
        var pending = [expression]
        while let next = pending.popLast() {
            switch next.form {
            case .variable(.context): return false
            case .attribute(let base, let name) where Self.isContext(base):
                guard known.contains(name) else { return false }
            case .has(let base, let path) where Self.isContext(base):
                guard let name = path.first, known.contains(name) else { return false }
            default: pending += next.form.operands
            }
        }
        return true
    }

    private static func isContext(_ expression: Expression) -> Bool {
        guard case .variable(.context) = expression.form else { return false }
        return true
    }
}

extension Policy {
    fileprivate func with(_ conditions: [Condition]) -> Policy {
        Policy(
            id: self.id,
            effect: self.effect,
            annotations: self.annotations,
            scope: self.scope,
            conditions: conditions,
            source: self.source,
        )
    }
}
