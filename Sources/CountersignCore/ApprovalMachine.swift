/// Decides what each event does to an approval; pure, and the only place where an approval's state changes.
///
/// The states and arrows are those of DESIGN 5. Time comes in as `now`; deadlines are checked on every event, so that
/// it does not matter how late the one that watches the clock is.
package struct ApprovalMachine: ~Copyable {
    enum State: ~Copyable {
        /// Entered at the hold. Goes to approved, denied, expired, withdrawn.
        case pending(decisions: [Decision])
        /// Entered when every gate is met. Goes to redeemed, lapsed, revoked.
        case approved(decisions: [Decision], until: Timestamp)
        /// Entered when the grant is used, once. Goes to succeeded, failed, unknown.
        case redeemed(decisions: [Decision], until: Timestamp)
        /// Entered when an outcome is known or given up. Only ``resultDelivered()`` changes it.
        case completed(Approval)
        /// Entered by a deny, an expiry, a withdrawal, a lapse, a revocation. Nothing changes it.
        case settled(Approval)
    }

    private let base: Approval  // the latest revision, also after an event
    private var state: State

    private init(base: Approval, state: consuming State) {
        self.base = base
        self.state = state
    }

    /// Takes up an approval as the ledger has it.
    package init(_ approval: Approval) {
        base = approval
        switch approval.status {
        case .pending: state = .pending(decisions: approval.decisions)
        case .approved:
            state = .approved(decisions: approval.decisions, until: approval.grantExpiresAt ?? approval.requestedAt)
        case .redeemed:
            state = .redeemed(decisions: approval.decisions, until: approval.grantExpiresAt ?? approval.requestedAt)
        case .succeeded, .failed, .unknown: state = .completed(approval)
        case .denied, .expired, .withdrawn, .lapsed, .revoked: state = .settled(approval)
        }
    }

    /// What a decision does.
    package enum DecisionAction: Hashable, Sendable {
        /// The approval is recorded, and more are needed.
        case record(Approval)
        /// The last gate is met: the grant begins.
        case approve(Approval)
        /// Denied.
        case deny(Approval)
        /// The deadline had passed: expire it, and tell the user.
        case expire(Approval)
        /// The decision does not count.
        case refuse(ReasonCode)
    }

    /// A user decided.
    ///
    /// `mayApprove` is policy's answer to `Action::"approve"` for this user.
    package mutating func decisionReceived(_ decision: Decision, mayApprove: Bool, now: Timestamp) -> DecisionAction {
        let base = self.base
        switch consume self.state {
        case .pending(let decisions) where now >= base.expiresAt:
            let next = base.settled(.expired, decisions: decisions, at: now)
            self = .init(base: next, state: .settled(next))
            return .expire(next)
        case .pending(let decisions):
            if let refusal = Self.refusal(of: decision, on: base, after: decisions, mayApprove: mayApprove) {
                self = .init(base: base, state: .pending(decisions: decisions))
                return .refuse(refusal)
            }
            let all = decisions + [decision]
            switch decision.verdict {
            case .deny:
                let next = base.settled(.denied, decisions: all, at: now)
                self = .init(base: next, state: .settled(next))
                return .deny(next)
            case .approve where base.gates.allSatisfy({ $0.isMet(by: all) }):
                let until = now.adding(base.grantDuration)
                let next = base.changed(.approved, decisions: all) { $0.grantExpiresAt = until }
                self = .init(base: next, state: .approved(decisions: all, until: until))
                return .approve(next)
            case .approve:
                let next = base.changed(.pending, decisions: all)
                self = .init(base: next, state: .pending(decisions: all))
                return .record(next)
            }
        case .approved(let decisions, let until):
            self = .init(base: base, state: .approved(decisions: decisions, until: until))
        case .redeemed(let decisions, let until):
            self = .init(base: base, state: .redeemed(decisions: decisions, until: until))
        case .completed(let approval):
            self = .init(base: base, state: .completed(approval))
        case .settled(let approval):
            self = .init(base: base, state: .settled(approval))
        }
        return .refuse(base.isOwn(of: decision.user) ? .selfApproval : .alreadyDecided)
    }

    /// What a deadline does.
    package enum DeadlineAction: Hashable, Sendable {
        /// Nobody decided in time.
        case expire(Approval)
        /// The grant was not used in time.
        case lapse(Approval)
        /// No deadline has passed.
        case ignore
    }

    /// A deadline may have passed.
    package mutating func deadlinePassed(now: Timestamp) -> DeadlineAction {
        let base = self.base
        switch consume self.state {
        case .pending(let decisions) where now >= base.expiresAt:
            let next = base.settled(.expired, decisions: decisions, at: now)
            self = .init(base: next, state: .settled(next))
            return .expire(next)
        case .approved(let decisions, let until) where now >= until:
            let next = base.settled(.lapsed, decisions: decisions, at: now)
            self = .init(base: next, state: .settled(next))
            return .lapse(next)
        case .pending(let decisions):
            self = .init(base: base, state: .pending(decisions: decisions))
        case .approved(let decisions, let until):
            self = .init(base: base, state: .approved(decisions: decisions, until: until))
        case .redeemed(let decisions, let until):
            self = .init(base: base, state: .redeemed(decisions: decisions, until: until))
        case .completed(let approval):
            self = .init(base: base, state: .completed(approval))
        case .settled(let approval):
            self = .init(base: base, state: .settled(approval))
        }
        return .ignore
    }

    /// What a comment does.
    package enum CommentAction: Hashable, Sendable {
        /// It is kept with the approval, which is what it was otherwise.
        case record(Approval)
        /// The deadline had passed: expire it, and tell whoever commented.
        case expire(Approval)
        /// The grant had ended: it lapses, and whoever commented is told.
        case lapse(Approval)
        /// Its author has said so before, in the same words.
        case ignore
        /// It is not taken.
        case refuse(ReasonCode)
    }

    /// Somebody said something that the others should read, while the action has not begun and people can still stop it.
    ///
    /// Decisions that were made before it stay: they are about the action, which it cannot change. While the action is
    /// under way nothing is added, so that words never compete with its outcome.
    package mutating func commented(_ comment: ApprovalComment, now: Timestamp) -> CommentAction {
        let base = self.base
        switch consume self.state {
        case .pending(let decisions) where now >= base.expiresAt:
            let next = base.settled(.expired, decisions: decisions, at: now)
            self = .init(base: next, state: .settled(next))
            return .expire(next)
        case .approved(let decisions, let until) where now >= until:
            let next = base.settled(.lapsed, decisions: decisions, at: now)
            self = .init(base: next, state: .settled(next))
            return .lapse(next)
        case .pending(let decisions):
            let answer = Self.taken(comment, on: base)
            self = .init(base: answer.next ?? base, state: .pending(decisions: decisions))
            return answer
        case .approved(let decisions, let until):
            let answer = Self.taken(comment, on: base)
            self = .init(base: answer.next ?? base, state: .approved(decisions: decisions, until: until))
            return answer
        case .redeemed(let decisions, let until):
            self = .init(base: base, state: .redeemed(decisions: decisions, until: until))
        case .completed(let approval):
            self = .init(base: base, state: .completed(approval))
        case .settled(let approval):
            self = .init(base: base, state: .settled(approval))
        }
        return .refuse(.alreadyDecided)
    }

    /// What a withdrawal or a revocation does.
    package enum EndAction: Hashable, Sendable {
        /// It ends here.
        case settle(Approval)
        /// It cannot end this way now.
        case refuse(ReasonCode)
    }

    /// The agent takes its request back.
    package mutating func withdrawn(now: Timestamp) -> EndAction {
        let base = self.base
        switch consume self.state {
        case .pending(let decisions):
            let status: ApprovalStatus = now >= base.expiresAt ? .expired : .withdrawn
            let next = base.settled(status, decisions: decisions, at: now)
            self = .init(base: next, state: .settled(next))
            return .settle(next)
        case .approved(let decisions, let until):
            self = .init(base: base, state: .approved(decisions: decisions, until: until))
        case .redeemed(let decisions, let until):
            self = .init(base: base, state: .redeemed(decisions: decisions, until: until))
        case .completed(let approval):
            self = .init(base: base, state: .completed(approval))
        case .settled(let approval):
            self = .init(base: base, state: .settled(approval))
        }
        return .refuse(.alreadyDecided)
    }

    /// A user, or stricter policy, takes the grant back before it is used.
    package mutating func revoked(now: Timestamp) -> EndAction {
        let base = self.base
        switch consume self.state {
        case .approved(let decisions, let until):
            let next = base.settled(now >= until ? .lapsed : .revoked, decisions: decisions, at: now)
            self = .init(base: next, state: .settled(next))
            return .settle(next)
        case .pending(let decisions):
            self = .init(base: base, state: .pending(decisions: decisions))
            return .refuse(.wrongState)
        case .redeemed(let decisions, let until):
            self = .init(base: base, state: .redeemed(decisions: decisions, until: until))
            return .refuse(.grantUsed)
        case .completed(let approval):
            self = .init(base: base, state: .completed(approval))
            return .refuse(.grantUsed)
        case .settled(let approval):
            self = .init(base: base, state: .settled(approval))
            return .refuse(.alreadyDecided)
        }
    }

    /// What a redemption does.
    package enum RedemptionAction: Hashable, Sendable {
        /// The grant is used: commit this, then send.
        case dispatch(Approval)
        /// Too late: the grant lapsed.
        case lapse(Approval)
        /// Nothing may be sent.
        case refuse(ReasonCode)
    }

    /// Somebody is about to send the bytes with this digest.
    package mutating func redemptionRequested(_ digest: ActionDigest, now: Timestamp) -> RedemptionAction {
        let base = self.base
        switch consume self.state {
        case .approved(let decisions, let until) where now >= until:
            let next = base.settled(.lapsed, decisions: decisions, at: now)
            self = .init(base: next, state: .settled(next))
            return .lapse(next)
        case .approved(let decisions, let until) where digest != base.digest:
            self = .init(base: base, state: .approved(decisions: decisions, until: until))
            return .refuse(.digestMismatch)
        case .approved(let decisions, let until):
            let next = base.changed(.redeemed, decisions: decisions)
            self = .init(base: next, state: .redeemed(decisions: decisions, until: until))
            return .dispatch(next)
        case .pending(let decisions):
            self = .init(base: base, state: .pending(decisions: decisions))
            return .refuse(.approvalRequired)
        case .redeemed(let decisions, let until):
            self = .init(base: base, state: .redeemed(decisions: decisions, until: until))
            return .refuse(.grantUsed)
        case .completed(let approval):
            self = .init(base: base, state: .completed(approval))
            return .refuse(.grantUsed)
        case .settled(let approval):
            self = .init(base: base, state: .settled(approval))
            return .refuse(approval.status.refusal)
        }
    }

    /// What an outcome does.
    package enum OutcomeAction: Hashable, Sendable {
        /// The action has ended.
        case complete(Approval)
        /// No action is under way.
        case refuse(ReasonCode)
    }

    /// The dispatched action ended; at start-up, an action that a crash cut off ends as `unknown`.
    package mutating func outcomeReported(_ outcome: Outcome, now: Timestamp) -> OutcomeAction {
        let base = self.base
        switch consume self.state {
        case .redeemed(let decisions, _):
            let status: ApprovalStatus =
                switch outcome.result {
                case .succeeded: .succeeded
                case .failed: .failed
                case .unknown: .unknown
                }
            var next = base.settled(status, decisions: decisions, at: now)
            next.outcome = outcome
            self = .init(base: next, state: .completed(next))
            return .complete(next)
        case .pending(let decisions):
            self = .init(base: base, state: .pending(decisions: decisions))
            return .refuse(.wrongState)
        case .approved(let decisions, let until):
            self = .init(base: base, state: .approved(decisions: decisions, until: until))
            return .refuse(.wrongState)
        case .completed(let approval):
            self = .init(base: base, state: .completed(approval))
            return .refuse(.alreadyDecided)
        case .settled(let approval):
            self = .init(base: base, state: .settled(approval))
            return .refuse(.wrongState)
        }
    }

    /// The agent has the result; asking again is a new action from here.
    ///
    /// `nil` if there is nothing to note.
    package mutating func resultDelivered() -> Approval? {
        let base = self.base
        switch consume self.state {
        case .completed(let approval) where !approval.delivered:
            let next = approval.changed(approval.status, decisions: approval.decisions) { $0.delivered = true }
            self = .init(base: next, state: .completed(next))
            return next
        case .completed(let approval):
            self = .init(base: base, state: .completed(approval))
        case .pending(let decisions):
            self = .init(base: base, state: .pending(decisions: decisions))
        case .approved(let decisions, let until):
            self = .init(base: base, state: .approved(decisions: decisions, until: until))
        case .redeemed(let decisions, let until):
            self = .init(base: base, state: .redeemed(decisions: decisions, until: until))
        case .settled(let approval):
            self = .init(base: base, state: .settled(approval))
        }
        return nil
    }

    private static func taken(_ comment: ApprovalComment, on approval: Approval) -> CommentAction {
        let comments = approval.comments ?? []
        if comment.repeatsLast(of: comments) { return .ignore }
        guard comment.fits(into: comments) else { return .refuse(.tooManyComments) }
        let next = approval.changed(approval.status, decisions: approval.decisions) {
            $0.comments = comments + [comment]
        }
        return .record(next)
    }

    private static func refusal(
        of decision: Decision,
        on approval: Approval,
        after decisions: [Decision],
        mayApprove: Bool,
    ) -> ReasonCode? {
        // Built in; no policy lifts it (DESIGN 3).
        if approval.isOwn(of: decision.user) { return .selfApproval }
        guard mayApprove, approval.gates.contains(where: { $0.accepts(groups: decision.groups) }) else {
            return .notAnApprover
        }
        guard decision.actionDigest == approval.digest, decision.previewDigest == approval.previewDigest else {
            return .digestMismatch
        }
        return decisions.contains { $0.user.isSamePerson(as: decision.user) } ? .alreadyDecided : nil
    }
}

extension ApprovalMachine.CommentAction {
    /// The approval with the comment, if it was taken.
    fileprivate var next: Approval? {
        switch self {
        case .record(let next): next
        case .expire, .lapse, .ignore, .refuse: nil
        }
    }
}

extension Approval {
    /// The next revision in another status.
    fileprivate func changed(
        _ status: ApprovalStatus,
        decisions: [Decision],
        _ change: (inout Approval) -> Void = { _ in },
    ) -> Approval {
        var next = self
        next.status = status
        next.decisions = decisions
        next.revision += 1
        change(&next)
        return next
    }

    fileprivate func settled(_ status: ApprovalStatus, decisions: [Decision], at now: Timestamp) -> Approval {
        changed(status, decisions: decisions) { $0.settledAt = now }
    }
}

extension ApprovalStatus {
    /// Why nothing can be sent on an approval in this state.
    package var refusal: ReasonCode {
        switch self {
        case .pending, .approved: .approvalRequired
        case .redeemed, .succeeded, .failed, .unknown: .grantUsed
        case .denied: .approvalDenied
        case .expired: .approvalExpired
        case .withdrawn: .approvalWithdrawn
        case .lapsed: .grantLapsed
        case .revoked: .approvalRevoked
        }
    }
}
