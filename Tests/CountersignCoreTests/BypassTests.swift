import CanonicalJSON
import Cedar
import CountersignTestKit
import Testing

@testable import CountersignCore

/// Every way around the gates that was found or imagined.
///
/// This file only grows.
@Suite(.timeLimit(.minutes(10)))
struct BypassTests {
    private static let two =
        "permit (principal, action, resource);\n"
        + "@approvers(\"dba\") @quorum(\"2\") forbid (principal is Agent, action in Action::\"delete\", resource);\n"
    private static let both =
        "permit (principal, action, resource);\n"
        + "@approvers(\"dba, sre\") forbid (principal is Agent, action in Action::\"delete\", resource);\n"

    /// U+FDD0, which Swift does not take in a literal.
    private static let noncharacter = String(decoding: [0xEF, 0xB7, 0x90], as: UTF8.self)

    // MARK: what the action is

    @Test(
        "a JSON body is judged whatever its media type says",
        arguments: ["application/json", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded"],
    )
    func hiddenBody(_ mediaType: String) throws {
        let body = "\r\n\t {\"amount\": 5000}"
        #expect(try Self.payloadVerdict(mediaType, body) == "deny forbidden")
        #expect(try Self.payloadVerdict(mediaType, "{\"amount\": 5}") == "allow")
    }

    @Test(
        "a body that readers take differently is denied by a policy that looks inside it",
        arguments: [
            "{\"amount\": 5000, \"amount\": 5}", "{\"amount\": 5000} {}", "{\"amount\": 5000} //",
            "{\"amount\": 5000,}",
            "\u{FEFF}{\"amount\": 5000}", " \u{FEFF} {\"amount\": 5000}", "{'amount': 5000}", "{amount: 5000}",
            "{\"amount\": 99999999999999999999}", "{\"amount\": 5000, \"x\": \"\\ud800\"}", "{\"amount\": 5e3000}",
            "{\"amount\": 5000", "{\"amount\": 5000, \"x\": \"\t\"}", "{\"amount\": NaN}", "[{\"amount\": 5000}]",
            "{\"amount\": \"5000\"}",
            "{\"amount\": 05000}",
        ],
    )
    func ambiguousBody(_ body: String) throws {
        #expect(try Self.payloadVerdict("text/plain", body) == "deny policy-error")
    }

    @Test("characters that only some JSON readers take do not hide a body")
    func noncharacterBody() throws {
        #expect(
            try Self.payloadVerdict("text/plain", "{\"amount\": 5000, \"x\": \"" + Self.noncharacter + "\"}")
                == "deny forbidden"
        )
    }

    @Test("an action with characters that I-JSON does not take can still be approved, and is the same action")
    func noncharacterApproval() async throws {
        let stage = try Stage()
        let details: JSONObject = ["payload": ["text": .string(Self.noncharacter)]]
        let operation = Operation(
            protocol: "http",
            effect: .delete,
            resource: ResourceReference(type: "Endpoint", id: "orders-api/x")
        )
        let action = Action(
            agent: Fixtures.agent,
            onBehalfOf: nil,
            protocol: "http",
            connection: Fixtures.connection,
            operations: [operation],
            details: details
        )
        let approval = try await stage.approved(action)
        #expect(await stage.redeem(approval, action) == "dispatch")
    }

    @Test("precomposed and decomposed names are two names, to policy and to the digest")
    func canonicalEquivalence() throws {
        let one = Self.action(id: "orders-api/caf\u{E9}")
        let other = Self.action(id: "orders-api/cafe\u{301}")
        #expect(one.digest != other.digest)
        let text = "permit (principal, action, resource == Endpoint::\"orders-api/caf\u{E9}\");"
        #expect(Stage.name(try PolicyVerdictTests.judge(text, one).answer) == "allow")
        #expect(Stage.name(try PolicyVerdictTests.judge(text, other).answer) == "deny no-permit")
    }

