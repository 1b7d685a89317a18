import CountersignCards
import CountersignChannels
import CountersignCore
import CountersignTestKit
import Synchronization
import Testing

/// How a channel is found back, and what its notices' own schedules have to do with it.
extension ChannelWorkerTests {
    private static let unwell: @Sendable (Parcel) -> Delivery = { _ in
        .retry(after: nil, scope: .notice, trouble: "503")
    }

    private func webhook(_ answer: @escaping @Sendable (Parcel) -> Delivery = unwell) -> ScriptedChannel {
        ScriptedChannel(.events, pace: ChannelPace(backOff: .standard), answer)
    }

    @Test("a restart asks at once whether a receiver is back, and what a pause was asked for waits on")
    func asksAnewAfterARestart() async throws {
        let channel = webhook { parcel in
            .retry(after: parcel.notice.number == 3 ? .seconds(9000) : nil, scope: .notice, trouble: "401")
        }
        for number in 1...3 { try await hold(number) }
        await pass(.seconds(4000), worker(channel))
        channel.answer { _ in .delivered(reference: nil) }
        await worker(channel).drain()
        #expect(try await states() == [.delivered, .delivered, .waiting])
    }

    @Test("asking a receiver for an hour whether it is back makes no notice's schedule longer")
    func keepsTheSchedule() async throws {
        let channel = webhook()
        let worker = worker(channel)
        for number in 1...12 { try await hold(number) }
        await pass(.seconds(3600), worker)
        #expect(channel.parcels.count > 12 + 40)
        let stumbles = Mutex<Set<Int64>>([])
        channel.answer { parcel in
            let fails =
                [5, 6].contains(parcel.notice.number) && stumbles.withLock { $0.insert(parcel.notice.number).inserted }
            return fails ? Self.unwell(parcel) : .delivered(reference: nil)
        }
        await pass(.seconds(120), worker)
        #expect(try await states().count { $0 == .delivered } == 10)
        // After an hour the standard's next step is two hours.
        await pass(.seconds(7200 * 6 / 5), worker)
        #expect(try await states() == Array(repeating: .delivered, count: 12))
    }

    @Test("a receiver that fails once more just after it was back still gets all that waits within a minute or two")
    func survivesARelapse() async throws {
        let channel = webhook()
        let worker = worker(channel)
        for number in 1...40 { try await hold(number) }
        await pass(.seconds(3600), worker)
        let answers = Mutex(0)
        channel.answer { parcel in
            let count = answers.withLock { answers in
                answers += 1
                return answers
            }
            return (2...17).contains(count) ? Self.unwell(parcel) : .delivered(reference: nil)
        }
        await pass(.seconds(150), worker)
        #expect(try await states() == Array(repeating: .delivered, count: 40))
    }

    @Test("a receiver that is there again, but not well, is asked at a pace, also about a single notice")
    func asksAtAPace() async throws {
        let channel = webhook { parcel in
            .retry(after: nil, scope: parcel.notice.tries == 0 ? .whole : .notice, trouble: "502")
        }
        let worker = worker(channel)
        try await hold()
        await pass(.seconds(3600), worker)
        #expect((50...120).contains(channel.parcels.count))
        channel.answer { _ in .delivered(reference: nil) }
        await pass(.seconds(72), worker)
        #expect(try await states() == [.delivered])
    }

    @Test("what a schedule puts off is tried once a receiver that did not answer takes another notice")
    func hurriesAfterSilence() async throws {
        let channel = webhook()
        let worker = worker(channel)
        try await hold(1)
        await pass(.seconds(2000), worker)
        channel.answer { _ in .retry(after: nil, scope: .whole, trouble: "refused") }
        try await hold(2)
        await pass(.seconds(1800), worker)
        channel.answer { _ in .delivered(reference: nil) }
        await pass(.seconds(72), worker)
        #expect(try await states() == [.delivered, .delivered])
    }

    @Test("a receiver that was down for almost three days loses nothing; one that stays away is given up")
    func triesForThreeDays() async throws {
        let channel = webhook()
        let worker = worker(channel)
        for number in 1...12 { try await hold(number) }
        try await hold(13, [NoticeDraft(.requested, to: room, dueAt: clock.time().adding(.seconds(86_400)))])
        await pass(.seconds(71 * 3600), worker)
        #expect(try await states() == Array(repeating: .waiting, count: 13))
        channel.answer { $0.notice.number == 1 ? Self.unwell($0) : .delivered(reference: nil) }
        await pass(.seconds(7200), worker)
        #expect(try await states() == [.failed] + Array(repeating: .delivered, count: 12))
    }

