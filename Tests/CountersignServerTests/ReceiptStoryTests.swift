import CanonicalJSON
import CountersignCore
import CountersignTestKit
import Testing
import TransparencyLog

/// A gateway that breaks its own rules, but signs what it does: its receipts must not verify.
@Suite(.timeLimit(.minutes(10)))
struct ReceiptStoryTests {
    /// One entry of a made-up story.
    enum Step: Sendable {
        case requested(quorum: Int)
        case decided(String, accepted: Bool, groups: [String], verdict: String = "approve")
        case commented(Actor = .agent(Fixtures.agent), text: String? = "words", after: Int = 1)
        case settled(String)
        case dispatched
        case completed
        case otherAction
        case late
    }

    private static let start = Timestamp(microseconds: 1_767_225_600_000_000)

    private func verify(_ steps: [Step], before: [Int: UInt64] = [:]) throws -> ReceiptSummary {
        let action = Fixtures.action()
        let approval = ApprovalID(now: Self.start, random: 0, 1)
        let signer = try Fixtures.logSigner()
        let texts = steps.enumerated().map { index, step in
            draft(step, action, approval, Self.start.adding(.seconds(index)))
                .encoded(sequence: UInt64(index), before: before[index])
        }
        let leaves = texts.map { LogHash.leaf($0) }
        let size = UInt64(leaves.count)
        func node(_ level: Int, _ index: UInt64) -> LogHash {
            level == 0 ? leaves[Int(index)] : .node(node(level - 1, index * 2), node(level - 1, index * 2 + 1))
        }
        let note = try Checkpoint(origin: signer.name, size: size, root: treeRoot(size: size, node: node)).signed(
            by: signer
        )
        let entries = texts.enumerated().map { index, text in
            let path = InclusionProof.build(index: UInt64(index), size: size, node: node)
            let proof = TlogProof(index: UInt64(index), proof: path, checkpoint: note)
            return Receipt.ProvenEntry(text: String(decoding: text, as: UTF8.self), proof: proof.text)
        }
        let receipt = Receipt(log: signer.name, approval: approval, entries: entries, documents: [])
        return try Receipt(parsing: receipt.canonicalBytes).verify(with: signer.verifier)
    }

    private func draft(_ step: Step, _ action: Action, _ approval: ApprovalID, _ time: Timestamp) -> EntryDraft {
        var members: [(String, JSONValue)] = [
            (
                "action",
                .object([
                    "connection": "orders-api", "digest": .string(action.digest.rawValue), "name": "http:delete",
                    "resource": "orders-api/x",
                ])
            ),
            ("preview_digest", .string(action.digest.rawValue)),
        ]
        var time = time
        let kind: EntryKind
        var actor = Actor.agent(Fixtures.agent)
        switch step {
        case .requested(let quorum):
            kind = .approvalRequested
            members += [
                ("expires_at", .string(Self.start.adding(.seconds(100)).rfc3339)), ("owner", "olga@example.com"),
                ("on_behalf_of", "otto@example.com"), ("gates", [EntryWriter.gate(Fixtures.gate(quorum: quorum))]),
            ]
        case .decided(let user, let accepted, let groups, let verdict):
            kind = .approvalDecided
            actor = .user(UserID(unchecked: user), via: "api")
            members += [
                ("accepted", .bool(accepted)), ("decision", .string(verdict)),
                ("groups", .array(groups.map { .string($0) })), ("reason", ""),
            ]
        case .commented(let author, let text, let seconds):
            kind = .approvalCommented
            actor = author
            time = Self.start.adding(.seconds(seconds))
            if let text { members.append(("comment", ["text": .string(text)])) }
        case .settled(let status):
            kind = .approvalSettled
            members += [
                ("status", .string(status)),
                ("grant_expires_at", .string(Self.start.adding(.seconds(200)).rfc3339)),
            ]
        case .dispatched: kind = .actionDispatched
        case .late:
            kind = .actionDispatched
            time = Self.start.adding(.seconds(200))
        case .completed:
            kind = .actionCompleted
            members.append(("outcome", ["result": "succeeded"]))
        case .otherAction:
            kind = .actionDispatched
            members[0] = ("action", ["digest": .string(ActionDigest(of: [1]).rawValue)])
        }
        return EntryDraft(kind, time: time, actor: actor, approval: approval, agent: Fixtures.agent, members: members)
    }

    private static let alice = Step.decided("alice@example.com", accepted: true, groups: ["dba"])
    private static let bob = Step.decided("bob@example.com", accepted: true, groups: ["dba"])