    @Test("a Kelvin sign is not the K of a connection's name")
    func kelvin() throws {
        func document(_ id: String) -> String {
            """
            {"subject": {"type": "Agent", "id": "a"}, "action": {"name": "http:read"},
             "resource": {"type": "Connection", "id": "K"}, "context": {"operations": [
             {"effect": "read", "action": "http:read", "resource": {"type": "Connection", "id": "\(id)"}}]}}
            """
        }
        #expect(throws: ActionError.self) { try ActionTests.parse(document("\u{212A}")) }
        #expect(throws: ActionError.self) { try ActionTests.parse(document("\u{212A}/x")) }
        #expect(try ActionTests.parse(document("K")).operations.count == 1)
        #expect(try ActionTests.parse(document("K/x")).operations.count == 1)
    }

    @Test("one deletion among many reads is a deletion")
    func buried() throws {
        let effects = Array(repeating: CountersignCore.Effect.read, count: 200) + [.delete]
        let action = PolicyVerdictTests.action(effects)
        #expect(action.name == "postgres:delete")
        #expect(Stage.name(try PolicyVerdictTests.judge(Self.two, action).answer) == "gated policy1")
    }

    @Test("an agent cannot tell policy the time, its address or whom it acts for")
    func forgedContext() throws {
        let text = "permit (principal, action, resource) when { context has source_address };\n"
        let action = PolicyContextTests.action(["source_address": "10.0.0.1", "time": "2020-01-01T00:00:00Z"])
        #expect(Stage.name(try PolicyVerdictTests.judge(text, action).answer) == "deny no-permit")
    }

    // MARK: who decides

