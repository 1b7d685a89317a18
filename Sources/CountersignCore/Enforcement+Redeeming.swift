import CanonicalJSON

extension Enforcement {
    /// What becomes of an attempt to use a grant.
    package enum Redemption: Sendable {
        /// The grant is used and `action.dispatched` is durable: send the bytes now.
        case dispatch(Approval)
        /// Somebody else uses or has used the grant.
        case taken(Approval)
        /// Nothing may be sent.
        case refused([Reason])
    }

    /// Uses a grant for the action at hand: today's policy is asked again, the digest compared, and one
    /// compare-and-set decides who sends (DESIGN 2, step 4).
    ///
    /// `objection` says why the grant of the approval at hand is not to be used; it then stays as it is.
    package func redeem(
        _ id: ApprovalID,
        _ action: Action,
        _ circumstances: Circumstances,
        by actor: Actor,
        objection: (Approval) -> [Reason]? = { _ in nil },
    ) async -> Redemption {
        do {
            for _ in 0..<16 {
                guard let approval = try await ledger.approval(id) else {
                    return .refused([Reason(.notFound, "There is no approval \(id).")])
                }
                let snapshot = current.snapshot
                let now = clock.time()
                // The grant must be alive and for this action; otherwise the machine says no below.
                if approval.status == .approved, approval.attaches(now: now), action.digest == approval.digest {
                    if let reasons = objection(approval) { return .refused(reasons) }
                    if let reasons = stricter(approval, action, circumstances, snapshot, now) {
                        if try await revoke(approval, reasons: reasons.map(\.code), by: .gateway, now) {
                            return .refused(reasons)
                        }
                        continue
                    }
                }
                var machine = ApprovalMachine(approval)
                switch machine.redemptionRequested(action.digest, now: now) {
                case .dispatch(let next):
                    let entry = entries.dispatched(next, version: snapshot.policy.version, by: actor, at: now)
                    // A crash after this commit leaves a dispatched action without an outcome: `unknown` at start-up.
                    switch try await ledger.commit(Commit(.replace(next), entries: [entry])) {
                    case .committed: return .dispatch(next)
                    case .conflict, .tooManyPending: continue
                    }
                case .lapse(let next):
                    let entry = entries.settled(next, by: .gateway, reasons: [.grantLapsed], at: now)
                    _ = try await ledger.commit(Commit(.replace(next), entries: [entry]))
                case .refuse(.grantUsed):
                    return .taken(approval)
                case .refuse(.digestMismatch):
                    return try await mismatched(action, circumstances, snapshot, now)
                case .refuse(let code):
                    return .refused([Reason(code, code.explanation)])
                }
            }
            return .refused([LedgerError(.unavailable, "the approval kept changing").reason])
        } catch {
            return .refused([error.reason])
        }
    }

    /// Why today's policy does not let an approved action run; `nil` if it does.
    private func stricter(
        _ approval: Approval,
        _ action: Action,
        _ circumstances: Circumstances,
        _ snapshot: Snapshot,
        _ now: Timestamp,
    ) -> [Reason]? {
        switch judge(action, circumstances, snapshot, now).answer {
        case .allow: return nil
        case .deny(let reasons): return [Reason(.policyChanged, ReasonCode.policyChanged.explanation)] + reasons
        case .gated(let gates):
            // A vote counts for the groups that its user was in when deciding and is in today.
            let owner = snapshot.directory.agents[approval.agent]?.owner
            let decisions = approval.decisions.compactMap { decision -> Decision? in
                guard let user = snapshot.directory.users[decision.user], !approval.isOwn(of: decision.user),
                    !decision.user.isSamePerson(as: owner)
                else { return nil }
                return decision.limited(to: user.groups)
            }
            return gates.allSatisfy { $0.isMet(by: decisions) }
                ? nil : [Reason(.policyChanged, ReasonCode.policyChanged.explanation)]
        }
    }

