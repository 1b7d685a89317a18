import HTTPWire
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Lets somebody else end a call: it closes the connection, which the server sees.
///
/// The mutex guards the channel and whether the call was ended before there was one.
final class CallEnd: Sendable {
    private struct State {
        var channel: (any Channel)?
        var isEnded = false
    }

    private let state = Mutex(State())

    /// Whether somebody has ended the call.
    var isEnded: Bool { state.withLock { $0.isEnded } }

    /// Ends the call, now or as soon as it is connected.
    func end() {
        let channel = state.withLock { state in
            state.isEnded = true
            return state.channel
        }
        channel?.close(promise: nil)
    }

    func carry(_ channel: any Channel) {
        let isEnded = state.withLock { state in
            state.channel = channel
            return state.isEnded
        }
        if isEnded { channel.close(promise: nil) }
    }
}

/// One HTTP request on a connection of its own.
struct HTTPCall: Sendable {
    /// Where it goes; its base path stands before `path`.
    let address: HTTPAddress
    let method: String
    let path: String
    /// All fields but `Host`, `Connection` and `User-Agent`.
    let fields: HeaderFields
    var body: [UInt8]?

    /// Nobody answers there: nothing was sent.
    struct NotConnected: Error {}

    /// Sends the request and has the answer read; what ends the wait, a time or somebody else, closes the connection.
    func exchange<Value: Sendable>(
        timeout: Duration?,
        end: CallEnd? = nil,
        _ read: (inout ResponseEvents) async throws -> Value,
    ) async throws -> Value {
        let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
        do {
            channel = try await connect(within: min(timeout ?? .seconds(5), .seconds(5)))
        } catch {
            throw NotConnected()
        }
        end?.carry(channel.channel)
        var request = ByteBuffer()
        try HTTPSerializer.write(request: head, into: &request)
        if let body { request.writeBytes(body) }
        // The deadline closes the channel, which ends the wait below.
        let deadline = timeout.map { time in
            channel.channel.eventLoop.scheduleTask(in: TimeAmount(time)) { channel.channel.close(promise: nil) }
        }
        defer { deadline?.cancel() }
        return try await channel.executeThenClose { inbound, outbound in
            // A server that has read enough to refuse may stop reading; its answer counts.
            do { try await outbound.write(request) } catch is ChannelError {} catch is IOError {}
            var events = ResponseEvents(method: method, inbound: inbound.makeAsyncIterator())
            return try await read(&events)
        }
    }

    private var head: RequestHead {
        let host = Configuration.Address(host: address.host, port: address.port).description
        var all: HeaderFields = ["Host": host, "Connection": "close"]
        all.append(name: "User-Agent", value: "countersign/\(Product.version)")
        for (name, value) in fields { all.append(name: name, value: value) }
        return RequestHead(
            method: method,
            target: address.basePath + path,
            fields: all,
            framing: body.map { .length(UInt64($0.count)) } ?? .none,
            keepAlive: false,
        )
    }

    private func connect(within time: Duration) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        let (isTLS, host) = (address.isTLS, address.host)
        let context = isTLS ? try NIOSSLContext(configuration: .makeClientConfiguration()) : nil
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(TimeAmount(time))
            .connect(host: host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        let isName = (try? SocketAddress(ipAddress: host, port: 0)) == nil
                        let handler = try NIOSSLClientHandler(context: context, serverHostname: isName ? host : nil)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
    }
}

/// The events of one response, parsed as its bytes come.
struct ResponseEvents {
    private var parser = ResponseParser()
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var buffer = ByteBuffer()
    private var isOver = false

    init(method: String, inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator) {
        self.inbound = inbound
        parser.expectResponse(toMethod: method)
    }

    mutating func next() async throws -> ResponseEvent? {
        while !isOver {
            if let event = try parser.next(&buffer) { return event }
            guard var more = try await inbound.next(isolation: #isolation) else {
                isOver = true
                return try parser.inputEnded()
            }
            buffer.discardReadBytes()
            buffer.writeBuffer(&more)
        }
        return nil
    }

    /// The rest of the body, up to so many bytes; `nil` if it is longer or does not end.
    mutating func rest(upTo limit: Int) async throws -> [UInt8]? {
        var bytes = [UInt8]()
        while let event = try await next() {
            switch event {
            case .informational, .head, .trailers: continue
            case .body(let buffer):
                guard bytes.count + buffer.readableBytes <= limit else { return nil }
                bytes += buffer.readableBytesView
            case .end: return bytes
            }
        }
        return nil
    }
}
