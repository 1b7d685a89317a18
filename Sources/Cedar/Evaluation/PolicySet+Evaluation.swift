extension PolicySet {
    /// Finds out which policies are satisfied and which cannot be evaluated.
    package func evaluate(_ request: Request, _ entities: some EntitySource) -> Evaluation {
        var evaluation = Evaluation()
        AttributeCache.withCache(self.program.requestAttributes.count) { cache in
            let evaluator = Evaluator(program: self.program, request: request, entities: entities, cache: cache)
            self.program.index.forEachMatch(evaluator) { policy in
                do throws(EvaluationError) {
                    if try evaluator.isSatisfied(policy) { evaluation.satisfied.append(policy) }
                } catch {
                    evaluation.errors.append(Evaluation.Failure(policy: policy, error: error))
                }
            }
        }
        // Matches come in the index's order; answers are in the set's.
        evaluation.satisfied.sort()
        if evaluation.errors.count > 1 { evaluation.errors.sort { $0.policy < $1.policy } }
        return evaluation
    }

    /// Cedar's own answer: a satisfied `forbid` denies, else a satisfied `permit` allows, else denied.
    ///
    /// Policies that cannot be evaluated are skipped.
    package func authorize(_ request: Request, _ entities: some EntitySource) -> Response {
        let evaluation = self.evaluate(request, entities)
        let (decision, reasons) = self.decision(of: evaluation)
        return Response(
            decision: decision,
            // One policy nearly always decides; its list of one is there already.
            reasons: reasons.count == 1 ? self.program.idLists[reasons[0]] : reasons.map { self.policies[$0].id },
            errors: evaluation.errors.map {
                Response.Failure(id: self.policies[$0.policy].id, message: $0.error.description)
            },
        )
    }

    /// Cedar's own answer to what an evaluation found, and the policies that determined it, ascending.
    func decision(of evaluation: Evaluation) -> (decision: Decision, determining: PolicyIndices) {
        var forbids = PolicyIndices()
        for policy in evaluation.satisfied where self.program.effects[policy] == .forbid { forbids.append(policy) }
        if !forbids.isEmpty { return (.deny, forbids) }
        return (evaluation.satisfied.isEmpty ? .deny : .allow, evaluation.satisfied)
    }
}
