import CanonicalJSON
import CountersignCore
import CountersignTestKit
import Testing

@Suite(.timeLimit(.minutes(10)))
struct EnforcementTests {
    private static let gate =
        "permit (principal, action, resource);\n"
        + "@id(\"g\") @approvers(\"dba\") @quorum(\"2\") @expires(\"10m\") @grant(\"1m\") "
        + "forbid (principal is Agent, action in Action::\"delete\", resource);\n"
    private static let sreGate =
        "@id(\"s\") @approvers(\"sre\") forbid (principal is Agent, action in Action::\"delete\", resource);\n"

    @Test("an allowed action writes nothing until its entry is committed")
    func allowed() async throws {
        let stage = try Stage()
        guard case .allowed(let entry) = await stage.enforcement.admit(Fixtures.action(effect: .read), Circumstances())
        else { throw Unexpected("not allowed") }
        #expect(stage.ledger.writes.entries == 0)
        #expect(await stage.enforcement.commit(entry) == nil)
        #expect(try await stage.kinds() == ["action.allowed"])
    }

    @Test("one refusal writes one entry with its reason")
    func refused() async throws {
        let stage = try Stage("forbid (principal, action, resource);")
        #expect(await stage.admit() == "refused forbidden")
        let entries = try await stage.entries()
        #expect(entries.count == 1)
        #expect(entries[0]["kind"] == "action.denied" && entries[0]["reasons"] == ["forbidden"])
        #expect(entries[0]["action"]?["digest"]?.stringValue == Fixtures.action().digest.rawValue)
    }

    @Test("a stranger's flood gets a bounded number of entries, which tell of the rest; nobody else is concerned")
    func flood() async throws {
        let stage = try Stage()
        let reason = Reason(.unauthenticated, "no")
        func reject(_ source: String, _ agent: AgentID? = nil) async {
            let circumstances = Circumstances(sourceAddress: source)
            let answer = await stage.enforcement.reject(
                reason,
                agent: agent,
                connection: nil,
                detail: "x",
                circumstances,
            )
            #expect(answer == reason)
        }
        for _ in 0..<1500 { await reject("192.0.2.1") }
        #expect(try await stage.entries().count == 1000)
        for _ in 0..<5 { await reject("192.0.2.2") }
        for _ in 0..<5 { await reject("192.0.2.1", Fixtures.agent) }
        #expect(try await stage.entries().count == 1010)
        stage.clock.advance(by: .seconds(1))
        for _ in 0..<20 { await reject("192.0.2.1") }
        let entries = try await stage.entries()
        #expect(entries.count == 1020 && entries[1010]["suppressed"] == 500 && entries[1011]["suppressed"] == nil)
        // A network of addresses is bounded, too.
        for source in 0..<20_000 { await reject("2001:db8::\(source)") }
        #expect(try await stage.entries().count < 10_200)
    }

    @Test("bytes that never became an action are one entry")
    func rejected() async throws {
        let stage = try Stage()
        let reason = Reason(.ambiguousRequest, "no")
        let answer = await stage.enforcement.reject(reason, agent: nil, connection: nil, detail: "x", Circumstances())
        #expect(answer == reason)
        #expect(try await stage.kinds() == ["action.denied"])
        stage.ledger.isBroken = true
        let broken = await stage.enforcement.reject(reason, agent: nil, connection: nil, detail: "x", Circumstances())
        #expect(broken.code == .ledgerUnavailable)
    }

    @Test("a held action is one approval with one entry, and has what its gates and the directory say")
    func held() async throws {
        let stage = try Stage(Self.gate)
        let action = Fixtures.action(onBehalfOf: Fixtures.bob)
        let approval = try await stage.hold(action)
        #expect(try await stage.kinds() == ["approval.requested"])
        #expect(approval.status == .pending && approval.revision == 1 && approval.owner == Fixtures.owner)
        #expect(approval.onBehalfOf == Fixtures.bob && approval.digest == action.digest)
        #expect(approval.gates.map(\.policy) == ["g"] && approval.grantDuration == .seconds(60))
        #expect(approval.expiresAt == stage.clock.time().adding(.seconds(600)))
        #expect(approval.document == String(decoding: action.canonical, as: UTF8.self))
        #expect(approval.policyVersion == stage.current.snapshot.policy.version)
        let entry = try await stage.entries()[0]
        #expect(entry["gates"]?.arrayValue?.count == 1 && entry["reasons"] == ["approval-required"])
        #expect(entry["preview_digest"]?.stringValue == approval.previewDigest.rawValue)
    }

