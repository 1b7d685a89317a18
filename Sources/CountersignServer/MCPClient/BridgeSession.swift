import CanonicalJSON
import CountersignCore
import MCPWire
import Synchronization

/// The legacy session of a bridge: what the host opened it with, and what the gateway calls it today.
///
/// The mutex guards both; `turns` lets one task at a time make a new one.
final class BridgeSession: Sendable {
    /// What requests say of the session.
    struct Ticket: Hashable, Sendable {
        /// `Mcp-Session-Id`; some servers have none.
        let id: String?
        /// The revision that was agreed on.
        let revision: String
    }

    private struct State {
        var opening: JSONObject?
        var ticket: Ticket?
    }

    let turns = Turns()
    /// Every session that begins, for the stream that listens on it.
    let begun: AsyncStream<Ticket>
    private let yield: AsyncStream<Ticket>.Continuation
    private let state = Mutex(State())

    init() { (begun, yield) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    /// The session of today.
    var ticket: Ticket? { state.withLock { $0.ticket } }
    /// The parameters of the host's `initialize`.
    var opening: JSONObject? { state.withLock { $0.opening } }

    /// A session has begun.
    func begin(_ ticket: Ticket, opening: JSONObject) {
        state.withLock { $0 = State(opening: opening, ticket: ticket) }
    }

    /// The host is ready: what the server says of its own accord may come.
    func ready() {
        if let ticket { yield.yield(ticket) }
    }

    /// No more sessions will begin.
    func finish() { yield.finish() }
}
