import CanonicalJSON
import CountersignCore
import MCPWire
import NIOCore
import Synchronization

/// One request on its way to a server.
struct MCPOutgoing: Sendable {
    let id: RequestID
    let method: String
    let params: JSONObject
    /// `nil` before the handshake.
    let peer: MCPPeer?
    /// Header fields of this request alone (`Mcp-Param-*`, `Countersign-Grant`).
    let fields: [(name: String, value: String)]
    let care: Care
    /// Whether it is the gateway's own: what a server says without naming a request is not about it.
    var isOwn = false
    /// How long the answer may take; `nil` for as long as it takes.
    var patience: Patience?
    /// When a legacy server of this session last waited for the client's answer to something that it asks: now, if it does;
    /// but no longer than an hour after it last said something of this request.
    var lastAsked: (@Sendable (_ now: NIODeadline) -> NIODeadline?)?

    /// How long a server on a pipe may take for an answer without which nothing else goes on.
    enum Patience: Hashable, Sendable {
        /// As long as one takes that may never answer: a legacy server can do anything with what it does not know.
        case probe
        /// As long as one takes that has to start first.
        case start
    }

    /// What may become of a request that the server perhaps has seen.
    enum Care: Hashable, Sendable {
        /// It goes out on a connection of its own, so that one gone stale cannot leave its outcome unknown; never again.
        case once
        /// It is not sent again.
        case unrepeated
        /// It changes nothing, so it may be sent again.
        case repeatable
    }
}

/// Ends a request early, from outside of the task that waits for it; the mutex guards the two states.
final class MCPCancellation: Sendable {
    private enum State {
        case waiting((@Sendable () -> Void)?)
        case cancelled
    }

    private let state = Mutex(State.waiting(nil))

    /// Whether it was cancelled.
    var isCancelled: Bool {
        state.withLock { state in
            guard case .cancelled = state else { return false }
            return true
        }
    }

    /// Cancels; what was to be done then is done once.
    func cancel() {
        let callback = state.withLock { state -> (@Sendable () -> Void)? in
            guard case .waiting(let callback) = state else { return nil }
            state = .cancelled
            return callback
        }
        callback?()
    }

    /// What to do when it is cancelled; at once if it was.
    func onCancel(_ callback: (@Sendable () -> Void)?) {
        let isLate = state.withLock { state in
            guard case .waiting = state else { return true }
            state = .waiting(callback)
            return false
        }
        if isLate { callback?() }
    }
}

/// A way to reach an MCP server: a transport of the protocol.
protocol MCPLink: Sendable {
    /// Sends a request and hands on what comes until its answer, which is the last news.
    ///
    /// Returns the session that the server began with its answer. Throws where no answer came.
    @discardableResult
    func exchange(
        _ outgoing: MCPOutgoing,
        on home: LoopState,
        cancelled: MCPCancellation?,
        _ news: (MCPNews) async -> Void,
    ) async throws(MCPFailure) -> String?

    /// Whether the end of an exchange is all that a server of this era needs to hear of a cancelled request.
    func cancelsByClosing(_ peer: MCPPeer) -> Bool

    /// Sends a notification or an answer to a question of the server's.
    func send(
        _ message: [UInt8],
        peer: MCPPeer,
        on home: LoopState,
        _ cancelled: MCPCancellation?,
    ) async throws(MCPFailure)

    /// Where news go that are about no exchange; of a transport with one stream for everything.
    ///
    /// `nil` says that the stream has ended.
    func hear(_ listener: @escaping @Sendable (MCPNews?) -> Void)

    /// Tells the server that a session is over, where the transport has words for that.
    func farewell(_ peer: MCPPeer, on home: LoopState) async

    /// The session is over; what belongs to it here is let go.
    func end()
}

extension MCPLink {
    func hear(_ listener: @escaping @Sendable (MCPNews?) -> Void) {}

    func send(_ message: [UInt8], peer: MCPPeer, on home: LoopState) async throws(MCPFailure) {
        try await send(message, peer: peer, on: home, nil)
    }
}

/// The link of a connection that has no server of its own.
struct MCPNoLink: MCPLink {
    private static let failure = MCPFailure(
        .upstreamUnavailable,
        "This connection has no server of its own.",
        executed: false,
    )

    func exchange(
        _ outgoing: MCPOutgoing,
        on home: LoopState,
        cancelled: MCPCancellation?,
        _ news: (MCPNews) async -> Void,
    ) async throws(MCPFailure) -> String? { throw Self.failure }

    func cancelsByClosing(_ peer: MCPPeer) -> Bool { true }

    func send(
        _ message: [UInt8],
        peer: MCPPeer,
        on home: LoopState,
        _ cancelled: MCPCancellation?,
    ) async throws(MCPFailure) { throw Self.failure }

    func farewell(_ peer: MCPPeer, on home: LoopState) async {}

    func end() {}
}
