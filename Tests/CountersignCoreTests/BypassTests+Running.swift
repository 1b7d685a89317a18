import CanonicalJSON
import CountersignTestKit
import Testing

@testable import CountersignCore

/// Ways to have the log tell another outcome than the gateway saw, or to use a grant that is not the agent's to use.
///
/// This file only grows.
extension BypassTests {
    @Test("what the gateway runs, no agent reports the outcome of", arguments: [true, false])
    func forgedOutcome(_ isAsynchronous: Bool) async throws {
        let stage = try Stage()
        let approval = try await stage.approved()
        let actor = isAsynchronous ? Actor.gateway : .agent(Fixtures.agent)
        let forged = Outcome(.failed, detail: "never sent")
        let early = try await stage.enforcement.report(approval.id, forged, by: Fixtures.agent)
        #expect(Self.code(early) == .wrongState)
        _ = await stage.enforcement.redeem(approval.id, Fixtures.action(), Circumstances(), by: actor)
        let late = try await stage.enforcement.report(approval.id, forged, by: Fixtures.agent)
        #expect(Self.code(late) == .wrongState)
        #expect(try await stage.complete(approval, keep: true) == "succeeded")
        let after = try await stage.enforcement.report(approval.id, forged, by: Fixtures.agent)
        #expect(Self.code(after) == .alreadyDecided)
        let completed = try await stage.entries().filter { $0["kind"] == "action.completed" }
        #expect(completed.map { $0["actor"]?["id"] } == ["countersign"])
        #expect(try await stage.ledger.keptResponse(approval.id) != nil)
    }

    @Test("a report that is under way while the gateway redeems brings no outcome")
    func overtakenReport() async throws {
        let stage = try Stage()
        let approval = try await stage.approved()
        let enforcement = stage.overtaken(by: { #expect(await stage.redeem(approval) == "dispatch") })
        let report = try await enforcement.report(approval.id, Outcome(.failed), by: Fixtures.agent)
        #expect(Self.code(report) == .wrongState)
        #expect(try await stage.complete(approval) == "succeeded")
        #expect(try await stage.kinds().count { $0 == "action.completed" } == 1)
    }

    @Test("what the agent runs, it reports once, and nobody else does", arguments: OwnRun.allCases)
    func ownOutcome(_ run: OwnRun) async throws {
        let stage = try Stage()
        let approval = try await stage.approved()
        let (action, actor) = (Fixtures.action(), Actor.agent(Fixtures.agent, via: run))
        _ = await stage.enforcement.redeem(approval.id, action, Circumstances(), by: actor)
        let other = AgentID(unchecked: "other")
        let foreign = try await stage.enforcement.report(approval.id, Outcome(.failed), by: other)
        #expect(Self.code(foreign) == .notFound)
        let outcome = Outcome(.succeeded, status: 204)
        let done = try await stage.enforcement.report(approval.id, outcome, by: Fixtures.agent).get()
        #expect(done.outcome == outcome && done.delivered)
        let again = try await stage.enforcement.report(approval.id, Outcome(.failed), by: Fixtures.agent)
        #expect(Self.code(again) == .alreadyDecided)
    }

    @Test("what stands against using a grant is asked of the approval that is redeemed, however late it got so")
    func overtakenRedemption() async throws {
        let stage = try Stage()
        let approval = try await stage.approved()
        let enforcement = stage.overtaken(by: { _ = await stage.admit(asynchronous: true) })
        let actor = Actor.agent(Fixtures.agent, via: .api)
        let answer = await enforcement.redeem(approval.id, Fixtures.action(), Circumstances(), by: actor) { approval in
            approval.asynchronous ? [Reason(.wrongState, "no")] : nil
        }
        #expect(Stage.name(answer) == "refused wrong-state")
        #expect(try await stage.now(approval).status == .approved)
    }

    @Test("an objection is asked of an approved action only, and leaves its grant")
    func objection() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        func redeem() async -> String {
            let (action, actor) = (Fixtures.action(), Actor.agent(Fixtures.agent, via: .api))
            return Stage.name(
                await stage.enforcement.redeem(approval.id, action, Circumstances(), by: actor) { _ in
                    [Reason(.policyChanged, "no")]
                }
            )
        }
        #expect(await redeem() == "refused approval-required")
        #expect(await stage.decide(approval, "alice@example.com") == "approved")
        #expect(await redeem() == "refused policy-changed")
        #expect(await stage.redeem(approval) == "dispatch")
        #expect(await redeem() == "taken")
    }

    private static func code(_ report: Result<Approval, Reason>) -> ReasonCode? {
        switch report {
        case .success: nil
        case .failure(let reason): reason.code
        }
    }
}

extension Stage {
    /// Another enforcement over the same ledger, for which something happens right after its first look at an approval.
    fileprivate func overtaken(by meanwhile: @escaping @Sendable () async -> Void) -> Enforcement {
        let ledger = StaleLedger(ledger, meanwhile: meanwhile)
        return Enforcement(current: current, ledger: ledger, clock: clock, chance: .deterministic())
    }
}
