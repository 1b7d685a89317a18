package import CanonicalJSON
import CountersignCore
import HTTPWire
import NIOCore
import NIOPosix
import NIOSSL

/// Why a call of the API got no answer.
package struct UnreachableError: Error, Sendable, CustomStringConvertible {
    /// What is wrong and the mend.
    package let description: String
}

/// An answer of the API.
package struct ControlAnswer: Sendable {
    /// The status.
    package let status: Int
    /// The body.
    package let body: [UInt8]

    /// The body as JSON, if it is.
    package var json: JSONValue? { StoredJSON.value(body) }
    /// Whether the status says that it went well.
    package var isSuccess: Bool { (200..<300).contains(status) }
}

/// Calls the API of a running server for the command line; one connection a call.
package struct ControlClient: Sendable {
    /// Where the API is.
    package let address: HTTPAddress
    private let token: String?

    /// Names a server and a bearer token.
    package init(address: HTTPAddress, token: String?) {
        self.address = address
        self.token = token
    }

    /// The same server with another token.
    package func with(token: String?) -> ControlClient { ControlClient(address: address, token: token) }

    /// Sends one request and reads the whole answer.
    package func send(
        _ method: String,
        _ path: String,
        _ body: JSONValue? = nil,
        timeout: Duration = .seconds(90),
    ) async throws -> ControlAnswer {
        try await exchange(method, path, body, timeout: timeout) { events in
            var status = 0
            var bytes = [UInt8]()
            while let event = try await events.next() {
                switch event {
                case .informational, .trailers: continue
                case .head(let head): status = head.status
                case .body(let buffer): bytes += Array(buffer.readableBytesView)
                case .end: return ControlAnswer(status: status, body: bytes)
                }
            }
            return ControlAnswer(status: status, body: bytes)
        }
    }

    /// Reads server-sent events and hands the data of each to `handle`, until that answers false or the server ends.
    package func events(
        _ path: String,
        _ handle: (_ id: String?, _ data: JSONValue) async throws -> Bool,
    ) async throws -> ControlAnswer? {
        try await exchange("GET", path, nil, timeout: nil) { events in
            var status = 0
            var reader = EventStreamReader()
            var refusal = [UInt8]()
            while let event = try await events.next() {
                switch event {
                case .informational, .trailers: continue
                case .head(let head): status = head.status
                case .body(let buffer) where status == 200:
                    for message in reader.read(Array(buffer.readableBytesView)) {
                        guard let data = StoredJSON.value(message.data) else { continue }
                        if try await !handle(message.id, data) { return nil }
                    }
                case .body(let buffer): refusal += Array(buffer.readableBytesView)
                case .end: return status == 200 ? nil : ControlAnswer(status: status, body: refusal)
                }
            }
            return nil
        }
    }

    private func exchange<Value: Sendable>(
        _ method: String,
        _ path: String,
        _ body: JSONValue?,
        timeout: Duration?,
        _ read: (inout ResponseEvents) async throws -> Value,
    ) async throws -> Value {
        let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
        do {
            channel = try await connect()
        } catch {
            throw UnreachableError(
                description: "cannot reach the server at \(address.text); start it with `countersign serve`, or name "
                    + "another one with --url"
            )
        }
        let bytes = body.map { $0.canonicalBytes() }
        var request = ByteBuffer()
        try HTTPSerializer.write(request: head(method, path, bytes), into: &request)
        if let bytes { request.writeBytes(bytes) }
        // The deadline closes the channel, which ends the wait below.
        let deadline = timeout.map { time in
            channel.channel.eventLoop.scheduleTask(in: TimeAmount(time)) { channel.channel.close(promise: nil) }
        }
        defer { deadline?.cancel() }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(request)
            var events = ResponseEvents(method: method, inbound: inbound.makeAsyncIterator())
            return try await read(&events)
        }
    }

    private func head(_ method: String, _ path: String, _ body: [UInt8]?) -> RequestHead {
        let host = Configuration.Address(host: address.host, port: address.port).description
        var fields: HeaderFields = ["Host": host, "Accept": "application/json", "Connection": "close"]
        fields.append(name: "User-Agent", value: "countersign/\(Product.version)")
        if let token { fields.append(name: "Authorization", value: "Bearer \(token)") }
        if body != nil { fields.append(name: "Content-Type", value: "application/json") }
        if method == "POST" { fields.append(name: "Idempotency-Key", value: Chance.system.secret()) }
        return RequestHead(
            method: method,
            target: address.basePath + path,
            fields: fields,
            framing: body.map { .length(UInt64($0.count)) } ?? .none,
            keepAlive: false,
        )
    }

    private func connect() async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        let (isTLS, host) = (address.isTLS, address.host)
        let context = isTLS ? try NIOSSLContext(configuration: .makeClientConfiguration()) : nil
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(5))
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
private struct ResponseEvents {
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
}
