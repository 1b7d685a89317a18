import HTTPWire
import MCPWire
import NIOCore

/// The events of a server's own stream, one by one.
///
/// Used by one task on the stream's event loop.
final class MCPEventSource: @unchecked Sendable {
    private var exchange: HTTPExchange
    private var parser: EventStreamParser
    private var ready: [StreamEvent] = []
    private let stream: ByteStream

    init(_ exchange: HTTPExchange, maximum: Int) {
        self.exchange = exchange
        parser = EventStreamParser(maximumEvent: maximum)
        stream = exchange.upstream.stream
    }

    /// The next event; `nil` at the end.
    func next() async -> StreamEvent? {
        while ready.isEmpty {
            guard let more = try? await exchange.nextEvents(&parser) else { return nil }
            ready = more
        }
        return ready.removeFirst()
    }

    /// Ends the stream, from anywhere.
    func close() { stream.loop.execute { [stream] in stream.close() } }

    /// What an event says; answers to requests belong to the streams of their requests.
    static func news(_ data: [UInt8]) -> MCPNews? {
        switch try? ServerMessage.scan(data) {
        case .notification(let method, let params):
            .notification(method: method, params: params.map { Array(data[$0]) })
        case .request(let id, let method, let params):
            .request(id: ServerQuestion(id), method: method, params: params.map { Array(data[$0]) })
        case .result, .error, nil: nil
        }
    }
}