    @Test("a single notice is tried on the standard's schedule, and once more when its three days are over")
    func triesOnSchedule() async throws {
        let channel = webhook()
        let times = Mutex<[Timestamp]>([])
        channel.answer { parcel in
            times.withLock { $0.append(parcel.now) }
            return Self.unwell(parcel)
        }
        let begin = clock.time()
        try await hold()
        await pass(.seconds(80 * 3600), worker(channel))
        #expect(try await states() == [.failed])
        // Without chance each wait is four fifths of the standard's.
        let seconds = times.withLock { $0.map { $0.since(begin).wholeMicroseconds / 1_000_000 } }
        #expect(seconds == [0, 4, 244, 1684, 7444, 21_844, 50_644, 90_964, 148_564, 217_684, 259_200])
    }

    @Test("what was late when it was first tried is tried as often as anything else")
    func triesWhatIsLate() async throws {
        let channel = ScriptedChannel(.events) { _ in .retry(after: nil, scope: .whole, trouble: "no route") }
        let worker = worker(channel)
        try await hold()
        clock.advance(by: .seconds(4 * 86_400))
        await pass(.seconds(40), worker)
        #expect(try await states() == [.waiting])
        await pass(.seconds(600), worker)
        #expect(try await states() == [.failed])
    }

    @Test("what need not be sent any more takes no time from what must be")
    func passesOverWhatIsOver() async throws {
        for answer in [nil, Delivery.nothingToTell] {
            let channel = ScriptedChannel(.message, pace: ChannelPace(perSecond: 1, burst: 1)) { parcel in
                parcel.notice.cause == .changed ? answer ?? .nothingToTell : .delivered(reference: "m")
            }
            let first = answer == nil ? 0 : 200
            for number in first + 1...first + 100 { try await settle(try await hold(number)) }
            let last = try await hold(first + 101)
            await worker(channel).drain()
            #expect(channel.parcels.filter { $0.notice.cause == .requested }.map(\.notice.approval) == [last.id])
        }
    }

    @Test("an erasure is told although nothing else happens")
    func looksWithoutBeingWoken() async throws {
        let channel = ScriptedChannel()
        let approval = try Fixtures.approval(at: clock.time())
        let payload = Array(try #require(approval.document).utf8)
        let entry = Fixtures.entry(.approvalRequested, at: clock.time(), approval: approval.id, payload: payload)
        let draft = NoticeDraft(.requested, to: room, dueAt: clock.time())
        _ = try await ledger.commit(Commit(.insert(approval, maximumPending: 1), entries: [entry], notices: [draft]))
        let worker = worker(channel, ticks: true)
        let running = Task { try await worker.run() }
        while channel.parcels.count < 1 { await Task.yield() }
        try await settle(approval)
        while try await states() != [.delivered, .delivered] { await Task.yield() }
        _ = try await ledger.commit(Fixtures.erasure(of: [0], at: clock.time()))
        while try await states() != [.delivered, .delivered, .delivered] { await Task.yield() }
        #expect(channel.parcels.last?.notice.event == .payloadErased)
        running.cancel()
        try await running.value
    }

    @Test("what joins a batch after its message was sent is told too, and a message of several can be sent again")
    func tellsLatecomers() async throws {
        let channel = ScriptedChannel(.message) { .delivered(reference: $0.asksOrEnds ? "m" : nil) }
        let worker = worker(channel)
        let batch = BatchID(agent: Fixtures.agent, destination: room, window: 7)
        let draft = NoticeDraft(.requested, to: room, dueAt: clock.time(), batch: batch)
        for number in 1...2 { try await hold(number, [draft]) }
        await worker.drain()
        #expect(channel.parcels.map(\.approvals.count) == [2])
        #expect(try await states() == [.delivered, .delivered])
        try await hold(3, [draft])
        await worker.drain()
        #expect(channel.parcels.map(\.approvals.count) == [2, 3])
        #expect(try await states() == [.delivered, .delivered, .delivered])
        #expect(try await ledger.replayNotice(1, at: clock.time()))
        await worker.drain()
        #expect(channel.parcels.map(\.asksOrEnds) == [true, true, true])
    }
}
