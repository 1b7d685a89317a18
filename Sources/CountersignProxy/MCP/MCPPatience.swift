import MCPWire
import NIOCore

/// How long a call waits for its client: ten minutes for what is open, an hour in all.
///
/// An approved call is under way meanwhile, and nobody can take it back any more; so neither coming and going nor
/// answering one question after the other puts its effect off without end.
struct MCPPatience {
    /// For what is open: people type some of the answers.
    private static let once = TimeAmount.minutes(10)
    /// For all questions.
    static let whole = TimeAmount.hours(1)
    /// What is left of the time for all questions.
    private var rest = Self.whole
    /// Since when it waits; `nil` while nothing is open.
    private var since: NIODeadline?

    /// When the time for what is open is over; `nil` while nothing is.
    var end: NIODeadline? { since.map { $0 + min(Self.once, rest) } }

    /// Whether the time for all questions is used up.
    var isOver: Bool { rest <= .zero }

    /// Something was asked where nothing was open, or was answered; `isOpen`: whether it waits from now on.
    mutating func turn(isOpen: Bool, now: NIODeadline) {
        if let since { rest = rest - (now - since) }
        since = isOpen ? now : nil
    }

    /// Waits for the answer to a question; `nil` once the time for it is over, or nobody can answer any more.
    mutating func answer(
        from answers: AsyncStream<ServerAnswer>,
        _ source: AsyncStream<ServerAnswer>.Continuation,
        on loop: any EventLoop,
    ) async -> ServerAnswer? {
        turn(isOpen: true, now: loop.now)
        let timer = end.map { end in loop.scheduleTask(deadline: end) { source.finish() } }
        defer {
            timer?.cancel()
            turn(isOpen: false, now: loop.now)
        }
        for await answer in answers { return answer }
        return nil
    }
}