    @Test("the owner, the human acted for and a user named like the agent never decide, in whatever group")
    func selfApproval() async throws {
        let twin = Fixtures.agent.rawValue
        let stage = try Stage(users: Stage.users + [Stage.user(twin, "dba")])
        let approval = try await stage.hold(Fixtures.action(onBehalfOf: Fixtures.alice))
        for user in ["olga@example.com", "alice@example.com", twin] {
            #expect(await stage.decide(approval, user) == "refused self-approval")
            #expect(await stage.decide(approval, user, .deny) == "refused self-approval")
        }
        let entries = try await stage.entries(since: 1)
        #expect(
            entries.count == 6 && entries.allSatisfy { $0["accepted"] == false && $0["reasons"] == ["self-approval"] }
        )
        #expect(try await stage.now(approval) == approval)
    }

    @Test("a new owner does not decide, and the owner at the time of asking does not either")
    func newOwner() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        try stage.install(owner: Fixtures.alice)
        #expect(await stage.decide(approval, "alice@example.com") == "refused not-an-approver")
        #expect(await stage.decide(approval, "olga@example.com") == "refused self-approval")
        #expect(await stage.decide(approval, "bob@example.com") == "approved")
        try stage.install(owner: Fixtures.bob)
        #expect(await stage.redeem(approval) == "refused policy-changed")
    }

    @Test("a second record of somebody, in other letter cases, is not a second pair of eyes")
    func letterCases() async throws {
        let names = ["Olga@Example.com", "ALICE@example.com", "Bob@example.com", Fixtures.agent.rawValue.uppercased()]
        let stage = try Stage(Self.two, users: Stage.users + names.map { Stage.user($0, "dba") })
        let approval = try await stage.hold(Fixtures.action(onBehalfOf: Fixtures.alice))
        for name in names where name != "Bob@example.com" {
            #expect(await stage.decide(approval, name) == "refused self-approval")
        }
        #expect(await stage.decide(approval, "bob@example.com") == "pending")
        #expect(await stage.decide(approval, "Bob@example.com") == "refused already-decided")
        #expect(try await stage.now(approval).status == .pending)
        #expect(await stage.decide(approval, "dave@example.com") == "approved")
        try stage.install(Self.two, users: Stage.users, owner: UserID(unchecked: "DAVE@example.com"))
        #expect(await stage.redeem(approval, Fixtures.action(onBehalfOf: Fixtures.alice)) == "refused policy-changed")
    }

    @Test("an ask that policy gates more strictly does not profit from one that it gated less")
    func strongerAsk() async throws {
        let stage = try Stage(
            "permit (principal, action, resource);\n"
                + "@id(\"d\") @approvers(\"dba\") forbid (principal is Agent, action in Action::\"delete\", resource);\n"
                + "@id(\"far\") @approvers(\"sre\") forbid (principal is Agent, action in Action::\"delete\", resource)\n"
                + "when { context has source_address && context.source_address != ip(\"127.0.0.1\") };\n"
        )
        func ask(_ address: String, asynchronous: Bool = false) async throws -> Approval {
            let circumstances = Circumstances(sourceAddress: address)
            let admission = await stage.enforcement.admit(Fixtures.action(), circumstances, asynchronous: asynchronous)
            guard case .held(let approval) = admission else { throw Unexpected(Stage.name(admission)) }
            return approval
        }
        let near = try await ask("127.0.0.1")
        #expect(near.gates.map(\.policy) == ["d"])
        #expect(try await ask("127.0.0.1").id == near.id)
        let far = try await ask("192.0.2.1", asynchronous: true)
        #expect(far.id != near.id && far.gates.map(\.policy) == ["d", "far"])
        #expect(try await stage.now(near).status == .withdrawn)
        // The weaker ask attaches to the stronger, and takes nothing away from it.
        let again = try await ask("127.0.0.1", asynchronous: true)
        #expect(again.id == far.id && again.gates == far.gates && again.circumstances.sourceAddress == "192.0.2.1")
        #expect(await stage.decide(far, "alice@example.com") == "pending")
        #expect(await stage.decide(far, "carol@example.com") == "approved")
    }

    @Test("an ask that makes an approval asynchronous is judged again, and approvers go on reading the first one")
    func asynchronousCircumstances() async throws {
        let stage = try Stage(Self.two)
        let said = Circumstances(sourceAddress: "127.0.0.1", justification: "an entry that is there twice")
        _ = await stage.enforcement.admit(Fixtures.action(), said)
        let first = try await stage.hold()
        #expect(first.runsUnder == said)
        #expect(await stage.decide(first, "alice@example.com") == "pending")
        let other = Circumstances(sourceAddress: "192.0.2.1", justification: "Alice wants it", requestID: "other")
        _ = await stage.enforcement.admit(Fixtures.action(), other, asynchronous: true)
        let now = try await stage.now(first)
        #expect(now.asynchronous && now.decisions.count == 1 && now.circumstances == said && now.runsUnder == other)
    }

    @Test("the groups of a session do not count, only those of today's directory")
    func sessionGroups() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        let ballot = Ballot(.approve, reason: "", actionDigest: approval.digest)
        for id in ["eve@example.com", "nobody@example.com"] {
            let claim = SignedInUser(
                user: User(id: UserID(unchecked: id), groups: [Fixtures.approvers]),
                via: "dashboard",
                isLocalAdministrator: true,
            )
            #expect(
                Stage.name(await stage.enforcement.decide(approval.id, by: claim, ballot)) == "refused not-an-approver"
            )
        }
    }

    @Test("one person counts once: not twice, not for two groups, not after changing groups")
    func onePerson() async throws {
        let stage = try Stage(Self.both)
        let approval = try await stage.hold()
        #expect(await stage.decide(approval, "dave@example.com") == "pending")
        #expect(await stage.decide(approval, "dave@example.com") == "refused already-decided")
        try stage.install(
            Self.both,
            users: Stage.users.filter { $0.id.rawValue != "dave@example.com" }
                + [Stage.user("dave@example.com", "sre")]
        )
        #expect(await stage.decide(approval, "dave@example.com") == "refused already-decided")
        #expect(try await stage.now(approval).status == .pending)
        #expect(await stage.decide(approval, "carol@example.com") == "approved")
    }

    @Test("a decision on another digest, or on another preview, does not count")
    func otherDigest() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        let other = ActionDigest(of: [1])
        #expect(await stage.decide(approval, "alice@example.com", digest: other) == "refused digest-mismatch")
        #expect(await stage.decide(approval, "alice@example.com", preview: other) == "refused digest-mismatch")
        #expect(try await stage.now(approval).decisions.isEmpty)
        #expect(try await stage.kinds(since: 1) == ["approval.decided", "approval.decided"])
    }

    @Test("a gate on everything does not gate its own lifting, and a forbid on approving holds")
    func gatedApproving() async throws {
        let all = "permit (principal, action, resource);\n@approvers(\"dba\") forbid (principal, action, resource);\n"
        let stage = try Stage(all)
        let approval = try await stage.hold()
        try stage.install(
            all + "forbid (principal == User::\"alice@example.com\", action == Action::\"approve\", resource);"
        )
        #expect(await stage.decide(approval, "alice@example.com") == "refused not-an-approver")
        #expect(await stage.decide(approval, "bob@example.com") == "approved")
    }

    // MARK: what a grant is good for

    @Test("a grant is for one action, of one agent, for one human, on one connection")
    func otherAction() async throws {
        let stage = try Stage()
        try stage.install(agents: [Fixtures.agent, AgentID(unchecked: "other")])
        let approval = try await stage.approved()
        let others = [
            Fixtures.action(path: "/v1/customers/43"), Fixtures.action(agent: AgentID(unchecked: "other")),
            Fixtures.action(onBehalfOf: Fixtures.bob), Fixtures.action(effect: .read),
        ]
        let mark = stage.ledger.writes.entries
        for other in others { #expect(await stage.redeem(approval, other) == "refused digest-mismatch") }
        let entries = try await stage.entries(since: mark)
        #expect(entries.map { $0["kind"] } == Array(repeating: "action.denied", count: others.count))
        #expect(entries.map { $0["action"]?["digest"]?.stringValue } == others.map(\.digest.rawValue))
        #expect(await stage.redeem(approval) == "dispatch")
    }

    @Test("trying a grant on what policy denies does not take the grant away")
    func deniedOther() async throws {
        let text =
            Fixtures.policies + "forbid (principal, action, resource == Endpoint::\"orders-api/DELETE /forbidden\");"
        let stage = try Stage(text)
        let approval = try await stage.approved()
        #expect(await stage.redeem(approval, Fixtures.action(path: "/forbidden")) == "refused digest-mismatch")
        #expect(await stage.redeem(approval) == "dispatch")
    }

    @Test("a grant is used once, whatever became of the action", arguments: Outcome.Result.allResults)
    func once(_ result: Outcome.Result) async throws {
        let stage = try Stage()
        let approval = try await stage.approved()
        #expect(await stage.redeem(approval) == "dispatch")
        #expect(await stage.redeem(approval) == "taken")
        #expect(try await stage.complete(approval, result) == result.rawValue)
        #expect(await stage.redeem(approval) == "taken")
        try await stage.enforcement.delivered(approval.id)
        #expect(await stage.redeem(approval) == "taken")
        #expect(try await stage.kinds().count { $0 == "action.dispatched" } == 1)
    }

    @Test("another agent's identical ask gets neither the approval nor the result")
    func otherAgent() async throws {
        let stage = try Stage()
        try stage.install(agents: [Fixtures.agent, AgentID(unchecked: "other")])
        let approval = try await stage.approved()
        #expect(await stage.admit(Fixtures.action(agent: AgentID(unchecked: "other"))) == "held pending")
        #expect(await stage.redeem(approval) == "dispatch")
        #expect(try await stage.complete(approval, keep: true) == "succeeded")
        #expect(await stage.admit(Fixtures.action(agent: AgentID(unchecked: "other"))) == "held pending")
    }

    @Test("a grant that lapsed does not come back when the clock goes back")
    func clock() async throws {
        let stage = try Stage()
        let approval = try await stage.approved()
        stage.clock.advance(by: .seconds(300))
        #expect(await stage.redeem(approval) == "refused grant-lapsed")
        stage.clock.advance(by: .seconds(-200))
        #expect(await stage.redeem(approval) == "refused grant-lapsed")
        #expect(await stage.admit() == "refused clock-unreliable")
    }

    // MARK: when the world changes between approval and dispatch

    @Test(
        "policy that has become stricter takes the grant back, with one entry",
        arguments: [
            "", "permit (principal, action, resource); forbid (principal is Agent, action, resource);", two, both,
            Fixtures.policies + "forbid (principal is Agent, action, resource) when { 9223372036854775807 + 1 == 1 };",
        ],
    )
    func stricter(_ policies: String) async throws {
        let stage = try Stage()
        let approval = try await stage.approved()
        let mark = stage.ledger.writes.entries
        try stage.install(policies)
        #expect(await stage.redeem(approval).hasPrefix("refused policy-changed"))
        let entries = try await stage.entries(since: mark)
        #expect(entries.map { $0["kind"] } == ["approval.settled"] && entries[0]["status"] == "revoked")
        try stage.install()
        #expect(await stage.redeem(approval) == "refused approval-revoked")
    }

    @Test("policy that has become looser, or as strict in other words, leaves the grant")
    func looser() async throws {
        for policies in ["permit (principal, action, resource);", "// as it was\n" + Fixtures.policies] {
            let stage = try Stage()
            let approval = try await stage.approved()
            try stage.install(policies)
            #expect(await stage.redeem(approval) == "dispatch")
        }
    }

    @Test("looser policy does not turn a pending approval into a grant")
    func loosened() async throws {
        let stage = try Stage(Self.two)
        let approval = try await stage.hold()
        #expect(await stage.decide(approval, "alice@example.com") == "pending")
        try stage.install(Fixtures.policies)
        #expect(await stage.redeem(approval) == "refused approval-required")
        #expect(try await stage.now(approval).status == .pending)
    }

    @Test("an approval by somebody who has left, or left the group, does not carry a dispatch")
    func leftTheGroup() async throws {
        for replacement in [[], [Stage.user("alice@example.com")], [Stage.user("alice@example.com", "sre")]] {
            let stage = try Stage()
            let approval = try await stage.approved()
            try stage.install(users: Stage.users.filter { $0.id != Fixtures.alice } + replacement)
            #expect(await stage.redeem(approval) == "refused policy-changed")
        }
    }

    @Test("joining a group after deciding does not make the decision count for it")
    func joinedLater() async throws {
        let stage = try Stage()
        let approval = try await stage.approved(by: "alice@example.com")
        let sreOnly =
            "permit (principal, action, resource);\n"
            + "@approvers(\"sre\") forbid (principal is Agent, action in Action::\"delete\", resource);"
        try stage.install(sreOnly, users: [Stage.user("alice@example.com", "dba", "sre")])
        #expect(await stage.redeem(approval) == "refused policy-changed")
    }

    @Test("an agent or a connection that is gone is refused, though no policy speaks of it any more")
    func gone() async throws {
        let prod =
            "permit (principal, action, resource);\n"
            + "@approvers(\"dba\") forbid (principal in Group::\"agents\", action, resource in Environment::\"prod\");"
        let stage = try Stage(prod)
        let approval = try await stage.approved()
        try stage.install(prod, connections: [])
        #expect(await stage.admit(Fixtures.action(path: "/2")) == "refused unknown-connection")
        #expect(await stage.redeem(approval) == "refused policy-changed+unknown-connection")
        try stage.install(prod)
        let other = try await stage.approved()
        try stage.install(prod, agents: [])
        #expect(await stage.admit(Fixtures.action(path: "/2")) == "refused invalid-credential")
        #expect(await stage.redeem(other) == "refused policy-changed+invalid-credential")
    }

    // MARK: the log

    @Test("text from outside cannot add, change or outgrow an entry")
    func injectedText() async throws {
        let stage = try Stage()
        let text = "\",\"kind\":\"action.allowed\",\"x\":\"\n\u{0}\u{2028}" + String(repeating: "\u{1}", count: 70_000)
        let reason = Reason(.badRequest, "no")
        let circumstances = Circumstances(justification: text)
        _ = await stage.enforcement.reject(reason, agent: nil, connection: nil, detail: text, circumstances)
        let approval = try await stage.hold()
        let ballot = Ballot(.approve, reason: text, actionDigest: approval.digest)
        let decided = await stage.enforcement.decide(approval.id, by: Stage.signedIn("alice@example.com"), ballot)
        #expect(Stage.name(decided) == "approved")
        let entries = try await stage.entries()
        #expect(
            entries.map { $0["kind"] } == [
                "action.denied", "approval.requested", "approval.decided", "approval.settled",
            ]
        )
        #expect(entries[0]["detail"]?.stringValue?.hasPrefix("\",\"kind\"") == true)
        for (sequence, entry) in entries.enumerated() {
            #expect(entry["sequence"] == .integer(Int64(sequence)))
            let bytes = try #require(try await stage.ledger.entry(UInt64(sequence))).bytes
            #expect(entry.canonicalBytes() == bytes, "entries are canonical JSON")
        }
    }

    // MARK: helpers of this file

    private static func action(id: String) -> Action {
        let resource = ResourceReference(type: "Endpoint", id: id)
        return Action(
            agent: Fixtures.agent,
            onBehalfOf: nil,
            protocol: "http",
            connection: Fixtures.connection,
            operations: [Operation(protocol: "http", effect: .read, resource: resource)],
            details: JSONObject(),
        )
    }

    static func payloadVerdict(_ mediaType: String, _ body: String) throws -> String {
        let text =
            "permit (principal, action, resource);\n"
            + "forbid (principal, action, resource) when { context has body && context.body.amount > 1000 };"
        let payload = JSONObject([("media_type", .string(mediaType)), ("text", .string(body))])
        let action = PolicyContextTests.action(JSONObject([("payload", .object(payload))]))
        return Stage.name(try PolicyVerdictTests.judge(text, action).answer)
    }
}

