import CountersignCore
import CountersignTestKit
import Testing

/// Ways around judging each of several actions by itself.
///
/// This file only grows.
extension BypassTests {
    private static func alike(_ stage: Stage, _ count: Int = 3) async throws -> [Approval] {
        var approvals = [Approval]()
        for number in 1...count {
            approvals.append(try await stage.hold(Fixtures.action(path: "/v1/customers/\(number)")))
        }
        return approvals
    }

    private static func names(_ results: [Enforcement.BatchResult]) -> [String] {
        results.map { Stage.name($0.result) }
    }

    @Test("in a batch, the digest of another approval of the same batch counts for neither")
    func batchDigestOfAnother() async throws {
        let stage = try Stage()
        let approvals = try await Self.alike(stage)
        let ballot = try BatchBallot(
            [
                BatchBallot.Item(approvals[0].id, approvals[1].digest),
                BatchBallot.Item(approvals[1].id, approvals[0].digest),
                BatchBallot.Item(approvals[2].id, approvals[2].digest, previewDigest: approvals[0].previewDigest),
            ],
            .approve,
            reason: "",
        )
        let results = await stage.enforcement.decide(ballot, by: Stage.signedIn("alice@example.com"))
        #expect(Self.names(results) == Array(repeating: "refused digest-mismatch", count: 3))
        for approval in approvals { #expect(try await stage.now(approval).status == .pending) }
        #expect(try await stage.kinds(since: 3) == Array(repeating: "approval.decided", count: 3))
    }

    @Test("in a batch, what is one's own is refused and recorded, and takes nothing with it")
    func batchWithOwn() async throws {
        let stage = try Stage()
        let alice = UserID(unchecked: "alice@example.com")
        let own = try await stage.hold(Fixtures.action(path: "/v1/customers/9", onBehalfOf: alice))
        let other = try await stage.hold(Fixtures.action(path: "/v1/customers/10"))
        let items = [own, other].map { BatchBallot.Item($0.id, $0.digest) }
        let ballot = try BatchBallot(items, .approve, reason: "")
        let results = await stage.enforcement.decide(ballot, by: Stage.signedIn(alice.rawValue))
        #expect(Self.names(results) == ["refused self-approval", "approved"])
        #expect(try await stage.now(own).status == .pending)
        let owner = await stage.enforcement.decide(ballot, by: Stage.signedIn("olga@example.com"))
        #expect(Self.names(owner) == ["refused self-approval", "refused self-approval"])
        let stranger = await stage.enforcement.decide(ballot, by: Stage.signedIn("eve@example.com"))
        #expect(Self.names(stranger) == ["refused not-an-approver", "refused already-decided"])
    }

    @Test("an approval that is twice in a batch is decided on by none of it")
    func batchTwice() async throws {
        let stage = try Stage()
        let approvals = try await Self.alike(stage, 2)
        let items = approvals.map { BatchBallot.Item($0.id, $0.digest) }
        let writes = stage.ledger.writes
        for twice in [items + [items[0]], [items[0], BatchBallot.Item(approvals[0].id, approvals[1].digest)]] {
            #expect(throws: Reason.self) { try BatchBallot(twice, .approve, reason: "") }
        }
        let many = (0...BatchBallot.maximum).map { number in
            BatchBallot.Item(ApprovalID(now: stage.clock.time(), random: 0, UInt64(number)), approvals[0].digest)
        }
        #expect(throws: Reason.self) { try BatchBallot(many, .approve, reason: "") }
        #expect(throws: Reason.self) { try BatchBallot([], .approve, reason: "") }
        #expect(stage.ledger.writes == writes)
    }

    @Test("in a batch, one person still fills one place of a quorum only")
    func batchQuorum() async throws {
        let stage = try Stage(
            "permit (principal, action, resource);\n"
                + "@approvers(\"dba\") @quorum(\"2\") forbid (principal is Agent, action in Action::\"delete\", resource);"
        )
        let approvals = try await Self.alike(stage)
        let ballot = try BatchBallot(approvals.map { .init($0.id, $0.digest) }, .approve, reason: "")
        let first = await stage.enforcement.decide(ballot, by: Stage.signedIn("alice@example.com"))
        #expect(Self.names(first) == Array(repeating: "pending", count: 3))
        let again = await stage.enforcement.decide(ballot, by: Stage.signedIn("alice@example.com"))
        #expect(Self.names(again) == Array(repeating: "refused already-decided", count: 3))
        let second = await stage.enforcement.decide(ballot, by: Stage.signedIn("bob@example.com"))
        #expect(Self.names(second) == Array(repeating: "approved", count: 3))
    }

    @Test("what an agent asks after the batch was filled in is not in it")
    func batchLatecomer() async throws {
        let stage = try Stage()
        let approvals = try await Self.alike(stage)
        let ballot = try BatchBallot(approvals.map { .init($0.id, $0.digest) }, .approve, reason: "")
        let late = try await stage.hold(Fixtures.action(path: "/v1/customers/late"))
        #expect(ActionShape(late) == ActionShape(approvals[0]))
        _ = await stage.enforcement.decide(ballot, by: Stage.signedIn("alice@example.com"))
        #expect(try await stage.now(late).status == .pending)
    }

    @Test("an operation beside the first, which lists name, is counted and makes another shape")
    func batchOperations() async throws {
        let stage = try Stage()
        let one = Fixtures.action(path: "/v1/customers/1")
        func action(_ operations: [Operation]) -> Action {
            Action(
                agent: one.agent,
                onBehalfOf: nil,
                protocol: "http",
                connection: one.connection,
                operations: operations,
                details: one.details,
            )
        }
        var approvals = [Approval]()
        for count in 1...3 {
            approvals.append(try await stage.hold(action(Array(repeating: one.operations[0], count: count))))
        }
        let words = approvals.map { ApprovalContext($0).furtherOperations }
        #expect(words == [nil, "1 more operation", "2 more operations"])
        #expect(Set(approvals.map { ActionShape($0) }).count == 3)
    }
}
