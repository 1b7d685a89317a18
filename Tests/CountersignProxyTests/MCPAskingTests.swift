import NIOCore
import Testing

@testable import CountersignProxy

@Suite("What a call's legacy client is asked", .timeLimit(.minutes(10)))
struct MCPAskingTests {
    private static let start = NIODeadline.uptimeNanoseconds(0)

    private static func minutes(_ count: Int64) -> NIODeadline { start + .minutes(count) }

    @Test("what is open has ten minutes, and again from each answer to one of several")
    func once() {
        let asking = MCPAsking()
        #expect(asking.end == nil)
        asking.opened(now: Self.minutes(0))
        asking.opened(now: Self.minutes(5))
        #expect(asking.end == Self.minutes(10))
        asking.closed(now: Self.minutes(9))
        #expect(asking.end == Self.minutes(19))
        asking.closed(now: Self.minutes(12))
        #expect(asking.end == nil)
    }

    @Test("all questions together have an hour, and the last gets what is left of it")
    func hour() {
        let asking = MCPAsking()
        for turn in 0..<6 {
            #expect(asking.takes())
            asking.opened(now: Self.minutes(Int64(turn) * 20))
            asking.closed(now: Self.minutes(Int64(turn) * 20 + 9))
        }
        #expect(asking.takes())
        asking.opened(now: Self.minutes(200))
        #expect(asking.end == Self.minutes(206))
        asking.closed(now: Self.minutes(206))
        #expect(!asking.takes())
    }

    @Test("a call asks no more than so many questions")
    func count() {
        let asking = MCPAsking()
        for _ in 0..<MCPRounds.maximumQuestions { #expect(asking.takes()) }
        #expect(!asking.takes())
    }
}
