import CanonicalJSON
import CountersignCore
import CountersignTestKit
import Testing

/// The whole pipeline under random interleavings: several gateways that read stale revisions, a ledger that fails now
/// and then, crashes, a clock that jumps, and policy that changes under held actions.
@Suite(.timeLimit(.minutes(10)))
struct InterleavingTests {
    @Test(
        "at most one dispatch, never without its gates, and every transition has exactly its entries",
        arguments: 1...10
    )
    func invariants(_ seed: UInt64) async throws {
        for round in 0..<10 {
            let story = try Story(seed: seed &* 1000 &+ UInt64(round))
            for _ in 0..<60 { try await story.step() }
            try await story.end()
        }
    }
}

/// One run: the world, a random source, and what must be true after each step.
private final class Story {
    private static let gate = """
        permit (principal is Agent, action, resource);
        @id("deletes") @approvers("dba") @quorum("2")
        forbid (principal is Agent, action == Action::"http:delete", resource);
        """
    private static let twoGroups =
        gate + """
            @id("prod") @approvers("dba, sre")
            forbid (principal is Agent, action, resource in Environment::"prod");
            """
    private static let closed = gate + "forbid (principal is Agent, action in Action::\"delete\", resource);"
    private static let narrowed =
        gate + """
            forbid (principal == User::"bob@example.com", action == Action::"approve", resource);
            """

    private let stage: Stage
    private let gateways: [Enforcement]
    private let actions = ["/1", "/2"].map { Fixtures.action(path: $0, onBehalfOf: Fixtures.bob) }
    private var random: SeededGenerator
    private var users = Stage.users
    private var dispatched: [ApprovalID: Int] = [:]

    init(seed: UInt64) throws {
        random = SeededGenerator(seed: seed)
        let stage = try Stage(Self.gate)
        self.stage = stage
        gateways = (0..<3).map { number in
            Enforcement(
                current: stage.current,
                ledger: StaleLedger(stage.ledger, seed: seed &+ UInt64(number)),
                clock: stage.clock,
                chance: .deterministic(seed: seed &* 7 &+ UInt64(number)),
            )
        }
    }

