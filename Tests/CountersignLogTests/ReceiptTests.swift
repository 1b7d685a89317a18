import CanonicalJSON
import CountersignCore
import CountersignLog
import CountersignTestKit
import Crypto
import Testing
import TransparencyLog

@Suite(.timeLimit(.minutes(10)))
struct ReceiptTests {
    let clock = ManualClock()
    let ledger: InMemoryLedger
    let enforcement: Enforcement
    let head: LogHead
    let log: LogSigner
    let key: NoteVerifier

    init() throws {
        ledger = InMemoryLedger(clock: clock)
        enforcement = try Fixtures.enforcement(ledger: ledger, clock: clock)
        let signer = try Fixtures.logSigner()
        key = signer.verifier
        head = LogHead.testing(ledger, clock: clock, signer: signer)
        log = LogSigner(ledger: ledger, head: head, grantKey: Curve25519.Signing.PrivateKey(), clock: clock)
    }

    private func hold(_ action: Action = Fixtures.action()) async throws -> Approval {
        guard case .held(let approval) = await enforcement.admit(action, Circumstances(sourceAddress: "192.0.2.7"))
        else {
            throw Failed()
        }
        return approval
    }

    private func decide(
        _ approval: Approval,
        _ user: UserID = Fixtures.alice,
        _ verdict: Decision.Verdict = .approve,
    ) async -> ReasonCode? {
        clock.advance(by: .seconds(1))
        let ballot = Ballot(verdict, reason: "looked at it", actionDigest: approval.digest)
        return await enforcement.decide(approval.id, by: Fixtures.signedIn(user), ballot).reason
    }

    private func run(_ approval: Approval, _ action: Action = Fixtures.action()) async throws {
        clock.advance(by: .seconds(1))
        guard case .dispatch = await enforcement.redeem(approval.id, action, Circumstances(), by: .gateway) else {
            throw Failed()
        }
        _ = try await enforcement.complete(approval.id, Outcome(.succeeded, status: 204), by: .gateway)
    }

    private func receipt(_ approval: Approval) async throws -> [UInt8] {
        try await head.advance()
        return try #require(try await log.receipt(for: approval.id))
    }

    private struct Failed: Error {}

    /// An approval that went all the way, with other things in the log around it.
    private func wholeStory() async throws -> Approval {
        _ = await enforcement.commit(Fixtures.entry(at: clock.time()))
        let approval = try await hold()
        _ = try await hold(Fixtures.action(path: "/v1/customers/43"))
        #expect(await decide(approval, Fixtures.owner) == .selfApproval)
        let words = try #require(ApprovalComment.Words("the ticket is 4711"))
        _ = try await enforcement.comment(approval.id, words, by: Fixtures.agent).get()
        #expect(await decide(approval) == nil)
        try await run(approval)
        _ = await enforcement.commit(Fixtures.entry(at: clock.time()))
        return approval
    }

    @Test("a receipt tells who asked, which gates stopped it, who decided and what came of it")
    func summary() async throws {
        let approval = try await wholeStory()
        let summary = try Receipt(parsing: try await receipt(approval)).verify(with: key)
        #expect(summary.approval == approval.id)
        #expect(summary.agent == Fixtures.agent.rawValue)
        #expect(summary.owner == Fixtures.owner.rawValue)
        #expect(summary.digest == approval.digest.rawValue)
        #expect(summary.gates.map(\.policy) == ["deletes"])
        #expect(summary.decisions.map(\.user) == [Fixtures.owner.rawValue, Fixtures.alice.rawValue])
        #expect(summary.decisions.map(\.isAccepted) == [false, true])
        #expect(summary.comments.map(\.text) == ["the ticket is 4711"])
        #expect(summary.comments.map(\.author) == [.agent(Fixtures.agent)])
        #expect(summary.json["comments"]?.arrayValue?.first?["text"]?.stringValue == "the ticket is 4711")
        #expect(summary.status == "succeeded")
        #expect(summary.outcome?.status == 204)
        #expect(summary.document == approval.document)
        #expect(summary.json["verified"] == true)
    }

