import MCPWire
import Synchronization
import Testing

@testable import CountersignProxy

@Suite("Who hears what a legacy server says", .timeLimit(.minutes(10)))
struct MCPHearingTests {
    private let hearing = MCPHearing()
    private let heard = Heard()

    /// What listeners heard, by name; the mutex guards the list.
    private final class Heard: Sendable {
        private let names = Mutex<[String]>([])
        func note(_ name: String) { names.withLock { $0.append(name) } }
        var all: [String] { names.withLock { $0 } }
    }

    private static let changed = MCPNews.notification(method: "notifications/tools/list_changed", params: nil)

    @Test("the first listener opens the stream, the next share it, and the last closes it")
    func shared() {
        let first = hearing.join(streams: true) { _ in heard.note("first") }
        let second = hearing.join(streams: true) { _ in heard.note("second") }
        #expect(first.stream != nil && second.stream == nil)
        hearing.hear(Self.changed)
        #expect(heard.all.sorted() == ["first", "second"])
        hearing.leave(first.ticket)
        #expect(first.stream?.isCancelled == false)
        hearing.hear(Self.changed)
        #expect(heard.all.count == 3)
        hearing.leave(second.ticket)
        #expect(first.stream?.isCancelled == true)
    }

    @Test("who comes after the last has left opens another stream, which the end of the old one does not end")
    func another() async throws {
        let first = hearing.join(streams: true) { _ in }
        let old = try #require(first.stream)
        hearing.leave(first.ticket)
        let second = hearing.join(streams: true) { _ in heard.note("second") }
        let new = try #require(second.stream)
        hearing.end(old, .absent)
        hearing.hear(Self.changed)
        #expect(heard.all == ["second"] && !new.isCancelled)
        hearing.end(new, .absent)
        var progress = [MCPHearing.Progress]()
        for await step in second.progress { progress.append(step) }
        guard case .absent? = progress.first, progress.count == 1 else {
            Issue.record("\(progress)")
            return
        }
    }

    @Test("a question is asked of one listener only")
    func question() {
        _ = hearing.join(streams: false) { _ in heard.note("first") }
        _ = hearing.join(streams: false) { _ in heard.note("second") }
        hearing.hear(.request(id: ServerQuestion(.integer(1)), method: "ping", params: nil))
        #expect(heard.all == ["first"])
    }

    @Test("a pipe needs no stream: whoever listens hears at once, until the session ends")
    func pipe() async {
        let (_, progress, stream) = hearing.join(streams: false) { _ in heard.note("it") }
        #expect(stream == nil)
        hearing.hear(Self.changed)
        hearing.end()
        hearing.hear(Self.changed)
        var steps = 0
        for await step in progress {
            guard case .open = step else { continue }
            steps += 1
        }
        #expect(steps == 1 && heard.all == ["it"])
    }
}
