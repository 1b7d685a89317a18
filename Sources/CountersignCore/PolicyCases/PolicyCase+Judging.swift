import Cedar

/// What came of one case.
package struct PolicyCaseResult: Sendable {
    /// The case.
    package let policyCase: PolicyCase
    /// What policy answered.
    package let verdict: PolicyVerdict
    /// What differs from what was expected, in words; empty if the case passed.
    package let differences: [String]
    /// The policies that were satisfied or could not be evaluated, by their index in the set.
    package let exercised: Set<Int>

    /// Whether all was as expected.
    package var isPassed: Bool { differences.isEmpty }
}

extension PolicyCase {
    /// Asks a policy set.
    package func judged(by set: GatedPolicySet) -> PolicyCaseResult {
        let verdict: PolicyVerdict
        var exercised = Set<Int>()
        switch question {
        case .action(let action, let circumstances, let now):
            verdict = set.judge(action, circumstances, directory: directory, now: now)
            exercised = set.exercised(by: action, circumstances, directory: directory, now: now)
        case .request(let request, let entities):
            verdict = set.judge(request, entities: entities)
            exercised = set.exercised(by: request, entities)
        case .refused(let reason):
            verdict = PolicyVerdict(answer: .deny([reason]), policies: [], errors: [])
        }
        var differences = [String]()
        var expected = expectation.answer.rawValue
        var isSame = verdict.kind == expectation.answer
        func compare(_ ids: [String]?, _ got: [String], _ word: String) {
            guard let ids else { return }
            isSame = isSame && Set(ids.map { CedarString($0) }) == Set(got.map { CedarString($0) })
            expected += " \(word) \(ids.isEmpty ? "nothing" : ids.joined(separator: ", "))"
        }
        compare(expectation.gates, verdict.gateIDs, "by")
        compare(expectation.reasons?.map(\.rawValue), verdict.reasonCodes.map(\.rawValue), "for")
        compare(expectation.policies, verdict.policies, "because of")
        if !isSame {
            let errors = verdict.errors.map { "; error in \($0)" }.joined()
            differences.append("expected \(expected); got \(verdict.summary)\(errors)")
        } else {
            differences += approvalDifferences(verdict, set, &exercised)
        }
        return PolicyCaseResult(
            policyCase: self,
            verdict: verdict,
            differences: differences,
            exercised: exercised,
        )
    }

    /// What differs in who may approve what is held.
    private func approvalDifferences(
        _ verdict: PolicyVerdict,
        _ set: GatedPolicySet,
        _ exercised: inout Set<Int>,
    ) -> [String] {
        guard case .gated(let gates) = verdict.answer else { return [] }
        guard case .action(let action, let circumstances, let now) = question else {
            guard !(expectation.mayApprove + expectation.mayNotApprove).isEmpty else { return [] }
            return ["who may approve is asked about an agent's action only; say agent and connection"]
        }
        let approval = Approval(
            trying: action,
            circumstances,
            owner: directory.agents[action.agent]?.owner,
            gates: gates,
            now: now,
        )
        func refusal(_ id: UserID) -> ReasonCode? {
            guard let user = directory.users[id] else { return .notAnApprover }
            let (request, entities) = set.approveRequest(user, approval, action, directory: directory, now: now)
            // Gates never stop the lifting of gates, so here they are not what is tried.
            exercised.formUnion(set.exercised(by: request, entities).filter { set.gates[$0] == nil })
            return set.refusal(of: user, deciding: approval, on: action, directory: directory, now: now)
        }
        return expectation.mayApprove.compactMap { id in
            refusal(id).map { "expected that \(id) may approve; got \($0.rawValue)" }
        }
            + expectation.mayNotApprove.compactMap { id in
                refusal(id) == nil ? "expected that \(id) may not approve; got that they may" : nil
            }
    }
}

extension GatedPolicySet {
    /// The users whose first approval of an action that these gates hold would count.
    func approvers(
        of action: Action,
        _ circumstances: Circumstances,
        _ gates: [Gate],
        directory: Directory,
        now: Timestamp,
    ) -> Set<UserID> {
        let owner = directory.agents[action.agent]?.owner
        let approval = Approval(trying: action, circumstances, owner: owner, gates: gates, now: now)
        let users = directory.users.values.filter { user in
            refusal(of: user, deciding: approval, on: action, directory: directory, now: now) == nil
        }
        return Set(users.map(\.id))
    }

    /// The policies that an action satisfies or breaks, whether or not they decide.
    fileprivate func exercised(
        by action: Action,
        _ circumstances: Circumstances,
        directory: Directory,
        now: Timestamp,
    ) -> Set<Int> {
        var indices = Set<Int>()
        eachRequest(of: action, circumstances, directory: directory, now: now) { request, entities in
            indices.formUnion(exercised(by: request, entities))
        }
        return indices
    }

    fileprivate func exercised(by request: Request, _ entities: some EntitySource) -> Set<Int> {
        let evaluation = policies.evaluate(request, entities)
        return Set(evaluation.satisfied).union(evaluation.errors.map(\.policy))
    }

    /// Why a user's first approval would not count; `nil` if it would.
    fileprivate func refusal(
        of user: User,
        deciding approval: Approval,
        on action: Action,
        directory: Directory,
        now: Timestamp,
    ) -> ReasonCode? {
        let decision = Decision(
            user: user.id,
            groups: user.groups,
            verdict: .approve,
            reason: "",
            time: now,
            channel: "api",
            actionDigest: approval.digest,
            previewDigest: approval.previewDigest,
        )
        var machine = ApprovalMachine(approval)
        let mayApprove = mayApprove(user, approval, action, directory: directory, now: now)
        switch machine.decisionReceived(decision, mayApprove: mayApprove, now: now) {
        case .record, .approve: return nil
        case .refuse(let code): return code
        case .deny, .expire: return .wrongState
        }
    }
}

extension Approval {
    /// An approval of an action that nobody asked for yet, to find out who could decide on it.
    fileprivate init(
        trying action: Action,
        _ circumstances: Circumstances,
        owner: UserID?,
        gates: [Gate],
        now: Timestamp,
    ) {
        self.init(
            id: ApprovalID(now: now, random: 0, 0),
            agent: action.agent,
            owner: owner,
            onBehalfOf: action.onBehalfOf,
            connection: action.connection,
            action: action.name,
            resource: action.operations.first?.resource.id ?? action.connection.rawValue,
            document: String(decoding: action.canonical, as: UTF8.self),
            digest: action.digest,
            previewDigest: Preview.digest(action, owner: owner, gates: gates),
            gates: gates,
            policyVersion: "",
            circumstances: circumstances,
            laterCircumstances: nil,
            requestedAt: now,
            expiresAt: now.adding(.seconds(3600)),
            grantDuration: .seconds(300),
            asynchronous: false,
            status: .pending,
            decisions: [],
            comments: nil,
            grantExpiresAt: nil,
            settledAt: nil,
            outcome: nil,
            delivered: false,
            revision: 1,
        )
    }
}
