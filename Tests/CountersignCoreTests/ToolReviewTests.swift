import CanonicalJSON
import CountersignTestKit
import Testing

@testable import CountersignCore

@Suite("Definitions of tools are accepted before they are used", .timeLimit(.minutes(10)))
struct ToolReviewTests {
    static let connection = ConnectionName(unchecked: "files")
    static let permit = "permit (principal, action, resource);"

    static func listed(_ tool: String = "counter", _ text: String = "one") -> ListedTool {
        ListedTool(name: tool, canonical: Array(text.utf8))
    }

    /// A call of a tool as the gateway makes it of one that its server lists so.
    static func call(
        _ tool: String = "counter",
        _ text: String? = "one",
        on connection: ConnectionName = connection,
        effect: CountersignCore.Effect = .read,
    ) -> Action {
        var details = JSONObject([("arguments", [:]), ("method", "tools/call"), ("tool", .string(tool))])
        if let text { details["definition"] = .string(listed(tool, text).digest.rawValue) }
        let resource = ResourceReference(type: "Tool", id: "\(connection)/\(tool)")
        return Action(
            agent: Fixtures.agent,
            onBehalfOf: nil,
            protocol: "mcp",
            connection: connection,
            operations: [Operation(protocol: "mcp", effect: effect, resource: resource)],
            details: details,
        )
    }

    static func stage(
        _ policies: String = permit,
        mode: ToolReview.Mode = .firstUse,
        reviewers: String...,
    ) throws -> Stage {
        let stage = try Stage(policies)
        try install(stage, policies, mode, reviewers)
        return stage
    }

    static func install(
        _ stage: Stage,
        _ policies: String = permit,
        _ mode: ToolReview.Mode = .firstUse,
        _ reviewers: [String],
    ) throws {
        let review = ToolReview(mode: mode, reviewers: reviewers.map { GroupName(unchecked: $0) })
        let names = [connection, ConnectionName(unchecked: "other")]
        try stage.install(policies, connections: names.map { Connection(name: $0, kind: "mcp", tools: review) })
    }

    static func accept(_ stage: Stage, _ text: String, by user: String, admin: Bool = false) async -> String {
        let user = SignedInUser(
            user: User(id: UserID(unchecked: user)),
            via: "dashboard",
            isLocalAdministrator: admin,
        )
        let name = ToolName(connection, "counter")
        switch await stage.enforcement.acceptTool(name, digest: listed("counter", text).digest, by: user) {
        case .success(let standing): return standing.status.rawValue
        case .failure(let reason): return "refused " + reason.code.rawValue
        }
    }

    static func status(_ stage: Stage, _ tool: String = "counter") -> ToolStanding.Status? {
        stage.enforcement.tools.standing(ToolName(connection, tool))?.status
    }

    @Test("the first list is accepted as it is, one entry for each tool, and later ones are not")
    func firstUse() async throws {
        let stage = try Self.stage()
        await stage.enforcement.toolsListed(
            [Self.listed("a"), Self.listed("b"), Self.listed("a", "x")],
            on: Self.connection
        )
        #expect(try await stage.kinds() == ["configuration.changed", "configuration.changed"])
        let entry = try #require(try await stage.entries().first)
        #expect(entry["actor"]?["type"] == "System")
        #expect(entry["tool_definition"]?["tool"] == "a" && entry["tool_definition"]?["previous"] == .null)
        #expect(try await stage.ledger.acceptedTools().map(\.text) == ["one", "one"])
        await stage.enforcement.toolsListed([Self.listed("a"), Self.listed("c")], on: Self.connection)
        #expect(try await stage.kinds().count == 2)
        #expect(Self.status(stage, "a") == .accepted)
        #expect(Self.status(stage, "b") == .gone)
        #expect(Self.status(stage, "c") == .new)
    }

    @Test("review accepts nothing by itself")
    func review() async throws {
        let stage = try Self.stage(mode: .review)
        await stage.enforcement.toolsListed([Self.listed()], on: Self.connection)
        #expect(Self.status(stage) == .new)
        #expect(await stage.admit(Self.call()) == "refused tool-not-accepted")
    }

    @Test("a ledger that cannot write accepts nothing")
    func brokenLedger() async throws {
        let stage = try Self.stage()
        stage.ledger.failNext()
        await stage.enforcement.toolsListed([Self.listed()], on: Self.connection)
        #expect(Self.status(stage) == .new)
        #expect(await stage.admit(Self.call()) == "refused tool-not-accepted")
        // The next list is the first that can be kept.
        await stage.enforcement.toolsListed([Self.listed()], on: Self.connection)
        #expect(await stage.admit(Self.call()) == "allowed")
    }

