import CountersignCore
import CountersignServer
import Testing

@Suite("Routes are read as the guides say", .timeLimit(.minutes(10)))
struct RoutingReadingTests {
    private static let channels = """
        channels:
          - {name: mail, kind: email, server: smtp.example.com, from: countersign@example.com}
        routing:

        """

    private static func dba(_ more: String) -> String {
        channels + "  - {groups: [dba], notify: [{channel: mail, to: dba@example.com}], \(more)}\n"
    }

    private static func route(_ text: String) throws -> ChannelRouting.Route {
        let routing = try ConfigurationTests.read(text).routing
        return try #require(routing.routes[GroupName(unchecked: "dba")])
    }

    private static func mail(_ name: String) -> Destination {
        Destination(channel: ChannelName(unchecked: "mail"), address: "\(name)@example.com")
    }

    /// A night from 22:00 to 07:00 in Berlin: a moment of it, and when it ends.
    private static let nights: [(now: String, end: String?)] = [
        ("2026-01-15T22:00:00Z", "2026-01-16T06:00:00Z"),
        ("2026-07-15T21:00:00Z", "2026-07-16T05:00:00Z"),
        // The clocks go forward within it, and back.
        ("2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"),
        ("2026-10-24T21:00:00Z", "2026-10-25T06:00:00Z"),
        // Its edges by the clock on the wall, on both sides of a change.
        ("2026-03-28T20:59:59Z", nil),
        ("2026-03-28T21:00:00Z", "2026-03-29T05:00:00Z"),
        ("2026-03-29T05:00:00Z", nil),
        ("2026-03-29T20:00:00Z", "2026-03-30T05:00:00Z"),
        ("2026-10-25T05:59:59Z", "2026-10-25T06:00:00Z"),
        ("2026-10-25T06:00:00Z", nil),
        ("2026-10-25T20:59:59Z", nil),
    ]

    @Test("quiet hours are those of the clocks of their zone, over both of its changes", arguments: nights)
    func quietHours(_ night: (now: String, end: String?)) throws {
        let text = Self.dba(
            "quiet_hours: {from: \"22:00\", until: \"07:00\", time_zone: Europe/Berlin, "
                + "notify: [{channel: mail, to: night@example.com}]}"
        )
        let hours = try #require(try Self.route(text).quietHours)
        let now = try #require(Timestamp(rfc3339: night.now))
        #expect(hours.end(at: now)?.rfc3339 == night.end.flatMap { Timestamp(rfc3339: $0)?.rfc3339 })
        #expect(hours.instead == [Self.mail("night")])
    }

