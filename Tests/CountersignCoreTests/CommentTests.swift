import CanonicalJSON
import CountersignCore
import CountersignTestKit
import Testing

/// An agent adds words to its own pending approval.
@Suite(.timeLimit(.minutes(10)))
struct CommentTests {
    private static let quorum = """
        permit (principal, action, resource);
        @id("two") @approvers("dba") @quorum("2")
        forbid (principal is Agent, action in Action::"delete", resource);
        """

    private func words(_ text: String) throws -> ApprovalComment.Words {
        try #require(ApprovalComment.Words(text), "\(text.prefix(20))")
    }

    private func say(_ text: String, on approval: Approval, _ stage: Stage) async throws -> String {
        Stage.name(await stage.enforcement.comment(approval.id, try words(text), by: Fixtures.agent))
    }

    @Test("words are durable with the approval, beside what was said before, and the log has all of them")
    func added() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        #expect(try await say("The ticket is 4711.", on: approval, stage) == "pending")
        stage.clock.advance(by: .seconds(5))
        let text = String(repeating: "\u{1}", count: ApprovalComment.Words.maximumLength)
        #expect(try await say(text, on: approval, stage) == "pending")
        let now = try await stage.now(approval)
        #expect(now.comments?.map(\.text) == ["The ticket is 4711.", text])
        #expect(now.comments?.map(\.author) == [.agent(Fixtures.agent), .agent(Fixtures.agent)])
        #expect(now.comments?.last?.time == stage.clock.time())
        #expect(now.digest == approval.digest && now.previewDigest == approval.previewDigest)
        #expect(now.circumstances == approval.circumstances && now.gates == approval.gates)
        let entries = try await stage.entries(since: 1)
        #expect(entries.map { $0["kind"] } == ["approval.commented", "approval.commented"])
        #expect(entries.map { $0["comment"]?["text"]?.stringValue } == ["The ticket is 4711.", text])
        #expect(entries[0]["actor"] == ["id": .string(Fixtures.agent.rawValue), "type": "Agent"])
        #expect(entries[0]["action"]?["digest"]?.stringValue == approval.digest.rawValue)
    }

    @Test("a decision that was made before stays, and the next one lifts the gate")
    func quorumStays() async throws {
        let stage = try Stage(Self.quorum)
        let approval = try await stage.hold()
        #expect(await stage.decide(approval, "alice@example.com") == "pending")
        #expect(try await say("Please hurry.", on: approval, stage) == "pending")
        #expect(try await stage.now(approval).decisions.map(\.user) == [Fixtures.alice])
        #expect(await stage.decide(approval, "dave@example.com", digest: approval.digest) == "approved")
        #expect(await stage.redeem(approval) == "dispatch")
    }

    @Test("what runs or is over takes no words, and neither does a deadline that has passed")
    func settled() async throws {
        let stage = try Stage()
        let approved = try await stage.approved()
        #expect(try await say("I shall wait for the night", on: approved, stage) == "approved")
        let granted = try await stage.now(approved)
        #expect(granted.grantExpiresAt == approved.grantExpiresAt && granted.decisions == approved.decisions)
        #expect(await stage.redeem(approved) == "dispatch")
        #expect(try await say("too late", on: approved, stage) == "refused already-decided")
        #expect(try await stage.complete(approved) == "succeeded")
        #expect(try await say("too late", on: approved, stage) == "refused already-decided")
        let lapsing = try await stage.approved(Fixtures.action(path: "/v1/lapsing"))
        stage.clock.set(try #require(lapsing.grantExpiresAt))
        #expect(try await say("too late", on: lapsing, stage) == "refused already-decided")
        #expect(try await stage.now(lapsing).status == .lapsed)
        #expect(try await stage.now(lapsing).comments == nil)
        let late = try await stage.hold(Fixtures.action(path: "/v1/late"))
        stage.clock.set(late.expiresAt)
        let mark = stage.ledger.writes.entries
        #expect(try await say("too late", on: late, stage) == "refused already-decided")
        #expect(try await stage.now(late).status == .expired)
        #expect(try await stage.now(late).comments == nil)
        #expect(try await stage.kinds(since: mark) == ["approval.settled"])
    }

    @Test("another agent's approval is as absent as none")
    func others() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        let stranger = AgentID(unchecked: "other-bot")
        let none = ApprovalID(now: stage.clock.time(), random: 9, 9)
        let refused = await stage.enforcement.comment(approval.id, try words("hello"), by: stranger)
        let absent = await stage.enforcement.comment(none, try words("hello"), by: stranger)
        #expect(refused == absent)
        #expect(Stage.name(refused) == "refused not-found")
        #expect(try await stage.kinds() == ["approval.requested"])
    }

    @Test("the same words again change nothing; eight different ones are all that an approval takes")
    func bounds() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        for number in 0..<ApprovalComment.maximumOfAgent {
            for _ in 0..<3 { #expect(try await say("reason \(number)", on: approval, stage) == "pending") }
        }
        #expect(try await say("one more", on: approval, stage) == "refused too-many-comments")
        #expect(try await say("reason 0", on: approval, stage) == "pending")
        #expect(try await stage.now(approval).comments?.count == ApprovalComment.maximumOfAgent)
        #expect(try await stage.kinds().count { $0 == "approval.commented" } == ApprovalComment.maximumOfAgent)
    }

    @Test("texts that Swift calls equal are two, because people and the log see bytes")
    func equivalents() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        for text in ["\u{E9}", "e\u{301}"] { #expect(try await say(text, on: approval, stage) == "pending") }
        #expect(try await stage.now(approval).comments?.count == 2)
    }

    @Test("an agent with many approvals is slowed down, and goes on when time has passed")
    func pace() async throws {
        let stage = try Stage()
        var answers = [String]()
        for number in 0..<3 {
            let approval = try await stage.hold(Fixtures.action(path: "/v1/\(number)"))
            for word in 0..<ApprovalComment.maximumOfAgent {
                answers.append(try await say("word \(word)", on: approval, stage))
            }
        }
        #expect(answers.count { $0 == "pending" } == 16)
        #expect(answers.suffix(8).allSatisfy { $0 == "refused too-many-comments" })
        let last = try await stage.hold(Fixtures.action(path: "/v1/2"))
        stage.clock.advance(by: .seconds(4))
        #expect(try await say("now", on: last, stage) == "pending")
        #expect(try await say("and now", on: last, stage) == "refused too-many-comments")
    }

    @Test("nothing is added when the ledger cannot write")
    func broken() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        stage.ledger.isBroken = true
        #expect(try await say("hello", on: approval, stage) == "refused ledger-unavailable")
        stage.ledger.isBroken = false
        #expect(try await stage.now(approval).comments == nil)
    }

    @Test("words against a denial: both or the decision alone, and never words after the end", arguments: 0..<20)
    func race(_ round: Int) async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        let said = try words("one more thing")
        let answers = await withTaskGroup(of: String.self) { group in
            for number in 0..<2 {
                group.addTask {
                    guard number == round % 2 else {
                        return await stage.decide(approval, "alice@example.com", .deny)
                    }
                    return "said "
                        + Stage.name(await stage.enforcement.comment(approval.id, said, by: Fixtures.agent))
                }
            }
            return await group.reduce(into: [String]()) { $0.append($1) }
        }
        #expect(answers.contains("denied"))
        let kinds = try await stage.kinds(since: 1)
        let comments = try await stage.now(approval).comments ?? []
        if answers.contains("said pending") {
            #expect(kinds == ["approval.commented", "approval.decided", "approval.settled"] && comments.count == 1)
        } else {
            #expect(answers.contains("said refused already-decided"), "\(answers)")
            #expect(kinds == ["approval.decided", "approval.settled"] && comments.isEmpty)
        }
    }

    @Test(
        "words are something to read, and not too long",
        arguments: ["", " ", "\n\t\u{A0}\u{3000}", String(repeating: "a", count: 1001)]
    )
    func noWords(_ text: String) {
        #expect(ApprovalComment.Words(text) == nil)
    }
}
