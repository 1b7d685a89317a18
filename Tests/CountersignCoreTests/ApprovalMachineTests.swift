import CountersignCore
import CountersignTestKit
import Testing

/// What can happen to an approval, with the one input that decides how it goes.
enum ApprovalEvent: String, CaseIterable {
    case approve
    case deny
    case approveLate
    case comment
    case commentLate
    case deadlineEarly
    case deadlineLate
    case withdraw
    case withdrawLate
    case revoke
    case revokeLate
    case redeem
    case redeemOther
    case redeemLate
    case succeed
    case fail
    case lose
    case deliver
}

/// One line of the machine's script: in these states, this event has this answer.
struct ScriptLine: CustomStringConvertible {
    let states: [ApprovalStatus]
    let event: ApprovalEvent
    let answer: String

    init(_ states: [ApprovalStatus], _ event: ApprovalEvent, _ answer: String) {
        self.states = states
        self.event = event
        self.answer = answer
    }

    var description: String { "\(states.map(\.rawValue).joined(separator: "|")) + \(event) → \(answer)" }
}

@Suite(.timeLimit(.minutes(10)))
struct ApprovalMachineTests {
    static let start = Timestamp(microseconds: 1_767_225_600_000_000)
    static let ran: [ApprovalStatus] = [.redeemed, .succeeded, .failed, .unknown]
    static let completed: [ApprovalStatus] = [.succeeded, .failed, .unknown]
    static let ended: [ApprovalStatus] = [.denied, .expired, .withdrawn, .lapsed, .revoked]

    static let script = [
        ScriptLine([.pending], .approve, "approve approved"),
        ScriptLine([.approved] + ran + ended, .approve, "refuse already-decided"),
        ScriptLine([.pending], .deny, "deny denied"),
        ScriptLine([.approved] + ran + ended, .deny, "refuse already-decided"),
        ScriptLine([.pending], .approveLate, "expire expired"),
        ScriptLine([.approved] + ran + ended, .approveLate, "refuse already-decided"),
        ScriptLine([.pending], .comment, "record pending"),
        ScriptLine([.approved], .comment, "record approved"),
        ScriptLine(ran + ended, .comment, "refuse already-decided"),
        ScriptLine([.pending], .commentLate, "expire expired"),
        ScriptLine([.approved], .commentLate, "lapse lapsed"),
        ScriptLine(ran + ended, .commentLate, "refuse already-decided"),
        ScriptLine(ApprovalStatus.allCases, .deadlineEarly, "ignore"),
        ScriptLine([.pending], .deadlineLate, "expire expired"),
        ScriptLine([.approved], .deadlineLate, "lapse lapsed"),
        ScriptLine(ran + ended, .deadlineLate, "ignore"),
        ScriptLine([.pending], .withdraw, "settle withdrawn"),
        ScriptLine([.approved] + ran + ended, .withdraw, "refuse already-decided"),
        ScriptLine([.pending], .withdrawLate, "settle expired"),
        ScriptLine([.approved] + ran + ended, .withdrawLate, "refuse already-decided"),
        ScriptLine([.pending], .revoke, "refuse wrong-state"),
        ScriptLine([.approved], .revoke, "settle revoked"),
        ScriptLine(ran, .revoke, "refuse grant-used"),
        ScriptLine(ended, .revoke, "refuse already-decided"),
        ScriptLine([.pending], .revokeLate, "refuse wrong-state"),
        ScriptLine([.approved], .revokeLate, "settle lapsed"),
        ScriptLine(ran, .revokeLate, "refuse grant-used"),
        ScriptLine(ended, .revokeLate, "refuse already-decided"),
        ScriptLine([.pending], .redeem, "refuse approval-required"),
        ScriptLine([.approved], .redeem, "dispatch redeemed"),
        ScriptLine(ran, .redeem, "refuse grant-used"),
        ScriptLine([.denied], .redeem, "refuse approval-denied"),
        ScriptLine([.expired], .redeem, "refuse approval-expired"),
        ScriptLine([.withdrawn], .redeem, "refuse approval-withdrawn"),
        ScriptLine([.lapsed], .redeem, "refuse grant-lapsed"),
        ScriptLine([.revoked], .redeem, "refuse approval-revoked"),
        ScriptLine([.pending], .redeemOther, "refuse approval-required"),
        ScriptLine([.approved], .redeemOther, "refuse digest-mismatch"),
        ScriptLine(ran, .redeemOther, "refuse grant-used"),
        ScriptLine([.denied], .redeemOther, "refuse approval-denied"),
        ScriptLine([.expired], .redeemOther, "refuse approval-expired"),
        ScriptLine([.withdrawn], .redeemOther, "refuse approval-withdrawn"),
        ScriptLine([.lapsed], .redeemOther, "refuse grant-lapsed"),
        ScriptLine([.revoked], .redeemOther, "refuse approval-revoked"),
        ScriptLine([.pending], .redeemLate, "refuse approval-required"),
        ScriptLine([.approved], .redeemLate, "lapse lapsed"),
        ScriptLine(ran, .redeemLate, "refuse grant-used"),
        ScriptLine([.denied], .redeemLate, "refuse approval-denied"),
        ScriptLine([.expired], .redeemLate, "refuse approval-expired"),
        ScriptLine([.withdrawn], .redeemLate, "refuse approval-withdrawn"),
        ScriptLine([.lapsed], .redeemLate, "refuse grant-lapsed"),
        ScriptLine([.revoked], .redeemLate, "refuse approval-revoked"),
        ScriptLine([.redeemed], .succeed, "complete succeeded"),
        ScriptLine([.redeemed], .fail, "complete failed"),
        ScriptLine([.redeemed], .lose, "complete unknown"),
        ScriptLine([.pending, .approved] + ended, .succeed, "refuse wrong-state"),
        ScriptLine([.pending, .approved] + ended, .fail, "refuse wrong-state"),
        ScriptLine([.pending, .approved] + ended, .lose, "refuse wrong-state"),
        ScriptLine(completed, .succeed, "refuse already-decided"),
        ScriptLine(completed, .fail, "refuse already-decided"),
        ScriptLine(completed, .lose, "refuse already-decided"),
        ScriptLine([.succeeded], .deliver, "delivered succeeded"),
        ScriptLine([.failed], .deliver, "delivered failed"),
        ScriptLine([.unknown], .deliver, "delivered unknown"),
        ScriptLine([.pending, .approved, .redeemed] + ended, .deliver, "ignore"),
    ]

