import CountersignCore
import CountersignTestKit
import Testing

@Suite struct ChannelRoutingTests {
    private let slack = Destination(channel: ChannelName(unchecked: "slack"), address: "C1")
    private let mail = Destination(channel: ChannelName(unchecked: "mail"), address: "dba@example.com")
    private let night = Destination(channel: ChannelName(unchecked: "slack"), address: "C-on-call")
    /// 03:00 UTC.
    private let now = Timestamp(microseconds: 20_833 * 86_400_000_000 + 10_800_000_000)

    private func notices(
        _ route: ChannelRouting.Route,
        earlier: Int = 0,
        expires: Duration = .seconds(3600),
        at now: Timestamp? = nil,
    ) throws -> [NoticeDraft] {
        let now = now ?? self.now
        let routing = ChannelRouting(routes: [Fixtures.approvers: route], gathering: [slack.channel])
        let approval = try Fixtures.approval(at: now, expires: expires)
        return routing.notices(of: approval, now: now) { _ in earlier }
    }

    @Test("a gate's group is asked at its places; another group's route is not taken")
    func asksTheGroup() throws {
        let drafts = try notices(ChannelRouting.Route(destinations: [slack, mail]))
        #expect(drafts == [slack, mail].map { NoticeDraft(.requested, to: $0, dueAt: now) })
        let others = ChannelRouting(routes: [GroupName(unchecked: "net"): ChannelRouting.Route(destinations: [slack])])
        #expect(others.notices(of: try Fixtures.approval(at: now), now: now) { _ in 0 }.isEmpty)
    }

    @Test("a group without a route is asked where everybody is; programs are always told")
    func asksEverybody() throws {
        let hook = Destination(channel: ChannelName(unchecked: "hook"))
        let routing = ChannelRouting(everybody: ChannelRouting.Route(destinations: [mail]), observers: [hook])
        let drafts = routing.notices(of: try Fixtures.approval(at: now), now: now) { _ in 0 }
        #expect(drafts.map(\.destination) == [hook, mail])
    }

    /// From, until and now as hours of a day, and the hours that are left.
    private static let nights: [(from: Int, until: Int, hour: Int64, left: Int64?)] = [
        (22, 7, 3, 4), (22, 7, 23, 8), (22, 7, 12, nil), (1, 5, 3, 2), (1, 5, 5, nil), (1, 5, 0, nil),
    ]

    @Test("quiet hours end when they say, over midnight as well", arguments: nights)
    func quietHours(_ night: (from: Int, until: Int, hour: Int64, left: Int64?)) {
        let hours = ChannelRouting.QuietHours(
            from: night.from * 60,
            until: night.until * 60,
            zone: FixedOffset(seconds: 7200),
            instead: [],
        )
        let midnight = Timestamp(microseconds: now.microseconds / 86_400_000_000 * 86_400_000_000)
        // Two hours ahead of UTC, so that the zone counts.
        let time = midnight.adding(.seconds(night.hour * 3600 - 7200))
        let end = night.left.map { time.adding(.seconds($0 * 3600)) }
        #expect(hours.end(at: time) == end)
    }

    /// Where the clocks go from one to two hours ahead of UTC at 01:00 UTC of the day.
    private struct Spring: LocalTime {
        let change: Timestamp
        func secondsFromUTC(at time: Timestamp) -> Int64 { time < change ? 3600 : 7200 }
    }

    /// Until when as minutes of the local day, and the minutes of UTC's day at which that is.
    @Test(
        "quiet hours end when the clock shows it, also in the night in which an hour is left out",
        arguments: [
            (90, 30), (120, 60), (150, 90), (180, 60), (210, 90), (420, 300),
        ]
    )
    func quietHoursInSpring(_ until: Int, _ minutes: Int64) {
        let midnight = Timestamp(microseconds: now.microseconds / 86_400_000_000 * 86_400_000_000)
        let zone = Spring(change: midnight.adding(.seconds(3600)))
        let hours = ChannelRouting.QuietHours(from: 22 * 60, until: until, zone: zone, instead: [])
        let evening = midnight.adding(.seconds(-7200))
        #expect(hours.end(at: evening) == midnight.adding(.seconds(minutes * 60)))
    }

