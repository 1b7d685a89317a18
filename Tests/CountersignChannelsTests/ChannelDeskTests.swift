import CanonicalJSON
import CountersignCards
import CountersignChannels
import CountersignCore
import CountersignIdentity
import CountersignTestKit
import Crypto
import Testing

@Suite("What people do in a chat", .timeLimit(.minutes(5)))
struct ChannelDeskTests {
    private let clock = ManualClock()
    private let ledger: InMemoryLedger
    private let enforcement: Enforcement
    private let registry: IdentityRegistry
    private let desk: ChannelDesk
    private let channel = ChannelName(unchecked: "slack")
    private let account: ChannelIdentity

    init() async throws {
        ledger = InMemoryLedger(clock: clock)
        enforcement = try Fixtures.enforcement(ledger: ledger, clock: clock)
        let users = [Fixtures.alice, Fixtures.bob, Fixtures.owner].map { User(id: $0, groups: [Fixtures.approvers]) }
        registry = IdentityRegistry(
            book: IdentityBook(declared: DeclaredIdentities(users: users), records: IdentityRecords()),
            current: CurrentSnapshot(enforcement.current.snapshot),
            ledger: ledger,
            clock: clock,
            chance: .deterministic(seed: 3),
            tokens: UserTokens(key: Curve25519.Signing.PrivateKey()),
        )
        desk = ChannelDesk(enforcement: enforcement, identities: registry)
        account = try #require(ChannelIdentity(.slack, tenant: "T1", account: "U1"))
    }

    private func hold(_ action: Action = Fixtures.action()) async throws -> Approval {
        guard case .held(let approval) = await enforcement.admit(action, Circumstances()) else {
            throw ContractViolation.notHeld
        }
        return approval
    }

    private enum ContractViolation: Error { case notHeld }

    private func user(
        _ identity: ChannelIdentity? = nil,
        email: String? = nil,
        objection: String? = nil,
    ) async -> Result<SignedInUser, Reason> {
        await desk.user(identity ?? account, channel: channel) {
            .success(ChannelDesk.Profile(email: email, objection: objection))
        }
    }

    private func link(_ user: UserID, _ identity: ChannelIdentity? = nil) async throws {
        _ = try await registry.link(identity ?? account, to: user, by: .gateway).get()
    }

    private func answer(
        _ approval: Approval,
        _ verdict: Decision.Verdict = .approve,
        digest: ActionDigest? = nil,
        reason: String = "by a button",
    ) -> ChannelDesk.Answer {
        ChannelDesk.Answer(
            identity: account,
            handle: CardHandle(approval.id, digest ?? approval.digest),
            verdict: verdict,
            reason: reason,
        )
    }

    private func entries(_ kind: EntryKind) async throws -> [JSONValue] {
        try await ledger.entries(EntryQuery(kinds: [kind])).items.map { try JSONParser.parse($0.bytes) }
    }

    private func code(_ result: Result<some Any, Reason>) -> ReasonCode? {
        guard case .failure(let reason) = result else { return nil }
        return reason.code
    }

    @Test("a linked account decides as its user, and the entry says through what")
    func decides() async throws {
        let approval = try await hold()
        try await link(Fixtures.alice)
        let user = try await user().get()
        #expect(user.user.id == Fixtures.alice)
        #expect(user.via == "slack")
        #expect(!user.isLocalAdministrator)
        let decided = try await desk.decide(answer(approval), by: user).get()
        #expect(decided.status == .approved)
        #expect(decided.decisions.map(\.channel) == ["slack"])
        #expect(decided.decisions.map(\.previewDigest) == [approval.previewDigest])
    }

    @Test("an account that is nobody's is refused, with an entry that names it")
    func refusesStrangers() async throws {
        #expect(code(await user()) == .accountUnknown)
        #expect(code(await user(email: "nobody@example.com")) == .accountUnknown)
        let refused = try await entries(.channelRefused)
        #expect(refused.count == 2)
        #expect(refused.allSatisfy { $0["account"]?.stringValue == "slack:T1/U1" })
        #expect(refused.allSatisfy { $0["channel"]?.stringValue == "slack" })
    }

