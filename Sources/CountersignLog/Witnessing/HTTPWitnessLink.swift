import AsyncHTTPClient
import CountersignCore
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// A witness reached over HTTP or HTTPS.
///
/// Redirects are not followed, because a witness is who the configuration says; certificates are verified.
package struct HTTPWitnessLink: WitnessLink {
    /// The most bytes of an answer that are read.
    static let maximumBody = 64 << 10
    /// How long a whole exchange may take.
    package static let patience = Duration.seconds(10)

    private let url: String
    private let client: HTTPClient
    private let limit: Duration

    /// A link to a witness, which opens nothing before the first request.
    ///
    /// ``close()`` must be called at the end.
    ///
    /// - Parameter limit: How long a whole exchange may take.
    package init(to peer: WitnessSettings.Peer, limit: Duration = HTTPWitnessLink.patience) {
        url = peer.url + "/add-checkpoint"
        self.limit = limit
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let trustRoots = peer.trustRoots { tls.trustRoots = .file(trustRoots) }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls,
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5), read: .nanoseconds(limit.wholeMicroseconds * 1000)),
        )
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1
        // Its own schedule of attempts would go on beside ours, with pauses of up to a minute while requests wait for them.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton),
            configuration: configuration,
        )
    }

    /// Posts a request and reads the whole answer, up to a limit.
    package func submit(_ request: String) async throws(WitnessFailure) -> WitnessReply {
        let late = WitnessFailure("\(url) cannot be reached: it did not answer in time")
        return try await Deadline.within(limit + Deadline.grace, late: .failure(late)) { await exchange(request) }.get()
    }

    private func exchange(_ request: String) async -> Result<WitnessReply, WitnessFailure> {
        var post = HTTPClientRequest(url: url)
        post.method = .POST
        post.headers.add(name: "Content-Type", value: "text/plain; charset=utf-8")
        post.headers.add(name: "User-Agent", value: "Countersign")
        post.body = .bytes(ByteBuffer(string: request))
        do {
            let answer = try await client.execute(post, timeout: .nanoseconds(limit.wholeMicroseconds * 1000))
            let body = try await answer.body.collect(upTo: Self.maximumBody)
            // A body whose reading was cancelled ends early, and looks whole.
            try Task.checkCancellation()
            return .success(
                WitnessReply(
                    status: Int(answer.status.code),
                    contentType: answer.headers.first(name: "Content-Type"),
                    body: Array(body.readableBytesView),
                )
            )
        } catch {
            return .failure(WitnessFailure("\(url) cannot be reached: \(Self.describe(error))"))
        }
    }

    /// Ends the connections.
    package func close() async { try? await client.shutdown() }

    private static func describe(_ error: any Error) -> String {
        switch error {
        case is NIOTooManyBytesError: "its answer is too long to be a witness's"
        case let error as HTTPClientError where error == .connectTimeout: "connecting took too long"
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
            "it did not answer in time"
        case let error as HTTPClientError where error == .remoteConnectionClosed: "it broke the connection off"
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { describe($0.error) } ?? "the name \(error.host) is not known"
        case let error as IOError: "the connection failed (errno \(error.errnoCode))"
        case NIOSSLError.handshakeFailed(let reason): "the TLS handshake failed, look at its certificate: \(reason)"
        case is NIOSSLError, is NIOSSLExtraError: "TLS failed, look at its certificate: \(error)"
        case ChannelError.connectTimeout: "connecting took too long"
        case is CancellationError: "the process is stopping, or it took too long"
        default: "\(error)"
        }
    }
}
