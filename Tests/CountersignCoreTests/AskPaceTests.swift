import CountersignTestKit
import Testing

@testable import CountersignCore

@Suite struct AskPaceTests {
    private let pace = AskPace()
    private let clock = ManualClock()

    @Test("asks within a time are counted, of each agent its own")
    func counts() {
        let other = AgentID(unchecked: "other")
        for number in 0..<5 {
            #expect(pace.note(Fixtures.agent, now: clock.time())(.seconds(60)) == number)
            clock.advance(by: .seconds(10))
        }
        #expect(pace.note(other, now: clock.time())(.seconds(60)) == 0)
        #expect(pace.note(Fixtures.agent, now: clock.time())(.seconds(25)) == 2)
    }

    @Test("in a flood that is longer than what is remembered each ask still has a number of its own")
    func floods() {
        let numbers = (0..<3000).map { _ in pace.note(Fixtures.agent, now: clock.time())(.seconds(60)) }
        #expect(numbers == Array(0..<3000))
    }
}
