import CountersignCore
import CountersignLog
import CountersignTestKit
import Logging
import Testing
import TransparencyLog

@Suite("Checkpoints keep their pace", .timeLimit(.minutes(10)))
struct CheckpointPaceTests {
    let ledger = InMemoryLedger()
    let folder = MemoryFolder()
    let pace = ManualPause()
    let patience = ManualPause()
    let head: LogHead

    init() throws {
        head = LogHead.testing(ledger, signer: try Fixtures.logSigner(), folder: folder, pause: patience)
    }

    private func grow(_ count: Int = 1) async throws {
        for _ in 0..<count { _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: ledger.time)])) }
    }

    /// Runs the service beside a test.
    private func serving(_ body: () async throws -> Void) async throws {
        let pace = pace
        let service = CheckpointService(
            head: head,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            sleep: { try await pace.hold($0) },
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            try await body()
            group.cancelAll()
        }
    }

    @Test("a quiet log is signed at once when it grows")
    func atOnce() async throws {
        try await serving {
            try await grow()
            #expect(try await head.covering(1).size == 1)
        }
    }

    @Test("under load there is one checkpoint an interval, of the newest size")
    func underLoad() async throws {
        try await serving {
            try await grow()
            #expect(try await head.covering(1).size == 1)
            #expect(await pace.next() == CheckpointService.interval)
            try await grow(5)
            // Only the pause's end can bring the next checkpoint, and nobody has ended it.
            #expect(head.newest?.size == 1)
            #expect(folder.writes == 1)
            pace.pass()
            #expect(try await head.covering(2).size == 6)
            #expect(folder.writes == 2)
        }
    }

    @Test("a log that does not grow is not signed again")
    func quiet() async throws {
        try await grow()
        let first = try await head.advance()
        #expect(try await head.advance() == first)
        #expect(folder.writes == 1)
    }

    @Test("a request waits for the checkpoint that covers what it wants, and no longer than its patience")
    func waiting() async throws {
        try await grow()
        async let wanted = head.covering(1)
        #expect(await patience.next() == LogHead.patience)
        try await head.advance()
        #expect(try await wanted.size == 1)
        async let never = head.covering(2)
        #expect(await patience.next() == LogHead.patience)
        patience.pass()
        do {
            _ = try await never
            Issue.record("there is no checkpoint of 2")
        } catch {
            #expect((error as? LedgerError)?.code == .unsigned)
        }
    }

    @Test("who waits is told at once that signing failed, and the service tries again after the interval")
    func failing() async throws {
        folder.room = 0
        try await serving {
            async let wanted = head.covering(1)
            _ = await patience.next()
            try await grow()
            do {
                _ = try await wanted
                Issue.record("nothing can be signed")
            } catch {
                #expect((error as? LedgerError)?.code == .unsigned)
            }
            _ = await pace.next()
            #expect(head.trouble?.code == .unsigned)
            // Actions go on.
            try await grow()
            folder.room = nil
            pace.pass()
            _ = await pace.next()
            #expect(try await head.covering(2).size == 2)
            #expect(head.trouble == nil)
        }
    }

    @Test("a receipt waits for the checkpoint of its newest entry")
    func receipts() async throws {
        let enforcement = try Fixtures.enforcement(ledger: ledger, clock: ManualClock())
        guard case .held(let approval) = await enforcement.admit(Fixtures.action(), Circumstances()) else {
            Issue.record("the action is held")
            return
        }
        let log = try LogSigner.testing(ledger, head)
        async let receipt = log.receipt(for: approval.id)
        _ = await patience.next()
        try await head.advance()
        let bytes = try #require(try await receipt)
        #expect(try Receipt(parsing: bytes).verify(with: head.key).status == "pending")
    }
}