    @Test("without a zone, quiet hours are UTC's, and nobody is told instead")
    func quietInUTC() throws {
        let hours = try #require(
            try Self.route(Self.dba("quiet_hours: {from: \"00:30\", until: \"23:59\"}")).quietHours
        )
        #expect((hours.from, hours.until) == (30, 23 * 60 + 59))
        let now = try #require(Timestamp(rfc3339: "2026-07-15T12:00:00Z"))
        #expect(hours.end(at: now) == Timestamp(rfc3339: "2026-07-15T23:59:00Z"))
        #expect(hours.instead.isEmpty)
    }

    @Test("an escalation to a group asks at its route's places, wherever that route stands, soonest first")
    func escalations() throws {
        let escalate = """
            escalate: [{after: 30m, groups: [sre, net], notify: [{channel: mail, to: head@example.com}]}, \
            {after: 10m, groups: [sre]}]
            """
        let quiet = "quiet_hours: {from: \"00:00\", until: \"23:59\"}"
        let text = """
            \(Self.dba(escalate))
              - {groups: [sre, net], notify: [{channel: mail, to: sre@example.com}], \(quiet)}
            """
        let route = try Self.route(text)
        #expect(
            route.escalations == [
                ChannelRouting.Escalation(after: .seconds(600), destinations: [Self.mail("sre")]),
                ChannelRouting.Escalation(
                    after: .seconds(1800),
                    destinations: [Self.mail("head"), Self.mail("sre"), Self.mail("sre")]
                ),
            ]
        )
    }

    @Test("a digest that says nothing is of ten within a minute")
    func digest() throws {
        #expect(try Self.route(Self.dba("digest: {}")).digest == ChannelRouting.Digest(after: 10, every: .seconds(60)))
        #expect(try Self.route(Self.dba("remind: 5m")).digest == nil)
    }

    @Test("a list of mail addresses is as long as the guide says, however long each of them is")
    func mailLists() throws {
        func list(_ count: Int) -> String {
            let domain = String(repeating: String(repeating: "d", count: 60) + ".", count: 3) + "example"
            return (0..<count).map { "somebody-with-a-long-name-\($0)@\(domain)" }.joined(separator: ", ")
        }
        func text(_ count: Int) -> String {
            Self.channels + "  - {groups: [dba], notify: [{channel: mail, to: \"\(list(count))\"}]}\n"
        }
        #expect(try Self.route(text(32)).destinations.map(\.address) == [list(32)])
        #expect(
            ConfigurationTests.problems(text(33)).contains { $0.contains("is not a list of up to 32 mail addresses") }
        )
    }

    /// What stands in the route of dba, or after it, and what is said of it.
    private static let mistakes: [(text: String, words: String)] = [
        (dba("quiet_hours: {from: \"24:00\", until: \"07:00\"}"), "\"24:00\" is not a time of day; write \"22:30\""),
        (dba("quiet_hours: {from: \"7:00\", until: \"08:00\"}"), "\"7:00\" is not a time of day"),
        (dba("quiet_hours: {from: \"+7:00\", until: \"08:00\"}"), "\"+7:00\" is not a time of day"),
        (dba("quiet_hours: {from: \"07:60\", until: \"08:00\"}"), "\"07:60\" is not a time of day"),
        (dba("quiet_hours: {from: 1320, until: \"08:00\"}"), "\"1320\" is not a time of day"),
        (dba("quiet_hours: {from: \"07:00\", until: \"07:00\"}"), "ends when it begins"),
        (dba("quiet_hours: {until: \"07:00\"}"), "lacks the key from"),
        (dba("quiet_hours: {from: \"07:00\"}"), "lacks the key until"),
        (
            dba("quiet_hours: {from: \"22:00\", until: \"07:00\", time_zone: Europe/Nowhere}"),
            "\"Europe/Nowhere\" is no time zone of this machine"
        ),
        (dba("escalate: [{after: 10m, groups: [sre]}]"), "there is no route of the group sre to escalate to"),
        (dba("escalate: [{after: 10m, groups: [\"*\"]}]"), "\"*\" is not a group's name"),
        (dba("escalate: [{after: 10m}]"), "says when, but not to whom"),
        (dba("escalate: [{groups: [dba]}]"), "lacks the key after"),
        (dba("digest: {every: 61m}"), "is longer than an hour"),
        (dba("digest: {after: 0}"), "is not a whole number from 1 to 1000"),
        (dba("remind: soon"), "\"soon\" is not a duration"),
        (
            dba("remind: 5m") + "  - {groups: [dba], notify: [{channel: mail, to: a@b.c}]}\n",
            "two routes of the group dba"
        ),
        (
            channels + String(repeating: "  - {groups: [\"*\"], notify: [{channel: mail, to: a@b.c}]}\n", count: 2),
            "two routes of \"*\""
        ),
        (channels + "  - {notify: [{channel: mail, to: a@b.c}]}\n", "names no group; write groups: [dba]"),
        (channels + "  - {groups: [dba]}\n", "lacks the key notify, or it names no channel"),
        (channels + "  - {groups: [dba], notify: [{channel: mial}]}\n", "there is no channel mial; did you mean mail?"),
        (channels + "  - {groups: [dba], notify: [{channel: mail}]}\n", "is not a list of up to 32 mail addresses"),
    ]

    @Test("what cannot be meant is refused, with words", arguments: mistakes)
    func refuses(_ mistake: (text: String, words: String)) {
        let problems = ConfigurationTests.problems(mistake.text)
        #expect(problems.contains { $0.contains(mistake.words) }, "\(problems)")
    }
}
