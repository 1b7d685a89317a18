import CountersignCore
import HTTPWire
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// What two requests must share to use one upstream connection: the configured connection itself.
///
/// After a reload nothing goes out over a connection that was opened under the old configuration. The key keeps the
/// configured connection alive, so that its identity cannot be another's.
struct UpstreamKey: Hashable {
    private let connection: HTTPConnection

    init(_ connection: HTTPConnection) { self.connection = connection }

    static func == (left: UpstreamKey, right: UpstreamKey) -> Bool { left.connection === right.connection }

    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(connection)) }
}

/// Why there is no answer from an upstream.
enum UpstreamFailure: Error {
    /// It could not be reached; nothing was sent.
    case unreachable(String)
    /// It was silent for too long.
    case timeout
    /// It closed before it answered. On a reused connection, it may not have seen the request.
    case noAnswer
    /// It closed in the middle of its answer.
    case cutOff
    /// Its answer breaks the protocol.
    case invalid(String)
    /// The grant that it is to be shown could not be signed; nothing was sent.
    case unsigned

    /// What the agent is told.
    var reason: Reason {
        switch self {
        case .unreachable(let detail):
            Reason(
                .upstreamUnavailable,
                "The upstream cannot be reached: \(detail). Nothing was sent. Try again later."
            )
        case .timeout: Reason(.upstreamTimeout, "The upstream did not answer in time. Whether it acted is not known.")
        case .noAnswer:
            Reason(.upstreamUnavailable, "The upstream closed without an answer. Whether it acted is not known.")
        case .cutOff:
            Reason(
                .upstreamInvalid,
                "The upstream closed the connection before its answer was complete. Whether it acted is not known."
            )
        case .unsigned:
            Reason(.overloaded, "The action's grant could not be signed. Nothing was sent. Try again later.")
        case .invalid(let detail): Reason(.upstreamInvalid, "The upstream's answer breaks HTTP: \(detail)")
        }
    }

    /// Whether the action ran; `nil` where the upstream may have seen it.
    var executed: Bool? {
        switch self {
        case .unreachable, .unsigned: false
        case .timeout, .noAnswer, .cutOff, .invalid: nil
        }
    }

    /// The status that says so.
    var status: Int {
        switch self {
        case .timeout: 504
        case .unsigned: 503
        case .unreachable, .noAnswer, .cutOff, .invalid: 502
        }
    }
}

/// One connection to an upstream, which carries one exchange at a time.
struct UpstreamConnection {
    let stream: ByteStream
    var parser = ResponseParser()
    /// Whether it has carried an exchange before.
    var isReused = false
    /// How long it may be silent; `nil` for as long as it likes.
    var idleTimeout: Duration?

    /// When its silence is too long, if it says nothing from now on; `nil` if it never is.
    var silenceEnds: NIODeadline? { idleTimeout.map { .now() + .nanoseconds($0.wholeMicroseconds * 1000) } }

    /// The next event of the response if all its bytes are here, so that a caller can flush before it waits.
    mutating func poll() throws(UpstreamFailure) -> ResponseEvent? {
        do {
            return try parser.next(&stream.input)
        } catch {
            throw .invalid(error.message)
        }
    }

    /// The next event of the response; interim responses too.
    mutating func next() async throws(UpstreamFailure) -> ResponseEvent {
        do throws(WireError) {
            while true {
                if let event = try parser.next(&stream.input) { return event }
                stream.deadline = silenceEnds
                if await stream.more() { continue }
                if stream.hasTimedOut { throw WireError(.headTooShort, "timeout") }
                if let event = try parser.inputEnded() { return event }
                throw WireError(.noResponse, "")
            }
        } catch {
            if stream.hasTimedOut { throw .timeout }
            switch error.code {
            case .noResponse: throw .noAnswer
            case .bodyTooShort: throw .cutOff
            default: throw .invalid(error.message)
            }
        }
    }
}

/// Opens connections to upstreams and keeps idle ones, on each event loop for itself.
struct UpstreamPool: Sendable {
    private let contexts = TLSContexts()

    /// A connection that is ready for a request; a fresh one if `fresh`, so that it has not gone stale.
    func acquire(
        _ target: HTTPConnection,
        on home: LoopState,
        fresh: Bool,
    ) async throws(UpstreamFailure) -> UpstreamConnection {
        if !fresh, var connection = home.takeIdle(UpstreamKey(target)) {
            connection.isReused = true
            connection.stream.isIdle = false
            connection.stream.deadline = nil
            connection.idleTimeout = target.idleTimeout
            return connection
        }
        let stream: ByteStream
        do {
            stream = try await connect(target, home)
        } catch {
            throw .unreachable(Self.describe(error))
        }
        return UpstreamConnection(stream: stream, idleTimeout: target.idleTimeout)
    }

    private func connect(_ target: HTTPConnection, _ home: LoopState) async throws -> ByteStream {
        let context = target.upstream.isTLS ? try contexts.context(trustRoots: target.trustRoots) : nil
        let host = target.upstream.host
        let channel = try await ClientBootstrap(group: home.loop)
            .connectTimeout(.nanoseconds(target.connectTimeout.wholeMicroseconds * 1000))
            .channelOption(.autoRead, value: false)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        let name = Self.isAddress(host) ? nil : host
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: name)
                        )
                    }
                    let stream = ByteStream(loop: channel.eventLoop, home: home)
                    // Before it is connected: a gateway that begins to go down then does not close what is under way.
                    stream.isIdle = false
                    try channel.pipeline.syncOperations.addHandler(stream)
                }
            }
            .connect(host: host, port: target.upstream.port)
            .get()
        let stream = try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: ByteStream.self)
        }.get()
        guard context != nil else { return stream }
        stream.deadline = .now() + .nanoseconds(target.connectTimeout.wholeMicroseconds * 1000)
        guard await stream.secured() else { throw UpstreamFailure.unreachable("the TLS handshake failed") }
        return stream
    }

    private static func isAddress(_ host: String) -> Bool { (try? SocketAddress(ipAddress: host, port: 0)) != nil }

    private static func describe(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { describe($0.error) } ?? "the name \(error.host) is not known"
        case UpstreamFailure.unreachable(let detail): detail
        case let error as IOError: "connecting failed (errno \(error.errnoCode))"
        case is ChannelError: "connecting took too long"
        default: "connecting failed"
        }
    }
}

/// TLS contexts by trust roots, made once.
///
/// The mutex guards the table.
private final class TLSContexts: Sendable {
    private let contexts = Mutex<[String: NIOSSLContext]>([:])

    func context(trustRoots: String?) throws -> NIOSSLContext {
        try contexts.withLock { contexts in
            if let known = contexts[trustRoots ?? ""] { return known }
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.applicationProtocols = ["http/1.1"]
            configuration.minimumTLSVersion = .tlsv12
            if let trustRoots { configuration.additionalTrustRoots = [.file(trustRoots)] }
            let context = try NIOSSLContext(configuration: configuration)
            contexts[trustRoots ?? ""] = context
            return context
        }
    }
}
