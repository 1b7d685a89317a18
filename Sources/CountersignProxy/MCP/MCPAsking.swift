import NIOCore
import Synchronization

/// What a server asks of a legacy client within one call: how much it was, and how long that has waited.
///
/// The mutex guards both.
final class MCPAsking: Sendable {
    private struct State {
        var patience = MCPPatience()
        /// How many questions of the server's have been looked at.
        var asked = 0
        /// How many of them wait for the client.
        var open = 0
    }

    private let state = Mutex(State())

    /// When the time for what is open is over; `nil` while nothing is.
    var end: NIODeadline? { state.withLock { $0.patience.end } }

    /// Whether one question more is worth judging, which leaves an entry.
    func takes() -> Bool {
        state.withLock { state in
            guard state.asked < MCPRounds.maximumQuestions, !state.patience.isOver else { return false }
            state.asked += 1
            return true
        }
    }

    /// The client was asked something.
    func opened(now: NIODeadline) {
        state.withLock { state in
            if state.open == 0 { state.patience.turn(isOpen: true, now: now) }
            state.open += 1
        }
    }

    /// A question is open no more.
    func closed(now: NIODeadline) {
        state.withLock { state in
            state.open -= 1
            // Whoever answers one has its time for the others.
            state.patience.turn(isOpen: state.open > 0, now: now)
        }
    }
}
