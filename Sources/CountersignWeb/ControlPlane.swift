import CountersignCore
import HTTPTypes
package import Hummingbird
import Logging
import NIOCore

/// The API and the dashboard as one responder.
///
/// It checks what every request must have (a known path and method, a caller, well-formed parameters, a body of the
/// right kind and size, the CSRF token of a session), runs the endpoint, and adds what every response must have.
package struct ControlPlane: HTTPResponder {
    /// What comes with each request.
    package typealias Context = WebContext

    /// The most that a body may have, in bytes.
    static let maximumBody = 1 << 20

    private let parts: WebParts
    private let routes: RouteTable
    private let idempotency: Idempotency

    init(_ dependencies: WebDependencies) throws {
        parts = WebParts(dependencies: dependencies, waits: OpenWaits(), pages: try PageTemplates())
        idempotency = Idempotency(ledger: dependencies.ledger, lanes: IdempotencyLanes())
        var endpoints =
            ActionEndpoints.all + ToolCallEndpoints.all + ApprovalEndpoints.all + GrantEndpoints.all
            + EntryEndpoints.all
            + ErasureEndpoints.all + EvaluationEndpoints.all(dependencies.accessRequests)
            + AccessRequestEndpoints.all(dependencies.accessRequests)
        endpoints += [EventEndpoint.endpoint] + IdentityEndpoints.all + ToolEndpoints.all + HealthEndpoints.all
        endpoints += NoticeEndpoints.all + LinkEndpoints.all + BatchEndpoints.all
        endpoints += ChannelSwitchEndpoints.all + ClientEndpoints.all
        endpoints += LogEndpoints.all(entriesArePublic: dependencies.entriesArePublic)
        endpoints.append(try OpenAPI(endpoints, dependencies).endpoint)
        routes = RouteTable(
            endpoints: endpoints + ChannelEndpoints.all + ClientEndpoints.callbacks
                + DashboardEndpoints.all
        )
    }

    /// Ends long polls and event streams, so that a graceful shutdown need not wait for them.
    package func drain() { parts.waits.drain() }

    /// Answers one request; never throws.
    package func respond(to request: Request, context: WebContext) async throws -> Response {
        let target = request.head.path ?? "/"
        let path = Substring(target.utf8.prefix { $0 != UInt8(ascii: "?") })
        let requestID = "req_" + Base64URL.encode(parts.enforcement.entries.chance.salt())
        let match = routes.match(request.method, path)
        let isPage: Bool
        var reply: Reply
        do {
            switch match {
            case .endpoint(let endpoint, let parameters):
                isPage = endpoint.face == .page
                reply = try await answer(endpoint, parameters, request, context, target, requestID)
                if endpoint.profile != nil, let told = request.headers.single(.requestID), told.utf8.count <= 200 {
                    reply.fields.put(.requestID, told)
                }
            case .otherMethods(let methods, let face):
                isPage = face == .page
                reply = refusal(Problem(.methodRefused, "This path takes \(methods.joined(separator: ", "))."), isPage)
                reply.fields[.allow] = methods.joined(separator: ", ")
            case .none:
                isPage = (request.headers[.accept] ?? "").contains("text/html")
                reply = refusal(Problem(.notFound, "Nothing is at this path."), isPage)
            }
        }
        if reply.fields.single(.requestID) == nil { reply.fields.put(.requestID, requestID) }
        SecurityFields.add(to: &reply.fields, isPage: isPage, isSecure: parts.dependencies.secureCookies)
        return reply.response(isHead: request.method == .head)
    }

    private func refusal(_ problem: Problem, _ isPage: Bool) -> Reply {
        isPage ? parts.pages.problem(problem) : .problem(problem)
    }

    private func answer(
        _ endpoint: Endpoint,
        _ parameters: [String: String],
        _ request: Request,
        _ context: WebContext,
        _ target: String,
        _ requestID: String,
    ) async throws -> Reply {
        let isPage = endpoint.face == .page
        do {
            let gate = RequestGate(endpoint: endpoint, parts: parts)
            let caller = try gate.caller(request.headers)
            let exchange = try await gate.exchange(caller, parameters, request, context, target, requestID)
            guard endpoint.method == .post, !isPage else { return try await endpoint.respond(exchange) }
            return try await idempotency.answer(exchange, endpoint.respond)
        } catch {
            let problem = Problem(thrown: endpoint.typed(error))
            if isPage, problem.status == 401 {
                return SignIn.redirect(request.headers, from: endpoint.method == .get ? target : nil, parts)
            }
            if problem.status == 500 {
                parts.dependencies.logger.error(
                    "a request failed",
                    metadata: [
                        "error": "\(String(reflecting: error))", "endpoint": "\(endpoint.name)", "id": "\(requestID)",
                    ],
                )
            }
            return refusal(problem, isPage)
        }
    }
}

/// Makes the control plane; the server puts it into Hummingbird's `Application`.
///
/// Throws if its own templates or schemas are broken.
package func makeControlPlane(_ dependencies: WebDependencies) throws -> ControlPlane {
    try ControlPlane(dependencies)
}

/// What the server tells of a request beside the request itself.
package struct WebContext: InitializableFromSource {
    /// The peer's address, without port.
    let remoteAddress: String?

    /// Takes it from the connection.
    package init(source: ApplicationRequestContextSource) { remoteAddress = source.channel.remoteAddress?.ipAddress }
}
