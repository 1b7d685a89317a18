import CanonicalJSON
import CountersignCore
import CountersignTestKit
import Testing

@Suite("Payloads are erased by those who may, once, and with an entry", .timeLimit(.minutes(10)))
struct ErasureTests {
    private let administrator = SignedInUser(
        user: User(id: UserID(unchecked: "local-administrator")),
        via: "local-administrator",
        isLocalAdministrator: true,
    )

    private func settled(_ stage: Stage, _ path: String = "/v1/customers/42") async throws -> Approval {
        let approval = try await stage.hold(Fixtures.action(path: path))
        return try await stage.enforcement.withdraw(approval.id, by: Fixtures.agent).get()
    }

    private func value(_ stage: Stage, _ sequence: UInt64) async throws -> JSONValue {
        try JSONParser.parse(#require(try await stage.ledger.entry(sequence)).bytes)
    }

    @Test("the entry tells who erased what and why, and the approval shows it")
    func erases() async throws {
        let stage = try Stage()
        let approval = try await settled(stage)
        let erased = try await stage.enforcement.erase(.entry(1), reason: "asked to", by: administrator).get()
        #expect(erased.sequences == [0] && erased.approval == approval.id && erased.entry == 2)
        let entry = try await value(stage, 2)
        #expect(entry["kind"]?.stringValue == "payload.erased")
        #expect(entry["actor"]?["via"]?.stringValue == "local-administrator")
        #expect(entry["reason"]?.stringValue == "asked to")
        #expect(entry["erased"]?["approval"]?.stringValue == approval.id.rawValue)
        #expect(entry["erased"]?["reason"]?.stringValue == "request")
        #expect(entry["erased"]?["sequences"] == [0] && entry["erased"]?["count"] == 1)
        let after = try #require(try await stage.ledger.approval(approval.id))
        #expect(after.document == nil && after.erasedBy == 2)
    }

    @Test("erasing again says that it is done, and writes nothing")
    func twice() async throws {
        let stage = try Stage()
        let approval = try await settled(stage)
        _ = try await stage.enforcement.erase(.approval(approval.id), reason: "r", by: administrator).get()
        let writes = stage.ledger.writes
        for target in [Enforcement.ErasureTarget.approval(approval.id), .entry(0)] {
            let again = await stage.enforcement.erase(target, reason: "r", by: administrator)
            #expect(throws: Reason(.alreadyErased, ReasonCode.alreadyErased.explanation)) { try again.get() }
        }
        #expect(stage.ledger.writes == writes)
    }

    @Test("an approval under way is not erased, whatever is named")
    func underWay() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        for target in [Enforcement.ErasureTarget.approval(approval.id), .entry(0)] {
            guard case .failure(let reason) = await stage.enforcement.erase(target, reason: "r", by: administrator)
            else {
                Issue.record("\(target) was erased")
                continue
            }
            #expect(reason.code == .wrongState)
        }
        #expect(try await stage.ledger.approval(approval.id)?.document != nil)
        #expect(stage.ledger.writes.entries == 1)
    }

    @Test("only the local administrator and the groups of payloads.erasers may", arguments: [false, true])
    func who(isEraser: Bool) async throws {
        let settings = EnforcementSettings(erasers: isEraser ? [GroupName(unchecked: "sre")] : [])
        let stage = try Stage(settings: settings)
        let approval = try await settled(stage)
        // The session's groups are not asked: today's directory is.
        let alice = Fixtures.signedIn(UserID(unchecked: "alice@example.com"))
        let carol = Fixtures.signedIn(UserID(unchecked: "carol@example.com"))
        let refused = await stage.enforcement.erase(.approval(approval.id), reason: "r", by: alice)
        #expect { try refused.get() } throws: { ($0 as? Reason)?.code == .notAllowed }
        let result = await stage.enforcement.erase(.approval(approval.id), reason: "r", by: carol)
        if isEraser {
            #expect(try result.get().sequences == [0])
        } else {
            #expect { try result.get() } throws: { ($0 as? Reason)?.code == .notAllowed }
        }
    }

