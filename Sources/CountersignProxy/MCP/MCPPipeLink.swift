import CanonicalJSON
import CountersignCore
import MCPWire
import Synchronization

/// A server at the end of one stream in each direction, one for each session: a child process, or HTTP+SSE of 2024-11-05.
///
/// The mutex guards who waits for what; messages are handed on outside of it.
final class MCPPipeLink: MCPLink {
    /// What is at the other end.
    enum End: Sendable {
        case command(MCPCommand)
        case events(HTTPConnection)
    }

    /// What an exchange waits for.
    private enum Event {
        case news(MCPNews)
        case failed(MCPFailure)
    }

    private struct State {
        var outbox: AsyncStream<[UInt8]>.Continuation?
        var waiting: [RequestID: AsyncStream<Event>.Continuation] = [:]
        /// The requests under way, in the order of asking: what a server says without naming one is about the last.
        var order: [RequestID] = []
        var hasEnded = false
        var listener: (@Sendable (MCPNews) -> Void)?
    }

    let other: End
    let name: ConnectionName
    let maximumAnswer: Int
    private let pipes: MCPPipes
    private let state = Mutex(State())

    init(_ other: End, name: ConnectionName, pipes: MCPPipes, maximumAnswer: Int) {
        self.other = other
        self.name = name
        self.pipes = pipes
        self.maximumAnswer = maximumAnswer
    }

    func exchange(
        _ outgoing: MCPOutgoing,
        on home: LoopState,
        cancelled: MCPCancellation?,
        _ news: (MCPNews) async -> Void,
    ) async throws(MCPFailure) -> String? {
        let (events, source) = AsyncStream<Event>.makeStream()
        let message = RPCWriter.request(id: outgoing.id, method: outgoing.method, params: outgoing.params)
        try post(message, handshake: outgoing.peer == nil || outgoing.method == "server/discover") { state in
            state.waiting[outgoing.id] = source
            state.order.append(outgoing.id)
        }
        cancelled?.onCancel { source.finish() }
        defer {
            cancelled?.onCancel(nil)
            state.withLock { state in
                state.waiting[outgoing.id] = nil
                state.order.removeAll { $0 == outgoing.id }
            }
        }
        for await event in events {
            switch event {
            case .failed(let failure): throw failure
            case .news(let item):
                await news(item)
                if case .answer = item { return nil }
            }
        }
        throw MCPFailure(.upstreamUnavailable, "The call was cancelled. Whether it ran is not known.", executed: nil)
    }

    func cancelsByClosing(_ peer: MCPPeer) -> Bool { false }

    func send(_ message: [UInt8], peer: MCPPeer, on home: LoopState) async throws(MCPFailure) {
        try post(message, handshake: false) { _ in }
    }

    func hear(_ listener: @escaping @Sendable (MCPNews) -> Void) { state.withLock { $0.listener = listener } }

    func farewell(_ peer: MCPPeer, on home: LoopState) async {}

    func end() {
        let outbox = state.withLock { state in
            state.hasEnded = true
            return state.outbox
        }
        // The end of its input tells a child to go; it is helped if it does not (2025-11-25, "Shutdown", stdio).
        outbox?.finish()
    }

    /// Writes a message; a handshake opens the pipe if it is not open.
    private func post(_ message: [UInt8], handshake: Bool, _ note: (inout State) -> Void) throws(MCPFailure) {
        let (outbox, input) = state.withLock { state -> (AsyncStream<[UInt8]>.Continuation?, AsyncStream<[UInt8]>?) in
            if let outbox = state.outbox {
                note(&state)
                return (outbox, nil)
            }
            guard handshake, !state.hasEnded else { return (nil, nil) }
            let (input, outbox) = AsyncStream<[UInt8]>.makeStream()
            state.outbox = outbox
            note(&state)
            return (outbox, input)
        }
        guard let outbox else {
            // A server that has gone takes its session along; the next one must be greeted first.
            throw MCPFailure(
                .upstreamUnavailable,
                "The server is not there any more. Nothing was sent.",
                executed: false,
                isSessionLost: true,
                wasSent: false,
            )
        }
        if let input { pipes.start(self, input: input) }
        outbox.yield(message)
    }

    // MARK: the server's side

    /// The server has written a message.
    func messageReceived(_ line: [UInt8]) {
        guard let message = try? ServerMessage.scan(line) else { return }
        switch message {
        case .result(let id, let range): hand(.answer(.result(Array(line[range]))), to: id)
        case .error(let id, let range): if let id { hand(.answer(.error(Array(line[range]))), to: id) }
        case .notification(let method, let params):
            let bytes = params.map { Array(line[$0]) }
            hand(.notification(method: method, params: bytes), to: subject(method, bytes), or: isGeneral(method))
        case .request(let id, let method, let params):
            hand(.request(id: id, method: method, params: params.map { Array(line[$0]) }), to: nil)
        }
    }

    /// The request that a notification says that it is about.
    private func subject(_ method: String, _ params: [UInt8]?) -> RequestID? {
        guard let params, let json = try? JSONParser.parse(params) else { return nil }
        // The gateway's own tokens of progress are the ids of its requests.
        if method == "notifications/progress" { return json["progressToken"].flatMap(RequestID.init) }
        return json["_meta"]?[MetaKey.subscriptionID].flatMap(RequestID.init)
    }

    /// Whether a notification is about the server as a whole.
    private func isGeneral(_ method: String) -> Bool {
        method.hasSuffix("/list_changed") || method == "notifications/resources/updated"
    }

    private func hand(_ news: MCPNews, to id: RequestID?, or isGeneral: Bool = false) {
        let (source, listener) = state.withLock { state in
            // What names no request is about the one that came last, unless it is about none.
            let id = id ?? (isGeneral ? nil : state.order.last)
            return (id.flatMap { state.waiting[$0] }, state.listener)
        }
        if let source { source.yield(.news(news)) } else { listener?(news) }
    }

    /// Nothing more is to be had from the server; nothing more is written to it.
    func outputEnded() {
        let outbox = state.withLock { $0.outbox }
        outbox?.finish()
    }

    /// The server has gone, or never came.
    func ended(_ why: String, neverStarted: Bool) {
        let waiting = state.withLock { state in
            defer { (state.outbox, state.waiting, state.order) = (nil, [:], []) }
            return state.waiting
        }
        let failure = MCPFailure(.upstreamUnavailable, why, executed: neverStarted ? false : nil)
        for source in waiting.values {
            source.yield(.failed(failure))
            source.finish()
        }
    }
}
