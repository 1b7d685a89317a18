import CountersignCore
import CountersignLog
import CountersignTestKit
import Testing

@Suite("How an export paces itself", .timeLimit(.minutes(10)))
struct ExportPaceTests {
    private let never = Chance { (0, 0) }
    private let always = Chance { (.max, .max) }

    @Test("waits double from half a second and never exceed a minute")
    func backoff() {
        var pace = ExportPace(maximum: 500)
        let waits = (0..<20).map { _ in pace.failed(.unreachable, count: 500, chance: never) }
        #expect(waits.prefix(4) == [.milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2)])
        #expect(waits.last == .seconds(30))
        #expect(pace.failed(.unreachable, count: 500, chance: always) <= ExportPace.longest)
        #expect(pace.failed(.unreachable, count: 500, chance: always) > .seconds(59))
        pace.succeeded()
        #expect(pace.failed(.unreachable, count: 500, chance: never) == .milliseconds(250))
    }

    @Test("a receiver that refuses is asked again, seldom")
    func refused() {
        var pace = ExportPace(maximum: 500)
        #expect(pace.failed(.refused, count: 500, chance: never) == .milliseconds(2500))
        for _ in 0..<40 { _ = pace.failed(.refused, count: 500, chance: never) }
        #expect(pace.failed(.refused, count: 500, chance: never) == .seconds(30))
        #expect(pace.size == 500)
    }

    @Test(
        "what a receiver asks for is honoured, up to an hour",
        arguments: [
            (Duration.seconds(7), Duration.seconds(7)), (.zero, .milliseconds(100)), (.seconds(86_400), .seconds(3600)),
        ]
    )
    func retryAfter(asked: Duration, expected: Duration) {
        var pace = ExportPace(maximum: 500)
        #expect(pace.failed(.busy(asked), count: 500, chance: always) == expected)
    }

    @Test("a batch that is too large is halved at once, down to one entry, and then refused")
    func halving() {
        var pace = ExportPace(maximum: 10)
        var sizes = [Int]()
        while pace.size > 1 {
            #expect(pace.failed(.tooLarge, count: pace.size, chance: never) == .zero)
            sizes.append(pace.size)
        }
        #expect(sizes == [5, 2, 1])
        #expect(pace.failed(.tooLarge, count: 1, chance: never) == .milliseconds(2500))
        #expect(pace.size == 1)
    }

    @Test("a smaller batch than allowed halves by what it was, not by what it might have been")
    func halvingOfSmallBatches() {
        var pace = ExportPace(maximum: 500)
        _ = pace.failed(.tooLarge, count: 8, chance: never)
        #expect(pace.size == 4)
    }

    @Test("smaller batches grow back after a while")
    func growth() {
        var pace = ExportPace(maximum: 10)
        _ = pace.failed(.tooLarge, count: 10, chance: never)
        for _ in 0..<63 { pace.succeeded() }
        #expect(pace.size == 5)
        pace.succeeded()
        #expect(pace.size == 10)
    }
}