    @Test("an e-mail address links one account, once; then only the link counts")
    func matchesOnce() async throws {
        let upper = Fixtures.alice.rawValue.uppercased()
        #expect(try await user(email: upper).get().user.id == Fixtures.alice)
        #expect(registry.links().map(\.by) == ["email"])
        // The address is another's now; the account is whose it was.
        #expect(try await user(email: Fixtures.bob.rawValue).get().user.id == Fixtures.alice)
        // A second account that took the address over is nobody.
        let second = try #require(ChannelIdentity(.slack, tenant: "T1", account: "U2"))
        #expect(code(await user(second, email: Fixtures.alice.rawValue)) == .accountUnknown)
        // In another workspace, it is another first match.
        let other = try #require(ChannelIdentity(.slack, tenant: "T2", account: "U1"))
        #expect(try await user(other, email: Fixtures.alice.rawValue).get().user.id == Fixtures.alice)
        #expect(try await entries(.identityChanged).count == 2)
    }

    @Test("an account that was closed, or is a guest, is refused although it is linked")
    func asksEachTime() async throws {
        try await link(Fixtures.alice)
        #expect(code(await user(objection: "it was deleted")) == .accountRefused)
        let unavailable = Reason(.channelUnavailable, "Slack does not answer.")
        let result = await desk.user(account, channel: channel) { .failure(unavailable) }
        #expect(code(result) == .channelUnavailable)
        #expect(try await entries(.channelRefused).count == 2)
    }

    @Test("a link to a user who is gone is nobody")
    func forgetsRemovedUsers() async throws {
        let carol = UserID(unchecked: "carol@example.com")
        _ = try await registry.put(User(id: carol, groups: [Fixtures.approvers]), by: .gateway).get()
        try await link(carol)
        try await registry.remove(carol, by: .gateway).get()
        #expect(code(await user()) == .accountUnknown)
    }

    @Test("nobody denies without saying why", arguments: ["", " \n\t"])
    func asksWhy(_ blank: String) async throws {
        let approval = try await hold()
        try await link(Fixtures.alice)
        let user = try await user().get()
        #expect(code(await desk.decide(answer(approval, .deny, reason: blank), by: user)) == .badRequest)
        #expect(try await ledger.approval(approval.id)?.status == .pending)
        #expect(try await entries(.channelRefused).count == 1)
        #expect(try await desk.decide(answer(approval, .deny, reason: "no"), by: user).get().status == .denied)
    }

    @Test("the agent's owner does not decide from a chat, either, and the attempt has an entry")
    func refusesTheOwner() async throws {
        let approval = try await hold()
        try await link(Fixtures.owner)
        let owner = try await user().get()
        #expect(code(await desk.decide(answer(approval), by: owner)) == .selfApproval)
        #expect(try await ledger.approval(approval.id)?.status == .pending)
        #expect(try await entries(.approvalDecided).first?["accepted"]?.boolValue == false)
    }

    @Test("a card of another action, or of no approval, decides nothing")
    func refusesStaleCards() async throws {
        let approval = try await hold()
        try await link(Fixtures.alice)
        let user = try await user().get()
        let other = Fixtures.action(path: "/other").digest
        #expect(code(await desk.decide(answer(approval, digest: other), by: user)) == .digestMismatch)
        let none = ChannelDesk.Answer(
            identity: account,
            handle: CardHandle(ApprovalID(unchecked: "apr_none"), approval.digest),
            verdict: .approve,
            reason: "",
        )
        #expect(code(await desk.decide(none, by: user)) == .notFound)
        #expect(try await entries(.channelRefused).count == 2)
        #expect(try await ledger.approval(approval.id)?.status == .pending)
    }

    @Test("one of two clicks wins; the other is told that it is decided")
    func decidesOnce() async throws {
        let approval = try await hold()
        try await link(Fixtures.alice)
        let user = try await user().get()
        async let first = desk.decide(answer(approval), by: user)
        async let second = desk.decide(answer(approval, .deny), by: user)
        let codes = [code(await first), code(await second)]
        #expect(codes.count { $0 == nil } == 1)
        #expect(codes.count { $0 == .alreadyDecided } == 1)
    }

