import CanonicalJSON
import CountersignCore
import CountersignTestKit
import Testing

/// Questions that wait for nobody: what humans could lift is a no, until they have.
@Suite(.timeLimit(.minutes(10)))
struct EvaluationTests {
    private func ask(
        _ stage: Stage,
        _ action: Action = Fixtures.action(),
        with approval: String? = nil,
    ) async -> Enforcement.Evaluation {
        await stage.enforcement.evaluate(action, Circumstances(), presenting: approval, by: .agent(action.agent))
    }

    private func answer(
        _ stage: Stage,
        _ action: Action = Fixtures.action(),
        with approval: String? = nil,
    ) async -> String {
        switch await ask(stage, action, with: approval) {
        case .permitted: "permitted"
        case .redeemed: "redeemed"
        case .denied(let reasons): "denied " + Stage.codes(reasons)
        case .gated(let reasons, _, let refusal): "gated \(refusal?.rawValue ?? "-") " + Stage.codes(reasons)
        }
    }

    @Test("every answer has one entry, and nobody is asked")
    func entries() async throws {
        let stage = try Stage()
        #expect(await answer(stage, Fixtures.action(effect: .read)) == "permitted")
        #expect(await answer(stage) == "gated - approval-required")
        try stage.install("")
        #expect(await answer(stage) == "denied no-permit")
        #expect(try await stage.kinds() == ["action.allowed", "action.denied", "action.denied"])
        #expect(try await stage.ledger.approvals(ApprovalQuery()).items.isEmpty)
    }

    @Test("a no that humans could lift is found again by its entry, and no other entry is one")
    func bound() async throws {
        let stage = try Stage()
        _ = await answer(stage, Fixtures.action(effect: .read))
        guard case .gated(_, let bound, _) = await ask(stage) else {
            Issue.record("it was not gated")
            return
        }
        #expect(bound.sequence == 1 && bound.agent == Fixtures.agent && bound.digest == Fixtures.action().digest)
        #expect(try await stage.enforcement.gatedEvaluation(1) == bound)
        #expect(try await stage.enforcement.gatedEvaluation(0) == nil)
        #expect(try await stage.enforcement.gatedEvaluation(2) == nil)
        try stage.install("")
        #expect(await answer(stage) == "denied no-permit")
        #expect(try await stage.enforcement.gatedEvaluation(2) == nil)
    }

    @Test("an approval lifts the gates once, for its own action")
    func redeemed() async throws {
        let stage = try Stage()
        let pending = try await stage.hold()
        let id = pending.id.rawValue
        #expect(await answer(stage, with: id) == "gated approval-required approval-required+approval-required")
        #expect(await stage.decide(pending, "alice@example.com") == "approved")
        let other = Fixtures.action(path: "/v1/customers/43")
        #expect(await answer(stage, other, with: id) == "gated digest-mismatch digest-mismatch+approval-required")
        #expect(await answer(stage, with: "apr_none") == "gated not-found not-found+approval-required")
        #expect(await answer(stage, with: id) == "redeemed")
        #expect(await answer(stage, with: id) == "gated grant-used grant-used+approval-required")
        #expect(try await stage.now(pending).status == .redeemed)
    }

    @Test("a grant that has lapsed, and one that the gateway uses itself, lift nothing")
    func late() async throws {
        let stage = try Stage()
        let approval = try await stage.approved()
        stage.clock.advance(by: .seconds(3600))
        #expect(
            await answer(stage, with: approval.id.rawValue) == "gated grant-lapsed grant-lapsed+approval-required"
        )
        let other = Fixtures.action(path: "/v1/customers/43")
        let own = try await stage.hold(other, asynchronous: true)
        #expect(await stage.decide(own, "alice@example.com") == "approved")
        #expect(await answer(stage, other, with: own.id.rawValue) == "gated wrong-state wrong-state+approval-required")
    }

    @Test("stricter policy takes the grant back, and says so in the log")
    func stricter() async throws {
        let stage = try Stage()
        let approval = try await stage.approved()
        try stage.install(
            """
            permit (principal, action, resource);
            @approvers("sre") forbid (principal is Agent, action in Action::"delete", resource);
            """
        )
        let said = await answer(stage, with: approval.id.rawValue)
        #expect(said == "gated policy-changed policy-changed+approval-required")
        #expect(try await stage.now(approval).status == .revoked)
        #expect(try await stage.kinds().suffix(2) == ["approval.settled", "action.denied"])
    }

    @Test("when the ledger cannot write, the answer is no, and no grant is used", arguments: [true, false])
    func broken(_ isRead: Bool) async throws {
        let stage = try Stage()
        let approval = try await stage.approved()
        stage.ledger.failNext()
        let action = Fixtures.action(effect: isRead ? .read : .delete)
        #expect(await answer(stage, action, with: approval.id.rawValue) == "denied ledger-unavailable")
        #expect(try await stage.now(approval).status == .approved)
    }
}