    func step() async throws {
        if random.chance(1, of: 10) { stage.clock.advance(by: .seconds(Int64.random(in: 1...900, using: &random))) }
        if random.chance(1, of: 25) { try changePolicy() }
        let fails = random.chance(1, of: 15)
        stage.ledger.isBroken = fails
        let before = fails ? [:] : try await approvals()
        let first = stage.ledger.writes.entries
        let extra = try await act(fails: fails)
        stage.ledger.isBroken = false
        let kinds = try await stage.kinds(since: first)
        if fails { return #expect(kinds.isEmpty) }
        let after = try await approvals()
        var expected = extra
        for (id, new) in after {
            expected += Self.entries(from: before[id], to: new)
            check(new, after: before[id])
        }
        #expect(kinds.sorted() == expected.sorted())
        checkActive(after)
    }

    func end() async throws {
        stage.ledger.isBroken = false
        try await gateways[0].recover()
        for (id, approval) in try await approvals() {
            #expect(approval.status != .redeemed)
            let kinds = try await stage.entries().filter { $0["approval"]?.stringValue == id.rawValue }
                .compactMap { $0["kind"]?.stringValue }
            #expect(kinds.first == "approval.requested")
            #expect(kinds.count { $0 == "action.dispatched" } == (dispatched[id] ?? 0))
            #expect((dispatched[id] ?? 0) <= 1)
            #expect(kinds.count { $0 == "action.completed" } == (dispatched[id] ?? 0))
        }
    }

    /// Does one thing, and returns the kinds of the entries that it must write beside those of transitions.
    private func act(fails: Bool) async throws -> [String] {
        let gateway = gateways[Int.random(in: 0..<gateways.count, using: &random)]
        let action = actions[Int.random(in: 0..<actions.count, using: &random)]
        guard let target = try await target(fails: fails), !random.chance(1, of: 8) else {
            let admission = await gateway.admit(action, Circumstances(), asynchronous: random.chance(1, of: 8))
            guard case .refused(let reasons) = admission else { return [] }
            if fails { #expect(reasons.map(\.code) == [.ledgerUnavailable]) }
            return fails ? [] : ["action.denied"]
        }
        switch Int.random(in: 0..<16, using: &random) {
        case 0:
            _ = await gateway.withdraw(target.id, by: random.chance(1, of: 4) ? AgentID(unchecked: "x") : target.agent)
        case 1: _ = await gateway.revoke(target.id, by: Stage.signedIn("alice@example.com"))
        case 2: _ = try? await gateway.settleIfDue(target.id)
        case 3 where !fails: try await gateway.recover()
        case 4: _ = try? await gateway.complete(target.id, Outcome(.succeeded), by: .gateway)
        case 5: try? await gateway.delivered(target.id)
        case 3, 6, 7, 8: return await redeem(target, action, gateway, fails: fails)
        default: return await decide(target, gateway, fails: fails)
        }
        return []
    }

    private func target(fails: Bool) async throws -> Approval? {
        stage.ledger.isBroken = false
        defer { stage.ledger.isBroken = fails }
        return try await stage.ledger.approvals(ApprovalQuery(limit: 200)).items.prefix(3).randomElement(using: &random)
    }

    private func redeem(_ target: Approval, _ action: Action, _ gateway: Enforcement, fails: Bool) async -> [String] {
        switch await gateway.redeem(target.id, action, Circumstances(), by: .agent(action.agent)) {
        case .dispatch(let next):
            #expect(!fails)
            dispatched[next.id, default: 0] += 1
            checkDispatch(next, action)
        case .taken: #expect(!fails)
        case .refused(let reasons):
            if fails { #expect(reasons.map(\.code) == [.ledgerUnavailable]) }
            if reasons.map(\.code) == [.digestMismatch] { return ["action.denied"] }
        }
        return []
    }

    private func decide(_ target: Approval, _ gateway: Enforcement, fails: Bool) async -> [String] {
        let user = Stage.users[Int.random(in: 0..<Stage.users.count, using: &random)]
        let ballot = Ballot(
            random.chance(1, of: 15) ? .deny : .approve,
            reason: "because",
            actionDigest: random.chance(1, of: 15) ? ActionDigest(of: [1]) : target.digest,
        )
        switch await gateway.decide(target.id, by: Stage.signedIn(user.id.rawValue), ballot) {
        case .success: return []
        case .failure(let reason):
            if fails { #expect(reason.code == .ledgerUnavailable) }
            return fails ? [] : ["approval.decided"]
        }
    }

    private func changePolicy() throws {
        users = Stage.users
        if random.chance(1, of: 3) { users.removeAll { $0.id == Fixtures.alice } }
        if random.chance(1, of: 3), let index = users.firstIndex(where: { $0.id.rawValue == "dave@example.com" }) {
            users[index] = Stage.user("dave@example.com", "sre")
        }
        let texts = [Self.gate, Self.twoGroups, Self.closed, Self.narrowed]
        try stage.install(texts[Int.random(in: 0..<texts.count, using: &random)], users: users)
    }

    /// What must be true at the moment of a dispatch: the grant's gates were met, and today's policy is.
    private func checkDispatch(_ approval: Approval, _ action: Action) {
        #expect(approval.digest == action.digest)
        #expect(approval.gates.allSatisfy { GateTests.emptyPlaces($0, approval.decisions) == 0 })
        let snapshot = stage.current.snapshot
        let verdict = snapshot.policy.judge(
            action,
            Circumstances(),
            directory: snapshot.directory,
            now: stage.clock.time()
        )
        switch verdict.answer {
        case .allow: break
        case .deny: Issue.record("dispatched what policy denies")
        case .gated(let gates):
            let votes = approval.decisions.compactMap { decision -> Decision? in
                guard let user = users.first(where: { $0.id == decision.user }) else { return nil }
                return GateTests.vote(
                    decision.user.rawValue,
                    decision.groups.filter { user.groups.contains($0) }.map(\.rawValue)
                )
            }
            #expect(gates.allSatisfy { GateTests.emptyPlaces($0, votes) == 0 })
        }
    }

    private func check(_ new: Approval, after old: Approval?) {
        for decision in new.decisions {
            #expect(![Fixtures.owner, Fixtures.bob].contains(decision.user), "nobody decides on their own action")
        }
        #expect(Set(new.decisions.map(\.user)).count == new.decisions.count)
        guard let old else { return #expect(new.revision == 1 && new.status == .pending) }
        #expect(new.revision >= old.revision && new.revision <= old.revision + 2)
        #expect((new.revision == old.revision) == (new == old))
        if old.status.isFinal { #expect(new.status == old.status && new.decisions == old.decisions) }
    }

    private func checkActive(_ approvals: [ApprovalID: Approval]) {
        let active = approvals.values.filter { !$0.status.isFinal }.map { "\($0.agent) \($0.digest)" }
        #expect(Set(active).count == active.count, "one active approval an agent and digest")
    }

    private func approvals() async throws -> [ApprovalID: Approval] {
        let all = try await stage.ledger.approvals(ApprovalQuery(limit: 200)).items
        return Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) })
    }

    /// The entries of a transition, without those of refusals; the heart of the model.
    private static func entries(from old: Approval?, to new: Approval) -> [String] {
        guard let old else { return ["approval.requested"] }
        var kinds = [String]()
        if new.decisions.count > old.decisions.count { kinds.append("approval.decided") }
        guard new.status != old.status else { return kinds }
        switch new.status {
        case .pending: break
        case .approved, .denied, .expired, .withdrawn, .lapsed, .revoked: kinds.append("approval.settled")
        case .redeemed: kinds.append("action.dispatched")
        case .succeeded, .failed, .unknown: kinds.append("action.completed")
        }
        return kinds
    }
}