    @Test("a receipt in which any one byte is changed is refused")
    func everyByte() async throws {
        let bytes = try await receipt(wholeStory())
        var accepted = [Int]()
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1 << UInt8(index % 8)
            if (try? Receipt(parsing: changed).verify(with: key)) != nil { accepted.append(index) }
            await Task.yield()
        }
        #expect(accepted.isEmpty, "of \(bytes.count) bytes")
    }

    @Test("a receipt that is shorter or longer than it was is refused")
    func lengths() async throws {
        let bytes = try await receipt(wholeStory())
        for count in 0..<bytes.count { #expect(throws: ReceiptError.self) { try verify(Array(bytes.prefix(count))) } }
        for byte in [UInt8(ascii: "\n"), 0, UInt8(ascii: " "), UInt8(ascii: "}")] {
            #expect(throws: ReceiptError.self) { try verify(bytes + [byte]) }
        }
    }

    @Test("a receipt is refused under another key")
    func otherKey() async throws {
        let bytes = try await receipt(wholeStory())
        let other = NoteSigner(name: Fixtures.logOrigin, privateKey: Curve25519.Signing.PrivateKey())
        #expect(throws: ReceiptError.self) { try Receipt(parsing: bytes).verify(with: other.verifier) }
    }

    @Test("a receipt can be had at every step, and verifies")
    func everyStep() async throws {
        let approval = try await hold()
        #expect(try verify(try await receipt(approval)).status == "pending")
        #expect(await decide(approval) == nil)
        #expect(try verify(try await receipt(approval)).status == "approved")
        try await run(approval)
        #expect(try verify(try await receipt(approval)).status == "succeeded")
        let denied = try await hold(Fixtures.action(path: "/v1/customers/44"))
        #expect(await decide(denied, Fixtures.alice, .deny) == nil)
        #expect(await decide(denied, Fixtures.bob) == .alreadyDecided)
        #expect(try verify(try await receipt(denied)).status == "denied")
        let expired = try await hold(Fixtures.action(path: "/v1/customers/45"))
        clock.advance(by: .seconds(3600))
        #expect(await decide(expired) == .alreadyDecided)
        #expect(try verify(try await receipt(expired)).status == "expired")
    }

    @Test("an action that needed no approval has a receipt of one entry, and an approval's entry the approval's")
    func single() async throws {
        let action = Fixtures.action(effect: .read)
        guard case .allowed(let entry) = await enforcement.admit(action, Circumstances()) else { throw Failed() }
        #expect(await enforcement.commit(entry) == nil)
        let approval = try await hold()
        try await head.advance()
        let summary = try verify(try #require(try await log.receipt(forEntry: 0)))
        #expect(summary.status == "allowed")
        #expect(summary.document == String(decoding: action.canonical, as: UTF8.self))
        #expect(try verify(try #require(try await log.receipt(forEntry: 1))).approval == approval.id)
        #expect(try await log.receipt(forEntry: 2) == nil)
    }

    @Test("an entry with text that strict readers refuse has its approval's receipt, which verifies")
    func noncharacters() async throws {
        let circumstances = Circumstances(justification: "\u{FFFF} \u{FFFE}")
        let action = Fixtures.action(path: "/v1/\u{FFFE}")
        guard case .held(let approval) = await enforcement.admit(action, circumstances) else { throw Failed() }
        #expect(await decide(approval) == nil)
        try await head.advance()
        let summary = try verify(try #require(try await log.receipt(forEntry: 0)))
        #expect(summary.approval == approval.id)
        #expect(summary.events.count == 3)
        #expect(summary.json["document"]?["resource"] != nil)
    }

    @Test("entries left out, repeated or in another order are refused")
    func entries() async throws {
        let receipt = try Receipt(parsing: try await receipt(wholeStory()))
        func with(_ entries: [Receipt.ProvenEntry], _ documents: [Receipt.Document]? = nil) -> Receipt {
            Receipt(
                log: receipt.log,
                approval: receipt.approval,
                entries: entries,
                documents: documents ?? receipt.documents,
            )
        }
        let all = receipt.entries
        #expect(throws: Never.self) { try with(all).verify(with: key) }
        #expect(throws: Never.self) { try with(all, []).verify(with: key) }
        #expect(throws: ReceiptError.self) { try with([]).verify(with: key) }
        #expect(throws: ReceiptError.self) { try with(all.reversed()).verify(with: key) }
        #expect(throws: ReceiptError.self) { try with(all + all.suffix(1)).verify(with: key) }
        #expect(throws: ReceiptError.self) { try with(all, receipt.documents + receipt.documents).verify(with: key) }
        // Each entry names the one before it, so that not even a decision that did not count can be left out.
        for index in all.indices.dropLast() {
            var fewer = all
            fewer.remove(at: index)
            #expect(throws: ReceiptError.self, "without \(index)") { try with(fewer).verify(with: key) }
        }
        // What was cut off at the end cannot be missed, and the receipt says so.
        for count in 1...all.count {
            let summary = try with(Array(all.prefix(count))).verify(with: key)
            let last = try #require(summary.events.last?.sequence)
            #expect(summary.unlinked == 0)
            #expect(summary.limits.contains { $0.contains("left out") && $0.contains("after entry \(last),") })
            #expect(summary.json["limits"]?.arrayValue?.count == summary.limits.count)
        }
    }

    @Test("entries that are proven by two checkpoints are refused")
    func twoCheckpoints() async throws {
        let approval = try await wholeStory()
        let early = try Receipt(parsing: try await receipt(approval))
        _ = await enforcement.commit(Fixtures.entry(at: clock.time()))
        let late = try Receipt(parsing: try await receipt(approval))
        func joined(_ count: Int) -> Receipt {
            Receipt(
                log: early.log,
                approval: early.approval,
                entries: Array(early.entries.prefix(count) + late.entries.dropFirst(count)),
                documents: early.documents,
            )
        }
        for count in 1..<early.entries.count {
            #expect(throws: ReceiptError.self) { try joined(count).verify(with: key) }
        }
        for count in [0, early.entries.count] { #expect(throws: Never.self) { try joined(count).verify(with: key) } }
    }

    private func verify(_ bytes: [UInt8]) throws -> ReceiptSummary { try Receipt(parsing: bytes).verify(with: key) }
}

extension Result where Failure == Reason {
    /// The code of the refusal.
    fileprivate var reason: ReasonCode? {
        switch self {
        case .success: nil
        case .failure(let reason): reason.code
        }
    }
}