    /// Somebody tried to use a grant for another action: that is an entry, and the grant stays.
    ///
    /// The entry is not one of the approval's, whose receipt tells of one action only.
    private func mismatched(
        _ action: Action,
        _ circumstances: Circumstances,
        _ snapshot: Snapshot,
        _ now: Timestamp,
    ) async throws(LedgerError) -> Redemption {
        let reasons = [Reason(.digestMismatch, ReasonCode.digestMismatch.explanation)]
        let entry = entries.judged(
            .actionDenied,
            action,
            circumstances,
            PolicyVerdict(answer: .deny(reasons), policies: [], errors: []),
            version: snapshot.policy.version,
            reasons: reasons,
            at: now,
        )
        _ = try await ledger.commit(Commit(entries: [entry]))
        return .refused(reasons)
    }

    /// Records what came of a dispatched action, with the response to keep for the agent; `nil` if none is under way.
    package func complete(
        _ id: ApprovalID,
        _ outcome: Outcome,
        response: KeptResponse? = nil,
        delivered: Bool = false,
        by actor: Actor,
    ) async throws(LedgerError) -> Approval? {
        for _ in 0..<16 {
            guard let approval = try await ledger.approval(id) else { return nil }
            let now = clock.time()
            var machine = ApprovalMachine(approval)
            guard case .complete(var next) = machine.outcomeReported(outcome, now: now) else { return nil }
            next.delivered = delivered
            let entry = entries.completed(next, outcome, by: actor, at: now)
            let commit = Commit(.replace(next), entries: [entry], response: response)
            if case .committed = try await ledger.commit(commit) { return next }
        }
        throw LedgerError(.unavailable, "the approval kept changing")
    }

    /// Notes that the agent has the result; asking again is a new action from here.
    ///
    /// With `keepsResponse` the result can be fetched again, as a task's can.
    package func delivered(_ id: ApprovalID, keepsResponse: Bool = false) async throws(LedgerError) {
        for _ in 0..<16 {
            guard let approval = try await ledger.approval(id) else { return }
            var machine = ApprovalMachine(approval)
            guard let next = machine.resultDelivered() else { return }
            if case .committed = try await ledger.commit(Commit(.replace(next), entries: [])) {
                return keepsResponse ? () : try await ledger.dropResponse(id)
            }
        }
    }

    /// Ends what the clock has ended; the approval if this call ended it.
    @discardableResult
    package func settleIfDue(_ id: ApprovalID) async throws(LedgerError) -> Approval? {
        guard let approval = try await ledger.approval(id) else { return nil }
        let now = clock.time()
        var machine = ApprovalMachine(approval)
        let (next, code): (Approval, ReasonCode)
        switch machine.deadlinePassed(now: now) {
        case .expire(let expired): (next, code) = (expired, .approvalExpired)
        case .lapse(let lapsed): (next, code) = (lapsed, .grantLapsed)
        case .ignore: return nil
        }
        let entry = entries.settled(next, by: .gateway, reasons: [code], at: now)
        guard case .committed = try await ledger.commit(Commit(.replace(next), entries: [entry])) else { return nil }
        return next
    }

    /// Start-up: what a crash cut off between dispatch and outcome is `unknown`; it is never run again (DESIGN 2).
    package func recover() async throws(LedgerError) {
        for approval in try await ledger.unfinished() {
            _ = try await complete(
                approval.id,
                Outcome(.unknown, detail: "The gateway stopped while the action was under way."),
                by: .gateway,
            )
        }
        while case let due = try await ledger.due(now: clock.time(), limit: 200), !due.isEmpty {
            for id in due { try await settleIfDue(id) }
        }
    }

    /// Takes the grant back, because what was approved means something else by now.
    package func revokeChanged(_ approval: Approval) async {
        var approval = approval
        // Whatever is said on it meanwhile must not save the grant.
        for _ in 0..<16 {
            guard let isRevoked = try? await revoke(approval, reasons: [.policyChanged], by: .gateway, clock.time()),
                !isRevoked, let next = try? await ledger.approval(approval.id), next.status == .approved
            else { return }
            approval = next
        }
    }

