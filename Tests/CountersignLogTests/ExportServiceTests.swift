import CountersignCore
import CountersignLog
import CountersignTestKit
import ServiceLifecycle
import Testing

@Suite("Exports of the log", .timeLimit(.minutes(10)))
struct ExportServiceTests {
    private let clock = ManualClock()
    private let ledger: InMemoryLedger

    init() { ledger = InMemoryLedger(clock: clock) }

    private func append(_ count: Int, _ kind: EntryKind = .actionAllowed) async throws {
        for _ in 0..<count { _ = try await ledger.commit(Commit(entries: [Fixtures.entry(kind, at: clock.time())])) }
    }

    /// Runs an export until its cursor in the ledger is there, and then stops it.
    private func run(_ service: ExportService, until next: UInt64) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { try await service.run() }
            while try await ledger.cursor(service.settings.cursor) != next { await Task.yield() }
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
    }

    @Test("every entry is delivered in order, in batches, and the cursor follows")
    func order() async throws {
        try await append(10)
        let sink = ScriptedSink()
        try await run(.scripted(ledger, sink), until: 10)
        #expect(sink.received == Array(0..<10))
        #expect(sink.batches == [4, 4, 2])
        #expect(sink.isClosed)
    }

    @Test("a line of NDJSON is the leaf")
    func leaves() async throws {
        try await append(3)
        let sink = ScriptedSink()
        try await run(.scripted(ledger, sink), until: 3)
        let leaves = try await ledger.leaves(from: 0, count: 3).map { String(decoding: $0.bytes, as: UTF8.self) }
        #expect(sink.texts == leaves)
    }

    @Test("what is committed while it runs is delivered, too")
    func follows() async throws {
        let sink = ScriptedSink()
        let service = ExportService.scripted(ledger, sink)
        try await withThrowingTaskGroup { group in
            group.addTask { try await service.run() }
            for size in 1...5 {
                try await append(1)
                while try await ledger.cursor("export:siem") != UInt64(size) { await Task.yield() }
            }
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
        #expect(sink.received == [0, 1, 2, 3, 4])
    }

    @Test("a failed batch is sent again, after a wait, and nothing overtakes it")
    func retries() async throws {
        try await append(6)
        let naps = Naps()
        let sink = ScriptedSink([.fail(.unreachable), .takeSome(2, .unreachable), .fail(.busy(.seconds(7)))])
        try await run(.scripted(ledger, sink, naps: naps), until: 6)
        #expect(sink.received == [0, 1, 0, 1, 2, 3, 4, 5])
        #expect(sink.distinct == Array(0..<6))
        #expect(naps.waits.count == 3)
        #expect(naps.waits.last == .seconds(7))
    }

    @Test("a batch that is too large is halved, and no entry is lost")
    func halving() async throws {
        try await append(9)
        let sink = ScriptedSink([.fail(.tooLarge), .fail(.tooLarge)])
        try await run(.scripted(ledger, sink), until: 9)
        #expect(sink.batches.prefix(3) == [4, 2, 1])
        #expect(sink.received == Array(0..<9))
    }

    @Test("a crash between delivery and cursor means repeats, never gaps")
    func crash() async throws {
        try await append(6)
        let first = ScriptedSink(after: { [ledger] in ledger.isBroken = true })
        let service = ExportService.scripted(ledger, first)
        await withThrowingTaskGroup { group in
            group.addTask { try await service.run() }
            // The receiver has a batch, and the ledger cannot be told.
            while service.status(size: 6, now: clock.time()).failures == 0 { await Task.yield() }
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
        ledger.isBroken = false
        #expect(first.received.starts(with: [0, 1, 2, 3]))
        #expect(try await ledger.cursor("export:siem") == nil)
        let second = ScriptedSink()
        try await run(.scripted(ledger, second), until: 6)
        #expect(second.received == Array(0..<6))
    }

    @Test("a ledger that fails delays, and nothing is sent twice because of it alone")
    func brokenLedger() async throws {
        try await append(2)
        ledger.isBroken = true
        let sink = ScriptedSink()
        let service = ExportService.scripted(ledger, sink)
        try await withThrowingTaskGroup { group in
            group.addTask { try await service.run() }
            while service.status(size: 2, now: clock.time()).failures < 3 { await Task.yield() }
            ledger.isBroken = false
            while try await ledger.cursor("export:siem") != 2 { await Task.yield() }
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
        #expect(sink.received == [0, 1])
    }

    @Test("only the kinds asked for are delivered, and the cursor passes the others")
    func kinds() async throws {
        try await append(5)
        try await append(1, .actionDenied)
        try await append(5)
        let sink = ScriptedSink()
        let settings = ExportSettings(name: "siem", destination: .standardOutput, kinds: [.actionDenied], batch: 2)
        try await run(.scripted(ledger, sink, settings), until: 11)
        #expect(sink.received == [5])
    }

    @Test("a new export may begin with what is committed next, and a restart does not move that")
    func fromNow() async throws {
        try await append(3)
        let settings = ExportSettings(name: "siem", destination: .standardOutput, start: .now)
        try await run(.scripted(ledger, ScriptedSink(), settings), until: 3)
        try await append(2)
        let sink = ScriptedSink()
        try await run(.scripted(ledger, sink, settings), until: 5)
        #expect(sink.received == [3, 4])
    }

    @Test("two exports have cursors of their own")
    func twoExports() async throws {
        try await append(3)
        let (one, two) = (ScriptedSink(), ScriptedSink([.fail(.refused)]))
        try await run(.scripted(ledger, one), until: 3)
        let settings = ExportSettings(name: "other", destination: .standardOutput)
        try await run(.scripted(ledger, two, settings), until: 3)
        #expect(one.received == two.received)
    }

    @Test("lag, age, failures and deliveries can be seen")
    func status() async throws {
        try await append(3)
        clock.advance(by: .seconds(90))
        let sink = ScriptedSink(Array(repeating: .fail(.refused), count: 10_000))
        let service = ExportService.scripted(ledger, sink, clock: clock)
        await withThrowingTaskGroup { group in
            group.addTask { try await service.run() }
            while service.status(size: 3, now: clock.time()).failures < 2 { await Task.yield() }
            let status = service.status(size: 3, now: clock.time())
            #expect(status.lagEntries == 3)
            #expect(status.lagTime == .seconds(90))
            #expect(status.problem == "a test said so")
            #expect(status.delivered == 0)
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
        let good = ExportService.scripted(ledger, ScriptedSink(), clock: clock)
        try await run(good, until: 3)
        let status = good.status(size: 3, now: clock.time())
        #expect(status.lagEntries == 0 && status.lagTime == .zero && status.problem == nil)
        #expect(status.delivered == 3)
    }

    @Test("a receiver that never answers holds no commit")
    func neverBlocks() async throws {
        let service = ExportService.scripted(ledger, ScriptedSink(isHanging: true))
        try await withThrowingTaskGroup { group in
            group.addTask { try await service.run() }
            try await append(100)
            #expect(service.status(size: ledger.growth.size, now: clock.time()).lagEntries == 100)
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
    }

    @Test("whatever fails, the receiver has every entry, in order once repeats are dropped", arguments: 1...40)
    func property(seed: UInt64) async throws {
        let chance = Chance.deterministic(seed: seed)
        func number(_ limit: UInt64) -> Int { Int(chance.bits().0 % limit) }
        let count = 1 + number(30)
        try await append(count)
        let kinds: [ExportFailure.Kind] = [.unreachable, .busy(nil), .busy(.seconds(3)), .tooLarge, .refused]
        let steps = (0..<20).map { _ -> ScriptedSink.Step in
            let kind = kinds[number(5)]
            return switch number(4) {
            case 0: .take
            case 1: .takeAndFail(kind)
            case 2: .takeSome(number(5), kind)
            default: .fail(kind)
            }
        }
        let sink = ScriptedSink(steps)
        let settings = ExportSettings(name: "siem", destination: .standardOutput, batch: 1 + number(7))
        try await run(.scripted(ledger, sink, settings), until: UInt64(count))
        #expect(sink.distinct == (0..<UInt64(count)).map(\.self))
    }

    @Test("a server that stops delivers what it can, and does not wait for a receiver that hangs")
    func shutdown() async throws {
        try await append(2)
        let sink = ScriptedSink()
        let service = ExportService.scripted(ledger, sink)
        try await withThrowingTaskGroup { group in
            let services = ServiceGroup(
                configuration: ServiceGroupConfiguration(services: [.init(service: service)], logger: .silent)
            )
            group.addTask { try await services.run() }
            while try await ledger.cursor("export:siem") != 2 { await Task.yield() }
            try await append(3)
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
        #expect(sink.distinct == [0, 1, 2, 3, 4])
        let hanging = ScriptedSink(isHanging: true)
        let stuck = ExportService.scripted(
            ledger,
            hanging,
            ExportSettings(name: "stuck", destination: .standardOutput)
        )
        try await withThrowingTaskGroup { group in
            let services = ServiceGroup(
                configuration: ServiceGroupConfiguration(services: [.init(service: stuck)], logger: .silent)
            )
            group.addTask { try await services.run() }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
        #expect(hanging.isClosed)
        #expect(try await ledger.cursor("export:stuck") == nil)
    }
}
