import CanonicalJSON
import HTTPTypes
import Hummingbird
package import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// An example of something worth protecting: a small orders API in memory, which forgets everything at its end.
///
/// It demands a credential of its own, so that one can see the gateway put it in; it is not part of the product.
package final class SampleAPI: Service {
    /// The value of `Authorization` that it demands.
    package static let authorization = "Bearer sample-upstream-token"

    private let host: String
    private let port: Int
    private let logger: Logger
    private let started: @Sendable (Int) -> Void
    private let orders = Mutex(SampleOrders())

    /// Sets the API up.
    ///
    /// `started` is called once it listens.
    package init(host: String, port: Int, logger: Logger, started: @escaping @Sendable (Int) -> Void = { _ in }) {
        self.host = host
        self.port = port
        self.logger = logger
        self.started = started
    }

    /// Serves until graceful shutdown.
    package func run() async throws {
        let router = Router()
        router.get("/") { _, _ in
            Self.reply(200, ["example": true, "say": "An example API of Countersign. Try /v1/orders."])
        }
        for (method, path) in SampleOrders.routes {
            router.on(RouterPath(path), method: method) { [self] request, context in
                try await answer(request, context.parameters.get("id"), String(path))
            }
        }
        router.post("/mcp") { [self] request, _ in try await tool(request) }
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: nil),
            onServerRunning: { [started] channel in started(channel.localAddress?.port ?? 0) },
            eventLoopGroupProvider: .singleton,
            logger: logger,
        )
        try await application.run()
    }

    private func answer(_ request: Request, _ id: String?, _ path: String) async throws -> Response {
        guard request.headers[.authorization] == Self.authorization else {
            return Self.reply(401, ["error": "The sample API takes Authorization: Bearer sample-upstream-token."])
        }
        let buffer = try await request.body.collect(upTo: 1 << 20)
        let body = try? JSONParser.parse(Array(buffer.readableBytesView))
        let (status, value) = orders.withLock { $0.answer(request.method, path, id: id, body: body) }
        return Self.reply(status, value)
    }

    /// The same orders as tools (MCP).
    private func tool(_ request: Request) async throws -> Response {
        guard request.headers[.authorization] == Self.authorization else {
            return Self.reply(401, ["error": "The sample API takes Authorization: Bearer sample-upstream-token."])
        }
        let buffer = try await request.body.collect(upTo: 1 << 20)
        let (status, bytes) = SampleTools.answer(Array(buffer.readableBytesView)) { method, path, id in
            orders.withLock { $0.answer(method, path, id: id, body: nil) }
        }
        return Response(
            status: HTTPResponse.Status(code: status),
            headers: bytes == nil ? [:] : [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes ?? [])),
        )
    }

    private static func reply(_ status: Int, _ value: JSONValue) -> Response {
        Response(
            status: HTTPResponse.Status(code: status),
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.canonicalBytes() + [UInt8(ascii: "\n")])),
        )
    }
}
