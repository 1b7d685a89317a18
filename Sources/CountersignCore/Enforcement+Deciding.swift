import CanonicalJSON

/// What a user says on an approval.
package struct Ballot: Hashable, Sendable {
    /// Approve or deny.
    package let verdict: Decision.Verdict
    /// Why.
    package let reason: String
    /// The digest of the action that they judge.
    package let actionDigest: ActionDigest
    /// The digest of what they were shown; `nil` takes the approval's, for callers that show nothing of their own.
    package let previewDigest: ActionDigest?

    /// Fills in a ballot.
    package init(
        _ verdict: Decision.Verdict,
        reason: String,
        actionDigest: ActionDigest,
        previewDigest: ActionDigest? = nil,
    ) {
        self.verdict = verdict
        self.reason = reason
        self.actionDigest = actionDigest
        self.previewDigest = previewDigest
    }
}

extension Enforcement {
    /// Counts a user's decision, or refuses and records it.
    ///
    /// One of two that race wins; the other is `already-decided`.
    package func decide(_ id: ApprovalID, by user: SignedInUser, _ ballot: Ballot) async -> Result<Approval, Reason> {
        do {
            for _ in 0..<16 {
                guard let approval = try await ledger.approval(id) else {
                    return .failure(Reason(.notFound, ReasonCode.notFound.explanation))
                }
                if let result = try await decideOnce(approval, by: user, ballot) { return result }
            }
            return .failure(LedgerError(.unavailable, "the approval kept changing").reason)
        } catch {
            return .failure(error.reason)
        }
    }

    /// One try; `nil` when compare-and-set lost and the approval must be read again.
    private func decideOnce(
        _ approval: Approval,
        by user: SignedInUser,
        _ ballot: Ballot,
    ) async throws(LedgerError) -> Result<Approval, Reason>? {
        let snapshot = current.snapshot
        let now = clock.time()
        // The groups of today's directory count, whatever the session knew when it began.
        let known = snapshot.directory.users[user.user.id]
        let decision = Decision(
            user: user.user.id,
            groups: known?.groups ?? [],
            verdict: ballot.verdict,
            reason: ballot.reason,
            time: now,
            channel: user.via,
            actionDigest: ballot.actionDigest,
            previewDigest: ballot.previewDigest ?? approval.previewDigest,
        )
        var mayApprove = false
        // Whoever has become the agent's owner since the hold does not decide, either.
        if let known, !known.id.isSamePerson(as: snapshot.directory.agents[approval.agent]?.owner),
            let text = approval.document,
            let document = StoredJSON.value(text),
            let action = try? Action(document: document)
        {
            mayApprove = snapshot.policy.mayApprove(known, approval, action, directory: snapshot.directory, now: now)
        }
        var machine = ApprovalMachine(approval)
        let version = snapshot.policy.version
        let actor = Actor.user(decision.user, via: decision.channel)
        switch machine.decisionReceived(decision, mayApprove: mayApprove, now: now) {
        case .record(let next):
            let entry = entries.decided(next, decision, refusal: nil, version: version)
            return try await replace(next, [entry])
        case .approve(let next), .deny(let next):
            let decided = entries.decided(next, decision, refusal: nil, version: version)
            let settled = entries.settled(next, by: actor, at: now)
            return try await replace(next, [decided, settled])
        case .expire(let next):
            let settled = entries.settled(next, by: .gateway, reasons: [.approvalExpired], at: now)
            let late = entries.decided(next, decision, refusal: .alreadyDecided, version: version)
            return try await replace(next, [settled, late]).map { _ in
                .failure(Reason(.alreadyDecided, "The approval expired before this decision."))
            }
        case .refuse(let code):
            let entry = entries.decided(approval, decision, refusal: code, version: version)
            _ = try await ledger.commit(Commit(entries: [entry]))
            return .failure(Reason(code, code.explanation))
        }
    }

    private func replace(
        _ next: Approval,
        _ entries: [EntryDraft],
    ) async throws(LedgerError) -> Result<Approval, Reason>? {
        switch try await ledger.commit(Commit(.replace(next), entries: entries)) {
        case .committed: .success(next)
        case .conflict, .tooManyPending: nil
        }
    }

    /// The agent takes its request back.
    package func withdraw(_ id: ApprovalID, by agent: AgentID) async -> Result<Approval, Reason> {
        await end(id, by: .agent(agent)) { approval, machine, now in
            guard approval.agent == agent else { return .refuse(.notFound) }
            return machine.withdrawn(now: now)
        }
    }

    /// The agent gives up what it asked for: a request that is pending, or a grant that it has not used.
    package func relinquish(_ id: ApprovalID, by agent: AgentID) async -> Result<Approval, Reason> {
        await end(id, by: .agent(agent)) { approval, machine, now in
            guard approval.agent == agent else { return .refuse(.notFound) }
            return approval.status == .approved ? machine.revoked(now: now) : machine.withdrawn(now: now)
        }
    }

    /// A user who may decide on it takes the grant back before it is used.
    package func revoke(_ id: ApprovalID, by user: SignedInUser) async -> Result<Approval, Reason> {
        let groups = current.snapshot.directory.users[user.user.id]?.groups ?? []
        return await end(id, by: .user(user.user.id, via: user.via)) { approval, machine, now in
            // Taking back is the safe direction, so the owner and the human acted for may do it, too.
            guard approval.isOwn(of: user.user.id) || approval.gates.contains(where: { $0.accepts(groups: groups) })
            else { return .refuse(.notAnApprover) }
            return machine.revoked(now: now)
        }
    }

    private func end(
        _ id: ApprovalID,
        by actor: Actor,
        _ event: (Approval, inout ApprovalMachine, Timestamp) -> ApprovalMachine.EndAction,
    ) async -> Result<Approval, Reason> {
        do {
            for _ in 0..<16 {
                guard let approval = try await ledger.approval(id) else { break }
                let now = clock.time()
                var machine = ApprovalMachine(approval)
                switch event(approval, &machine, now) {
                case .settle(let next):
                    // Where a deadline came first, the clock ended it and not the one who asked.
                    let entry =
                        switch next.status {
                        case .expired: entries.settled(next, by: .gateway, reasons: [.approvalExpired], at: now)
                        case .lapsed: entries.settled(next, by: .gateway, reasons: [.grantLapsed], at: now)
                        case .pending, .approved, .redeemed, .succeeded, .failed, .unknown, .denied, .withdrawn,
                            .revoked:
                            entries.settled(next, by: actor, at: now)
                        }
                    if let result = try await replace(next, [entry]) { return result }
                case .refuse(let code):
                    return .failure(Reason(code, code.explanation))
                }
            }
            return .failure(Reason(.notFound, ReasonCode.notFound.explanation))
        } catch {
            return .failure(error.reason)
        }
    }
}