    /// Takes the grant back; whether this call did it.
    func revoke(
        _ approval: Approval,
        reasons: [ReasonCode],
        by actor: Actor,
        _ now: Timestamp,
    ) async throws(LedgerError) -> Bool {
        var machine = ApprovalMachine(approval)
        guard case .settle(let next) = machine.revoked(now: now) else { return false }
        let entry = entries.settled(next, by: actor, reasons: reasons, at: now)
        guard case .committed = try await ledger.commit(Commit(.replace(next), entries: [entry])) else { return false }
        return true
    }
}

extension ReasonCode {
    /// One sentence for a person or a model about a code that comes without details.
    package var explanation: String {
        switch self {
        case .approvalRequired: "This action needs a human's approval. Ask again to go on waiting."
        case .approvalDenied: "An approver denied this action. Do not repeat it unchanged."
        case .approvalExpired: "Nobody decided in time. Ask again to make a new request."
        case .approvalWithdrawn: "The request was withdrawn."
        case .approvalRevoked: "The approval was revoked before it was used."
        case .grantLapsed: "The approved action was not started in time. Ask again to make a new request."
        case .grantUsed: "The approval has been used; each lets one action run once."
        case .digestMismatch: "The action at hand is not the one that was approved or shown. Reload and compare."
        case .policyChanged: "The policy has become stricter since the approval. Ask again under today's policy."
        case .selfApproval: "You asked for this action, own the agent, or it acts for you. Somebody else must decide."
        case .notAnApprover: "You are in none of the groups that may decide on this action."
        case .alreadyDecided: "This has been decided already."
        case .wrongState: "The approval is not in a state in which this can be done."
        case .alreadyErased: "This has been erased already. The log's entry payload.erased tells by whom."
        case .tooManyPending: "The agent has as many pending approvals as it may have."
        case .tooManyComments:
            "This approval has as many comments of yours, or of people's, as it takes: \(ApprovalComment.maximumOfAgent) "
                + "comments of the agent's and one for each of people's, \(ApprovalComment.maximumOfPerson) of a person's, "
                + "\(ApprovalComment.maximumOfPeople) of all people's."
        case .unknownConnection: "There is no connection of this name."
        case .notFound: "There is no such thing, or you may not see it."
        case .unauthenticated: "Say who you are: Authorization: Bearer …"
        case .invalidCredential: "The credential is unknown, expired or revoked."
        case .notAllowed: "You may not do this."
        case .outcomeUnknown: "The action was sent and its outcome is not known. Look before you ask again."
        case .toolNotAccepted:
            "The tool is new, or its definition has changed, and nobody has accepted it as it is now. A person must do so first."
        case .effectMismatch:
            "The action says another effect or resource than the gateway's configuration has for it. Submit it as that says."
        case .connectionChanged: "The connection's settings changed while this was held. Ask again; nothing was sent."
        case .checkpointUnavailable:
            "The log's newest entries are written, but no signed checkpoint covers them yet. Try again in a moment."
        case .accountUnknown:
            "This account is no user's here. An administrator links it: countersign user link USER ACCOUNT."
        case .accountRefused: "This account may not answer."
        case .pageRequired: "A gate asks for more than a chat can prove. Open the page and decide there."
        case .channelUnavailable: "The chat's own servers cannot be asked who you are now. Try again, or open the page."
        case .signatureInvalid: "The request is not signed by the chat in whose name it came."
        case .callbackReplayed: "The request came before."
        case .callbackLate: "The request is too old. Look at this machine's clock if it is not."
        case .noPermit, .forbidden, .policyError, .ledgerUnavailable, .clockUnreliable, .upstreamUnavailable,
            .upstreamTimeout, .upstreamInvalid, .ambiguousRequest, .methodOverride, .methodRefused, .ambiguousBody,
            .bodyTooLarge, .badRequest, .idempotencyConflict, .statementUnknown, .resultGone, .overloaded,
            .shuttingDown:
            "The gateway refused this: \(rawValue)."
        }
    }
}
