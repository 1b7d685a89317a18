import CanonicalJSON
import CountersignCore
import MCPWire
import NIOCore
import Synchronization

/// A server at the end of one stream in each direction, one for each session: a child process, or HTTP+SSE of 2024-11-05.
///
/// The mutex guards which pipe is the present one; ``MCPPipe`` knows who waits for what.
final class MCPPipeLink: MCPLink {
    /// What is at the other end.
    enum End: Sendable {
        case command(MCPCommand)
        case events(HTTPConnection)
    }

    private struct State {
        var pipe: MCPPipe?
        var hasEnded = false
        var listener: (@Sendable (MCPNews?) -> Void)?
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
        let (events, source) = AsyncStream<MCPPipe.Event>.makeStream()
        let pipe = try pipe(handshake: outgoing.peer == nil || outgoing.method == "server/discover")
        try pipe.post(
            RPCWriter.request(id: outgoing.id, method: outgoing.method, params: outgoing.params),
            (outgoing, source),
        )
        let deadline = outgoing.patience.map { Self.deadline($0, outgoing.method) }
        let timer = deadline.map { deadline in
            home.loop.scheduleTask(in: deadline.time) { source.yield(.failed(deadline.failure)) }
        }
        cancelled?.onCancel { source.finish() }
        defer {
            timer?.cancel()
            cancelled?.onCancel(nil)
            pipe.forget(outgoing.id)
        }
        for await event in events {
            switch event {
            case .failed(let failure):
                // A server that does not even greet is of no use to anybody who comes later.
                if failure.reason.code == .upstreamTimeout { ended(pipe, failure) }
                throw failure
            case .news(let item, let size):
                pipe.taken(size, by: outgoing.id)
                await news(item)
                if case .answer = item { return nil }
            }
        }
        throw MCPFailure(.upstreamUnavailable, "The call was cancelled. Whether it ran is not known.", executed: nil)
    }

    func cancelsByClosing(_ peer: MCPPeer) -> Bool { false }

    func send(
        _ message: [UInt8],
        peer: MCPPeer,
        on home: LoopState,
        _ cancelled: MCPCancellation?,
    ) async throws(MCPFailure) {
        try pipe(handshake: false).post(message, nil)
    }

    func hear(_ listener: @escaping @Sendable (MCPNews?) -> Void) { state.withLock { $0.listener = listener } }

    func farewell(_ peer: MCPPeer, on home: LoopState) async {}

    func end() {
        let pipe = state.withLock { state in
            state.hasEnded = true
            return state.pipe
        }
        // The end of its input tells a child to go; it is helped if it does not (2025-11-25, "Shutdown", stdio).
        pipe?.close()
    }

    /// A server that has gone takes its session along; the next one must be greeted first.
    static let gone = MCPFailure(
        .upstreamUnavailable,
        "The server is not there any more. Nothing was sent.",
        executed: false,
        isSessionLost: true,
        wasSent: false,
    )

    private static func deadline(
        _ patience: MCPOutgoing.Patience,
        _ method: String,
    ) -> (time: TimeAmount, failure: MCPFailure) {
        switch patience {
        case .probe:
            let text = "The MCP server did not answer \(method)."
            return (.seconds(5), MCPFailure(.upstreamInvalid, text, executed: false))
        case .start:
            let text = "The MCP server did not answer \(method) within 60 seconds."
            return (.seconds(60), MCPFailure(.upstreamTimeout, text, executed: false))
        }
    }

    /// The pipe that is open; a handshake opens one if none is.
    private func pipe(handshake: Bool) throws(MCPFailure) -> MCPPipe {
        let (pipe, isNew) = state.withLock { state -> (MCPPipe?, Bool) in
            if let pipe = state.pipe, !pipe.isClosed { return (pipe, false) }
            guard handshake, !state.hasEnded else { return (nil, false) }
            let pipe = MCPPipe()
            state.pipe = pipe
            return (pipe, true)
        }
        guard let pipe else { throw Self.gone }
        if isNew { pipes.start(self, pipe) }
        return pipe
    }

    // MARK: the server's side

    /// The server has written a message.
    func messageReceived(_ line: [UInt8], from pipe: MCPPipe) {
        guard let message = try? ServerMessage.scan(line) else { return }
        var (subject, isGeneral) = (nil as RequestID?, false)
        let news: MCPNews
        switch message {
        case .result(let id, let range): (news, subject) = (.answer(.result(Array(line[range]))), id)
        case .error(let id, let range):
            guard let id else { return }
            (news, subject) = (.answer(.error(Array(line[range]))), id)
        case .notification(let method, let params):
            let bytes = params.map { Array(line[$0]) }
            news = .notification(method: method, params: bytes)
            (subject, isGeneral) = (self.subject(method, bytes), self.isGeneral(method))
        case .request(let id, let method, let params):
            news = .request(id: ServerQuestion(id), method: method, params: params.map { Array(line[$0]) })
        }
        guard !pipe.hand(news, size: line.count, to: subject, or: isGeneral) else { return }
        state.withLock { $0.listener }?(news)
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

    /// The server at the end of this pipe has gone, or never came, or cannot be understood.
    func ended(_ pipe: MCPPipe, _ failure: MCPFailure) {
        let listener = state.withLock { state -> (@Sendable (MCPNews?) -> Void)? in
            guard state.pipe === pipe else { return nil }
            state.pipe = nil
            return state.listener
        }
        pipe.end(failure)
        listener?(nil)
    }
}
