import AsyncHTTPClient
import CanonicalJSON
import NIOCore
import NIOHTTP1
import NIOPosix

/// Calls Microsoft's servers: verified TLS, no redirects, and an end to every wait.
struct TeamsWeb: Sendable {
    /// What came back.
    struct Answer: Sendable {
        let status: Int
        let retryAfter: String?
        let body: [UInt8]

        /// The body, if it is a JSON object.
        var json: JSONValue? {
            let limits = JSONLimits(maxDepth: 32, maxBytes: TeamsWeb.maximumAnswer, numbers: .int64)
            guard let json = try? JSONParser.parse(body, limits: limits), json.objectValue != nil else { return nil }
            return json
        }
    }

    /// The most that is read of an answer.
    static let maximumAnswer = 1 << 20

    private let client: HTTPClient

    init() {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5), read: .seconds(10)),
        )
        // Its own schedule of attempts would go on beside ours, with pauses of up to a minute while requests wait for them.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton),
            configuration: configuration,
        )
    }

    /// One exchange; `nil` if there was no answer in time.
    func exchange(
        _ method: HTTPMethod,
        _ url: String,
        token: String? = nil,
        type: String = "application/json",
        body: [UInt8]? = nil,
        within limit: TimeAmount,
    ) async -> Answer? {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers.add(name: "Accept", value: "application/json")
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let body {
            request.headers.add(name: "Content-Type", value: type)
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        do {
            let answer = try await client.execute(request, timeout: limit)
            let body = try await answer.body.collect(upTo: Self.maximumAnswer)
            return Answer(
                status: Int(answer.status.code),
                retryAfter: answer.headers.first(name: "Retry-After"),
                body: Array(body.readableBytesView),
            )
        } catch {
            return nil
        }
    }

    /// Ends the connections.
    func close() async { try? await client.shutdown() }
}
