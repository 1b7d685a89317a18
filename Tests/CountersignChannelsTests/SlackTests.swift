import CanonicalJSON
import CountersignCore
import CountersignTestKit
import Testing

@testable import CountersignChannels

@Suite(.timeLimit(.minutes(5)))
struct SlackTests {
    @Test("each answer of Slack leads to what should happen next")
    func answers() throws {
        func delivery(
            _ method: SlackMethod,
            _ status: Int,
            _ body: String = "",
            after: Duration? = nil,
        ) throws -> Delivery? {
            switch SlackAPI.read(method, status: status, retryAfter: after, body: Array(body.utf8)) {
            case .success: nil
            case .failure(let failure): failure.delivery
            }
        }
        #expect(try delivery(.postMessage, 200, #"{"ok":true,"ts":"1.1"}"#) == nil)
        func retry(_ delivery: Delivery?) -> (Duration?, Delivery.Scope)? {
            guard case .retry(let after, let scope, _) = delivery else { return nil }
            return (after, scope)
        }
        let limited = retry(try delivery(.postMessage, 429, after: .seconds(30)))
        #expect(limited?.0 == .seconds(30) && limited?.1 == .address)
        #expect(retry(try delivery(.update, 429, after: .seconds(30)))?.1 == .whole)
        #expect(retry(try delivery(.update, 200, #"{"ok":false,"error":"ratelimited"}"#))?.1 == .whole)
        for (status, body) in [
            (500, ""), (503, "{}"), (404, "<html>"), (302, ""), (200, "<html>"), (200, "{}"), (200, #"{"ok":1}"#),
            (200, #"{"ok":false,"error":"fatal_error"}"#), (200, #"{"ok":false,"error":"token_revoked"}"#),
            (200, #"{"ok":false,"error":"missing_scope"}"#),
        ] {
            #expect(retry(try delivery(.postMessage, status, body))?.1 == .whole, "\(status) \(body)")
        }
        for code in [
            "not_in_channel", "channel_not_found", "is_archived", "invalid_blocks", "msg_blocks_too_long",
            "user_disabled",
        ] {
            guard case .refused(let trouble) = try delivery(.postMessage, 200, #"{"ok":false,"error":"\#(code)"}"#)
            else {
                Issue.record("\(code)")
                continue
            }
            #expect(trouble.contains(code))
        }
        // What nobody has heard of is tried again, and no text of a stranger gets into a log.
        for code in ["new_code", "", "<b>\u{1B}[31m", String(repeating: "x", count: 65)] {
            let json: JSONValue = ["ok": false, "error": .string(code)]
            guard case .retry(_, .notice, let trouble) = try delivery(.postMessage, 200, json.canonicalText) else {
                Issue.record("\(code)")
                continue
            }
            #expect(trouble.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } && trouble.utf8.count < 120)
        }
    }

    @Test("what came once is known for its time, and when there is no room nothing new is taken")
    func replays() {
        let clock = ManualClock()
        let memory = ReplayMemory(lifetime: .seconds(600), maximum: 3)
        #expect(memory.note("a", now: clock.time()) == .new)
        #expect(memory.note("a", now: clock.time()) == .known)
        clock.advance(by: .seconds(300))
        #expect(memory.note("b", now: clock.time()) == .new)
        #expect(memory.note("c", now: clock.time()) == .new)
        #expect(memory.note("d", now: clock.time()) == .full)
        #expect(memory.note("a", now: clock.time()) == .known)
        clock.advance(by: .seconds(300))
        #expect(memory.note("d", now: clock.time()) == .new)
        #expect(memory.note("b", now: clock.time()) == .known)
        memory.forget("b")
        #expect(memory.note("b", now: clock.time()) == .new)
        for number in 0..<1000 {
            clock.advance(by: .seconds(601))
            #expect(memory.note("\(number)", now: clock.time()) == .new)
        }
    }

    @Test("an answer is taken by who waits for it, and goes another way once nobody does")
    func awaited() async {
        let early = AwaitedAnswer<Int>()
        #expect(early.give(1))
        #expect(await early.wait(.seconds(10)) == 1)
        #expect(!early.give(2))
        let late = AwaitedAnswer<Int>()
        #expect(await late.wait(.milliseconds(1)) == nil)
        #expect(!late.give(1))
    }

    @Test("a socket goes where Slack says, and nowhere that is no address")
    func addresses() throws {
        let address = try #require(SlackSocketAddress("wss://wss-primary.slack.com/link/?ticket=1&app_id=2"))
        #expect(address.isTLS && address.port == 443 && address.target == "/link/?ticket=1&app_id=2")
        #expect(SlackSocketAddress("ws://127.0.0.1:80/")?.isLoopback == true)
        for text in [
            "", "https://slack.com/", "wss://", "wss:///link", "wss://a b/", "wss://user@host/", "wss://host:0/",
            "wss://host:70000/", "wss://host:1:2/", "wss://host/#x", "wss://host/\r\nX: y", "wss://[::1]/",
        ] {
            #expect(SlackSocketAddress(text) == nil, "\(text)")
        }
    }

    @Test("a socket that does not live is opened again more and more slowly, and what is wrong is said once")
    func socketPace() {
        let crowd = SlackSocketEnd.lost("Slack closed the socket (too_many_websockets)")
        let ends: [(SlackSocketEnd, Bool)] = [
            (crowd, true), (.refreshed, false), (.lost("x"), true), (.failed("x"), true),
        ]
        for (end, isSaidAtOnce) in ends {
            var pace = SlackSocketPace()
            let steps = (0..<8).map { _ in pace.ended(end, after: .seconds(1), random: 0) }
            let least: [Duration] = [800, 1600, 4000, 8000, 16_000, 24_000, 24_000, 24_000].map { .milliseconds($0) }
            #expect(steps.map(\.wait) == least)
            #expect(steps.map { $0.news != nil }.firstIndex(of: true) == (isSaidAtOnce ? 0 : 1))
            #expect(steps.count { $0.news != nil } == 1)
        }
        var pace = SlackSocketPace()
        let renewed = pace.ended(.refreshed, after: .seconds(3600), random: 0)
        #expect(renewed.wait == .zero && renewed.news == nil)
        _ = pace.ended(crowd, after: .zero, random: 0)
        _ = pace.ended(crowd, after: .zero, random: 0)
        // One that worked is the end of a row of failures, and its own end is news.
        let next = pace.ended(crowd, after: SlackSocketPace.settled, random: 0)
        #expect(next.wait == .milliseconds(800) && next.news != nil)
        #expect(pace.ended(.failed("429", after: .seconds(45)), after: .zero, random: 0).wait >= .seconds(45))
        #expect(pace.ended(.disabled, after: .zero, random: 0).wait >= .seconds(30))
    }

    @Test("what Slack does not say of an account counts against it")
    func accounts() {
        let home = SlackHome(team: "T1", enterprise: nil, bot: nil)
        let grid = SlackHome(team: "T1", enterprise: "E1", bot: nil)
        let good: JSONObject = [
            "deleted": false, "id": "U1", "is_bot": false, "is_restricted": false, "is_ultra_restricted": false,
            "team_id": "T1",
        ]
        #expect(SlackPeople.objection(to: .object(good), home) == nil)
        for name in ["deleted", "is_bot", "is_restricted", "is_ultra_restricted"] {
            for value in [nil, true, .string("false")] as [JSONValue?] {
                var account = good
                account[name] = value
                #expect(SlackPeople.objection(to: .object(account), home) != nil, "\(name)")
            }
        }
        var other = good
        other["team_id"] = "T2"
        #expect(SlackPeople.objection(to: .object(other), home) != nil)
        #expect(SlackPeople.objection(to: .object(other), grid) != nil)
        other["enterprise_user"] = ["enterprise_id": "E1"]
        #expect(SlackPeople.objection(to: .object(other), home) != nil)
        #expect(SlackPeople.objection(to: .object(other), grid) == nil)
        other["is_stranger"] = true
        #expect(SlackPeople.objection(to: .object(other), grid) != nil)
    }

    @Test("where a card stands reads back, and only ids are addresses")
    func places() throws {
        let place = try #require(SlackPlace("C1/1712.0001/3"))
        #expect(place.reference == "C1/1712.0001/3" && place.told == 3)
        for text in ["", "C1", "C1/1", "/1/2", "C1//2", "C1/1/x", "C1/1/2/3"] { #expect(SlackPlace(text) == nil) }
        for text in ["C0123456789", "G1", "D1", "U1", "W1"] { #expect(SlackSettings.objection(to: text) == nil) }
        for text in ["", "C", "#general", "general", "@alice", "c1", "C1 ", "X1", "C1/../x", "C١"] {
            #expect(SlackSettings.objection(to: text) != nil, "\(text)")
        }
    }
}