    @Test("an entry without a payload, and one that is not there, are refused")
    func nothing() async throws {
        let stage = try Stage()
        _ = await stage.enforcement.reject(
            Reason(.badRequest, "no"),
            agent: Fixtures.agent,
            connection: nil,
            detail: "d",
            Circumstances(),
        )
        let none = await stage.enforcement.erase(.entry(0), reason: "r", by: administrator)
        #expect { try none.get() } throws: { ($0 as? Reason)?.code == .wrongState }
        let missing = await stage.enforcement.erase(.entry(9), reason: "r", by: administrator)
        #expect { try missing.get() } throws: { ($0 as? Reason)?.code == .notFound }
        let id = ApprovalID(now: stage.clock.time(), random: 0, 7)
        let unknown = await stage.enforcement.erase(.approval(id), reason: "r", by: administrator)
        #expect { try unknown.get() } throws: { ($0 as? Reason)?.code == .notFound }
    }

    @Test("of many who erase the same at once one wins, and one entry is written")
    func race() async throws {
        let stage = try Stage()
        let approval = try await settled(stage)
        let administrator = administrator
        let wins = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let result = await stage.enforcement.erase(.approval(approval.id), reason: "r", by: administrator)
                    return (try? result.get()) != nil
                }
            }
            var wins = 0
            for await won in group where won { wins += 1 }
            return wins
        }
        #expect(wins == 1 && stage.ledger.writes.entries == 3)
    }

    @Test("an identical ask after an erasure is a new action, also where a result was waiting")
    func asksAnew() async throws {
        let stage = try Stage()
        let action = Fixtures.action()
        let approval = try await stage.hold(action)
        let ballot = Ballot(.approve, reason: "fine", actionDigest: approval.digest)
        _ = try await stage.enforcement.decide(approval.id, by: Fixtures.signedIn(), ballot).get()
        _ = await stage.enforcement.redeem(approval.id, action, Circumstances(), by: .gateway)
        let kept = KeptResponse(approval: approval.id, status: 200, fields: [], body: [1])
        _ = try await stage.enforcement.complete(approval.id, Outcome(.succeeded), response: kept, by: .gateway)
        _ = try await stage.enforcement.erase(.approval(approval.id), reason: "r", by: administrator).get()
        #expect(try await stage.ledger.keptResponse(approval.id) == nil)
        #expect(try await stage.hold(action).id != approval.id)
    }

    @Test("a reason is cut at 1,024 characters, so that the entry fits the log")
    func longReason() async throws {
        let stage = try Stage()
        _ = try await settled(stage)
        let reason = String(repeating: "\u{1F512}", count: 5000)
        _ = try await stage.enforcement.erase(.entry(0), reason: reason, by: administrator).get()
        #expect(try await value(stage, 2)["reason"]?.stringValue?.unicodeScalars.count == 1024)
    }
}

@Suite("Payloads go when their time is over, and not before", .timeLimit(.minutes(10)))
struct RetentionTests {
    private func stage(_ rules: RetentionRules) throws -> Stage {
        try Stage(settings: EnforcementSettings(expires: .seconds(86_400 * 365), retention: rules))
    }

    private func read(_ stage: Stage, _ count: Int) async throws {
        for number in 0..<count {
            let action = Fixtures.action(effect: .read, path: "/\(number)")
            guard case .allowed(let entry) = await stage.enforcement.admit(action, Circumstances()) else {
                Issue.record("a read was not allowed")
                return
            }
            _ = await stage.enforcement.commit(entry)
        }
    }

    private func payloads(_ stage: Stage) async throws -> [UInt64] {
        var found = [UInt64]()
        for sequence in 0..<(try await stage.ledger.treeHead().size) {
            if try await stage.ledger.entry(sequence)?.payload != nil { found.append(sequence) }
        }
        return found
    }

