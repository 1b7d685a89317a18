import CountersignCards
import CountersignChannels
import CountersignCore
import CountersignTestKit
import Logging
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ChannelWorkerTests {
    let clock = ManualClock()
    let ledger: InMemoryLedger
    let room = Destination(channel: ChannelName(unchecked: "slack"), address: "C1")

    init() { ledger = InMemoryLedger(clock: clock) }

    func worker(_ channel: ScriptedChannel, ticks: Bool = false) -> ChannelWorker {
        ChannelWorker(
            channel,
            ledger: ledger,
            publicURL: "https://countersign.example.com",
            clock: clock,
            chance: Chance { (0, 0) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        ) { time in
            if ticks, time < .seconds(1) { return await Task.yield() }
            // Nothing here takes time, so what waits for it waits until it is cancelled.
            for await _ in AsyncStream<Void>(unfolding: { await never() }) {}
            throw CancellationError()
        }
    }

    @discardableResult
    func hold(_ number: Int = 1, _ drafts: [NoticeDraft]? = nil) async throws -> Approval {
        let approval = try Fixtures.approval(
            number,
            of: Fixtures.action(path: "/v1/customers/\(number)"),
            at: clock.time()
        )
        _ = try await ledger.commit(
            Commit(
                .insert(approval, maximumPending: 100_000),
                entries: [Fixtures.entry(.approvalRequested, at: clock.time())],
                notices: drafts ?? [NoticeDraft(.requested, to: room, dueAt: clock.time())],
            )
        )
        return approval
    }

    func settle(_ approval: Approval, _ status: ApprovalStatus = .denied) async throws {
        let next = Fixtures.next(approval, status)
        let entry = Fixtures.entry(.approvalSettled, at: clock.time())
        _ = try await ledger.commit(Commit(.replace(next), entries: [entry]))
    }

    func states() async throws -> [Notice.State] {
        try await ledger.notices(NoticeQuery(limit: 200)).items.map(\.state).reversed()
    }

    /// Lets time pass as the worker's own ticks would: whenever it said that it looks again.
    func pass(_ time: Duration, _ worker: ChannelWorker) async {
        let end = clock.time().adding(time)
        while clock.time() < end {
            await worker.drain()
            let next = min(worker.looksAgainAt ?? end, end)
            clock.advance(by: max(next.since(clock.time()), .milliseconds(200)))
        }
        await worker.drain()
    }

    @Test("a hold is told once, and its end corrects the message that told it")
    func tellsAndCorrects() async throws {
        let channel = ScriptedChannel()
        let worker = worker(channel)
        let approval = try await hold()
        await worker.drain()
        #expect(channel.parcels.map(\.notice.cause) == [.requested])
        #expect(channel.parcels.first?.shown == nil)
        #expect(channel.parcels.first?.isRepeat == false)
        try await settle(approval)
        await worker.drain()
        #expect(channel.parcels.map(\.notice.cause) == [.requested, .changed])
        #expect(channel.parcels.last?.shown?.reference == approval.id.rawValue)
        #expect(channel.parcels.last?.approvals.map(\.status) == [.denied])
        #expect(try await states() == [.delivered, .delivered])
        await worker.drain()
        #expect(channel.parcels.count == 2)
    }

    @Test("what was settled before anybody was told is not told any more")
    func dropsWhatIsOver() async throws {
        let channel = ScriptedChannel()
        let approval = try await hold()
        try await settle(approval)
        await worker(channel).drain()
        #expect(channel.parcels.isEmpty)
        #expect(try await states() == [.dropped, .dropped])
    }

    @Test("a card that an attempt may have left is corrected, also if what it asks is over by now")
    func correctsWhatMayBeThere() async throws {
        for manner in [ChannelManner.card, .message] {
            let channel = ScriptedChannel(manner) { _ in .retry(after: nil, scope: .notice, trouble: "cut off") }
            let worker = worker(channel)
            let approval = try await hold(manner == .card ? 1 : 2)
            await worker.drain()
            try await settle(approval)
            channel.answer { _ in .nothingToTell }
            clock.advance(by: .seconds(60))
            await worker.drain()
            let asked = channel.parcels.filter { $0.notice.cause == .requested }
            #expect(asked.map(\.isRepeat) == (manner == .card ? [false, true] : [false]))
            #expect(asked.map(\.asks) == (manner == .card ? [true, false] : [true]))
        }
    }

    @Test("a program is told of what was asked even if it is over, as it was")
    func tellsProgramsEverything() async throws {
        let channel = ScriptedChannel(.events)
        let approval = try await hold()
        try await settle(approval)
        await worker(channel).drain()
        #expect(channel.parcels.map(\.notice.cause) == [.requested, .changed])
        #expect(channel.parcels.map(\.notice.status) == [.pending, .denied])
    }

    @Test("a card is told the last of several changes, a message each of them")
    func collapsesChanges() async throws {
        for (number, manner, count) in [(1, ChannelManner.card, 2), (2, .message, 4), (3, .events, 4)] {
            let channel = ScriptedChannel(manner)
            let worker = worker(channel)
            var approval = try await hold(number)
            await worker.drain()
            for status in [ApprovalStatus.approved, .redeemed, .succeeded] {
                try await settle(approval, status)
                approval = Fixtures.next(approval, status)
            }
            await worker.drain()
            #expect(channel.parcels.count == count, "\(manner)")
            #expect(channel.parcels.last?.approvals.first?.status == .succeeded)
        }
    }

    @Test("a channel that is down is tried by one notice at a time, and then gets all of them in order")
    func survivesAnOutage() async throws {
        let channel = ScriptedChannel { _ in .retry(after: nil, scope: .whole, trouble: "503") }
        let worker = worker(channel)
        for number in 1...40 { try await hold(number) }
        await worker.drain()
        let first = channel.parcels.count
        #expect(first == channel.pace.concurrency)
        for round in 1...20 {
            clock.advance(by: .seconds(121))
            await worker.drain()
            #expect(channel.parcels.count == first + round)
        }
        channel.answer { .delivered(reference: $0.notice.subject) }
        clock.advance(by: .seconds(121))
        await worker.drain()
        #expect(try await states() == Array(repeating: .delivered, count: 40))
        let told = channel.parcels.dropFirst(first + 20).map(\.notice.approval)
        #expect(Set(told).count == 40)
        #expect(told.count == 40)
    }

    @Test("a receiver that asks for time gets it, and others at other addresses are served meanwhile")
    func waitsAsAsked() async throws {
        let channel = ScriptedChannel { parcel in
            parcel.notice.destination.address == "C1"
                ? .retry(after: .seconds(30), scope: .address, trouble: "429") : .delivered(reference: "m")
        }
        let worker = worker(channel)
        let other = Destination(channel: room.channel, address: "C2")
        try await hold(1)
        try await hold(2)
        try await hold(3, [NoticeDraft(.requested, to: other, dueAt: clock.time())])
        await worker.drain()
        let before = channel.parcels.count
        clock.advance(by: .seconds(29))
        await worker.drain()
        #expect(channel.parcels.count == before)
        channel.answer { .delivered(reference: $0.notice.subject) }
        clock.advance(by: .seconds(3))
        await worker.drain()
        #expect(try await states() == [.delivered, .delivered, .delivered])
    }

    @Test("a closed address does not put off what is due at another one")
    func looksInTime() async throws {
        let channel = ScriptedChannel { _ in .retry(after: .seconds(3600), scope: .address, trouble: "429") }
        let worker = worker(channel)
        let other = Destination(channel: room.channel, address: "C2")
        let later = clock.time().adding(.seconds(600))
        try await hold(1, [NoticeDraft(.requested, to: room, dueAt: clock.time())])
        try await hold(2, [NoticeDraft(.escalated, to: other, dueAt: later)])
        await worker.drain()
        #expect(worker.looksAgainAt == later)
        clock.advance(by: .seconds(600))
        await worker.drain()
        #expect(channel.parcels.map(\.notice.destination) == [room, other])
        #expect(worker.looksAgainAt.map { $0 >= clock.time().adding(.seconds(2000)) } == true)
    }

    @Test("a pause that the receiver asked for is kept, also when something that began before it went well")
    func keepsThePause() async throws {
        let channel = ScriptedChannel { parcel in
            parcel.notice.number == 1
                ? .retry(after: .seconds(30), scope: .whole, trouble: "429") : .delivered(reference: "m")
        }
        let worker = worker(channel)
        for number in 1...2 { try await hold(number) }
        await worker.drain()
        try await hold(3)
        await worker.drain()
        #expect(channel.parcels.count == 2)
        clock.advance(by: .seconds(29))
        await worker.drain()
        #expect(channel.parcels.count == 2)
    }

    @Test("what a channel need not send says nothing about how it is")
    func nothingToTellIsNoSign() async throws {
        let down: @Sendable (Parcel) -> Delivery = { parcel in
            parcel.notice.cause == .changed ? .nothingToTell : .retry(after: nil, scope: .whole, trouble: "503")
        }
        let channel = ScriptedChannel(.message, pace: ChannelPace(concurrency: 4), down)
        let worker = worker(channel)
        for number in 1...4 { try await hold(number) }
        let over = try await hold(5)
        await worker.drain()
        for round in 1...6 {
            clock.advance(by: .seconds(80))
            await worker.drain()
            if round == 3 { try await settle(over) }
        }
        #expect(channel.parcels.count { $0.notice.cause != .changed } == 4 + 6)
        #expect(try await states().contains(.dropped))
        channel.answer { .delivered(reference: $0.notice.subject) }
        clock.advance(by: .seconds(80))
        await worker.drain()
        #expect(try await !states().contains(.waiting))
    }

    @Test("once a receiver takes notices again, none waits for a schedule that its failures had made long")
    func catchesUp() async throws {
        let channel = ScriptedChannel(.events, pace: ChannelPace(backOff: .standard)) { _ in
            .retry(after: nil, scope: .notice, trouble: "500")
        }
        let worker = worker(channel)
        for number in 1...20 { try await hold(number) }
        for _ in 0..<3 {
            await worker.drain()
            clock.advance(by: .seconds(400))
        }
        let attempts = channel.parcels.count
        // Most of them were not tried again and again: a channel whose notices all fail is down.
        #expect(attempts < 30)
        channel.answer { _ in .delivered(reference: nil) }
        try await hold(21)
        await worker.drain()
        #expect(channel.parcels.count == attempts + 21)
        #expect(try await states() == Array(repeating: .delivered, count: 21))
    }

    @Test("a receiver that was down for an hour is found back within two minutes, though nothing new is to be told")
    func isFoundBack() async throws {
        let channel = ScriptedChannel(.events, pace: ChannelPace(backOff: .standard)) { _ in
            .retry(after: nil, scope: .notice, trouble: "503")
        }
        let worker = worker(channel)
        for number in 1...12 { try await hold(number) }
        await pass(.seconds(3600), worker)
        let attempts = channel.parcels.count
        #expect(attempts < 12 + 120)
        channel.answer { _ in .delivered(reference: nil) }
        await pass(.seconds(120), worker)
        #expect(try await states() == Array(repeating: .delivered, count: 12))
        #expect(channel.parcels.count == attempts + 12)
    }

    @Test("an address is served at its own rate, however many wait")
    func keepsTheRate() async throws {
        let channel = ScriptedChannel(pace: ChannelPace(perSecond: 1, burst: 2))
        let worker = worker(channel)
        for number in 1...5 { try await hold(number) }
        await worker.drain()
        #expect(channel.parcels.count == 2)
        for count in 3...5 {
            clock.advance(by: .seconds(1))
            await worker.drain()
            #expect(channel.parcels.count == count)
        }
    }

    @Test("an attempt that a crash left in doubt is made again, and the channel is told so")
    func repeatsWhatIsInDoubt() async throws {
        let channel = ScriptedChannel()
        try await hold()
        let notices = try await ledger.dueNotices(of: room.channel, leavingOut: [], now: clock.time(), limit: 10)
        try await ledger.beginNotices(notices.map(\.number))
        #expect(try await ledger.recoverNotices() == 1)
        await worker(channel).drain()
        #expect(channel.parcels.map(\.isRepeat) == [true])
        #expect(channel.parcels.map(\.notice.id) == notices.map(\.id))
    }

    @Test("what fails for days is given up, and its next correction is tried on its own")
    func givesUp() async throws {
        let channel = ScriptedChannel(.message, pace: ChannelPace(lifetime: .seconds(60))) { _ in
            .retry(after: nil, scope: .notice, trouble: "500")
        }
        let worker = worker(channel)
        try await hold()
        for _ in 0..<12 {
            await worker.drain()
            clock.advance(by: .seconds(13))
        }
        #expect(try await states() == [.failed])
        #expect(try await ledger.outboxCounts(now: clock.time()).map(\.refusal) == ["500"])
    }

    @Test("a ledger that does not write lets nothing be sent")
    func failsClosed() async throws {
        let channel = ScriptedChannel()
        let worker = worker(channel)
        try await hold()
        ledger.isBroken = true
        await worker.drain()
        #expect(channel.parcels.isEmpty)
        ledger.isBroken = false
        await worker.drain()
        #expect(channel.parcels.count == 1)
    }

    @Test(
        "a ledger that fails while notices are under way costs the channel nothing but time, and nothing is told twice"
    )
    func survivesTheLedger() async throws {
        let channel = ScriptedChannel(pace: ChannelPace(concurrency: 2))
        let worker = worker(channel)
        for number in 1...6 { try await hold(number) }
        channel.answer { [ledger] parcel in
            ledger.isBroken = true
            return .delivered(reference: parcel.notice.subject)
        }
        await worker.drain()
        #expect(channel.parcels.count <= 2)
        let told = channel.parcels.count
        channel.answer { .delivered(reference: $0.notice.subject) }
        ledger.isBroken = false
        clock.advance(by: .seconds(2))
        await worker.drain()
        #expect(try await states() == Array(repeating: .delivered, count: 6))
        #expect(channel.parcels.count == 6, "\(told) before")
        #expect(Set(channel.parcels.map(\.notice.id)).count == 6)
    }

    @Test("an escalation waits for its time, and is not made once somebody has decided")
    func escalates() async throws {
        let channel = ScriptedChannel()
        let worker = worker(channel)
        let later = clock.time().adding(.seconds(900))
        let boss = Destination(channel: room.channel, address: "C9")
        let drafts = [
            NoticeDraft(.requested, to: room, dueAt: clock.time()), NoticeDraft(.escalated, to: boss, dueAt: later),
        ]
        let first = try await hold(1, drafts)
        try await hold(2, drafts)
        await worker.drain()
        #expect(channel.parcels.map(\.notice.cause) == [.requested, .requested])
        try await settle(first)
        clock.advance(by: .seconds(900))
        await worker.drain()
        let escalated = channel.parcels.filter { $0.notice.cause == .escalated }
        #expect(escalated.map(\.notice.destination) == [boss])
        #expect(escalated.map(\.notice.approval) != [first.id])
    }

    @Test("a batch is one message, which is corrected when one of its approvals ends")
    func tellsBatches() async throws {
        let channel = ScriptedChannel()
        let worker = worker(channel)
        let batch = BatchID(agent: Fixtures.agent, destination: room, window: 7)
        var approvals: [Approval] = []
        for number in 1...3 {
            approvals.append(
                try await hold(number, [NoticeDraft(.requested, to: room, dueAt: clock.time(), batch: batch)])
            )
        }
        await worker.drain()
        #expect(channel.parcels.map(\.approvals.count) == [3])
        #expect(try await states() == [.delivered, .delivered, .delivered])
        try await settle(approvals[1])
        await worker.drain()
        #expect(channel.parcels.count == 2)
        #expect(channel.parcels.last?.shown?.reference == batch.rawValue)
        #expect(channel.parcels.last?.approvals.map(\.status) == [.pending, .denied, .pending])
    }
}

/// Suspends until its task is cancelled.
private func never() async -> Void? {
    let (stream, continuation) = AsyncStream<Void>.makeStream()
    defer { continuation.finish() }
    for await _ in stream {}
    return nil
}
