import CountersignCore
import HTTPWire
import Logging
import NIOCore
import Synchronization

/// What every connection of the gateway shares.
final class GatewayContext: Sendable {
    let settings: GatewaySettings
    let connections: CurrentConnections
    let enforcement: Enforcement
    let authenticator: any Authenticator
    let grants: any GrantIssuer
    let sessionKey: MCPSessionKey
    let pool = UpstreamPool()
    let results = ResultBoard()
    let pipes: MCPPipes
    let drain = DrainSignal()
    let errands = Errands()
    let rounds = MCPRoundTable()
    let logger: Logger

    init(
        settings: GatewaySettings,
        connections: CurrentConnections,
        enforcement: Enforcement,
        authenticator: any Authenticator,
        grants: any GrantIssuer,
        sessionKey: MCPSessionKey,
        logger: Logger,
    ) {
        self.settings = settings
        self.connections = connections
        self.enforcement = enforcement
        self.authenticator = authenticator
        self.grants = grants
        self.sessionKey = sessionKey
        pipes = MCPPipes(folder: settings.spool + "/../servers", logger: logger)
        self.logger = logger
    }

    /// A new name in the spool folder.
    func spoolPath() -> String { "\(settings.spool)/\(enforcement.entries.chance.secret())" }
}

/// What goes upstream: where, and which bytes.
final class Outbound: Sendable {
    let connection: HTTPConnection
    let head: RequestHead
    let body: RequestBody

    init(connection: HTTPConnection, head: RequestHead, body: RequestBody) {
        self.connection = connection
        self.head = head
        self.body = body
    }

    /// The same with the grant that lets it run, for the upstream to verify; the action's digest does not cover it.
    func carrying(_ grant: String?) -> Outbound {
        guard let grant else { return self }
        var head = head
        head.fields.append(name: "Countersign-Grant", value: grant)
        return Outbound(connection: connection, head: head, body: body)
    }
}

/// A request that has been read whole, and what it means.
///
/// A class, so that the tasks of thousands of held requests each have a reference, not several copies of all this.
final class JudgedRequest: Sendable {
    let agent: AgentID
    let action: Action
    let circumstances: Circumstances
    let outbound: Outbound
    let preferences: Preferences

    init(
        agent: AgentID,
        action: Action,
        circumstances: Circumstances,
        outbound: Outbound,
        preferences: Preferences,
    ) {
        self.agent = agent
        self.action = action
        self.circumstances = circumstances
        self.outbound = outbound
        self.preferences = preferences
    }
}

/// One agent's connection: reads requests, has them judged, and answers each before it reads the next.
///
/// Used by one task on the connection's event loop. It only translates; what may run is decided by `Enforcement`.
final class AgentConnection {
    let context: GatewayContext
    let stream: ByteStream
    let home: LoopState
    let isTLS: Bool
    let peer: String?
    /// What `Forwarded` says of the agent (RFC 7239).
    let forwarded: String
    var parser = RequestParser()
    private var served: UInt64 = 0

    init(_ stream: ByteStream, home: LoopState, isTLS: Bool, context: GatewayContext) {
        self.stream = stream
        self.home = home
        self.isTLS = isTLS
        self.context = context
        peer = stream.peerAddress
        let node = peer.map { $0.contains(":") ? "\"[\($0)]\"" : $0 } ?? "unknown"
        forwarded = "for=\(node);proto=\(isTLS ? "https" : "http")"
    }

    /// What ends a request early.
    struct Refusal: Error {
        let status: Int
        let reason: Reason
        /// What the entry says of bytes that never became an action.
        let detail: String
        var agent: AgentID?
        var connection: ConnectionName?
        /// Where an agent without a credential learns how to get one (RFC 9728).
        var challenge: String?

        init(_ status: Int, _ reason: Reason, _ detail: String) {
            self.status = status
            self.reason = reason
            self.detail = detail
        }
    }

    /// Serves requests until either side closes.
    func run() async {
        while !home.isDraining {
            stream.isIdle = true
            stream.deadline = .now() + .seconds(300)
            let head: RequestHead
            do {
                guard let next = try await nextHead() else { break }
                head = next
            } catch {
                let reason = Reason(.ambiguousRequest, error.message)
                await refuse(Refusal(error.code.status, reason, "\(error.code.rawValue): \(error.message)"), nil)
                break
            }
            stream.isIdle = false
            stream.deadline = nil
            served += 1
            guard await serve(Self.withoutH2C(head)), !stream.isClosed else { break }
        }
        stream.close()
    }

    /// An offer to go on in HTTP/2 may be ignored (RFC 9110, section 7.8), and some clients make it with every request.
    private static func withoutH2C(_ head: RequestHead) -> RequestHead {
        guard let upgrade = head.upgrade, ForwardedFields.lowercased(upgrade) == "h2c" else { return head }
        var head = head
        head.upgrade = nil
        return head
    }

