/// Request outlines that are ready to be asked of many policies.
package struct PreparedOutlines: Sendable {
    /// For each outline one environment for each of its actions.
    let environments: [[Typechecker.Environment]]
}

extension Validator {
    /// Prepares outlines; one whose actions or types the schema does not have is about nothing.
    package func prepare(_ outlines: [RequestOutline]) -> PreparedOutlines {
        PreparedOutlines(environments: outlines.map { self.index.environments($0) })
    }

    /// What can be said of a policy and each outline, strictly; nil for an outline that the policy's scope leaves out.
    ///
    /// Types of records are compared as far as evaluation can tell them apart: that one of two has a member more, or may
    /// lack it, is no finding, because such records are merely not equal, or may be.
    package func judge(_ policy: Policy, _ outlines: PreparedOutlines) -> [RequestJudgement?] {
        let template = Template(policy)
        var maker = TermMaker(self.index)
        let condition = maker.term(of: template.conditions)
        let readsAction = maker.variables.contains(.action)
        return outlines.environments.map { environments in
            let allowed = environments.filter { self.allows(template, $0) }
            guard !allowed.isEmpty else { return nil }
            guard let condition else { return RequestJudgement(isPossible: true, findings: [], questions: []) }
            // Conditions that do not read the action cannot tell the others apart from the first.
            let judgements = (readsAction ? allowed : [allowed[0]]).map { self.judge(policy, condition, $0) }
            return RequestJudgement(
                isPossible: judgements.contains(where: \.isPossible),
                findings: judgements.flatMap(\.findings),
                questions: judgements.flatMap(\.questions),
            )
        }
    }

    private func judge(
        _ policy: Policy,
        _ condition: Term,
        _ environment: Typechecker.Environment,
    ) -> RequestJudgement {
        var checker = Typechecker(
            self.index,
            .strict,
            Typechecker.Room(principals: [environment.principal], resources: [environment.resource]),
            environment,
            Findings(policyID: policy.id, source: policy.source),
        )
        let judgement = checker.truth(condition)
        let questions = checker.questions.values.sorted {
            ($0.position.offset, $0.path.count) < ($1.position.offset, $1.path.count)
        }
        return RequestJudgement(
            isPossible: judgement.type != .bool(false),
            findings: checker.findings.inOrder,
            questions: questions,
        )
    }

    /// Whether the scope may be about requests of an outline.
    private func allows(_ template: Template, _ environment: Typechecker.Environment) -> Bool {
        guard let outline = environment.outline,
            self.mayHold(template.principal, environment.principal),
            self.mayHold(template.action, environment.action),
            self.mayHold(template.resource, environment.resource)
        else { return false }
        guard case .fixed(let constraint) = template.resource else { return true }
        switch constraint {
        case .any, .isType: return true
        case .equal(let uid): return outline.resource.map { $0 == uid } ?? true
        case .within(let uid), .isTypeWithin(_, let uid): return outline.isWithin(uid) ?? true
        }
    }
}
