/// A policy set of which some `forbid` policies can be lifted; asks it for one of three answers in one evaluation.
package struct ThreeWayAuthorizer: Sendable {
    private enum Kind: UInt8, Sendable {
        case permit
        case forbid
        case liftable
    }

    /// The policies; to their own `authorize`, a liftable `forbid` is a `forbid`.
    package let policies: PolicySet
    private let kinds: [Kind]

    /// Says which of the `forbid` policies can be lifted; `permit` policies are not asked about.
    package init(_ policies: PolicySet, isLiftable: (Policy) -> Bool) {
        self.policies = policies
        self.kinds = policies.policies.map { policy in
            switch policy.effect {
            case .permit: .permit
            case .forbid: isLiftable(policy) ? .liftable : .forbid
            }
        }
    }

    /// The answer to a request.
    package func rule(_ request: Request, _ entities: some EntitySource) -> Ruling {
        self.ruling(of: self.policies.evaluate(request, entities))
    }

    /// The answer to what evaluating the policies found.
    func ruling(of evaluation: Evaluation) -> Ruling {
        var permits = PolicyIndices()
        var forbids = PolicyIndices()
        var liftable = PolicyIndices()
        var broken = PolicyIndices()
        for policy in evaluation.satisfied {
            switch self.kinds[policy] {
            case .permit: permits.append(policy)
            case .forbid: forbids.append(policy)
            case .liftable: liftable.append(policy)
            }
        }
        for failure in evaluation.errors where self.kinds[failure.policy] != .permit { broken.append(failure.policy) }
        let (answer, determining): (Ruling.Answer, PolicyIndices) =
            if !forbids.isEmpty {
                (.deny, forbids)
            } else if permits.isEmpty {
                (.deny, [])
            } else if !liftable.isEmpty {
                (.liftable, liftable)
            } else {
                (.allow, permits)
            }
        return Ruling(answer: answer, determining: determining, brokenForbids: broken, errors: evaluation.errors)
    }
}
