import CountersignCore
import CountersignTestKit
import Testing

@Suite(.timeLimit(.minutes(10)))
struct ApprovalMachineRuleTests {
    private typealias Script = ApprovalMachineTests
    private let start = ApprovalMachineTests.start

    @Test("a decision that does not count says why, and changes nothing")
    func refusals() throws {
        let human = UserID(unchecked: "henry@example.com")
        let approval = try Fixtures.approval(
            of: Fixtures.action(onBehalfOf: human),
            gates: [Fixtures.gate(quorum: 2)],
            at: start
        )
        let twin = UserID(unchecked: Fixtures.agent.rawValue)
        let sre = GroupName(unchecked: "sre")
        let lines: [(Decision, Bool, ReasonCode)] = [
            (Script.decision(approval, Fixtures.owner), true, .selfApproval),
            (Script.decision(approval, Fixtures.owner, .deny), true, .selfApproval),
            (Script.decision(approval, human), true, .selfApproval),
            (Script.decision(approval, twin), true, .selfApproval),
            (Script.decision(approval, Fixtures.owner), false, .selfApproval),
            (Script.decision(approval, groups: []), true, .notAnApprover),
            (Script.decision(approval, groups: [sre]), true, .notAnApprover),
            (Script.decision(approval), false, .notAnApprover),
            (Script.decision(approval, Fixtures.alice, .deny, groups: [sre]), true, .notAnApprover),
            (Script.decision(approval, digest: ActionDigest(of: [1])), true, .digestMismatch),
            (Script.decision(approval, preview: ActionDigest(of: [1])), true, .digestMismatch),
        ]
        var machine = ApprovalMachine(approval)
        for (decision, mayApprove, code) in lines {
            let answer = machine.decisionReceived(decision, mayApprove: mayApprove, now: start)
            #expect(answer == .refuse(code))
        }
        let first = machine.decisionReceived(Script.decision(approval), mayApprove: true, now: start)
        guard case .record(let next) = first else { throw Unexpected("\(first)") }
        #expect(next.decisions.count == 1 && next.revision == approval.revision + 1 && next.status == .pending)
        let again = machine.decisionReceived(Script.decision(approval), mayApprove: true, now: start)
        #expect(again == .refuse(.alreadyDecided))
        let changed = machine.decisionReceived(
            Script.decision(approval, Fixtures.alice, .deny),
            mayApprove: true,
            now: start
        )
        #expect(changed == .refuse(.alreadyDecided))
    }

    @Test("a deadline counts from its very microsecond")
    func boundaries() throws {
        let approval = try Fixtures.approval(at: start, expires: .seconds(10))
        let before = start.adding(.microseconds(9_999_999))
        let at = start.adding(.seconds(10))
        var machine = ApprovalMachine(approval)
        #expect(machine.deadlinePassed(now: before) == .ignore)
        guard case .expire(let expired) = machine.deadlinePassed(now: at) else { throw Unexpected("no expiry") }
        #expect(expired.settledAt == at)
        var other = ApprovalMachine(approval)
        guard
            case .approve(let approved) = other.decisionReceived(
                Script.decision(approval),
                mayApprove: true,
                now: before
            )
        else { throw Unexpected("no approval") }
        let until = before.adding(approval.grantDuration)
        #expect(approved.grantExpiresAt == until)
        #expect(approved.attaches(now: Timestamp(microseconds: until.microseconds - 1)))
        #expect(!approved.attaches(now: until))
        #expect(other.deadlinePassed(now: Timestamp(microseconds: until.microseconds - 1)) == .ignore)
        guard case .lapse = other.redemptionRequested(approval.digest, now: until) else { throw Unexpected("no lapse") }
    }

    @Test("a whole life leads from one event to the next, one revision at a time")
    func life() throws {
        let approval = try Fixtures.approval(gates: [Fixtures.gate(quorum: 2)], at: start)
        var machine = ApprovalMachine(approval)
        guard case .record(let one) = machine.decisionReceived(Script.decision(approval), mayApprove: true, now: start)
        else { throw Unexpected("one") }
        let second = Script.decision(approval, Fixtures.bob)
        guard case .approve(let two) = machine.decisionReceived(second, mayApprove: true, now: start)
        else { throw Unexpected("two") }
        guard case .dispatch(let three) = machine.redemptionRequested(approval.digest, now: start)
        else { throw Unexpected("three") }
        #expect(machine.redemptionRequested(approval.digest, now: start) == .refuse(.grantUsed))
        let outcome = Outcome(.failed, status: 502, detail: "refused")
        guard case .complete(let four) = machine.outcomeReported(outcome, now: start) else { throw Unexpected("four") }
        #expect(four.outcome == outcome)
        let five = machine.resultDelivered()
        #expect(five?.delivered == true)
        #expect(machine.resultDelivered() == nil)
        #expect([one, two, three, four].map(\.revision) + [five?.revision] == [2, 3, 4, 5, 6])
        #expect([one, two, three, four].map(\.status) == [.pending, .approved, .redeemed, .failed])
    }

    @Test("one deny settles, however many approved before")
    func oneDeny() throws {
        let approval = try Fixtures.approval(gates: [Fixtures.gate(quorum: 3)], at: start)
        var machine = ApprovalMachine(approval)
        for name in ["a", "b"] {
            let decision = Script.decision(approval, UserID(unchecked: name))
            guard case .record = machine.decisionReceived(decision, mayApprove: true, now: start)
            else { throw Unexpected(name) }
        }
        let denial = Script.decision(approval, UserID(unchecked: "c"), .deny)
        guard case .deny(let next) = machine.decisionReceived(denial, mayApprove: true, now: start)
        else { throw Unexpected("no denial") }
        #expect(next.status == .denied && next.decisions.count == 3 && next.settledAt == start)
    }

    @Test("an identical ask attaches as long as there is something to wait for", arguments: ApprovalStatus.allCases)
    func attaching(_ status: ApprovalStatus) throws {
        let approval = try Script.approval(status)
        let early = start.adding(.seconds(60))
        let late = start.adding(.seconds(7200))
        let attachable: Set<ApprovalStatus> = [.pending, .approved, .redeemed, .succeeded, .failed]
        #expect(approval.attaches(now: early) == attachable.contains(status))
        #expect(approval.attaches(now: late) == (status == .redeemed))
        var delivered = approval
        delivered.delivered = true
        if status == .succeeded || status == .failed { #expect(!delivered.attaches(now: early)) }
        #expect(approval.status.isFinal == ![.pending, .approved, .redeemed].contains(status))
    }
}