    @Test("of two first lists at once, the call of the one that lost is judged by what the other had accepted")
    func twoFirstLists() async throws {
        let stage = try Self.stage()
        // The other list is in the ledger, and its task has not come back from there yet.
        let other = AcceptedTool(Self.listed(), on: Self.connection, by: .gateway, at: stage.clock.time())
        let change = ToolAcceptance(other, previous: nil)
        let commit = Commit(entries: [stage.enforcement.entries.accepted(change)], tools: [change])
        guard case .committed = try await stage.ledger.commit(commit) else {
            Issue.record("the other list was not accepted")
            return
        }
        await stage.enforcement.toolsListed([Self.listed(), Self.listed("more")], on: Self.connection)
        #expect(try await stage.kinds().count == 1)
        #expect(await stage.admit(Self.call()) == "allowed")
        #expect(await stage.admit(Self.call("more")) == "refused tool-not-accepted")
    }

    @Test("a call of a changed tool waits for the reviewers, on top of policy's gates")
    func gated() async throws {
        let text = Self.permit + "@id(\"reads\") @approvers(\"sre\") forbid (principal is Agent, action, resource);"
        let stage = try Self.stage(text, reviewers: "dba")
        await stage.enforcement.toolsListed([Self.listed()], on: Self.connection)
        #expect(try await stage.hold(Self.call()).gates.map(\.policy) == ["reads"])
        let changed = Self.call("counter", "two")
        let approval = try await stage.hold(changed)
        #expect(approval.gates.map(\.policy) == ["reads", "tool-definition-changed"])
        #expect(await stage.decide(approval, "carol@example.com") == "pending")
        #expect(await stage.redeem(approval, changed) == "refused approval-required")
        #expect(await stage.decide(approval, "alice@example.com") == "approved")
        #expect(await stage.redeem(approval, changed) == "dispatch")
    }

    @Test(
        "without reviewers, or with a group that has no members, it is refused",
        arguments: [[], ["nobody"], ["dba", "nobody"]]
    )
    func refused(_ reviewers: [String]) async throws {
        let stage = try Self.stage()
        try Self.install(stage, Self.permit, .firstUse, reviewers)
        await stage.enforcement.toolsListed([Self.listed()], on: Self.connection)
        #expect(await stage.admit(Self.call("counter", "two")) == "refused tool-not-accepted")
        #expect(await stage.admit(Self.call("counter", nil)) == "refused tool-not-accepted")
        #expect(try await stage.entries().last?["reasons"] == ["tool-not-accepted"])
    }

    @Test("what policy denies is denied for policy's reason")
    func deniedAnyway() async throws {
        let stage = try Self.stage("forbid (principal, action, resource);", reviewers: "dba")
        #expect(await stage.admit(Self.call()) == "refused forbidden")
    }

    @Test("a reviewer or the local administrator accepts, exactly what the server lists, and the entry says who")
    func accepting() async throws {
        let stage = try Self.stage(reviewers: "dba")
        await stage.enforcement.toolsListed([Self.listed()], on: Self.connection)
        await stage.enforcement.toolsListed([Self.listed("counter", "two")], on: Self.connection)
        #expect(Self.status(stage) == .changed)
        #expect(await Self.accept(stage, "two", by: "carol@example.com") == "refused not-allowed")
        #expect(await Self.accept(stage, "one", by: "alice@example.com") == "refused digest-mismatch")
        #expect(await Self.accept(stage, "two", by: "alice@example.com") == "accepted")
        #expect(await Self.accept(stage, "two", by: "alice@example.com") == "accepted")
        #expect(try await stage.kinds() == ["configuration.changed", "configuration.changed"])
        let entry = try #require(try await stage.entries().last)
        #expect(entry["actor"]?["id"] == "alice@example.com")
        #expect(entry["tool_definition"]?["previous"]?.stringValue == Self.listed().digest.rawValue)
        #expect(await stage.admit(Self.call("counter", "two")) == "allowed")
        await stage.enforcement.toolsListed([Self.listed("counter", "three")], on: Self.connection)
        #expect(await Self.accept(stage, "three", by: "eve@example.com", admin: true) == "accepted")
    }

    @Test("the server's return to what was accepted needs nobody")
    func back() async throws {
        let stage = try Self.stage(reviewers: "dba")
        for text in ["one", "two", "one"] {
            await stage.enforcement.toolsListed([Self.listed("counter", text)], on: Self.connection)
        }
        #expect(Self.status(stage) == .accepted)
        #expect(await stage.admit(Self.call()) == "allowed")
    }

    @Test("what was accepted survives a restart, what servers list does not")
    func restart() async throws {
        let stage = try Self.stage(reviewers: "dba")
        await stage.enforcement.toolsListed([Self.listed()], on: Self.connection)
        let book = ToolBook(try await stage.ledger.acceptedTools())
        #expect(book.standing(ToolName(Self.connection, "counter"))?.status == .unseen)
    }

