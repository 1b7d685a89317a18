import CountersignCore
import CountersignTestKit
import Testing

/// The bare machine under random events: what DESIGN 5 promises, whatever comes in which order.
@Suite(.timeLimit(.minutes(10)))
struct ApprovalPropertyTests {
    private static let arrows: [ApprovalStatus: Set<ApprovalStatus>] = [
        .pending: [.pending, .approved, .denied, .expired, .withdrawn],
        .approved: [.approved, .redeemed, .lapsed, .revoked],
        .redeemed: [.succeeded, .failed, .unknown],
        .succeeded: [.succeeded], .failed: [.failed], .unknown: [.unknown],
    ]
    private static let groups = ["a", "b", "c"].map { GroupName(unchecked: $0) }
    private static let human = UserID(unchecked: "henry@example.com")

    @Test("no order of events breaks an invariant of an approval", arguments: 1...8)
    func invariants(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<125 { try run(&random) }
    }

    private func run(_ random: inout SeededGenerator) throws {
        let gates = (0...Int.random(in: 0...1, using: &random)).map { number in
            Gate(
                policy: "gate\(number)",
                approvers: Array(Self.groups.shuffled(using: &random).prefix(Int.random(in: 1...2, using: &random))),
                quorum: Int.random(in: 1...2, using: &random),
            )
        }
        var people: [(UserID, [GroupName])] = (0..<6).map { number in
            (UserID(unchecked: "user\(number)"), Self.groups.filter { _ in random.chance(2, of: 3) })
        }
        people += [Fixtures.owner, Self.human, UserID(unchecked: Fixtures.agent.rawValue)].map { ($0, Self.groups) }
        var now = ApprovalMachineTests.start
        let first = try Fixtures.approval(of: Fixtures.action(onBehalfOf: Self.human), gates: gates, at: now)
        var history = [first]
        var machine = ApprovalMachine(first)
        var dispatches = 0
        for _ in 0..<Int.random(in: 8...24, using: &random) {
            let current = history[history.count - 1]
            if random.chance(1, of: 12) { now = now.adding(.seconds(Int64.random(in: 1...2000, using: &random))) }
            if random.chance(1, of: 6) { machine = ApprovalMachine(current) }  // A crash: read again what is durable.
            let (answer, next) = try step(&machine, current, people, now, &random)
            guard let next else { continue }
            #expect(next.revision == current.revision + 1, "\(answer)")
            #expect(Self.arrows[current.status]?.contains(next.status) ?? false, "\(current.status) → \(next.status)")
            #expect(next.digest == first.digest && next.gates == first.gates && next.id == first.id)
            if current.status.isFinal {
                #expect(next.delivered && !current.delivered && next.outcome == current.outcome)
            }
            if next.decisions != current.decisions { check(next, people) }
            let (said, before) = (next.comments ?? [], current.comments ?? [])
            let fromPeople = said.count { $0.author.isPerson }
            #expect(said.starts(with: before) && fromPeople <= ApprovalComment.maximumOfPeople)
            #expect(said.count - fromPeople <= ApprovalComment.maximumOfAgent + fromPeople)
            if said == before {
                #expect(next.status != current.status || next.status != .approved, "only words leave a grant a grant")
            } else {
                #expect(next.status == current.status && [.pending, .approved].contains(next.status))
                #expect(next.decisions == current.decisions && next.grantExpiresAt == current.grantExpiresAt)
            }
            if next.status == .approved { #expect(gates.allSatisfy { GateTests.emptyPlaces($0, next.decisions) == 0 }) }
            if next.status == .redeemed {
                dispatches += 1
                #expect(next.grantExpiresAt.map { now < $0 } ?? false)
            }
            history.append(next)
        }
        #expect(dispatches <= 1)
        #expect(dispatches == 0 || history.contains { $0.status == .approved })
    }

    private func step(
        _ machine: inout ApprovalMachine,
        _ current: Approval,
        _ people: [(UserID, [GroupName])],
        _ now: Timestamp,
        _ random: inout SeededGenerator,
    ) throws -> (String, Approval?) {
        switch Int.random(in: 0..<19, using: &random) {
        case 0: return ApprovalMachineTests.name(machine.withdrawn(now: now))
        case 1: return ApprovalMachineTests.name(machine.revoked(now: now))
        case 2, 3: return ApprovalMachineTests.name(machine.deadlinePassed(now: now))
        case 4, 5:
            let digest = random.chance(1, of: 4) ? ActionDigest(of: [1]) : current.digest
            return ApprovalMachineTests.name(machine.redemptionRequested(digest, now: now))
        case 6:
            let results: [Outcome.Result] = [.succeeded, .failed, .unknown]
            let outcome = Outcome(results[Int.random(in: 0..<3, using: &random)])
            return ApprovalMachineTests.name(machine.outcomeReported(outcome, now: now))
        case 7:
            let next = machine.resultDelivered()
            return ("deliver", next)
        case 16...18:
            let text = "word \(Int.random(in: 0..<12, using: &random))"
            let people = [Fixtures.alice, Fixtures.owner].map { ApprovalComment.Author.user($0, via: "dashboard") }
            let author =
                random.chance(1, of: 2) ? people[Int.random(in: 0..<2, using: &random)] : .agent(Fixtures.agent)
            return ApprovalMachineTests.name(
                machine.commented(try ApprovalMachineTests.comment(text, by: author, at: now), now: now)
            )
        default:
            let (user, groups) = people[Int.random(in: 0..<people.count, using: &random)]
            let decision = ApprovalMachineTests.decision(
                current,
                user,
                random.chance(1, of: 20) ? .deny : .approve,
                groups: groups,
                digest: random.chance(1, of: 20) ? ActionDigest(of: [1]) : nil,
            )
            let mayApprove = !random.chance(1, of: 10)
            return ApprovalMachineTests.name(machine.decisionReceived(decision, mayApprove: mayApprove, now: now))
        }
    }

    private func check(_ approval: Approval, _ people: [(UserID, [GroupName])]) {
        let users = approval.decisions.map(\.user)
        #expect(Set(users).count == users.count, "one decision a user")
        for decision in approval.decisions {
            #expect(decision.user != approval.owner && decision.user != approval.onBehalfOf)
            #expect(decision.user.rawValue != approval.agent.rawValue)
            #expect(approval.gates.contains { $0.accepts(groups: decision.groups) })
            #expect(decision.actionDigest == approval.digest && decision.previewDigest == approval.previewDigest)
        }
    }
}