    private func nextHead() async throws(WireError) -> RequestHead? {
        while true {
            switch try parser.next(&stream.input) {
            case .head(let head): return head
            case .body, .trailers, .end: continue
            case nil: break
            }
            if stream.input.readableBytes > 0 {
                // A head that trickles in is given half a minute.
                if stream.isIdle { stream.deadline = .now() + .seconds(30) }
                stream.isIdle = false
            }
            if await stream.more() { continue }
            if !stream.hasTimedOut { try parser.inputEnded() }
            return nil
        }
    }

    /// Serves one request; whether the connection can carry another.
    private func serve(_ head: RequestHead) async -> Bool {
        if let control = context.settings.control,
            head.target.utf8.starts(with: "/v1/".utf8) || head.target.utf8.starts(with: "/access/v1/".utf8)
                || head.target.utf8.elementsEqual(Self.keySet.utf8)
        {
            do {
                return await pass(try await controlRequest(head, control), head)
            } catch {
                await refuse(error, head)
                return false
            }
        }
        if head.method == "GET", head.target.hasPrefix(Self.metadataPath) { return await describeResource(head) }
        if let connection = mcpConnection(head) { return await serveMCP(head, connection) }
        let request: JudgedRequest
        do {
            request = try await judge(head)
        } catch {
            await refuse(error, head)
            // What is left of the body is not read, so the connection cannot go on.
            return false
        }
        switch await context.enforcement.admit(
            request.action,
            request.circumstances,
            asynchronous: request.preferences.respondsAsync && request.outbound.head.upgrade == nil,
        ) {
        case .allowed(let entry):
            return await forward(request, head, entry)
        case .refused(let reasons):
            return await answer(.refusal(reasons.first?.code.status ?? 403, reasons, publicURL), head)
        case .held(let approval), .approved(let approval), .running(let approval), .finished(let approval):
            return await hold(request, head, approval)
        }
    }

    /// The keys that grants are verified with; anybody may have them, on this port, too.
    static let keySet = "/.well-known/jwks.json"

    var publicURL: String { context.settings.publicURL }

    /// Records and answers what never became an action; the connection ends after it.
    func refuse(_ refusal: Refusal, _ head: RequestHead?) async {
        let circumstances = head.map { self.circumstances($0) } ?? Circumstances(sourceAddress: peer)
        let reason = await context.enforcement.reject(
            refusal.reason,
            agent: refusal.agent,
            connection: refusal.connection,
            detail: refusal.detail,
            circumstances,
        )
        let status = reason == refusal.reason ? refusal.status : reason.code.status
        var closing = head
        closing?.keepAlive = false
        var refused = Answer.refusal(status, [reason], publicURL)
        if status == 401, let challenge = refusal.challenge { refused.challenge(metadata: challenge) }
        _ = await answer(refused, closing)
        await lingerThenClose()
    }

    /// Reads on for a moment after a refusal, so that closing does not reset the answer away (RFC 9112, section 9.6).
    private func lingerThenClose() async {
        stream.deadline = .now() + .seconds(2)
        var budget = 1 << 20
        while budget > 0, await stream.more() {
            budget -= stream.input.readableBytes
            stream.input.clear()
        }
        stream.close()
    }

    /// Sends an answer of the gateway's own; whether the connection can carry another request.
    func answer(_ answer: Answer, _ request: RequestHead?) async -> Bool {
        let keepAlive = (request?.keepAlive ?? false) && !home.isDraining
        let isHead = request?.method == "HEAD"
        var fields = answer.fields
        // To HEAD, the length tells about the body that a GET would have.
        if isHead { fields.set(name: "Content-Length", value: "\(answer.body.readableBytes)") }
        let head = ResponseHead(
            status: answer.status,
            reason: HTTPStatus.phrase(answer.status),
            minor: 1,
            fields: fields,
            framing: isHead ? .none : .length(UInt64(answer.body.readableBytes)),
            keepAlive: keepAlive,
        )
        var buffer = ByteBuffer()
        do {
            try HTTPSerializer.write(response: head, toMethod: request?.method ?? "GET", into: &buffer)
        } catch {
            context.logger.error("an answer could not be written", metadata: ["code": "\(error.code.rawValue)"])
            return false
        }
        if !isHead { buffer.writeImmutableBuffer(answer.body) }
        stream.write(buffer)
        do { try await stream.flushed() } catch { return false }
        return keepAlive
    }
}

/// Reason phrases; they carry no meaning, but people read them.
enum HTTPStatus {
    static func phrase(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 202: "Accepted"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 409: "Conflict"
        case 410: "Gone"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: ""
        }
    }
}
