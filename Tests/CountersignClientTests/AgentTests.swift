import CountersignClient
import Testing

@Suite("A program that asks a real gateway", .timeLimit(.minutes(5)), .serialized)
struct AgentTests {
    private static func removal(_ number: Int, body: String? = nil) -> ActionDescription {
        .http("DELETE", "/v1/orders/\(number)", on: "orders", effect: .delete, body: body)
    }

    private static func agent(_ gateway: RunningGateway) throws -> CountersignAgent {
        try CountersignAgent(url: gateway.url, id: "bot", key: RunningGateway.key)
    }

    /// The approval of what people must approve.
    private static func pending(_ agent: CountersignAgent, _ action: ActionDescription) async throws -> Approval {
        guard case .pending(let approval) = try await agent.submit(action) else {
            throw RunningGateway.Missing(description: "nobody was asked")
        }
        return approval
    }

    /// The code and the gateway's own first reason of what is thrown.
    private static func thrown(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "nothing"
        } catch let error as CountersignError {
            return ([error.code.rawValue] + error.reasons.prefix(1).map(\.code)).joined(separator: " ")
        } catch {
            return "\(error)"
        }
    }

    private struct Broken: Error {}

    @Test("what policy allows is done at once, and what it denies is not")
    func plain() async throws {
        try await RunningGateway.with { gateway in
            let agent = try Self.agent(gateway)
            let read = ActionDescription.http("GET", "/v1/orders", on: "orders", effect: .read)
            let value = try await agent.withApproval(for: read) { permission in
                guard case .policy = permission else { return "a grant" }
                return "done"
            }
            #expect(value == "done")
            let denied = ActionDescription.http("POST", "/forbidden/x", on: "orders", effect: .write)
            var ran = false
            let said = await Self.thrown { try await agent.withApproval(for: denied) { _ in ran = true } }
            #expect(said == "denied forbidden" && !ran)
            let wrong = ActionDescription.http("POST", "/v1/exports", on: "orders", effect: .read)
            #expect(await Self.thrown { try await agent.withApproval(for: wrong) { _ in } } == "denied effect-mismatch")
            let none = ActionDescription.http("GET", "/v1/orders", on: "nowhere", effect: .read)
            let nowhere = await Self.thrown { try await agent.withApproval(for: none) { _ in } }
            #expect(nowhere == "denied unknown-connection")
        }
    }

    @Test("a held action is waited for, done once under a grant, and its outcome reported")
    func whole() async throws {
        try await RunningGateway.with { gateway in
            let agent = try Self.agent(gateway)
            let action = Self.removal(1, body: "{\"reason\":\"zweimal bestellt – ü\"}")
            let words = "Doppelt:\n\u{7F}ü"
            guard case .pending(let approval) = try await agent.submit(action, justification: words) else {
                throw RunningGateway.Missing(description: "nobody was asked")
            }
            #expect(approval.status == .pending && approval.dashboard?.hasSuffix(approval.id) == true)
            async let waited = agent.wait(for: approval, atMost: .seconds(60))
            try await gateway.decide("approve", approval.id)
            let approved = try await waited
            #expect(approved.status == .approved && approved.decisions.map(\.user) == ["alice@example.com"])
            let token = try await agent.withApproval(for: action) { permission in
                guard case .grant(let grant) = permission else { return "" }
                #expect(grant.approval.id == approval.id && grant.approval.status == .redeemed)
                return grant.token
            }
            #expect(token.split(separator: ".").count == 3)
            let shown = try await gateway.command(["approvals", "show", approval.id, "--json", "--url", gateway.url])
            #expect(shown.contains("\"succeeded\"") && shown.contains("Doppelt:  ü"))
            // It was done: the same action is a new question.
            #expect(try await Self.pending(agent, action).id != approval.id)
        }
    }

    @Test("a grant is used once, however many use it at once")
    func once() async throws {
        try await RunningGateway.with { gateway in
            let agent = try Self.agent(gateway)
            let approval = try await Self.pending(agent, Self.removal(2))
            try await gateway.decide("approve", approval.id)
            let answers = await withTaskGroup(of: String.self) { group in
                for _ in 0..<8 { group.addTask { await Self.thrown { _ = try await agent.redeem(approval) } } }
                return await group.reduce(into: [String]()) { $0.append($1) }
            }
            #expect(answers.filter { $0 == "nothing" }.count == 1)
            #expect(answers.filter { $0 == "refused grant-used" }.count == 7)
            // Whoever asks for the same now is told that it is under way.
            let again = await Self.thrown { try await agent.withApproval(for: Self.removal(2)) { _ in } }
            #expect(again == "under-way")
            try await agent.report(Outcome(.failed, status: 500, detail: "the API said no"), of: approval)
            let twice = await Self.thrown { try await agent.report(Outcome(.succeeded), of: approval) }
            #expect(twice == "refused already-decided")
        }
    }

    @Test("a body that throws has an outcome: unknown, unless its error tells more")
    func failures() async throws {
        try await RunningGateway.with { gateway in
            let agent = try Self.agent(gateway)
            for (number, expected) in [(3, "unknown"), (4, "failed")] {
                let approval = try await Self.pending(agent, Self.removal(number))
                try await gateway.decide("approve", approval.id)
                await #expect(throws: Broken.self) {
                    if expected == "unknown" {
                        try await agent.withApproval(for: Self.removal(number)) { _ in throw Broken() }
                    } else {
                        try await agent.withApproval(
                            for: Self.removal(number),
                            outcome: { _ in Outcome(.failed, status: 404) }
                        ) { _ in throw Broken() }
                    }
                }
                let shown = try await gateway.command([
                    "approvals", "show", approval.id, "--json", "--url", gateway.url,
                ])
                #expect(shown.filter { !$0.isWhitespace }.contains("\"result\":\"\(expected)\""))
            }
        }
    }

    @Test("a caller that is cancelled while it acts has still said what came of it")
    func cancelled() async throws {
        try await RunningGateway.with { gateway in
            let agent = try Self.agent(gateway)
            let approval = try await Self.pending(agent, Self.removal(5))
            try await gateway.decide("approve", approval.id)
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try? await agent.withApproval(for: Self.removal(5)) { _ in
                        unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                    }
                }
            }
            let shown = try await gateway.command(["approvals", "show", approval.id, "--json", "--url", gateway.url])
            #expect(shown.contains("succeeded"))
        }
    }

    @Test("whatever people and time say but yes is thrown, and nothing is done")
    func refused() async throws {
        try await RunningGateway.with { gateway in
            let agent = try Self.agent(gateway)
            var ran = 0
            let denied = try await Self.pending(agent, Self.removal(6))
            async let decision = agent.wait(for: denied, atMost: .seconds(60))
            try await gateway.decide("deny", denied.id, reason: "wrong order")
            #expect(try await decision.status == .denied)
            #expect(await Self.thrown { _ = try await agent.redeem(denied) } == "refused approval-denied")

            let waiting = await Self.thrown {
                try await agent.withApproval(for: Self.removal(7), waiting: .seconds(1)) { _ in ran += 1 }
            }
            #expect(waiting == "still-pending")
            let taken = try await agent.withdraw(try await Self.pending(agent, Self.removal(7)))
            #expect(taken.status == .withdrawn)

            let brief = ActionDescription.http("POST", "/brief/x", on: "orders", effect: .write)
            #expect(await Self.thrown { try await agent.withApproval(for: brief) { _ in ran += 1 } } == "not-approved")

            let short = ActionDescription.http("POST", "/short/x", on: "orders", effect: .write)
            let approval = try await Self.pending(agent, short)
            try await gateway.decide("approve", approval.id)
            var late = approval
            while late.status != .lapsed {
                guard case .pending(let now) = try await agent.submit(short), now.id == approval.id else { break }
                late = now
            }
            #expect(await Self.thrown { _ = try await agent.redeem(approval) } == "refused grant-lapsed")
            #expect(ran == 0)
        }
    }

    @Test("without a gateway, or with a wrong key, nothing is done")
    func nobody() async throws {
        let url = "http://127.0.0.1:1"
        let nowhere = try CountersignAgent(url: url, id: "bot", key: RunningGateway.key, patience: .seconds(1))
        #expect(await Self.thrown { try await nowhere.withApproval(for: Self.removal(8)) { _ in } } == "unreachable")
        try await RunningGateway.with { gateway in
            let stranger = try CountersignAgent(url: gateway.url, id: "bot", key: "cs_somebody-elses-key")
            let said = await Self.thrown { try await stranger.withApproval(for: Self.removal(8)) { _ in } }
            #expect(said == "refused invalid-credential")
            let other = try CountersignAgent(url: gateway.url + "/", id: "other-bot", key: RunningGateway.key)
            #expect(await Self.thrown { _ = try await other.submit(Self.removal(8)) } == "refused not-allowed")
        }
        let wrong = [
            ("ftp://h", "cs_x"), ("http://", "cs_x"), ("http://h?x", "cs_x"), ("http://h", "a\nb"), ("http://h", ""),
        ]
        for (url, key) in wrong {
            #expect(throws: CountersignError.self) { try CountersignAgent(url: url, id: "bot", key: key) }
        }
    }
}
