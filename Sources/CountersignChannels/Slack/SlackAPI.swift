import AsyncHTTPClient
import CanonicalJSON
import CountersignCore
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Slack's Web API.
///
/// Redirects are not followed, because the header fields hold a credential; certificates are verified.
struct SlackAPI: Sendable {
    /// How long a call may take.
    static let patience = Duration.seconds(8)
    /// The most bytes of an answer that are read: a page of messages with their blocks.
    static let maximumBody = 4 << 20

    private let base: String
    private let token: String
    private let appToken: String?
    private let client: HTTPClient

    init(_ settings: SlackSettings) {
        base = settings.apiURL
        token = settings.token
        appToken = settings.appToken
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: Self.tls(settings),
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5), read: .seconds(8)),
        )
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 24
        // Its own schedule of attempts would go on beside ours, with pauses of up to a minute while requests wait for them.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton),
            configuration: configuration,
        )
    }

    static func tls(_ settings: SlackSettings) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let file = settings.trustRoots { tls.trustRoots = .file(file) }
        return tls
    }

    func close() async { try? await client.shutdown() }

    /// Calls a method that takes JSON.
    func post(_ method: SlackMethod, _ body: JSONValue) async throws(SlackFailure) -> JSONValue {
        try await call(method, "application/json; charset=utf-8", body.canonicalBytes())
    }

    /// Calls a method that takes a form.
    func ask(_ method: SlackMethod, _ fields: [(String, String)] = []) async throws(SlackFailure) -> JSONValue {
        let form = fields.map { "\($0)=\(PercentCoding.encode($1))" }.joined(separator: "&")
        return try await call(method, "application/x-www-form-urlencoded", Array(form.utf8))
    }

    private func call(
        _ method: SlackMethod,
        _ contentType: String,
        _ body: [UInt8],
    ) async throws(SlackFailure) -> JSONValue {
        let credential = method == .connectionsOpen ? appToken ?? "" : token
        var request = HTTPClientRequest(url: "\(base)/\(method.rawValue)")
        request.method = .POST
        request.headers.add(name: "Authorization", value: "Bearer \(credential)")
        request.headers.add(name: "Content-Type", value: contentType)
        request.headers.add(name: "User-Agent", value: "Countersign")
        request.body = .bytes(ByteBuffer(bytes: body))
        let post = request
        let late = SlackFailure(method, .unavailable, "\(method.rawValue): Slack did not answer in time")
        let limit = Self.patience + .milliseconds(500)
        return try await Waiting.within(limit, late: .failure(late)) { await exchange(method, post) }.get()
    }

    private func exchange(
        _ method: SlackMethod,
        _ request: HTTPClientRequest,
    ) async -> Result<JSONValue, SlackFailure> {
        do {
            let limit = TimeAmount.nanoseconds(Self.patience.wholeMicroseconds * 1000)
            let answer = try await client.execute(request, timeout: limit)
            let body = try await answer.body.collect(upTo: Self.maximumBody)
            // A body whose reading was cancelled ends early, and looks whole.
            try Task.checkCancellation()
            let after = answer.headers.first(name: "Retry-After").flatMap { Int64($0) }
            let retryAfter = after.flatMap { (0...86_400).contains($0) ? Duration.seconds($0) : nil }
            return Self.read(
                method,
                status: Int(answer.status.code),
                retryAfter: retryAfter,
                body: Array(body.readableBytesView),
            )
        } catch {
            return .failure(SlackFailure(method, .unavailable, "\(method.rawValue): Slack cannot be reached"))
        }
    }

    /// What an answer says.
    static func read(
        _ method: SlackMethod,
        status: Int,
        retryAfter: Duration?,
        body: [UInt8],
    ) -> Result<JSONValue, SlackFailure> {
        switch status {
        case 200: break
        case 429: return .failure(.refused(method, "ratelimited", retryAfter: retryAfter))
        default:
            return .failure(
                SlackFailure(method, .unavailable, "\(method.rawValue): Slack answered with HTTP status \(status)")
            )
        }
        let limits = JSONLimits(maxDepth: 64, maxBytes: maximumBody, numbers: .int64, allowsNoncharacters: true)
        guard let json = try? JSONParser.parse(body, limits: limits), let isFine = json["ok"]?.boolValue else {
            return .failure(
                SlackFailure(method, .unavailable, "\(method.rawValue): Slack's answer cannot be read; look at api_url")
            )
        }
        guard isFine else {
            return .failure(.refused(method, json["error"]?.stringValue ?? "", retryAfter: retryAfter))
        }
        return .success(json)
    }
}
