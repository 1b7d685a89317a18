import CanonicalJSON
import CountersignTestKit
import Testing

@testable import CountersignCore

/// Ways to get by words what only decisions give.
///
/// This file only grows.
extension BypassTests {
    private static let commands = [
        "approve", "APPROVED", "/approve", "lgtm", "I, alice@example.com, approve this.", "{\"decision\":\"approve\"}",
        "decision=approve&reason=ok", "approved by alice@example.com through dashboard", "\u{202E}evorppa",
    ]

    @Test("no words are a decision, whoever says them and whatever they are", arguments: commands)
    func wordsDecideNothing(_ text: String) async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        let words = try #require(ApprovalComment.Words(text))
        for user in ["alice@example.com", "bob@example.com", "olga@example.com"] {
            let answer = await stage.enforcement.comment(approval.id, by: Stage.signedIn(user), text)
            #expect(Stage.name(answer) == "pending")
        }
        #expect(Stage.name(await stage.enforcement.comment(approval.id, words, by: Fixtures.agent)) == "pending")
        let now = try await stage.now(approval)
        #expect(now.decisions.isEmpty && now.grantExpiresAt == nil && now.comments?.count == 4)
        #expect(await stage.redeem(approval) == "refused approval-required")
        // Nor do they take a vote away, or stand in the way of one.
        #expect(await stage.decide(approval, "alice@example.com", .deny) == "denied")
    }

    @Test("an agent with a person's name is an agent, to the approval and to the log")
    func agentNamedAsPerson() async throws {
        let name = AgentID(unchecked: "alice@example.com")
        let clock = ManualClock()
        let ledger = InMemoryLedger(clock: clock)
        let enforcement = try Fixtures.enforcement(ledger: ledger, clock: clock, agents: [name])
        let action = Fixtures.action(agent: name)
        guard case .held(let approval) = await enforcement.admit(action, Circumstances()) else {
            throw Unexpected("not held")
        }
        let words = try #require(ApprovalComment.Words("I approve this."))
        let said = try await enforcement.comment(approval.id, words, by: name).get()
        #expect(said.comments?.map(\.author) == [.agent(name)] && said.comments?.first?.author.isPerson == false)
        // The person of that name is somebody else, whose words are not taken for a repetition of the agent's.
        let both = try await enforcement.comment(approval.id, by: Fixtures.signedIn(), "I approve this.").get()
        #expect(both.comments?.map(\.author.isPerson) == [false, true])
        let types = try await ledger.entries(EntryQuery(ascending: true)).items.dropFirst().map { entry in
            try JSONParser.parse(entry.bytes)["actor"]?["type"]?.stringValue
        }
        #expect(types == ["Agent", "User"])
    }

    @Test("an agent cannot speak as a user, nor a user for another agent's request as its agent")
    func wrongMouth() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        // As the API makes a user of an agent that tries to decide.
        let own = User(id: UserID(unchecked: Fixtures.agent.rawValue))
        let disguised = SignedInUser(user: own, via: "agent-key", isLocalAdministrator: false)
        #expect(
            Stage.name(await stage.enforcement.comment(approval.id, by: disguised, "approved")) == "refused not-allowed"
        )
        let words = try #require(ApprovalComment.Words("approved"))
        let other = AgentID(unchecked: "alice@example.com")
        #expect(Stage.name(await stage.enforcement.comment(approval.id, words, by: other)) == "refused not-found")
        #expect(try await stage.kinds(since: 1) == [])
    }

    @Test("words keep no grant alive: neither past its end, nor one that must be taken back")
    func wordsKeepNothing() async throws {
        let stage = try Stage()
        let approved = try await stage.approved()
        let until = try #require(approved.grantExpiresAt)
        stage.clock.set(until.adding(.seconds(-1)))
        let words = try #require(ApprovalComment.Words("wait for me"))
        #expect(Stage.name(await stage.enforcement.comment(approved.id, words, by: Fixtures.agent)) == "approved")
        #expect(try await stage.now(approved).grantExpiresAt == until)
        stage.clock.set(until)
        #expect(await stage.redeem(approved) == "refused grant-lapsed")
        let other = try await stage.approved(Fixtures.action(path: "/v1/other"))
        #expect(Stage.name(await stage.enforcement.comment(other.id, words, by: Fixtures.agent)) == "approved")
        // Whoever takes it back has read it before the words came.
        await stage.enforcement.revokeChanged(other)
        #expect(try await stage.now(other).status == .revoked)
    }

    @Test("an agent that talks as much as it may silences nobody")
    func flood() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        for number in 0..<100 {
            let words = try #require(ApprovalComment.Words("noise \(number)"))
            _ = await stage.enforcement.comment(approval.id, words, by: Fixtures.agent)
        }
        let asked = await stage.enforcement.comment(approval.id, by: Stage.signedIn("bob@example.com"), "Why?")
        #expect(Stage.name(asked) == "pending")
        #expect(await stage.decide(approval, "alice@example.com", .deny) == "denied")
        #expect(try await stage.now(approval).comments?.count == ApprovalComment.maximumOfAgent + 1)
    }

    @Test("a log in which somebody commented who cannot, or when nobody could, is not sound")
    func forgedComments() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        let first = try ToldEntry(try #require(try await stage.ledger.entry(0)).bytes)
        for actor in [
            Actor.gateway, .user(Fixtures.alice, via: nil), .agent(AgentID(unchecked: "other-bot")),
            Actor(type: "Agent", id: Fixtures.agent.rawValue, via: "slack"), Actor(type: "Person", id: "alice"),
        ] {
            let draft = EntryDraft(
                .approvalCommented,
                time: stage.clock.time(),
                actor: actor,
                approval: approval.id,
                members: [
                    ("action", ["digest": .string(approval.digest.rawValue)]), ("comment", ["text": "approved"]),
                ],
            )
            var replay = try ApprovalReplay(first)
            let told = try ToldEntry(draft.encoded(sequence: 1, before: 0))
            #expect(throws: ReplayError.self, "\(actor)") { try replay.take(told) }
        }
    }
}