    @Test("the entries tell the table, and an entry that does not follow from the one before is refused")
    func replay() async throws {
        let stage = try Self.stage(reviewers: "dba")
        await stage.enforcement.toolsListed([Self.listed()], on: Self.connection)
        await stage.enforcement.toolsListed([Self.listed("counter", "two")], on: Self.connection)
        _ = await Self.accept(stage, "two", by: "alice@example.com")
        var replay = StateReplay()
        var told = [ToldEntry]()
        for sequence in 0..<UInt64(2) {
            let entry = try #require(try await stage.ledger.entry(sequence))
            told.append(try ToldEntry(entry.bytes))
            #expect(told.last?.lack == nil)
            #expect(told.last?.subject.connection == "files")
            _ = try replay.take(try #require(told.last))
        }
        let stored = try #require(try await stage.ledger.acceptedTools().first)
        #expect(replay.tools.difference(from: stored) == nil)
        let other = AcceptedTool(Self.listed(), on: Self.connection, by: stored.by, at: stored.at)
        #expect(replay.tools.difference(from: other)?.field == "digest")
        #expect(throws: ReplayError.self) { _ = try replay.take(told[1]) }
    }
}

/// Ways around the acceptance of definitions.
///
/// This file only grows.
extension BypassTests {
    @Test("a changed tool cannot be called under an approval of the old one, nor the old one's name under the new")
    func changedTool() async throws {
        let text =
            ToolReviewTests.permit + "@id(\"all\") @approvers(\"dba\") forbid (principal is Agent, action, resource);"
        let stage = try ToolReviewTests.stage(text, reviewers: "sre")
        await stage.enforcement.toolsListed([ToolReviewTests.listed()], on: ToolReviewTests.connection)
        let approval = try await stage.approved(ToolReviewTests.call())
        await stage.enforcement.toolsListed([ToolReviewTests.listed("counter", "two")], on: ToolReviewTests.connection)
        #expect(await stage.redeem(approval, ToolReviewTests.call("counter", "two")) == "refused digest-mismatch")
        // The approval stands for the definition that was seen, and for no other.
        #expect(await stage.redeem(approval, ToolReviewTests.call()) == "dispatch")
    }

    @Test("an approval of an accepted tool does not outlive the acceptance")
    func withdrawnAcceptance() async throws {
        let text =
            ToolReviewTests.permit + "@id(\"all\") @approvers(\"dba\") forbid (principal is Agent, action, resource);"
        let stage = try ToolReviewTests.stage(text, reviewers: "sre")
        await stage.enforcement.toolsListed([ToolReviewTests.listed()], on: ToolReviewTests.connection)
        let approval = try await stage.approved(ToolReviewTests.call())
        await stage.enforcement.toolsListed([ToolReviewTests.listed("counter", "two")], on: ToolReviewTests.connection)
        #expect(await ToolReviewTests.accept(stage, "two", by: "carol@example.com") == "accepted")
        #expect(await stage.redeem(approval, ToolReviewTests.call()) == "refused policy-changed")
    }

    @Test("two servers with one tool name: what is accepted of one says nothing of the other")
    func sameName() async throws {
        let stage = try ToolReviewTests.stage()
        let other = ConnectionName(unchecked: "other")
        await stage.enforcement.toolsListed([ToolReviewTests.listed("reader")], on: other)
        await stage.enforcement.toolsListed([ToolReviewTests.listed()], on: ToolReviewTests.connection)
        #expect(await stage.admit(ToolReviewTests.call()) == "allowed")
        #expect(await stage.admit(ToolReviewTests.call(on: other)) == "refused tool-not-accepted")
    }

    @Test("a tool whose name only looks the same is another tool")
    func equivalentName() async throws {
        let stage = try ToolReviewTests.stage()
        await stage.enforcement.toolsListed([ToolReviewTests.listed("caf\u{E9}")], on: ToolReviewTests.connection)
        #expect(await stage.admit(ToolReviewTests.call("caf\u{E9}")) == "allowed")
        let twin = ToolReviewTests.call("cafe\u{301}")
        #expect(await stage.admit(twin) == "refused tool-not-accepted")
    }

    @Test("a reviewer who leaves the group before the call takes the vote along")
    func formerReviewer() async throws {
        let stage = try ToolReviewTests.stage(mode: .review, reviewers: "sre")
        let approval = try await stage.approved(ToolReviewTests.call(), by: "carol@example.com")
        let users =
            Stage.users.filter { $0.id.rawValue != "carol@example.com" } + [Stage.user("carol@example.com", "dba")]
        let review = ToolReview(mode: .review, reviewers: [GroupName(unchecked: "sre")])
        try stage.install(
            ToolReviewTests.permit,
            users: users,
            connections: [Connection(name: ToolReviewTests.connection, kind: "mcp", tools: review)],
        )
        #expect(await stage.redeem(approval, ToolReviewTests.call()) == "refused policy-changed")
    }

    @Test("the agent's owner does not approve a call of a tool that nobody has accepted")
    func ownTool() async throws {
        let stage = try ToolReviewTests.stage(mode: .review, reviewers: "dba")
        let approval = try await stage.hold(ToolReviewTests.call())
        #expect(await stage.decide(approval, "olga@example.com") == "refused self-approval")
    }
}