    @Test("a story by the rules verifies")
    func sound() throws {
        let one: [Step] = [.requested(quorum: 1), Self.alice, .settled("approved"), .dispatched, .completed]
        #expect(try verify(one).status == "succeeded")
        let two: [Step] = [.requested(quorum: 2), Self.alice, Self.bob, .settled("approved"), .dispatched]
        #expect(try verify(two).status == "redeemed")
        #expect(try verify([.requested(quorum: 1), .settled("expired")]).status == "expired")
        #expect(
            try verify([.requested(quorum: 1), Self.alice, .settled("approved"), .settled("lapsed")]).status == "lapsed"
        )
        let commented = try verify([.requested(quorum: 2), Self.alice, .commented(), Self.bob, .settled("approved")])
        #expect(commented.status == "approved" && commented.comments.map(\.text) == ["words"])
        let asked = Step.commented(.user(Fixtures.alice, via: "slack"))
        let talk: [Step] = [
            .requested(quorum: 1), asked, .commented(), Self.bob, .settled("approved"), asked, .dispatched,
        ]
        #expect(try verify(talk).comments.map(\.author.isPerson) == [true, false, true])
    }

    @Test("entries name the one before them; one that names another is refused, and one that names none is told of")
    func links() throws {
        let steps: [Step] = [.requested(quorum: 1), Self.alice, .settled("approved"), .dispatched, .completed]
        let linked = try verify(steps, before: [1: 0, 2: 1, 3: 2, 4: 3])
        #expect(linked.unlinked == 0)
        #expect(!linked.limits.contains { $0.contains("did not name") })
        // As of a log that an older version began.
        let upgraded = try verify(steps, before: [3: 2, 4: 3])
        #expect(upgraded.unlinked == 2)
        #expect(upgraded.limits.contains { $0.contains("2 of these") && $0.contains("did not name") })
        for wrong: [Int: UInt64] in [[2: 0], [4: 2], [1: 1], [3: 7]] {
            #expect(throws: ReceiptError.self, "\(wrong)") { try verify(steps, before: wrong) }
        }
    }

    /// Stories that break a rule, by its name.
    static let broken: [(String, [Step])] = [
        ("dispatched without any approval", [.requested(quorum: 1), .dispatched]),
        ("approved without a decision", [.requested(quorum: 1), .settled("approved"), .dispatched]),
        ("approved by too few", [.requested(quorum: 2), alice, .settled("approved"), .dispatched]),
        ("approved by one person twice", [.requested(quorum: 2), alice, alice, .settled("approved")]),
        (
            "approved by the owner",
            [
                .requested(quorum: 1), .decided("olga@example.com", accepted: true, groups: ["dba"]),
                .settled("approved"),
            ]
        ),
        (
            "approved by the human acted for",
            [
                .requested(quorum: 1), .decided("otto@example.com", accepted: true, groups: ["dba"]),
                .settled("approved"),
            ]
        ),
        (
            "approved by the agent",
            [.requested(quorum: 1), .decided("reporting-bot", accepted: true, groups: ["dba"]), .settled("approved")]
        ),
        (
            "approved by an outsider",
            [
                .requested(quorum: 1), .decided("eve@example.com", accepted: true, groups: ["guests"]),
                .settled("approved"),
            ]
        ),
        (
            "approved by a decision that did not count",
            [
                .requested(quorum: 1), .decided("alice@example.com", accepted: false, groups: ["dba"]),
                .settled("approved"),
            ]
        ),
        (
            "approved after a deny",
            [
                .requested(quorum: 1), .decided("bob@example.com", accepted: true, groups: ["dba"], verdict: "deny"),
                alice,
                .settled("approved"),
            ]
        ),
        ("dispatched twice", [.requested(quorum: 1), alice, .settled("approved"), .dispatched, .dispatched]),
        ("completed undispatched", [.requested(quorum: 1), alice, .settled("approved"), .completed]),
        ("completed twice", [.requested(quorum: 1), alice, .settled("approved"), .dispatched, .completed, .completed]),
        ("dispatched after its grant", [.requested(quorum: 1), alice, .settled("approved"), .late]),
        (
            "dispatched after it lapsed",
            [.requested(quorum: 1), alice, .settled("approved"), .settled("lapsed"), .dispatched]
        ),
        ("dispatched after a denial", [.requested(quorum: 1), .settled("denied"), .dispatched]),
        ("another action dispatched", [.requested(quorum: 1), alice, .settled("approved"), .otherAction]),
        ("requested twice", [.requested(quorum: 1), .requested(quorum: 1), alice, .settled("approved")]),
        ("not requested", [alice, .settled("approved"), .dispatched]),
        ("settled as redeemed", [.requested(quorum: 1), alice, .settled("redeemed")]),
        ("commented after its grant", [.requested(quorum: 1), alice, .settled("approved"), .commented(after: 200)]),
        (
            "commented after it lapsed",
            [.requested(quorum: 1), alice, .settled("approved"), .settled("lapsed"), .commented()]
        ),
        ("commented while it runs", [.requested(quorum: 1), alice, .settled("approved"), .dispatched, .commented()]),
        ("commented after its deadline", [.requested(quorum: 1), .commented(after: 100)]),
        ("commented by another agent", [.requested(quorum: 1), .commented(.agent(AgentID(unchecked: "other-bot")))]),
        ("commented by a user through nothing", [.requested(quorum: 1), .commented(.user(Fixtures.alice, via: nil))]),
        ("commented by the gateway", [.requested(quorum: 1), .commented(.gateway)]),
        (
            "approved by words",
            [
                .requested(quorum: 1), .commented(.user(Fixtures.alice, via: "dashboard"), text: "approved"),
                .settled("approved"),
            ]
        ),
        ("a comment without words", [.requested(quorum: 1), .commented(text: nil)]),
        ("decided after it was settled", [.requested(quorum: 1), alice, .settled("approved"), bob]),
    ]

    @Test("a signed log that breaks the rules gives no valid receipt", arguments: broken)
    func unsound(name: String, steps: [Step]) {
        #expect(throws: ReceiptError.self, "\(name)") { try verify(steps) }
    }
}
