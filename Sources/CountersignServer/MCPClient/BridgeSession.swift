import CanonicalJSON
import CountersignCore
import MCPWire
import Synchronization

/// The legacy session of a bridge: what the host opened it with and has asked for since, and what the gateway calls it
/// today.
///
/// The mutex guards them; `turns` lets one task at a time make a new one.
final class BridgeSession: Sendable {
    /// What requests say of the session.
    struct Ticket: Hashable, Sendable {
        /// `Mcp-Session-Id`; some servers have none.
        let id: String?
        /// The revision that was agreed on.
        let revision: String
    }

    /// What the host has set in the session, which another in its place must have, too.
    struct Wishes: Hashable, Sendable {
        /// The least severe log message that it wants.
        var logLevel: String?
        /// What it has subscribed to, in order.
        var subscriptions: [String] = []
    }

    private struct State {
        var opening: JSONObject?
        var ticket: Ticket?
        var wishes = Wishes()
    }

    /// More than any host has.
    private static let maximumSubscriptions = 1024

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

    /// What the host has set.
    var wishes: Wishes { state.withLock { $0.wishes } }

    /// A session has begun; one in the place of another takes over what the host has set.
    func begin(_ ticket: Ticket, opening: JSONObject, isRenewed: Bool) {
        state.withLock { state in
            state = State(opening: opening, ticket: ticket, wishes: isRenewed ? state.wishes : Wishes())
        }
    }

    /// A request of the host's has succeeded: what it has set is kept for another session.
    func succeeded(_ method: String, _ params: JSONObject) {
        state.withLock { state in
            switch MCPMethod(rawValue: method) {
            case .setLevel: state.wishes.logLevel = params["level"]?.stringValue
            case .resourcesSubscribe, .resourcesUnsubscribe:
                guard let uri = params["uri"]?.stringValue else { return }
                // By bytes: servers tell names apart that Swift takes for equal.
                state.wishes.subscriptions.removeAll { $0.utf8.elementsEqual(uri.utf8) }
                guard method == MCPMethod.resourcesSubscribe.rawValue,
                    state.wishes.subscriptions.count < Self.maximumSubscriptions
                else { return }
                state.wishes.subscriptions.append(uri)
            default: return
            }
        }
    }

    /// The host is ready: what the server says of its own accord may come.
    func ready() {
        if let ticket { yield.yield(ticket) }
    }

    /// No more sessions will begin.
    func finish() { yield.finish() }
}