    @Test("in quiet hours the night watch is told at once, and the group when they end")
    func nightWatch() throws {
        let zone = FixedOffset(seconds: 0)
        let hours = ChannelRouting.QuietHours(from: 60, until: 240, zone: zone, instead: [night])
        let route = ChannelRouting.Route(destinations: [slack], quietHours: hours)
        let drafts = try notices(route, expires: .seconds(7200))
        #expect(
            drafts == [
                NoticeDraft(.requested, to: slack, dueAt: now.adding(.seconds(3600))),
                NoticeDraft(.requested, to: night, dueAt: now),
            ]
        )
    }

    @Test("who sleeps until a question is over is not told of it after that; the night watch is")
    func onlyTheNightWatch() throws {
        let zone = FixedOffset(seconds: 0)
        let hours = ChannelRouting.QuietHours(from: 60, until: 360, zone: zone, instead: [night])
        let route = ChannelRouting.Route(destinations: [slack], quietHours: hours)
        #expect(try notices(route) == [NoticeDraft(.requested, to: night, dueAt: now)])
    }

    @Test("a quiet night does not let a question end unseen")
    func nobodySleepsThrough() throws {
        let zone = FixedOffset(seconds: 0)
        let hours = ChannelRouting.QuietHours(from: 60, until: 360, zone: zone, instead: [])
        let route = ChannelRouting.Route(destinations: [slack], quietHours: hours)
        #expect(try notices(route) == [NoticeDraft(.requested, to: slack, dueAt: now)])
    }

    @Test("escalations and reminders come at their time, and not after the end")
    func escalations() throws {
        let route = ChannelRouting.Route(
            destinations: [slack],
            escalations: [
                ChannelRouting.Escalation(after: .seconds(900), destinations: [mail]),
                ChannelRouting.Escalation(after: .seconds(7200), destinations: [night]),
            ],
            reminder: .seconds(600),
        )
        let drafts = try notices(route)
        #expect(
            drafts == [
                NoticeDraft(.requested, to: slack, dueAt: now),
                NoticeDraft(.escalated, to: mail, dueAt: now.adding(.seconds(900))),
                NoticeDraft(.reminder, to: slack, dueAt: now.adding(.seconds(3000))),
            ]
        )
        #expect(try notices(route, expires: .seconds(1000)).map(\.cause) == [.requested, .escalated])
    }

    @Test("a flood of one agent is gathered to the end of its window, where the channel can")
    func digests() throws {
        let digest = ChannelRouting.Digest(after: 5, every: .seconds(60))
        let route = ChannelRouting.Route(destinations: [slack, mail], digest: digest)
        #expect(try notices(route, earlier: 4).allSatisfy { $0.batch == nil && $0.dueAt == now })
        let drafts = try notices(route, earlier: 5, at: now.adding(.seconds(7)))
        #expect(drafts.map { $0.batch != nil } == [true, false])
        #expect(drafts[0].dueAt == now.adding(.seconds(60)))
        let other = try notices(route, earlier: 9, at: now.adding(.seconds(58)))
        #expect(other[0].batch == drafts[0].batch)
        #expect(try notices(route, earlier: 9, at: now.adding(.seconds(61)))[0].batch != drafts[0].batch)
        #expect(try notices(route, earlier: 9, expires: .seconds(30))[0].batch == nil)
    }

    @Test("one message tells of as many as there is room for, the next of those that follow")
    func partsOfDigests() throws {
        let digest = ChannelRouting.Digest(after: 5, every: .seconds(60))
        let route = ChannelRouting.Route(destinations: [slack], digest: digest)
        let batches = try (5..<500).map { try notices(route, earlier: $0)[0].batch }
        for (batch, count) in Dictionary(grouping: batches, by: \.self).mapValues(\.count) {
            #expect(batch != nil && count <= BatchID.most)
        }
        #expect(Set(batches).count == 10)
    }

    @Test("a flood in quiet hours is gathered as by day, and told when they end")
    func gathersAtNight() throws {
        let hours = ChannelRouting.QuietHours(from: 60, until: 240, zone: FixedOffset(seconds: 0), instead: [])
        let digest = ChannelRouting.Digest(after: 5, every: .seconds(60))
        let route = ChannelRouting.Route(destinations: [slack], quietHours: hours, digest: digest)
        for earlier in [0, 5] {
            let draft = try notices(route, earlier: earlier, expires: .seconds(7200))[0]
            #expect(draft.dueAt == now.adding(.seconds(3600)))
            #expect((draft.batch != nil) == (earlier == 5))
        }
    }

    @Test("whoever is asked is reminded, also after a quiet night and in spite of it")
    func remindsAfterTheNight() throws {
        let zone = FixedOffset(seconds: 0)
        for (until, expires, count) in [(240, 7200, 2), (360, 3600, 2), (300, 7500, 1)] as [(Int, Int64, Int)] {
            let hours = ChannelRouting.QuietHours(from: 60, until: until, zone: zone, instead: [])
            let route = ChannelRouting.Route(destinations: [slack], quietHours: hours, reminder: .seconds(600))
            let drafts = try notices(route, expires: .seconds(expires))
            #expect(drafts.count == count, "until \(until)")
            if count == 2 { #expect(drafts[1].dueAt == now.adding(.seconds(expires - 600))) }
        }
    }

    @Test("a place that two routes name is asked as soon as one of them says")
    func theSoonerOfTwo() throws {
        let hours = ChannelRouting.QuietHours(from: 60, until: 240, zone: FixedOffset(seconds: 0), instead: [])
        let sleeper = ChannelRouting.Route(destinations: [slack], quietHours: hours)
        let watch = ChannelRouting.Route(destinations: [slack])
        let groups = [GroupName(unchecked: "dba"), GroupName(unchecked: "sre")]
        for routes in [[sleeper, watch], [watch, sleeper]] {
            let routing = ChannelRouting(routes: Dictionary(uniqueKeysWithValues: zip(groups, routes)))
            let gates = [Gate(policy: "deletes", approvers: groups, quorum: 1)]
            let approval = try Fixtures.approval(gates: gates, at: now, expires: .seconds(7200))
            #expect(routing.notices(of: approval, now: now) { _ in 0 }.map(\.dueAt) == [now])
        }
    }
}
