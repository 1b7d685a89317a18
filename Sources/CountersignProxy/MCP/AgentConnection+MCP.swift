import CanonicalJSON
import CountersignCore
import HTTPWire
import MCPWire
import NIOCore

/// MCP on the gateway's port: reads a message, finds out who speaks in which era, and sends it on its way.
///
/// It only translates; what may run is decided by `Enforcement`.
extension AgentConnection {
    /// The MCP connection that a request is for; `nil` if it is for something else.
    func mcpConnection(_ head: RequestHead) -> MCPConnection? {
        let path = head.target.utf8.dropFirst().prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        return ConnectionName(String(Substring(path))).flatMap { context.connections.mcp($0) }
    }

    /// Serves one request; whether the connection can carry another.
    func serveMCP(_ head: RequestHead, _ connection: MCPConnection) async -> Bool {
        do throws(Refusal) {
            try checkOrigin(head, connection)
            let path = head.target.utf8.dropFirst(1 + connection.name.rawValue.utf8.count)
            guard path.isEmpty || path.elementsEqual("/".utf8) || path.elementsEqual("/mcp".utf8) else {
                throw Refusal(404, Reason(.notFound, "The MCP endpoint is /\(connection.name)/."), "no such path")
            }
            let agent = try authenticate(head)
            do throws(Refusal) {
                let human = try human(head, agent)
                switch head.method {
                case "POST": return try await post(head, connection, agent, human)
                case "DELETE": return try await endSession(head, connection, agent)
                case "GET": return try await listen(head, connection, agent, human)
                default:
                    throw Refusal(405, Reason(.methodRefused, "MCP has POST, GET and DELETE."), head.method)
                }
            } catch {
                var refusal = error
                refusal.agent = agent
                throw refusal
            }
        } catch {
            var refusal = error
            refusal.connection = connection.name
            refusal.challenge = metadataURL(head, connection)
            await refuse(refusal, head)
            return false
        }
    }

    /// A page of somebody else's must not speak for a person's agent (DNS rebinding; both revisions, "Security Warning").
    private func checkOrigin(_ head: RequestHead, _ connection: MCPConnection) throws(Refusal) {
        for origin in head.fields.all("origin") where !connection.origins.contains(origin) {
            let message = "Pages of this origin may not call. Add it to the connection's origins if they may."
            throw Refusal(403, Reason(.notAllowed, message), "origin \(origin.cut(to: 200))")
        }
    }

