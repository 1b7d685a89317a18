import CountersignCore
import CountersignTestKit
import Testing

@Suite("The ledger in memory does what tests tell it", .timeLimit(.minutes(10)))
struct InMemoryLedgerTests {
    let clock = ManualClock()

    @Test("it counts commits and entries, and not those that lost")
    func counts() async throws {
        let ledger = InMemoryLedger(clock: clock)
        let approval = try Fixtures.approval(at: clock.time())
        let entry = Fixtures.entry(at: clock.time())
        _ = try await ledger.commit(Commit(.insert(approval, maximumPending: 1), entries: [entry, entry]))
        _ = try await ledger.commit(Commit(.insert(approval, maximumPending: 1), entries: [entry]))
        #expect(ledger.writes == InMemoryLedger.Writes(commits: 1, entries: 2))
    }

    @Test("one commit fails where it was told to, and every call while it is broken")
    func fails() async throws {
        let ledger = InMemoryLedger(clock: clock)
        let commit = Commit(entries: [Fixtures.entry(at: clock.time())])
        ledger.failNext(LedgerError(.clock, "told"))
        await #expect(throws: LedgerError(.clock, "told")) { try await ledger.commit(commit) }
        #expect(try await ledger.commit(commit) == .committed(first: 0))
        ledger.isBroken = true
        await #expect(throws: LedgerError.self) { try await ledger.commit(commit) }
        await #expect(throws: LedgerError.self) { try await ledger.entry(0) }
        ledger.isBroken = false
        #expect(try await ledger.commit(commit) == .committed(first: 1))
    }

    @Test("commits wait while it is paused")
    func pauses() async throws {
        let ledger = InMemoryLedger(clock: clock)
        let commit = Commit(entries: [Fixtures.entry(at: clock.time())])
        ledger.pause()
        async let result = ledger.commit(commit)
        while ledger.pausedCommits == 0 { await Task.yield() }
        #expect(ledger.writes.commits == 0)
        ledger.resume()
        #expect(try await result == .committed(first: 0))
    }

    @Test("the pipeline of the fixtures holds a deletion and passes a read")
    func pipeline() async throws {
        let ledger = InMemoryLedger(clock: clock)
        let enforcement = try Fixtures.enforcement(ledger: ledger, clock: clock)
        guard case .allowed = await enforcement.admit(Fixtures.action(effect: .read), Circumstances()) else {
            Issue.record("a read is not allowed")
            return
        }
        guard case .held(let approval) = await enforcement.admit(Fixtures.action(), Circumstances()) else {
            Issue.record("a deletion is not held")
            return
        }
        let ballot = Ballot(.approve, reason: "fine", actionDigest: approval.digest)
        let decided = await enforcement.decide(approval.id, by: Fixtures.signedIn(), ballot)
        #expect(try decided.get().status == .approved)
        #expect(ledger.writes == InMemoryLedger.Writes(commits: 2, entries: 3))
    }
}
