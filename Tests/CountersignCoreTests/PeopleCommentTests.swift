import CanonicalJSON
import CountersignCore
import CountersignTestKit
import Foundation
import Testing

/// People say something on an approval, and its agent answers.
@Suite(.timeLimit(.minutes(10)))
struct PeopleCommentTests {
    private func ask(
        _ text: String,
        on approval: Approval,
        _ stage: Stage,
        by user: String = "alice@example.com",
    ) async -> String {
        Stage.name(await stage.enforcement.comment(approval.id, by: Stage.signedIn(user), text))
    }

    private func answer(_ text: String, on approval: Approval, _ stage: Stage) async throws -> String {
        let words = try #require(ApprovalComment.Words(text))
        return Stage.name(await stage.enforcement.comment(approval.id, words, by: Fixtures.agent))
    }

    @Test("a question and its answer are kept in order, and the log says who spoke through what")
    func conversation() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        #expect(await ask("Which ticket?", on: approval, stage) == "pending")
        #expect(try await stage.now(approval).unanswered.map(\.text) == ["Which ticket?"])
        #expect(try await answer("4711", on: approval, stage) == "pending")
        let now = try await stage.now(approval)
        #expect(now.unanswered.isEmpty)
        #expect(now.comments?.map(\.author) == [.user(Fixtures.alice, via: "dashboard"), .agent(Fixtures.agent)])
        #expect(now.digest == approval.digest && now.previewDigest == approval.previewDigest)
        #expect(now.gates == approval.gates && now.expiresAt == approval.expiresAt && now.decisions.isEmpty)
        let entries = try await stage.entries(since: 1)
        #expect(entries.map { $0["kind"] } == ["approval.commented", "approval.commented"])
        #expect(entries[0]["actor"] == ["id": "alice@example.com", "type": "User", "via": "dashboard"])
        #expect(entries[1]["actor"] == ["id": .string(Fixtures.agent.rawValue), "type": "Agent"])
        #expect(entries.allSatisfy { $0["action"]?["digest"]?.stringValue == approval.digest.rawValue })
    }

    @Test(
        "whoever is a user may comment, also who may not decide; nobody else is one",
        arguments: ["alice@example.com", "olga@example.com", "eve@example.com", "mallory@example.com", "reporting-bot"]
    )
    func whoMay(_ user: String) async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        let isKnown = Stage.users.contains { $0.id.rawValue == user }
        #expect(await ask("Hello?", on: approval, stage, by: user) == (isKnown ? "pending" : "refused not-allowed"))
        #expect(try await stage.kinds(since: 1) == (isKnown ? ["approval.commented"] : []))
        let none = ApprovalID(now: stage.clock.time(), random: 9, 9)
        let absent = Stage.name(await stage.enforcement.comment(none, by: Stage.signedIn(user), "Hello?"))
        #expect(absent == (isKnown ? "refused not-found" : "refused not-allowed"))
    }

    @Test("what is no words is refused with its own code, however long it is")
    func noWords() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        for text in ["", " \n", String(repeating: "a", count: 1001), String(repeating: "\u{202E}", count: 1 << 20)] {
            #expect(await ask(text, on: approval, stage) == "refused bad-request")
        }
        #expect(try await stage.kinds(since: 1) == [])
    }

    @Test("the same answer to two questions is two answers, and a retry is none")
    func sameAnswer() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        for question in ["Is it staging?", "Are you sure?"] {
            for _ in 0..<2 { #expect(await ask(question, on: approval, stage) == "pending") }
            for _ in 0..<2 { #expect(try await answer("yes", on: approval, stage) == "pending") }
        }
        #expect(
            try await stage.now(approval).comments?.map(\.text) == ["Is it staging?", "yes", "Are you sure?", "yes"]
        )
        // One person in two spellings is one person, whatever channel they speak through.
        let other = try Stage(users: Stage.users + [Stage.user("Alice@example.com")])
        let pending = try await other.hold()
        for user in ["alice@example.com", "Alice@example.com"] {
            #expect(await ask("Hello?", on: pending, other, by: user) == "pending")
        }
        #expect(try await other.now(pending).comments?.count == 1)
    }

    @Test("a person, all people and the agent have room of their own; each of people's makes room for an answer")
    func bounds() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        for number in 0..<ApprovalComment.maximumOfAgent {
            #expect(try await answer("because \(number)", on: approval, stage) == "pending")
        }
        #expect(try await answer("and more", on: approval, stage) == "refused too-many-comments")
        for number in 0..<ApprovalComment.maximumOfPerson {
            #expect(await ask("question \(number)", on: approval, stage) == "pending")
            stage.clock.advance(by: .seconds(5))
        }
        #expect(await ask("one more", on: approval, stage) == "refused too-many-comments")
        for number in 0..<(ApprovalComment.maximumOfPeople - ApprovalComment.maximumOfPerson) {
            #expect(await ask("question \(number)", on: approval, stage, by: "bob@example.com") == "pending")
        }
        #expect(await ask("too much", on: approval, stage, by: "carol@example.com") == "refused too-many-comments")
        for number in 0..<ApprovalComment.maximumOfPeople {
            #expect(try await answer("answer \(number)", on: approval, stage) == "pending")
            stage.clock.advance(by: .seconds(5))
        }
        #expect(try await answer("and more", on: approval, stage) == "refused too-many-comments")
        let all = ApprovalComment.maximumOfAgent + 2 * ApprovalComment.maximumOfPeople
        #expect(try await stage.now(approval).comments?.count == all)
    }

    @Test("a person with many approvals is slowed down; others are not")
    func pace() async throws {
        let stage = try Stage()
        var answers = [String]()
        for number in 0..<3 {
            let approval = try await stage.hold(Fixtures.action(path: "/v1/\(number)"))
            for word in 0..<ApprovalComment.maximumOfPerson {
                answers.append(await ask("word \(word)", on: approval, stage))
            }
        }
        #expect(answers.count { $0 == "pending" } == 30)
        #expect(answers.suffix(18).allSatisfy { $0 == "refused too-many-comments" })
        let last = try await stage.hold(Fixtures.action(path: "/v1/2"))
        #expect(await ask("mine", on: last, stage, by: "bob@example.com") == "pending")
        #expect(try await answer("mine", on: last, stage) == "pending")
        stage.clock.advance(by: .seconds(2))
        #expect(await ask("now", on: last, stage) == "pending")
    }

    @Test("two people, a decision and a redemption at once are in one order, and nothing is lost", arguments: 0..<20)
    func race(_ round: Int) async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        let answers = await withTaskGroup(of: String.self) { group in
            for number in 0..<4 {
                group.addTask {
                    switch (number + round) % 4 {
                    case 0: await ask("One?", on: approval, stage)
                    case 1: await ask("Two?", on: approval, stage, by: "bob@example.com")
                    case 2: await stage.decide(approval, "dave@example.com") + "!"
                    default: "redeem " + (await stage.redeem(approval))
                    }
                }
            }
            return await group.reduce(into: [String]()) { $0.append($1) }
        }
        #expect(answers.contains("approved!"), "\(answers)")
        let said = answers.count { $0 == "pending" || $0 == "approved" }
        let late = answers.count { $0 == "refused already-decided" }
        #expect(said + late == 2, "\(answers)")
        #expect(late == 0 || answers.contains("redeem dispatch"), "only what runs takes no words")
        let now = try await stage.now(approval)
        #expect((now.comments ?? []).count == said && now.decisions.count == 1)
        #expect(try await stage.kinds().count { $0 == "approval.commented" } == said)
    }

    @Test("nothing is added when the ledger cannot write")
    func broken() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        stage.ledger.isBroken = true
        #expect(await ask("Hello?", on: approval, stage) == "refused ledger-unavailable")
        stage.ledger.isBroken = false
        #expect(try await stage.now(approval).comments == nil)
    }

    // MARK: what older versions wrote

    @Test("a comment's record from before people could comment is read, and written as it was")
    func oldRecord() throws {
        let old = #"{"author":{"id":"reporting-bot","type":"Agent"},"text":"words","time":{"microseconds":7}}"#
        let comment = try JSONDecoder().decode(ApprovalComment.self, from: Data(old.utf8))
        #expect(comment.author == .agent(Fixtures.agent) && comment.text == "words")
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(String(decoding: try encoder.encode(comment), as: UTF8.self) == old)
        let now = ApprovalComment(
            by: .user(Fixtures.alice, via: "slack"),
            try #require(ApprovalComment.Words("why?")),
            at: Timestamp(microseconds: 7),
        )
        #expect(try JSONDecoder().decode(ApprovalComment.self, from: encoder.encode(now)) == now)
    }

    @Test(
        "a record of somebody who cannot comment is not read",
        arguments: [
            #"{"id":"countersign","type":"System"}"#, #"{"id":"alice@example.com","type":"User"}"#,
            #"{"id":"alice@example.com","type":"User","via":""}"#, #"{"id":"","type":"Agent"}"#,
            #"{"id":"reporting-bot","type":"Agent","via":"slack"}"#, #"{"id":"a b","type":"User","via":"slack"}"#,
        ]
    )
    func strangeRecord(_ author: String) {
        let record = #"{"author":"# + author + #","text":"words","time":{"microseconds":7}}"#
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(ApprovalComment.self, from: Data(record.utf8))
        }
    }

    @Test("an agent's entry from before people could comment is sound, and today's is the same bytes")
    func oldEntry() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        #expect(try await answer("words", on: approval, stage) == "pending")
        let entry = try #require(try await stage.ledger.entry(1))
        let digest = approval.digest.rawValue
        let old =
            #"{"action":{"connection":"orders-api","digest":"\#(digest)","name":"http:delete"},"#
            + #""actor":{"id":"reporting-bot","type":"Agent"},"approval":"\#(approval.id)","comment":{"text":"words"},"#
            + #""kind":"approval.commented","policy":{"version":"\#(approval.policyVersion)"},"sequence":1,"#
            + #""sequence_before":0,"time":"\#(stage.clock.time().rfc3339)"}"#
        #expect(String(decoding: entry.bytes, as: UTF8.self) == old)
        let first = try #require(try await stage.ledger.entry(0))
        var replay = try ApprovalReplay(try ToldEntry(first.bytes))
        let told = try ToldEntry(Array(old.utf8))
        #expect(told.lack == nil)
        try replay.take(told)
        #expect(replay.difference(from: try await stage.now(approval)) == nil)
    }
}