    /// Where the protected resource's metadata is (RFC 9728).
    private func metadataURL(_ head: RequestHead, _ connection: MCPConnection) -> String? {
        guard let host = head.fields.first("host"), host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 })
        else { return nil }
        let scheme = isTLS ? "https" : "http"
        return "\(scheme)://\(host)\(Self.metadataPath)\(head.target.prefix { $0 != "?" })"
    }

    static let metadataPath = "/.well-known/oauth-protected-resource"

    /// The metadata of a protected resource (RFC 9728), which anybody may have: that a bearer credential is needed, and
    /// nothing of which connections there are.
    func describeResource(_ head: RequestHead) async -> Bool {
        let path = head.target.dropFirst(Self.metadataPath.count)
        guard let host = head.fields.first("host"), path.isEmpty || path.hasPrefix("/"),
            let target = try? RequestTarget(parsing: path.isEmpty ? "/" : String(path)), target.query == nil
        else { return await answer(.refusal(404, [Reason(.notFound, "There is no such page.")], publicURL), head) }
        let metadata = JSONObject([
            ("bearer_methods_supported", .array(["header"])),
            ("resource", .string("\(isTLS ? "https" : "http")://\(host)\(target.path)")),
            ("resource_documentation", .string(publicURL)), ("resource_name", "Countersign"),
        ])
        let fields: HeaderFields = ["Content-Type": "application/json", "Cache-Control": "no-store"]
        let body = ByteBuffer(bytes: JSONValue.object(metadata).canonicalBytes())
        return await answer(Answer(status: 200, fields: fields, body: body), head)
    }

    private func post(
        _ head: RequestHead,
        _ connection: MCPConnection,
        _ agent: AgentID,
        _ human: UserID?,
    ) async throws(Refusal) -> Bool {
        let type = head.fields.first("content-type").map {
            ForwardedFields.lowercased($0.prefix { $0 != ";" && $0 != " " })
        }
        guard type == "application/json", head.fields.first("content-encoding") == nil else {
            throw Refusal(415, Reason(.badRequest, "Send JSON: Content-Type: application/json."), "content type")
        }
        let body = try await readBody(
            head,
            connection.name,
            inlineLimit: connection.maximumMessage,
            maximum: UInt64(connection.maximumMessage),
        )
        var bytes = [UInt8]()
        if case .memory(let buffer) = body.content { bytes = Array(buffer.readableBytesView) }
        guard context.connections.mcp(connection.name) === connection else {
            throw Refusal(503, Reason(.connectionChanged, ReasonCode.connectionChanged.explanation), "settings changed")
        }
        let message: ClientMessage
        do throws(ClientMessageFault) {
            message = try ClientMessage.parse(bytes, maximumBytes: connection.maximumMessage)
        } catch {
            return await refuseMessage(error, head, connection, agent)
        }
        let reply = MCPReply(self, head, sessionID: nil)
        switch message {
        case .request(let id, let method, let params):
            do throws(RPCError) {
                let caller = try caller(head, connection, agent, human, method, params)
                let exchange = MCPExchange(agent: self, connection: connection, caller: caller, reply: reply)
                return await exchange.serve(id, method, params, head)
            } catch {
                return await answer(error, id: id, head, connection, agent)
            }
        case .notification(let method, let params):
            // In the modern era there is nothing that a notification over HTTP could mean.
            if Self.isModern(head, params) { return await accepted(head) }
            do throws(RPCError) {
                let caller = try caller(head, connection, agent, human, method, params)
                await MCPExchange(agent: self, connection: connection, caller: caller, reply: reply)
                    .noted(method, params)
                return await accepted(head)
            } catch {
                return await answer(error, id: nil, head, connection, agent)
            }
        case .response(let id, let answer):
            guard let caller = try? caller(head, connection, agent, human, "", JSONObject()), caller.session != nil,
                await MCPExchange(agent: self, connection: connection, caller: caller, reply: reply)
                    .answered(id, answer)
            else {
                let error = RPCError(code: RPCCode.invalidRequest, message: "Nothing was asked under this id.")
                return await self.answer(error, id: nil, head, connection, agent)
            }
            return await accepted(head)
        }
    }

    private static func isModern(_ head: RequestHead, _ params: JSONObject) -> Bool {
        head.fields.all("mcp-protocol-version").contains { $0 >= MCPRevision.v2026_07_28.rawValue }
            || params["_meta"]?[MetaKey.protocolVersion] != nil
    }

    private func accepted(_ head: RequestHead) async -> Bool {
        await answer(Answer(status: 202, fields: HeaderFields(), body: ByteBuffer()), head)
    }

    /// Finds out who speaks, and in which era: the header or the request's `_meta` says so (2026-07-28), or a session does.
    private func caller(
        _ head: RequestHead,
        _ connection: MCPConnection,
        _ agent: AgentID,
        _ human: UserID?,
        _ method: String,
        _ params: JSONObject,
    ) throws(RPCError) -> MCPCaller {
        let circumstances = mcpCircumstances(head, params)
        let versions = head.fields.all("mcp-protocol-version")
        if Self.isModern(head, params), method != "initialize" {
            let fields = head.fields.map { (name: $0.name, value: $0.value) }
            let envelope = try RoutingHeaders.check(method: method, params: params, fields: fields)
            return MCPCaller(
                agent: agent,
                onBehalfOf: human,
                circumstances: circumstances,
                revision: envelope.revision,
                capabilities: envelope.capabilities,
                session: nil,
            )
        }
        if method == "initialize" {
            let asked = params["protocolVersion"]?.stringValue.flatMap(MCPRevision.init)
            let revision = asked.flatMap { $0.isModern ? nil : $0 } ?? .newestLegacy
            let capabilities = params["capabilities"]?.objectValue ?? JSONObject()
            let session = MCPSession(
                agent: agent,
                connection: connection.name,
                revision: revision,
                capabilities: capabilities,
                nonce: String(context.enforcement.entries.chance.secret().prefix(22)),
            )
            return MCPCaller(
                agent: agent,
                onBehalfOf: human,
                circumstances: circumstances,
                revision: revision,
                capabilities: capabilities,
                session: session,
            )
        }
        let ids = head.fields.all("mcp-session-id")
        guard let text = ids.first else {
            throw RPCError(
                code: RPCCode.invalidRequest,
                message: "There is no Mcp-Session-Id: begin with initialize, or speak \(MCPRevision.newest.rawValue).",
            )
        }
        guard ids.count == 1, let session = context.sessionKey.session(text), session.agent == agent,
            session.connection == connection.name
        else { throw Self.sessionGone }
        for version in versions where version != session.revision.rawValue {
            guard MCPRevision(rawValue: version) != nil else {
                throw RPCError(code: RPCCode.invalidRequest, message: "This MCP-Protocol-Version is not known.")
            }
        }
        return MCPCaller(
            agent: agent,
            onBehalfOf: human,
            circumstances: circumstances,
            revision: session.revision,
            capabilities: session.capabilities,
            session: session,
        )
    }

    /// 2025-11-25, "Session Management": 404 makes the client begin a new session.
    static let sessionGone = RPCError(
        code: MCPWords.sessionGone,
        message: "There is no such session; begin with initialize."
    )

    private func mcpCircumstances(_ head: RequestHead, _ params: JSONObject) -> Circumstances {
        var circumstances = circumstances(head)
        if circumstances.justification == nil {
            circumstances.justification = params["_meta"]?[MCPWords.justification]?.stringValue?.cut(to: 4096)
        }
        return circumstances
    }

    /// Records and answers bytes that are no message.
    private func refuseMessage(
        _ fault: ClientMessageFault,
        _ head: RequestHead,
        _ connection: MCPConnection,
        _ agent: AgentID,
    ) async -> Bool {
        await answer(fault.error, id: fault.id, status: 400, head, connection, agent)
    }

    /// Records and answers what never became an action, in the protocol's words.
    private func answer(
        _ error: RPCError,
        id: RequestID?,
        status: Int? = nil,
        _ head: RequestHead,
        _ connection: MCPConnection,
        _ agent: AgentID,
    ) async -> Bool {
        let reason = await context.enforcement.reject(
            Reason(.ambiguousRequest, error.message),
            agent: agent,
            connection: connection.name,
            detail: "mcp \(error.code): \(error.message)",
            circumstances(head),
        )
        let isLost = error.code == MCPWords.sessionGone
        let status = reason.code == .ambiguousRequest ? status ?? (isLost ? 404 : error.httpStatus) : 503
        let shown = isLost ? RPCError(code: RPCCode.invalidRequest, message: error.message) : error
        let bytes = RPCWriter.error(id: id, shown)
        let fields: HeaderFields = ["Content-Type": "application/json", "Cache-Control": "no-store"]
        return await answer(Answer(status: max(status, 400), fields: fields, body: ByteBuffer(bytes: bytes)), head)
    }

    private func endSession(
        _ head: RequestHead,
        _ connection: MCPConnection,
        _ agent: AgentID,
    ) async throws(Refusal) -> Bool {
        guard let text = head.fields.first("mcp-session-id"), let session = context.sessionKey.session(text),
            session.agent == agent, session.connection == connection.name
        else { throw Refusal(404, Reason(.notFound, Self.sessionGone.message), "no such session") }
        // A session with several servers at once is one with each of them, under the same name. All are over before the
        // first is told, and each is told by itself: a server that is slow to hear of it holds up no other.
        let members = (connection.memberNames ?? []).compactMap { context.connections.mcp($0) }
        let upstreams = ([connection] + members).compactMap { $0.memory.end("session " + session.nonce) }
        let home = home
        await withDiscardingTaskGroup { group in
            for upstream in upstreams {
                group.addTask(executorPreference: home.executor) { await upstream.farewell(on: home) }
            }
        }
        return await answer(Answer(status: 204, fields: HeaderFields(), body: ByteBuffer()), head)
    }

    /// The server's own stream of a legacy session.
    private func listen(
        _ head: RequestHead,
        _ connection: MCPConnection,
        _ agent: AgentID,
        _ human: UserID?,
    ) async throws(Refusal) -> Bool {
        // A client of the modern era learns by this that there is no such stream any more.
        guard let text = head.fields.first("mcp-session-id") else {
            throw Refusal(405, Reason(.methodRefused, "GET needs a session (2025-11-25 and earlier)."), "GET")
        }
        guard let session = context.sessionKey.session(text), session.agent == agent,
            session.connection == connection.name
        else { throw Refusal(404, Reason(.notFound, Self.sessionGone.message), "no such session") }
        let caller = MCPCaller(
            agent: agent,
            onBehalfOf: human,
            circumstances: circumstances(head),
            revision: session.revision,
            capabilities: session.capabilities,
            session: session,
        )
        let reply = MCPReply(self, head, sessionID: nil)
        guard reply.canStream else {
            throw Refusal(406, Reason(.badRequest, "Accept text/event-stream: that is all a GET gets."), "accept")
        }
        return await MCPExchange(agent: self, connection: connection, caller: caller, reply: reply).stream(head)
    }
}

/// The gateway's own words in MCP messages.
enum MCPWords {
    /// What the state of a held call stands under in `_meta`.
    static let approval = "dev.countersign/approval"
    /// What a refusal's reasons stand under in `_meta`.
    static let refusal = "dev.countersign/refusal"
    /// What an agent may say in `_meta` of why it asks.
    static let justification = "dev.countersign/justification"
    /// A request other than a tool's call waits for a human; outside of what JSON-RPC and MCP reserve.
    static let pending: Int64 = -31_202
    /// A request other than a tool's call was refused by policy or people.
    static let refused: Int64 = -31_403
    /// The codes that only the gateway uses.
    static let own = [pending, refused]
    /// Codes that 2026-07-28 has not any more, and what it has instead ("Error Codes").
    static let legacyCodes = [
        RPCCode.resourceNotFound: RPCCode.invalidParams, RPCCode.urlElicitationRequired: RPCCode.internalError,
    ]
    /// Never sent: becomes HTTP status 404.
    static let sessionGone: Int64 = -31_404
}
