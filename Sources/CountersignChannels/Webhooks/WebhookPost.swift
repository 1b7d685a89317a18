import CountersignCards
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Where a webhook is posted to.
package struct WebhookTarget: Hashable, Sendable {
    /// Whether by TLS.
    package let isTLS: Bool
    /// The host's name or address, without brackets.
    package let host: String
    /// The port.
    package let port: Int
    /// The path with the slash at its beginning.
    package let path: String

    /// Describes a target.
    package init(isTLS: Bool, host: String, port: Int, path: String) {
        self.isTLS = isTLS
        self.host = host
        self.port = port
        self.path = path.isEmpty ? "/" : path
    }

    /// What the field `Host` says.
    var authority: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return port == (isTLS ? 443 : 80) ? name : "\(name):\(port)"
    }
}

/// One POST to an address that was judged: the name is not looked up again, no proxy is asked, no redirect followed, and
/// of the answer only the status and one field are kept.
struct WebhookPost: Sendable {
    /// What the receiver said.
    struct Answer: Hashable, Sendable {
        /// The status.
        let status: Int
        /// The field `Retry-After`.
        let retryAfter: String?
    }

    /// Why nothing came of it.
    struct Trouble: Error, Hashable {
        /// In our own words.
        let words: String
    }

    /// Where.
    let target: WebhookTarget
    /// With TLS, what it trusts.
    let context: NIOSSLContext?
    /// When nothing is connected to any more.
    let end: NIODeadline

    /// The longest head of an answer is the parser's; the body is not kept, and is read no further than this.
    static let longestBody = 64 << 10
    /// How long connecting to one address may take.
    static let connecting = TimeAmount.seconds(5)
    /// How many addresses are tried.
    static let mostAddresses = 8

    /// Sends a body to the first of the addresses that can be reached.
    func send(
        _ body: [UInt8],
        fields: [(name: String, value: String)],
        to addresses: [NetworkAddress],
    ) async throws(Trouble) -> Answer {
        var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: target.path)
        head.headers.add(name: "Host", value: target.authority)
        head.headers.add(name: "Content-Type", value: "application/json")
        head.headers.add(name: "Content-Length", value: "\(body.count)")
        head.headers.add(name: "User-Agent", value: "countersign-webhooks")
        head.headers.add(name: "Connection", value: "close")
        for (name, value) in fields { head.headers.add(name: name, value: value) }
        let request = WebhookExchange.Request(head: head, body: ByteBuffer(bytes: body))
        let connection = try await connect(addresses)
        do {
            return try await connection.executeThenClose { inbound, outbound in
                try await outbound.write(request)
                for try await answer in inbound { return answer }
                throw Trouble(words: "the receiver closed the connection without an answer")
            }
        } catch let trouble as Trouble {
            throw trouble
        } catch {
            throw Trouble(words: Self.describe(error))
        }
    }

    private func connect(
        _ addresses: [NetworkAddress],
    ) async throws(Trouble) -> NIOAsyncChannel<Answer, WebhookExchange.Request> {
        let isAddress = (try? SocketAddress(ipAddress: target.host, port: 0)) != nil
        let (context, name) = (context, isAddress ? nil : target.host)
        var last = Trouble(words: "the receiver cannot be reached")
        for address in addresses.prefix(Self.mostAddresses) {
            // A task that is cancelled waits for its attempt to connect, so none may last beyond the end.
            let left = end - NIODeadline.now()
            guard !Task.isCancelled, left > .zero else { throw Trouble(words: "the receiver was not reached in time") }
            do {
                let place = try SocketAddress(ipAddress: address.description, port: target.port)
                return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connectTimeout(min(Self.connecting, left))
                    .connect(to: place) { channel in
                        channel.eventLoop.makeCompletedFuture {
                            let pipeline = channel.pipeline.syncOperations
                            if let context {
                                // Without a name, the certificate must be of the address itself.
                                try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
                            }
                            try pipeline.addHTTPClientHandlers()
                            try pipeline.addHandler(WebhookExchange())
                            return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                        }
                    }
            } catch {
                last = Trouble(words: Self.describe(error))
            }
        }
        throw last
    }

    private static func describe(_ error: any Error) -> String {
        switch error {
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: "TLS failed: the certificate does not fit"
        case is HTTPParserError: "the receiver's answer is not HTTP"
        default: "the receiver cannot be reached"
        }
    }
}

/// Writes one request, and reads one answer as far as it matters.
private final class WebhookExchange: ChannelDuplexHandler {
    struct Request: Sendable {
        let head: HTTPRequestHead
        let body: ByteBuffer
    }

    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = WebhookPost.Answer
    typealias OutboundIn = Request
    typealias OutboundOut = HTTPClientRequestPart

    private var answer: WebhookPost.Answer?
    private var read = 0

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let request = unwrapOutboundIn(data)
        context.write(wrapOutboundOut(.head(request.head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(request.body))), promise: nil)
        context.write(wrapOutboundOut(.end(nil)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard head.status.code >= 200 else { return }
            let waits = head.headers["Retry-After"]
            answer = WebhookPost.Answer(status: Int(head.status.code), retryAfter: waits.count == 1 ? waits[0] : nil)
        case .body(let part):
            read += part.readableBytes
            if read > WebhookPost.longestBody { finish(context) }
        case .end: finish(context)
        }
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard let answer else { return }
        self.answer = nil
        context.fireChannelRead(wrapInboundOut(answer))
        context.close(promise: nil)
    }
}
