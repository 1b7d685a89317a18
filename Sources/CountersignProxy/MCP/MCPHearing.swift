import CountersignCore
import MCPWire
import NIOCore
import Synchronization

/// Who hears what a legacy server says outside of calls: on its pipe, or on the stream of its session (GET), of which a
/// server has one only, so that all who listen share it.
///
/// A stream is opened for the first listener and closed after the last. The mutex guards who listens, and how far the
/// stream is; listeners are called outside of it.
final class MCPHearing: Sendable {
    /// How far a listener is from hearing.
    enum Progress: Sendable {
        /// What the server says from now on is heard.
        case open
        /// The server has had time, and has neither given nor refused its stream.
        ///
        /// Some send the head of a stream with its first event, so it is taken for there until it is refused.
        case silent
        /// It has no stream to give.
        case absent
        /// It could not be asked.
        case failed(MCPFailure)
    }

    private struct Listener {
        let hear: @Sendable (MCPNews) -> Void
        let progress: AsyncStream<Progress>.Continuation
    }

    private struct State {
        var listeners: [UInt64: Listener] = [:]
        var next: UInt64 = 0
        /// What closes the stream; `nil` if there is none, and none is being opened.
        var stream: MCPCancellation?
        var progress: Progress?
    }

    /// How long a server has to give its stream.
    static let patience = TimeAmount.seconds(5)

    private let state = Mutex(State())

    /// Listens, with what must not wait; to be ended with ``leave(_:)``.
    ///
    /// The progress ends with the hearing. A stream to be opened, where there is one, is run by the caller.
    func join(
        streams: Bool,
        _ hear: @escaping @Sendable (MCPNews) -> Void,
    ) -> (ticket: UInt64, progress: AsyncStream<Progress>, stream: MCPCancellation?) {
        let (progress, source) = AsyncStream<Progress>.makeStream()
        return state.withLock { state in
            state.next += 1
            state.listeners[state.next] = Listener(hear: hear, progress: source)
            if let known = streams ? state.progress : .open { source.yield(known) }
            guard streams, state.stream == nil else { return (state.next, progress, nil) }
            let stream = MCPCancellation()
            state.stream = stream
            return (state.next, progress, stream)
        }
    }

    /// Listens no more.
    func leave(_ ticket: UInt64) {
        let (listener, stream) = state.withLock { state -> (Listener?, MCPCancellation?) in
            let listener = state.listeners.removeValue(forKey: ticket)
            guard state.listeners.isEmpty else { return (listener, nil) }
            defer { (state.stream, state.progress) = (nil, nil) }
            return (listener, state.stream)
        }
        listener?.progress.finish()
        stream?.cancel()
    }

    /// The server has said something; a question of its own goes to one listener, as it wants one answer.
    func hear(_ news: MCPNews) {
        let listeners = state.withLock { state -> [Listener] in
            guard case .request = news else { return Array(state.listeners.values) }
            return state.listeners.min { $0.key < $1.key }.map { [$0.value] } ?? []
        }
        for listener in listeners { listener.hear(news) }
    }

    /// Nothing of this session is heard any more.
    func end() { end(nil, nil) }

    // MARK: the stream of a session

    /// Reads a stream that ``join(streams:_:)`` wants, until it ends or is closed.
    func run(_ stream: MCPCancellation, _ upstream: MCPUpstream, _ link: MCPHTTPLink, on home: LoopState) async {
        let timer = home.loop.scheduleTask(in: Self.patience) { self.tell(.silent, of: stream) }
        defer { timer.cancel() }
        do throws(MCPFailure) {
            switch try await upstream.listen(link, on: home, stream) {
            case .open(let exchange):
                timer.cancel()
                let events = MCPEventSource(exchange, maximum: upstream.connection.maximumAnswer)
                tell(.open, of: stream)
                while !stream.isCancelled, let event = await events.next() {
                    if let news = MCPEventSource.news(event.data) { upstream.heard(news) }
                }
                events.close()
                end(stream, nil)
            case .taken: end(stream, .failed(Self.taken))
            case .absent, .sessionLost: end(stream, .absent)
            }
        } catch {
            end(stream, .failed(error))
        }
    }

    /// Says how far a stream is, if it is still the one.
    private func tell(_ progress: Progress, of stream: MCPCancellation) {
        state.withLock { state in
            guard state.stream === stream else { return }
            state.progress = progress
            for listener in state.listeners.values { listener.progress.yield(progress) }
        }
    }

    /// A stream has ended, or was not to be had, or whatever there is (`nil`); who listens has to begin anew.
    func end(_ stream: MCPCancellation?, _ progress: Progress?) {
        let (listeners, stream) = state.withLock { state -> ([Listener], MCPCancellation?) in
            guard stream == nil || state.stream === stream else { return ([], nil) }
            defer { (state.listeners, state.stream, state.progress) = ([:], nil, nil) }
            return (Array(state.listeners.values), state.stream)
        }
        for listener in listeners {
            if let progress { listener.progress.yield(progress) }
            listener.progress.finish()
        }
        stream?.cancel()
    }

    private static let taken = MCPFailure(
        .overloaded,
        "The server has one stream for a session, and it is still in use. Try again later.",
        executed: false,
    )
}
