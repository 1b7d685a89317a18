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

    /// The set to ask whether a principal could ever be permitted anything on a resource, or on what is below it.
    ///
    /// A permit keeps only what it says of the principal, and of the resource's tags; a forbid is kept where it says
    /// nothing else, and so forbids everything. What `isLiftable` names is left out. The resource that each permit's head
    /// names comes beside it, for the caller to compare.
    package func openings(isLiftable: (Policy) -> Bool) -> (set: PolicySet, resources: [Scope.EntityConstraint]) {
        var resources = [Scope.EntityConstraint]()
        let policies = self.policies.compactMap { policy -> Policy? in
            let certain = policy.conditions.filter { Self.looksOnlyAtPrincipalAndTags($0.body) }
            switch policy.effect {
            case .permit:
                resources.append(policy.scope.resource)
                return policy.with(certain, Scope(principal: policy.scope.principal, action: .any, resource: .any))
            case .forbid:
                guard case .any = policy.scope.action, certain.count == policy.conditions.count, !isLiftable(policy)
                else { return nil }
                switch policy.scope.resource {
                case .any, .within: break
                case .equal, .isType, .isTypeWithin: return nil
                }
                resources.append(policy.scope.resource)
                return policy
            }
        }
        return (PolicySet(statements: policies.map { .policy($0) }, links: [], linked: []), resources)
    }

    private static func looksOnlyAtPrincipalAndTags(_ expression: Expression) -> Bool {
        var pending = [expression]
        while let next = pending.popLast() {
            switch next.form {
            case .variable(.context), .variable(.action), .variable(.resource): return false
            case .method(let base, let method, let arguments) where method == .hasTag || method == .getTag:
                if case .variable(.resource) = base.form { pending += arguments } else { pending += next.form.operands }
            default: pending += next.form.operands
            }
        }
        return true
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
    fileprivate func with(_ conditions: [Condition], _ scope: Scope? = nil) -> Policy {
        Policy(
            id: self.id,
            effect: self.effect,
            annotations: self.annotations,
            scope: scope ?? self.scope,
            conditions: conditions,
            source: self.source,
        )
    }
}
