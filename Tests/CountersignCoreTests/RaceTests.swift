import CanonicalJSON
import CountersignCore
import CountersignTestKit
import Testing

/// Real tasks on real threads over one ledger: one wins, the others are told.
@Suite(.timeLimit(.minutes(10)))
struct RaceTests {
    @Test("a hundred identical asks at once make one approval with one entry")
    func asks() async throws {
        let stage = try Stage()
        let ids = await withTaskGroup(of: ApprovalID?.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    guard case .held(let approval) = await stage.enforcement.admit(Fixtures.action(), Circumstances())
                    else { return nil }
                    return approval.id
                }
            }
            return await group.reduce(into: [ApprovalID?]()) { $0.append($1) }
        }
        #expect(Set(ids).count == 1 && ids[0] != nil)
        #expect(try await stage.kinds() == ["approval.requested"])
    }

    @Test("of a hundred redemptions at once, one dispatches and the others find the grant taken")
    func redemptions() async throws {
        let stage = try Stage()
        let approval = try await stage.approved()
        let answers = await Self.all(100) { _ in await stage.redeem(approval) }
        #expect(answers.count { $0 == "dispatch" } == 1)
        #expect(answers.count { $0 == "taken" } == 99)
        #expect(try await stage.kinds().count { $0 == "action.dispatched" } == 1)
    }

    @Test("approve against deny: one wins, the other is already decided, and the log tells which", arguments: 0..<20)
    func approveAgainstDeny(_ round: Int) async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        let answers = await Self.all(2) { number in
            number == round % 2
                ? await stage.decide(approval, "alice@example.com")
                : await stage.decide(approval, "bob@example.com", .deny)
        }
        let status = try await stage.now(approval).status
        #expect(status == .approved || status == .denied)
        #expect(answers.sorted() == [status.rawValue, "refused already-decided"])
        let entries = try await stage.entries(since: 1)
        #expect(entries.compactMap { $0["accepted"]?.boolValue } == [true, false])
        #expect(entries.first?["decision"] == (status == .approved ? "approve" : "deny"))
    }

    @Test("decide against expire: one wins, whichever came first", arguments: 0..<20)
    func decideAgainstExpire(_ round: Int) async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        // A second before the end: a leap of an hour under a decision would meet the ledger's clock rule instead.
        stage.clock.set(approval.expiresAt.adding(.seconds(-1)))
        let answers = await Self.all(3) { number in
            switch (number + round) % 3 {
            case 0: return await stage.decide(approval, "alice@example.com")
            case 1:
                stage.clock.set(approval.expiresAt)
                return "clock"
            case _:
                let settled = try? await stage.enforcement.settleIfDue(approval.id)
                return settled.map { "settled \($0.status)" } ?? "not due"
            }
        }
        _ = try await stage.enforcement.settleIfDue(approval.id)
        let status = try await stage.now(approval).status
        if answers.contains("approved") {
            #expect(status == .approved || status == .lapsed)
        } else {
            #expect(status == .expired && answers.contains("refused already-decided"), "\(status) \(answers)")
        }
        let settlements = status == .lapsed ? 2 : 1
        #expect(try await stage.kinds().count { $0 == "approval.settled" } == settlements)
    }

    @Test("quorum by many at once counts everybody once, and approves once")
    func quorum() async throws {
        let users = (0..<12).map { Stage.user("user\($0)@example.com", "dba") }
        let text =
            "permit (principal, action, resource);\n"
            + "@approvers(\"dba\") @quorum(\"12\") forbid (principal is Agent, action in Action::\"delete\", resource);"
        let stage = try Stage(text, users: users)
        let approval = try await stage.hold()
        let answers = await Self.all(24) { await stage.decide(approval, "user\($0 % 12)@example.com") }
        #expect(answers.count { $0 == "approved" } == 1)
        #expect(answers.count { $0 == "pending" } == 11)
        #expect(answers.count { $0 == "refused already-decided" } == 12)
        #expect(try await stage.now(approval).decisions.count == 12)
    }

    private static func all(_ count: Int, _ body: @escaping @Sendable (Int) async -> String) async -> [String] {
        await withTaskGroup(of: String.self) { group in
            for number in 0..<count { group.addTask { await body(number) } }
            return await group.reduce(into: [String]()) { $0.append($1) }
        }
    }
}