    @Test(
        "a payload lives for its connection's term, or the standard one",
        arguments: [
            RetentionRules(standard: .during(.seconds(3600))),
            RetentionRules(connections: [Fixtures.connection: .during(.seconds(3600))]),
            RetentionRules(
                standard: .during(.seconds(99_999)),
                connections: [Fixtures.connection: .during(.seconds(3600))]
            ),
        ],
    )
    func term(_ rules: RetentionRules) async throws {
        let stage = try stage(rules)
        try await read(stage, 3)
        stage.clock.advance(by: .seconds(3600))
        #expect(try await stage.enforcement.sweepPayloads() == 0)
        stage.clock.advance(by: .milliseconds(1))
        #expect(try await stage.enforcement.sweepPayloads() == 3)
        #expect(try await payloads(stage).isEmpty)
        let entry = try JSONParser.parse(#require(try await stage.ledger.entry(3)).bytes)
        #expect(entry["erased"]?["reason"]?.stringValue == "retention")
        #expect(entry["erased"]?["connection"]?.stringValue == Fixtures.connection.rawValue)
        #expect(entry["erased"]?["sequences"] == [0, 1, 2])
        #expect(try await stage.enforcement.sweepPayloads() == 0)
        #expect(try await stage.ledger.treeHead().size == 4)
    }

    @Test(
        "without a term nothing is erased",
        arguments: [
            RetentionRules(),
            RetentionRules(standard: .during(.seconds(3600)), connections: [Fixtures.connection: .forever]),
        ],
    )
    func forever(_ rules: RetentionRules) async throws {
        let stage = try stage(rules)
        try await read(stage, 2)
        stage.clock.advance(by: .seconds(86_400 * 10_000))
        #expect(try await stage.enforcement.sweepPayloads() == 0)
        #expect(try await payloads(stage) == [0, 1])
    }

    @Test("many are erased in portions, each with its entry, and a sweep goes on where the last one stopped")
    func portions() async throws {
        let stage = try stage(RetentionRules(standard: .during(.seconds(3600))))
        try await read(stage, 25)
        stage.clock.advance(by: .seconds(1800))
        try await read(stage, 5)
        stage.clock.advance(by: .seconds(1801))
        #expect(try await stage.enforcement.sweepPayloads(portion: 10) == 25)
        #expect(try await stage.ledger.treeHead().size == 33)
        #expect(try await payloads(stage) == [25, 26, 27, 28, 29])
        stage.clock.advance(by: .seconds(1800))
        #expect(try await stage.enforcement.sweepPayloads(portion: 10) == 5)
    }

    @Test("an approval under way keeps its document, and loses it once it is over")
    func underWay() async throws {
        let stage = try stage(RetentionRules(standard: .during(.seconds(3600))))
        let approval = try await stage.hold()
        try await read(stage, 2)
        stage.clock.advance(by: .seconds(7200))
        #expect(try await stage.enforcement.sweepPayloads() == 2)
        #expect(try await stage.ledger.approval(approval.id)?.document != nil)
        _ = try await stage.enforcement.withdraw(approval.id, by: Fixtures.agent).get()
        #expect(try await stage.enforcement.sweepPayloads() == 1)
        #expect(try await stage.ledger.approval(approval.id)?.document == nil)
    }

    @Test("a connection that loses a term of its own comes under the standard one, with all that it has")
    func changes() async throws {
        let stage = try stage(
            RetentionRules(standard: .during(.seconds(3600)), connections: [Fixtures.connection: .forever])
        )
        try await read(stage, 2)
        stage.clock.advance(by: .seconds(7200))
        #expect(try await stage.enforcement.sweepPayloads() == 0)
        let old = stage.current.snapshot
        let settings = EnforcementSettings(retention: RetentionRules(standard: .during(.seconds(3600))))
        stage.current.replace(
            with: Snapshot(
                policy: old.policy,
                directory: old.directory,
                settings: settings,
                configurationVersion: old.configurationVersion,
            )
        )
        #expect(try await stage.enforcement.sweepPayloads() == 2)
    }

    @Test("a clock that goes back erases nothing early")
    func clockBack() async throws {
        let stage = try stage(RetentionRules(standard: .during(.seconds(3600))))
        try await read(stage, 1)
        stage.clock.advance(by: .seconds(3500))
        try await read(stage, 1)
        stage.clock.advance(by: .seconds(-3000))
        #expect(try await stage.enforcement.sweepPayloads() == 0)
        #expect(try await payloads(stage) == [0, 1])
    }
}
