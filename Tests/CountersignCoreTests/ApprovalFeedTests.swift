import CountersignCore
import CountersignTestKit
import Testing

@Suite(.timeLimit(.minutes(10)))
struct ApprovalFeedTests {
    private let feed = ApprovalFeed()
    private let start = ApprovalMachineTests.start
    private let never = Timestamp(microseconds: .max)

    @Test("a change between watch and wait is not missed")
    func publishedBeforeWait() async throws {
        let approval = try Fixtures.approval(at: start)
        let watch = feed.watch(approval.id)
        feed.publish(Fixtures.next(approval, .denied))
        #expect(await feed.wait(watch, until: never)?.status == .denied)
        feed.end(watch)
        #expect(feed.watching == 0)
    }

    @Test("of two changes before a wait, the later is told")
    func latest() async throws {
        let approval = try Fixtures.approval(at: start)
        let watch = feed.watch(approval.id)
        feed.publish(Fixtures.next(approval, .approved))
        feed.publish(Fixtures.next(approval, .redeemed))
        #expect(await feed.wait(watch, until: never)?.status == .redeemed)
        feed.cancel(watch)
        #expect(await feed.wait(watch, until: never) == nil)
        feed.end(watch)
    }

    @Test("a change wakes all who watch that approval, and nobody else")
    func wakesAll() async throws {
        let approval = try Fixtures.approval(1, at: start)
        let other = try Fixtures.approval(2, of: Fixtures.action(path: "/2"), at: start)
        let watches = (0..<50).map { _ in feed.watch(approval.id) }
        let stranger = feed.watch(other.id)
        feed.publish(Fixtures.next(approval, .approved))
        for watch in watches { #expect(await feed.wait(watch, until: never)?.status == .approved) }
        feed.cancel(stranger)
        #expect(await feed.wait(stranger, until: never) == nil)
        for watch in watches + [stranger] { feed.end(watch) }
        #expect(feed.watching == 0)
    }

    @Test("a wait ends with nil at its deadline, when it is cancelled, and when its watch is ended")
    func endings() async throws {
        let id = try Fixtures.approval(at: start).id
        let watches = (0..<3).map { _ in feed.watch(id) }
        await withTaskGroup { group in
            for watch in watches {
                group.addTask { [feed, start] in
                    #expect(await feed.wait(watch, until: start.adding(.seconds(1))) == nil)
                }
            }
            group.addTask { [feed, start] in
                feed.sweep(now: start)  // Nobody's deadline.
                feed.cancel(watches[0])
                feed.end(watches[1])
            }
            group.addTask { [feed, start] in await Self.sweepUntilQuiet(feed, watches[2], start.adding(.seconds(1))) }
        }
        feed.end(watches[0])
        feed.end(watches[2])
        #expect(feed.watching == 0)
        #expect(await feed.wait(watches[1], until: never) == nil, "an ended watch answers at once")
    }

    /// Sweeps until the wait has begun and is over: a wait that begins later is woken by a later sweep.
    private static func sweepUntilQuiet(_ feed: ApprovalFeed, _ watch: ApprovalFeed.Watch, _ now: Timestamp) async {
        for _ in 0..<2000 {
            feed.sweep(now: now)
            await Task.yield()
        }
        feed.cancel(watch)
    }

    @Test("after a deadline the same watch can wait again")
    func waitAgain() async throws {
        let approval = try Fixtures.approval(at: start)
        let watch = feed.watch(approval.id)
        async let late = feed.wait(watch, until: start)
        for _ in 0..<2000 {
            feed.sweep(now: start)
            await Task.yield()
        }
        feed.publish(Fixtures.next(approval, .expired))
        let first = await late
        if first == nil { #expect(await feed.wait(watch, until: never)?.status == .expired) }
        feed.end(watch)
        #expect(feed.watching == 0)
    }

    @Test("no wake-up is lost however publishing and waiting interleave")
    func stress() async throws {
        let approvals = try (0..<20).map { try Fixtures.approval($0, of: Fixtures.action(path: "/\($0)"), at: start) }
        let last = 30
        await withTaskGroup { group in
            for approval in approvals {
                for _ in 0..<5 {
                    let watch = feed.watch(approval.id)
                    group.addTask { [feed, never] in
                        var seen = 0
                        while seen < last {
                            guard let next = await feed.wait(watch, until: never) else { break }
                            #expect(next.revision > seen)
                            seen = next.revision
                        }
                        #expect(seen == last)
                        feed.end(watch)
                    }
                }
                group.addTask { [feed] in
                    var current = approval
                    while current.revision < last {
                        current = Fixtures.next(current, .pending)
                        feed.publish(current)
                        if current.revision.isMultiple(of: 3) { await Task.yield() }
                    }
                }
            }
        }
        #expect(feed.watching == 0)
    }

    @Test("subscribers see every change in order, and are forgotten when they stop")
    func changes() async throws {
        let approval = try Fixtures.approval(at: start)
        var iterator = feed.changes().makeAsyncIterator()
        feed.publish(approval)
        feed.publish(Fixtures.next(approval, .denied))
        #expect(await iterator.next()?.status == .pending)
        #expect(await iterator.next()?.status == .denied)
    }
}