extension Outcome.Result {
    /// Every kind of outcome.
    fileprivate static let allResults: [Outcome.Result] = [.succeeded, .failed, .unknown]
}

@Suite("Bodies that are not in the document", .timeLimit(.minutes(10)))
struct HiddenBodyTests {
    @Test(
        "a body that may be JSON is a text to policy, whatever keeps it out of the document",
        arguments: [
            ("{\"danger\": true", nil, true), ("  \n\t[", nil, true), (String(repeating: " ", count: 512), nil, true),
            ("", nil, true), ("\u{FFFD}\u{FFFD}{\0\"", nil, true), ("\0{\0\"", nil, true),
            ("\u{1F}\u{FFFD}", "gzip", true),
            ("xxxx", nil, false), ("\u{1F}\u{FFFD}", nil, false),
        ] as [(String, String?, Bool)]
    )
    func hidden(excerpt: String, coding: String?, isSeen: Bool) throws {
        var headers = JSONObject()
        if let coding { headers["content-encoding"] = [.string(coding)] }
        let details = JSONObject([
            ("headers", .object(headers)),
            ("payload", ["bytes": 70_000, "excerpt": .string(excerpt), "media_type": "text/plain", "sha256": "x"]),
        ])
        let action = Action(
            agent: Fixtures.agent,
            onBehalfOf: nil,
            protocol: "http",
            connection: Fixtures.connection,
            operations: [Fixtures.action().operations[0]],
            details: details,
        )
        let context = PolicyContext.record(of: action, Circumstances(), now: Timestamp(microseconds: 0))
        #expect((context["body"] != nil) == isSeen)
    }
}
