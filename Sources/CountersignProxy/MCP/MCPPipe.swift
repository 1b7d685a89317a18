import CanonicalJSON
import CountersignCore
import MCPWire
import NIOCore
import Synchronization

/// One run of what a ``MCPPipeLink`` leads to: a child's life, or one event stream.
///
/// What is late of an old pipe is about that pipe alone. The mutex guards who waits for what, and how much lies here
/// that nobody has taken yet; messages are handed on outside of it.
final class MCPPipe: Sendable {
    /// What an exchange waits for.
    enum Event: Sendable {
        case news(MCPNews, size: Int)
        case failed(MCPFailure)
    }

    private struct Waiter {
        let source: AsyncStream<Event>.Continuation
        /// The size of the request.
        let size: Int
        let lastAsked: (@Sendable (NIODeadline) -> NIODeadline?)?
        let began = NIODeadline.now()
        /// The bytes that the server has said for it and that it has not taken.
        var unread = 0
    }

    private struct State {
        var waiting: [RequestID: Waiter] = [:]
        /// The clients' requests under way, in the order of asking: what a server says without naming one is about the last.
        var order: [RequestID] = []
        /// The bytes of messages that are not written, and those of requests that are not answered.
        var unwritten = 0
        var unanswered = 0
        var unread = 0
        /// Opens when there is room again, or need of it no more.
        var gate: AsyncStream<Void>.Continuation?
        /// Nobody has taken anything for long: what is no answer is dropped until somebody does.
        var isStuck = false
        var isClosed = false
        var closing: AsyncStream<Void>.Continuation?
    }

    /// The bytes that may wait to be written, or to be answered; one message alone always may.
    private static let maximumUnwritten = 24 << 20
    private static let small = 64 << 10
    /// The bytes of a server that may wait to be taken before no more is read.
    private static let maximumUnread = 16 << 20
    /// What a message weighs apart from its text.
    private static let weight = 256
    /// How long a client that takes nothing holds up the server.
    private static let patience = Duration.seconds(30)

    /// The messages for the server.
    let input: AsyncStream<[UInt8]>
    private let outbox: AsyncStream<[UInt8]>.Continuation
    private let closed: AsyncStream<Void>
    private let state = Mutex(State())

    init() {
        (input, outbox) = AsyncStream.makeStream()
        let (closed, closing) = AsyncStream<Void>.makeStream()
        self.closed = closed
        state.withLock { $0.closing = closing }
    }

    // MARK: to the server

    /// Whether it takes no more messages.
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Has a message written, and notes where news about a request of this id go.
    func post(
        _ message: [UInt8],
        _ request: (MCPOutgoing, AsyncStream<Event>.Continuation)?,
    ) throws(MCPFailure) {
        let failure = state.withLock { state -> MCPFailure? in
            guard !state.isClosed else { return MCPPipeLink.gone }
            let size = message.count + Self.weight
            let before = max(state.unwritten, request == nil ? 0 : state.unanswered)
            // Small messages get past large ones: what cancels them, above all.
            let maximum = size <= Self.small ? 2 * Self.maximumUnwritten : Self.maximumUnwritten
            guard before == 0 || before + size <= maximum else {
                let text = "The server is still busy with what it was sent before. Nothing was sent."
                return MCPFailure(.overloaded, text, executed: false)
            }
            state.unwritten += size
            if let (outgoing, source) = request {
                state.unanswered += size
                state.waiting[outgoing.id] = Waiter(source: source, size: size, lastAsked: outgoing.lastAsked)
                if !outgoing.isOwn { state.order.append(outgoing.id) }
            }
            outbox.yield(message)
            return nil
        }
        if let failure { throw failure }
    }

    /// A message has been written.
    func messageWritten(_ message: [UInt8]) { state.withLock { $0.unwritten -= message.count + Self.weight } }

    /// Nothing more is written; what waits for answers goes on waiting until the pipe has ended.
    func close() {
        let (gate, closing) = state.withLock { state in
            state.isClosed = true
            defer { (state.gate, state.closing) = (nil, nil) }
            return (state.gate, state.closing)
        }
        outbox.finish()
        gate?.finish()
        closing?.finish()
    }

    /// Waits for ``close()``.
    func closing() async { for await _ in closed {} }

    /// Since when the server owes an answer to the request that has waited longest, apart from the time in which it waited
    /// for the client's answers; now, if no request waits.
    var silentSince: NIODeadline {
        let waiting = state.withLock { Array($0.waiting.values) }
        let now = NIODeadline.now()
        return waiting.map { max($0.began, $0.lastAsked?(now) ?? $0.began) }.min() ?? now
    }

    // MARK: from the server

    /// Hands on news; false if they are about no request that is under way.
    func hand(_ news: MCPNews, size: Int, to id: RequestID?, or isGeneral: Bool) -> Bool {
        let size = size + Self.weight
        let isAnswer = if case .answer = news { true } else { false }
        return state.withLock { state in
            // What names no request is about the one that came last, unless it is about none.
            guard let id = id ?? (isGeneral ? nil : state.order.last), let waiter = state.waiting[id] else {
                return false
            }
            let isDropping = state.isStuck || state.isClosed
            if isDropping, !isAnswer, state.unread > Self.maximumUnread { return true }
            state.waiting[id]?.unread += size
            state.unread += size
            waiter.source.yield(.news(news, size: size))
            return true
        }
    }

    /// An exchange has taken news of this size.
    func taken(_ size: Int, by id: RequestID) {
        let gate = state.withLock { state in
            guard state.waiting[id] != nil else { return nil as AsyncStream<Void>.Continuation? }
            state.waiting[id]?.unread -= size
            return Self.free(size, &state)
        }
        gate?.finish()
    }

    /// Nobody waits for this request any more.
    func forget(_ id: RequestID) {
        let gate = state.withLock { state in
            state.order.removeAll { $0 == id }
            guard let waiter = state.waiting.removeValue(forKey: id) else {
                return nil as AsyncStream<Void>.Continuation?
            }
            state.unanswered -= waiter.size
            return Self.free(waiter.unread, &state)
        }
        gate?.finish()
    }

    private static func free(_ size: Int, _ state: inout State) -> AsyncStream<Void>.Continuation? {
        state.unread -= size
        guard state.unread <= maximumUnread else { return nil }
        state.isStuck = false
        defer { state.gate = nil }
        return state.gate
    }

    /// Waits until what has been read was taken, up to a mark; but not for ever, as others wait for what comes next.
    func room() async {
        let gate = state.withLock { state -> AsyncStream<Void>? in
            guard state.unread > Self.maximumUnread, !state.isStuck, !state.isClosed else { return nil }
            let (gate, opener) = AsyncStream<Void>.makeStream()
            state.gate = opener
            return gate
        }
        guard let gate else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in gate {} }
            group.addTask {
                guard (try? await Task.sleep(for: Self.patience)) != nil else { return }
                self.state.withLock { $0.isStuck = $0.unread > Self.maximumUnread }
            }
            await group.next()
            group.cancelAll()
        }
    }

    /// The server has gone, or never came, or says what cannot be read.
    func end(_ failure: MCPFailure) {
        close()
        let waiting = state.withLock { state in
            defer { (state.waiting, state.order, state.unread, state.unanswered) = ([:], [], 0, 0) }
            return state.waiting
        }
        for waiter in waiting.values {
            waiter.source.yield(.failed(failure))
            waiter.source.finish()
        }
    }
}