    @Test("a gate that wants a passkey is not met from a chat, and the attempt has an entry; a denial counts")
    func requiresThePage() async throws {
        let passkey = Gate(policy: "p", approvers: [Fixtures.approvers], assurance: .passkey)
        let approval = try Fixtures.approval(gates: [Fixtures.gate(), passkey], at: clock.time())
        _ = try await ledger.commit(Commit(.insert(approval, maximumPending: 10), entries: []))
        try await link(Fixtures.alice)
        let alice = try await user().get()
        #expect(code(await desk.decide(answer(approval), by: alice)) == .pageRequired)
        #expect(try await ledger.approval(approval.id)?.decisions == [])
        #expect(try await entries(.channelRefused).map { $0["reasons"] } == [["page-required"]])
        #expect(try await desk.decide(answer(approval, .deny), by: alice).get().status == .denied)
    }

    @Test("where the ledger does not answer, nobody decides")
    func failsClosed() async throws {
        let approval = try await hold()
        try await link(Fixtures.alice)
        let user = try await user().get()
        ledger.isBroken = true
        #expect(code(await desk.decide(answer(approval), by: user)) == .ledgerUnavailable)
        #expect(code(await desk.waiting(for: user, limit: 5)) == .ledgerUnavailable)
    }

    @Test("what waits for somebody is what they may decide and have not")
    func listsWhatWaits() async throws {
        let approval = try await hold()
        try await link(Fixtures.alice)
        let alice = try await user().get()
        let mine = try await desk.waiting(for: alice, limit: 5).get()
        #expect(mine.approvals.map(\.id) == [approval.id])
        #expect(mine.isAll)
        try await link(Fixtures.owner)
        let owner = try await user().get()
        let none = try await desk.waiting(for: owner, limit: 5).get()
        #expect(none.approvals.isEmpty && none.isAll)
    }

    @Test("what waits for somebody is found behind a flood of what does not, and a search that ends early says so")
    func listsBehindAFlood() async throws {
        func add(_ numbers: Range<Int>, gates: [Gate]) async throws -> [ApprovalID] {
            var ids: [ApprovalID] = []
            for number in numbers {
                let approval = try Fixtures.approval(
                    number,
                    of: Fixtures.action(path: "/\(number)"),
                    gates: gates,
                    at: clock.time(),
                )
                _ = try await ledger.commit(Commit(.insert(approval, maximumPending: 1000), entries: []))
                ids.append(approval.id)
            }
            return ids
        }
        let others = [Gate(policy: "p", approvers: [GroupName(unchecked: "others")])]
        let mine = try await add(0..<3, gates: [Fixtures.gate()])
        _ = try await add(3..<204, gates: others)
        try await link(Fixtures.alice)
        let alice = try await user().get()
        let list = try await desk.waiting(for: alice, limit: 5).get()
        #expect(list.approvals.map(\.id) == mine)
        #expect(list.isAll)
        let first = try await desk.waiting(for: alice, limit: 2).get()
        #expect(first.approvals.map(\.id) == Array(mine.prefix(2)))
        #expect(!first.isAll)
        // Of these, a page holds one.
        let advice = String(repeating: "a", count: ApprovalQuery.pageBytes / 2)
        let large = [Gate(policy: "p", approvers: [GroupName(unchecked: "others")], advice: advice)]
        _ = try await add(204..<225, gates: large)
        let none = try await desk.waiting(for: alice, limit: 5).get()
        #expect(none.approvals.isEmpty && !none.isAll)
    }

    @Test("a flood of refusals from one account leaves a bounded number of entries")
    func boundsRefusals() async throws {
        for _ in 0..<3000 { _ = await user() }
        #expect(try await ledger.treeHead().size < 1500)
    }
}

@Suite struct ChannelIdentityTests {
    @Test("an account's text form reads back, and nothing else is read")
    func textForm() throws {
        let identity = try #require(ChannelIdentity("slack:T0123/U0456"))
        #expect(identity.description == "slack:T0123/U0456")
        for text in [
            "", "slack:", "slack:T/", "slack:/U", "mail:T/U", "slack:T/U/V", "slack:T /U", "slack:T\u{202E}/U",
        ] {
            #expect(ChannelIdentity(text) == nil, "\(text)")
        }
    }
}