    @Test("of several gates the shortest times hold")
    func strictestTimes() async throws {
        let stage = try Stage(Self.gate + Self.sreGate, settings: EnforcementSettings(expires: .seconds(60)))
        let approval = try await stage.hold()
        #expect(approval.expiresAt == stage.clock.time().adding(.seconds(60)))
        #expect(approval.grantDuration == .seconds(60))
    }

    @Test("the same action asked again attaches, in every state in which there is something to wait for")
    func attaching() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        #expect(await stage.admit() == "held pending")
        #expect(await stage.admit(Fixtures.action(path: "/other")) == "held pending")
        #expect(await stage.decide(approval, "alice@example.com") == "approved")
        #expect(await stage.admit() == "approved")
        #expect(await stage.redeem(approval) == "dispatch")
        #expect(await stage.admit() == "running")
        #expect(try await stage.complete(approval, keep: true) == "succeeded")
        #expect(await stage.admit() == "finished")
        #expect(try await stage.ledger.keptResponse(approval.id)?.body == [1])
        try await stage.enforcement.delivered(approval.id)
        #expect(try await stage.ledger.keptResponse(approval.id) == nil)
        #expect(await stage.admit() == "held pending")
        let all = try await stage.ledger.approvals(ApprovalQuery()).items
        #expect(all.count == 3 && Set(all.map(\.digest)).count == 2)
    }

    @Test(
        "a new ask after the end is a new approval",
        arguments: ["deny", "expire", "withdraw", "lapse", "revoke", "lose"]
    )
    func askAgain(_ ending: String) async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        switch ending {
        case "deny": #expect(await stage.decide(approval, "alice@example.com", .deny) == "denied")
        case "expire": stage.clock.advance(by: .seconds(3600))
        case "withdraw":
            #expect(Stage.name(await stage.enforcement.withdraw(approval.id, by: Fixtures.agent)) == "withdrawn")
        default:
            #expect(await stage.decide(approval, "alice@example.com") == "approved")
            if ending == "lapse" { stage.clock.advance(by: .seconds(300)) }
            if ending == "revoke" {
                let user = Stage.signedIn("bob@example.com")
                #expect(Stage.name(await stage.enforcement.revoke(approval.id, by: user)) == "revoked")
            }
            if ending == "lose" {
                #expect(await stage.redeem(approval) == "dispatch")
                #expect(try await stage.complete(approval, .unknown) == "unknown")
            }
        }
        let next = try await stage.hold()
        #expect(next.id != approval.id && next.decisions.isEmpty)
        #expect(try await stage.now(approval).status.isFinal)
    }

    @Test("a result that nobody fetched in the grant's time makes room for a new approval")
    func unfetched() async throws {
        let stage = try Stage()
        let approval = try await stage.approved()
        #expect(await stage.redeem(approval) == "dispatch")
        #expect(try await stage.complete(approval, keep: true) == "succeeded")
        stage.clock.advance(by: .seconds(300))
        #expect(await stage.admit() == "held pending")
        #expect(try await stage.ledger.keptResponse(approval.id) == nil)
    }

    @Test("an ask that wants to go on asynchronously makes the approval so, without an entry")
    func asynchronous() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        #expect(await stage.admit(asynchronous: true) == "held pending")
        let next = try await stage.now(approval)
        #expect(next.asynchronous && next.revision == 2 && stage.ledger.writes.entries == 1)
        #expect(await stage.admit() == "held pending")
        #expect(try await stage.now(approval).asynchronous)
        #expect(await stage.decide(approval, "alice@example.com") == "approved")
        #expect(try await stage.ledger.awaitingDispatch().map(\.id) == [approval.id])
    }

    @Test("an agent has no more pending approvals than it may have; the refusal is an entry")
    func tooMany() async throws {
        let stage = try Stage(settings: EnforcementSettings(maximumPending: 2))
        let first = try await stage.hold(Fixtures.action(path: "/1"))
        #expect(await stage.admit(Fixtures.action(path: "/2")) == "held pending")
        #expect(await stage.admit(Fixtures.action(path: "/3")) == "refused too-many-pending")
        #expect(await stage.admit(Fixtures.action(path: "/1")) == "held pending")
        #expect(try await stage.kinds() == ["approval.requested", "approval.requested", "action.denied"])
        #expect(await stage.decide(first, "alice@example.com", .deny) == "denied")
        #expect(await stage.admit(Fixtures.action(path: "/3")) == "held pending")
    }

    @Test("what a deadline ended is settled by the gateway, with the reason, whoever found it")
    func deadlines() async throws {
        let stage = try Stage()
        let late = try await stage.hold(Fixtures.action(path: "/1"))
        let unused = try await stage.approved(Fixtures.action(path: "/2"))
        let mark = stage.ledger.writes.entries
        stage.clock.advance(by: .seconds(3600))
        #expect(Stage.name(await stage.enforcement.withdraw(late.id, by: Fixtures.agent)) == "expired")
        #expect(
            Stage.name(await stage.enforcement.revoke(unused.id, by: Stage.signedIn("bob@example.com"))) == "lapsed"
        )
        let entries = try await stage.entries(since: mark)
        #expect(entries.map { $0["status"] } == ["expired", "lapsed"])
        #expect(entries.map { $0["reasons"] } == [["approval-expired"], ["grant-lapsed"]])
        #expect(entries.allSatisfy { $0["actor"]?["type"] == "System" })
    }

    @Test("a decision after the deadline expires the approval, and is an entry itself")
    func lateDecision() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        stage.clock.advance(by: .seconds(3600))
        #expect(await stage.decide(approval, "alice@example.com") == "refused already-decided")
        #expect(try await stage.kinds(since: 1) == ["approval.settled", "approval.decided"])
        #expect(try await stage.now(approval).decisions.isEmpty)
        #expect(await stage.redeem(approval) == "refused approval-expired")
    }

    @Test("only the agent withdraws, and only an approver, the owner or the human acted for revokes")
    func ending() async throws {
        let stage = try Stage()
        let approval = try await stage.hold(Fixtures.action(onBehalfOf: UserID(unchecked: "eve@example.com")))
        let stranger = AgentID(unchecked: "other")
        #expect(Stage.name(await stage.enforcement.withdraw(approval.id, by: stranger)) == "refused not-found")
        #expect(await stage.decide(approval, "alice@example.com") == "approved")
        #expect(
            Stage.name(await stage.enforcement.withdraw(approval.id, by: Fixtures.agent)) == "refused already-decided"
        )
        let carol = Stage.signedIn("carol@example.com")
        #expect(Stage.name(await stage.enforcement.revoke(approval.id, by: carol)) == "refused not-an-approver")
        let eve = Stage.signedIn("eve@example.com")
        #expect(Stage.name(await stage.enforcement.revoke(approval.id, by: eve)) == "revoked")
        #expect(await stage.redeem(approval, Fixtures.action(onBehalfOf: eve.user.id)) == "refused approval-revoked")
    }

    @Test("only what is due settles, once")
    func settling() async throws {
        let stage = try Stage()
        let approval = try await stage.hold()
        #expect(try await stage.enforcement.settleIfDue(approval.id) == nil)
        stage.clock.advance(by: .seconds(3600))
        #expect(try await stage.enforcement.settleIfDue(approval.id)?.status == .expired)
        #expect(try await stage.enforcement.settleIfDue(approval.id) == nil)
        #expect(try await stage.kinds() == ["approval.requested", "approval.settled"])
    }

    @Test("a start settles what a crash cut off, and keeps what waits")
    func recovering() async throws {
        let stage = try Stage()
        let cut = try await stage.approved(Fixtures.action(path: "/1"))
        #expect(await stage.redeem(cut, Fixtures.action(path: "/1")) == "dispatch")
        let lapsed = try await stage.approved(Fixtures.action(path: "/2"))
        let expired = try await stage.hold(Fixtures.action(path: "/3"))
        stage.clock.advance(by: .seconds(3600))
        let waiting = try await stage.hold(Fixtures.action(path: "/4"))
        let granted = try await stage.approved(Fixtures.action(path: "/5"))
        let mark = stage.ledger.writes.entries
        let restarted = Enforcement(
            current: stage.current,
            ledger: stage.ledger,
            clock: stage.clock,
            chance: .deterministic(seed: 9)
        )
        try await restarted.recover()
        #expect(try await stage.kinds(since: mark) == ["action.completed", "approval.settled", "approval.settled"])
        var statuses = [ApprovalStatus]()
        for approval in [cut, lapsed, expired, waiting, granted] {
            statuses.append(try await stage.now(approval).status)
        }
        #expect(statuses == [.unknown, .lapsed, .expired, .pending, .approved])
        try await restarted.recover()
        #expect(try await stage.kinds(since: mark).count == 3)
        #expect(await stage.redeem(cut, Fixtures.action(path: "/1")) == "taken")
    }

    @Test("when the ledger cannot write or read, the answer is no and nothing is dispatched")
    func failClosed() async throws {
        let stage = try Stage()
        let pending = try await stage.hold(Fixtures.action(path: "/1"))
        let approved = try await stage.approved(Fixtures.action(path: "/2"))
        let running = try await stage.approved(Fixtures.action(path: "/3"))
        #expect(await stage.redeem(running, Fixtures.action(path: "/3")) == "dispatch")
        guard case .allowed(let entry) = await stage.enforcement.admit(Fixtures.action(effect: .read), Circumstances())
        else { throw Unexpected("not allowed") }
        let mark = stage.ledger.writes
        stage.ledger.isBroken = true
        #expect(await stage.enforcement.commit(entry)?.code == .ledgerUnavailable)
        #expect(await stage.admit() == "refused ledger-unavailable")
        #expect(await stage.admit(Fixtures.action(path: "/1")) == "refused ledger-unavailable")
        #expect(await stage.decide(pending, "alice@example.com") == "refused ledger-unavailable")
        #expect(await stage.redeem(approved, Fixtures.action(path: "/2")) == "refused ledger-unavailable")
        #expect(
            Stage.name(await stage.enforcement.withdraw(pending.id, by: Fixtures.agent)) == "refused ledger-unavailable"
        )
        let bob = Stage.signedIn("bob@example.com")
        #expect(Stage.name(await stage.enforcement.revoke(approved.id, by: bob)) == "refused ledger-unavailable")
        await #expect(throws: LedgerError.self) { try await stage.complete(running) }
        await #expect(throws: LedgerError.self) { try await stage.enforcement.settleIfDue(pending.id) }
        await #expect(throws: LedgerError.self) { try await stage.enforcement.recover() }
        stage.current.replace(with: try Stage.snapshot("forbid (principal, action, resource);"))
        #expect(await stage.admit() == "refused ledger-unavailable")
        stage.ledger.isBroken = false
        #expect(stage.ledger.writes == mark)
        #expect(try await stage.now(approved).status == .approved)
    }

    @Test(
        "a commit that alone fails dispatches nothing, and the grant stays",
        arguments: [LedgerError.Code.unavailable, .clock]
    )
    func failedCommit(_ code: LedgerError.Code) async throws {
        let stage = try Stage()
        let approval = try await stage.approved()
        stage.ledger.failNext(LedgerError(code, "test"))
        let reason = code == .clock ? "clock-unreliable" : "ledger-unavailable"
        #expect(await stage.redeem(approval) == "refused \(reason)")
        #expect(try await stage.now(approval).status == .approved)
        #expect(await stage.redeem(approval) == "dispatch")
        #expect(await stage.redeem(approval) == "taken")
    }

    @Test("what is not there is not found")
    func unknownApproval() async throws {
        let stage = try Stage()
        let other = try Fixtures.approval(at: stage.clock.time())
        #expect(await stage.decide(other, "alice@example.com") == "refused not-found")
        #expect(await stage.redeem(other) == "refused not-found")
        #expect(Stage.name(await stage.enforcement.withdraw(other.id, by: Fixtures.agent)) == "refused not-found")
        #expect(try await stage.complete(other) == "ignored")
        #expect(stage.ledger.writes.entries == 0)
    }

    @Test("an outcome is recorded once, and only for what was dispatched")
    func outcomes() async throws {
        let stage = try Stage()
        let approval = try await stage.approved()
        #expect(try await stage.complete(approval) == "ignored")
        #expect(await stage.redeem(approval) == "dispatch")
        #expect(try await stage.complete(approval, .failed) == "failed")
        #expect(try await stage.complete(approval, .succeeded) == "ignored")
        let kinds = try await stage.kinds()
        #expect(
            kinds == [
                "approval.requested", "approval.decided", "approval.settled", "action.dispatched", "action.completed",
            ]
        )
    }
}