    @Test("every event in every state has the answer of the script", arguments: script)
    func scripted(_ line: ScriptLine) throws {
        for status in line.states {
            let (answer, next) = try Self.answer(line.event, in: status)
            #expect(answer == line.answer, "in \(status)")
            let old = try Self.approval(status)
            if let next {
                #expect(next.revision == old.revision + 1)
                #expect(next.id == old.id && next.digest == old.digest && next.gates == old.gates)
                #expect(next.decisions.starts(with: old.decisions))
            }
        }
    }

    @Test("the script has every state and every event exactly once")
    func scriptIsComplete() {
        var seen = [String: Int]()
        for line in Self.script { for state in line.states { seen["\(state) \(line.event)", default: 0] += 1 } }
        for state in ApprovalStatus.allCases {
            for event in ApprovalEvent.allCases { #expect(seen["\(state) \(event)"] == 1, "\(state) \(event)") }
        }
    }

    static func approval(_ status: ApprovalStatus) throws -> Approval {
        let pending = try Fixtures.approval(at: start)
        guard status != .pending else { return pending }
        let isGranted = [.approved, .redeemed, .succeeded, .failed, .unknown, .lapsed, .revoked].contains(status)
        return Fixtures.next(pending, status, grantExpiresAt: isGranted ? start.adding(.seconds(360)) : nil)
    }

    static func decision(
        _ approval: Approval,
        _ user: UserID = Fixtures.alice,
        _ verdict: Decision.Verdict = .approve,
        groups: [GroupName] = [Fixtures.approvers],
        digest: ActionDigest? = nil,
        preview: ActionDigest? = nil,
    ) -> Decision {
        Decision(
            user: user,
            groups: groups,
            verdict: verdict,
            reason: "because",
            time: start,
            channel: "test",
            actionDigest: digest ?? approval.digest,
            previewDigest: preview ?? approval.previewDigest,
        )
    }

    static func comment(
        _ text: String = "words",
        by author: ApprovalComment.Author = .agent(Fixtures.agent),
        at time: Timestamp,
    ) throws -> ApprovalComment {
        ApprovalComment(by: author, try #require(ApprovalComment.Words(text)), at: time)
    }

    static func answer(_ event: ApprovalEvent, in status: ApprovalStatus) throws -> (String, Approval?) {
        let approval = try approval(status)
        var machine = ApprovalMachine(approval)
        let early = start.adding(.seconds(60))
        let late = start.adding(.seconds(7200))
        switch event {
        case .approve: return name(machine.decisionReceived(decision(approval), mayApprove: true, now: early))
        case .deny:
            return name(
                machine.decisionReceived(decision(approval, Fixtures.alice, .deny), mayApprove: true, now: early)
            )
        case .approveLate: return name(machine.decisionReceived(decision(approval), mayApprove: true, now: late))
        case .comment: return name(machine.commented(try comment(at: early), now: early))
        case .commentLate: return name(machine.commented(try comment(at: late), now: late))
        case .deadlineEarly: return name(machine.deadlinePassed(now: early))
        case .deadlineLate: return name(machine.deadlinePassed(now: late))
        case .withdraw: return name(machine.withdrawn(now: early))
        case .withdrawLate: return name(machine.withdrawn(now: late))
        case .revoke: return name(machine.revoked(now: early))
        case .revokeLate: return name(machine.revoked(now: late))
        case .redeem: return name(machine.redemptionRequested(approval.digest, now: early))
        case .redeemOther: return name(machine.redemptionRequested(ActionDigest(of: [1]), now: early))
        case .redeemLate: return name(machine.redemptionRequested(approval.digest, now: late))
        case .succeed: return name(machine.outcomeReported(Outcome(.succeeded), now: early))
        case .fail: return name(machine.outcomeReported(Outcome(.failed), now: early))
        case .lose: return name(machine.outcomeReported(Outcome(.unknown), now: early))
        case .deliver:
            let next = machine.resultDelivered()
            return (next.map { "delivered \($0.status)" } ?? "ignore", next)
        }
    }

    static func name(_ action: ApprovalMachine.DecisionAction) -> (String, Approval?) {
        switch action {
        case .record(let next): ("record \(next.status)", next)
        case .approve(let next): ("approve \(next.status)", next)
        case .deny(let next): ("deny \(next.status)", next)
        case .expire(let next): ("expire \(next.status)", next)
        case .refuse(let code): ("refuse \(code.rawValue)", nil)
        }
    }

    static func name(_ action: ApprovalMachine.CommentAction) -> (String, Approval?) {
        switch action {
        case .record(let next): ("record \(next.status)", next)
        case .expire(let next): ("expire \(next.status)", next)
        case .lapse(let next): ("lapse \(next.status)", next)
        case .ignore: ("ignore", nil)
        case .refuse(let code): ("refuse \(code.rawValue)", nil)
        }
    }

    static func name(_ action: ApprovalMachine.DeadlineAction) -> (String, Approval?) {
        switch action {
        case .expire(let next): ("expire \(next.status)", next)
        case .lapse(let next): ("lapse \(next.status)", next)
        case .ignore: ("ignore", nil)
        }
    }

    static func name(_ action: ApprovalMachine.EndAction) -> (String, Approval?) {
        switch action {
        case .settle(let next): ("settle \(next.status)", next)
        case .refuse(let code): ("refuse \(code.rawValue)", nil)
        }
    }

    static func name(_ action: ApprovalMachine.RedemptionAction) -> (String, Approval?) {
        switch action {
        case .dispatch(let next): ("dispatch \(next.status)", next)
        case .lapse(let next): ("lapse \(next.status)", next)
        case .refuse(let code): ("refuse \(code.rawValue)", nil)
        }
    }

    static func name(_ action: ApprovalMachine.OutcomeAction) -> (String, Approval?) {
        switch action {
        case .complete(let next): ("complete \(next.status)", next)
        case .refuse(let code): ("refuse \(code.rawValue)", nil)
        }
    }
}
