import CanonicalJSON
import CountersignCore
import HTTPWire
import Logging
import MCPWire
import NIOCore

/// One message of an agent's on its way through the gateway.
///
/// Used by the task of the agent's connection alone.
struct MCPExchange {
    let agent: AgentConnection
    let connection: MCPConnection
    let caller: MCPCaller
    let reply: MCPReply

    var context: GatewayContext { agent.context }
    var home: LoopState { agent.home }
    var questions: MCPQuestions {
        MCPQuestions(caller: caller, connection: connection, enforcement: context.enforcement)
    }

    /// Serves a request; whether the agent's connection can carry another.
    ///
    /// `checksHeaders` is off for what has another name here than in the request's header fields.
    func serve(
        _ id: RequestID,
        _ name: String,
        _ params: JSONObject,
        _ head: RequestHead,
        checksHeaders: Bool = true,
        cancellation: MCPCancellation = MCPCancellation(),
    ) async -> Bool {
        guard let method = MCPMethod.client(name, modern: caller.revision.isModern) else {
            return await fail(id, RPCError(code: RPCCode.methodNotFound, message: "There is no method of this name."))
        }
        let upstream: MCPUpstream
        do throws(MCPFailure) {
            guard let found = try self.upstream(for: method) else {
                return await fail(id, AgentConnection.sessionGone, status: 404)
            }
            upstream = found
        } catch {
            return await fail(id, error)
        }
        // Ids need only be unique within a session; each modern request stands alone.
        let requests = InFlightRequests(upstream: upstream, id: caller.session == nil ? nil : id)
        // From the first moment on, so that a cancellation finds it wherever it is.
        guard requests.begin(cancellation) else {
            let message = "A request of this id is under way in this session."
            return await fail(id, RPCError(code: RPCCode.invalidRequest, message: message))
        }
        defer { requests.end() }
        do throws(MCPFailure) {
            if let joined {
                guard let (member, params) = joined.member(for: method, params) else {
                    if method == .ping { return await finish(id, JSONObject()) }
                    if method.isAboutTasks { return await MCPTasks(exchange: self).serve(id, method, params) }
                    return try await joined.serve(id, method, params)
                }
                let part = MCPExchange(agent: agent, connection: member, caller: caller, reply: reply)
                return await part.serve(id, name, params, head, checksHeaders: false, cancellation: cancellation)
            }
            if case .own = connection.link {
                return try await MCPOwnServer(exchange: self).serve(id, method, params)
            }
            if !mayUseAnything, let isReusable = await serveNothing(id, method) { return isReusable }
            switch method {
            case .initialize: return try await initialize(id, upstream)
            case .ping: return await finish(id, JSONObject())
            case .discover: return try await discover(id, upstream)
            case .toolsList, .promptsList, .resourcesList, .resourceTemplatesList:
                return try await MCPLists(exchange: self, upstream: upstream).serve(id, method, params)
            case .tasksGet, .tasksCancel, .tasksUpdate, .tasksResult, .tasksList:
                return await MCPTasks(exchange: self).serve(id, method, params)
            default: break
            }
            if method == .toolsCall, mayUseAnything {
                try await learnTools(upstream)
                if let name = params["name"]?.stringValue, connection.memory.catalogue.tool(name) == nil {
                    return await refuseUnknownTool(id, name, head)
                }
            }
        } catch {
            return await fail(id, error)
        }
        let call: MCPCall
        do throws(RPCError) {
            if checksHeaders { try checkParameterHeaders(method, params, head) }
            let state = MCPRequestState(
                key: context.sessionKey,
                caller: caller,
                connection: connection.name,
                method: method,
                params: params,
            )
            let released = try state.released()
            var params = if case .request(let params) = released { params } else { params }
            // A legacy server has no word for them: what they answer has been done where it was asked.
            if params["requestState"] == nil, !(upstream.knownPeer?.revision.isModern ?? true) {
                params["inputResponses"] = nil
            }
            let action = try MCPTranslator(connection: connection)
                .action(method, params, agent: caller.agent, onBehalfOf: caller.onBehalfOf)
            call = MCPCall(
                caller: caller,
                connection: connection,
                upstream: upstream,
                id: id,
                method: method,
                params: params,
                action: action,
                state: state,
                cancellation: cancellation,
            )
            if case .parked(let word) = released { return await MCPRoundTrip.resume(word, self, call) }
        } catch {
            return await fail(id, error)
        }
        return await MCPEnforcing(exchange: self, call: call).run()
    }

    /// The several servers that the connection joins; `nil` if it is one server's.
    var joined: MCPJoined? {
        connection.memberNames.map { names in
            MCPJoined(exchange: self, members: names.compactMap { context.connections.mcp($0) })
        }
    }

    /// The upstream side of this caller's requests; `nil` if the session was ended.
    func upstream() throws(MCPFailure) -> MCPUpstream? {
        try connection.memory.upstream(caller.upstreamKey, of: caller.agent, budget: connection.budget, now: .now()) {
            MCPUpstream(connection: connection, context: context, declared: caller.declared)
        }
    }

    /// The same; for what does not reach the server, one that nobody remembers if there is none.
    private func upstream(for method: MCPMethod) throws(MCPFailure) -> MCPUpstream? {
        if method != .ping, !method.isAboutTasks, mayUseAnything { return try upstream() }
        if connection.memory.isEnded(caller.upstreamKey) { return nil }
        return connection.memory.known(caller.upstreamKey)
            ?? MCPUpstream(connection: connection, context: context, declared: caller.declared)
    }

    /// Whether policy could let the agent use anything here; otherwise nothing of it reaches the server, or comes back.
    var mayUseAnything: Bool {
        switch connection.link {
        // What the members have is looked at one by one, and the gateway's own server is everybody's.
        case .joined, .own: true
        case .http, .events, .command: context.enforcement.couldAllowAnything(caller.agent, on: connection.name)
        }
    }

    /// Answers an agent that may use nothing without asking the server; `nil` for calls, which are refused and recorded.
    private func serveNothing(_ id: RequestID, _ method: MCPMethod) async -> Bool? {
        let peer = MCPPeer(
            revision: caller.revision,
            sessionID: nil,
            capabilities: JSONObject(),
            info: nil,
            instructions: nil,
        )
        switch method {
        case .initialize: return await welcome(id, peer)
        case .discover: return await introduce(id, peer)
        case .toolsList, .promptsList, .resourcesList, .resourceTemplatesList:
            var page = JSONObject([(MCPLists.member(of: method), .array([]))])
            if caller.revision.isModern {
                page["cacheScope"] = "private"
                page["ttlMs"] = 0
            }
            return await finish(id, page)
        default: return nil
        }
    }

    // MARK: handshakes

    private func initialize(_ id: RequestID, _ upstream: MCPUpstream) async throws(MCPFailure) -> Bool {
        await welcome(id, try await upstream.peer(on: home))
    }

    /// Answers `initialize`.
    func welcome(_ id: RequestID, _ peer: MCPPeer) async -> Bool {
        guard let session = caller.session else { return await fail(id, AgentConnection.sessionGone, status: 404) }
        var result = JSONObject([
            ("capabilities", .object(Self.legacyCapabilities(peer))),
            ("protocolVersion", .string(caller.revision.rawValue)),
            ("serverInfo", peer.info ?? Self.unnamed(connection)),
        ])
        if let instructions = peer.instructions { result["instructions"] = .string(instructions) }
        let reply = MCPReply(agent, reply.head, sessionID: context.sessionKey.sign(session))
        return await reply.finish(RPCWriter.result(id: id, .object(result))).isReusable
    }

    private func discover(_ id: RequestID, _ upstream: MCPUpstream) async throws(MCPFailure) -> Bool {
        await introduce(id, try await upstream.peer(on: home))
    }

    /// Answers `server/discover`.
    func introduce(_ id: RequestID, _ peer: MCPPeer) async -> Bool {
        var capabilities = Self.capabilities(peer)
        var extensions = JSONObject()
        extensions[MetaKey.tasksExtension] = .object(JSONObject())
        capabilities["extensions"] = .object(extensions)
        var result = JSONObject([
            ("_meta", .object(JSONObject([(MetaKey.serverInfo, peer.info ?? Self.unnamed(connection))]))),
            ("cacheScope", "private"), ("capabilities", .object(capabilities)), ("resultType", "complete"),
            ("supportedVersions", .array(MCPRevision.allCases.filter(\.isModern).map { .string($0.rawValue) })),
            ("ttlMs", 0),
        ])
        if let instructions = peer.instructions { result["instructions"] = .string(instructions) }
        return await finish(id, result)
    }

    private static func unnamed(_ connection: MCPConnection) -> JSONValue {
        .object(JSONObject([("name", .string(connection.name.rawValue)), ("version", "0")]))
    }

    /// What the server can do, as far as the gateway passes it on.
    private static func capabilities(_ peer: MCPPeer) -> JSONObject {
        JSONObject(
            peer.capabilities.members.filter {
                ["tools", "resources", "prompts", "completions", "logging"].contains($0.key)
            }.map { ($0.key, $0.value) }
        )
    }

    /// The same for a legacy client: held calls may be had as tasks.
    private static func legacyCapabilities(_ peer: MCPPeer) -> JSONObject {
        var capabilities = capabilities(peer)
        guard capabilities["tools"] != nil else { return capabilities }
        let call = JSONObject([("call", .object(JSONObject()))])
        capabilities["tasks"] = .object(
            JSONObject([
                ("cancel", .object(JSONObject())),
                ("requests", .object(JSONObject([("tools", .object(call))]))),
            ])
        )
        return capabilities
    }

    // MARK: what the client sends beside requests

    /// A notification of a legacy client's.
    func noted(_ name: String, _ params: JSONObject) async {
        guard let method = MCPMethod.client(name, modern: false), method.isNotification,
            let upstream = connection.memory.known(caller.upstreamKey)
        else {
            return
        }
        do throws(MCPFailure) {
            switch method {
            case .cancelled:
                guard let id = params["requestId"].flatMap(RequestID.init) else { return }
                upstream.cancelHere(id)
            // Without parameters: the server asks for the folders, and that is judged. Progress of the client's is not
            // passed on at all: it would be text to the server that nobody judges or records.
            case .rootsListChanged where mayUseAnything && caller.declared["roots"] != nil:
                try await upstream.notify(name, JSONObject(), on: home)
            // The gateway has told the server by itself that the session is ready.
            default: return
            }
        } catch {
            context.logger.debug("a notification could not be passed on", metadata: ["code": "\(error.reason.code)"])
        }
    }

    /// The answer of a legacy client to a question of the server's; false if nobody asked.
    func answered(_ id: RequestID, _ answer: ServerAnswer) async -> Bool {
        // Who asked is one of the members, whose side of the session has the same name.
        for member in (connection.memberNames ?? []).compactMap({ context.connections.mcp($0) }) {
            let part = MCPExchange(agent: agent, connection: member, caller: caller, reply: reply)
            if await part.answered(id, answer) { return true }
        }
        guard let upstream = connection.memory.known(caller.upstreamKey) else { return false }
        do throws(MCPFailure) {
            return try await upstream.answer(id, answer, on: home)
        } catch {
            context.logger.debug("an answer could not be passed on", metadata: ["code": "\(error.reason.code)"])
            return true
        }
    }

    // MARK: tools

    /// Asks for the server's tools if they are not known, or may have changed: policy looks at what they say of
    /// themselves, and people have accepted them as they were.
    private func learnTools(_ upstream: MCPUpstream) async throws(MCPFailure) {
        guard connection.memory.catalogue.needsAsking(now: .now()) else { return }
        try await MCPLists(exchange: self, upstream: upstream).learnTools()
    }

    /// What the server does not list is nothing that anybody could be asked about ("Tools", error handling).
    private func refuseUnknownTool(_ id: RequestID, _ name: String, _ head: RequestHead) async -> Bool {
        let message = "There is no tool of this name."
        let reason = await context.enforcement.reject(
            Reason(.notFound, message),
            agent: caller.agent,
            connection: connection.name,
            detail: "mcp tools/call of an unknown tool: \(name)",
            caller.circumstances,
        )
        guard reason.code == .notFound else {
            return await fail(id, MCPFailure(reason.code, reason.message, executed: false))
        }
        return await fail(id, RPCError(code: RPCCode.invalidParams, message: message))
    }

    /// `Mcp-Param-*` says what the arguments say (2026-07-28, "Custom Headers from Tool Parameters").
    private func checkParameterHeaders(
        _ method: MCPMethod,
        _ params: JSONObject,
        _ head: RequestHead,
    ) throws(RPCError) {
        guard method == .toolsCall, caller.revision.isModern, let name = params["name"]?.stringValue,
            let tool = connection.memory.catalogue.tool(name)?.definition
        else { return }
        try RoutingHeaders.checkParameters(
            schema: tool.inputSchema,
            arguments: params["arguments"]?.objectValue ?? JSONObject(),
            fields: head.fields.map { (name: $0.name, value: $0.value) },
        )
    }

    // MARK: answers

    /// Answers with a result of the gateway's own.
    func finish(_ id: RequestID, _ result: JSONObject) async -> Bool {
        var result = result
        if caller.revision.isModern, result["resultType"] == nil { result["resultType"] = "complete" }
        return await reply.finish(RPCWriter.result(id: id, .object(result))).isReusable
    }

    /// Answers with an error; in the modern era the HTTP status says it, too.
    func fail(_ id: RequestID, _ error: RPCError, status: Int? = nil) async -> Bool {
        let status = status ?? (caller.revision.isModern ? error.httpStatus : 200)
        return await reply.finish(RPCWriter.error(id: id, error), status: status).isReusable
    }

    /// Answers that the server could not be asked.
    func fail(_ id: RequestID, _ failure: MCPFailure) async -> Bool {
        // A client that asks for what a server need not have must be able to tell that from a fault.
        let code = failure.isUnknownMethod ? RPCCode.methodNotFound : RPCCode.internalError
        return await fail(id, MCPRefusals.error([failure.reason], code: code, executed: failure.executed))
    }
}

/// Notes a request as under way, also while it is held, so that its side of the server is not taken for idle; one of a
/// session's also so that its id is not used twice and it can be cancelled.
struct InFlightRequests {
    let upstream: MCPUpstream
    /// `nil` for one that stands alone.
    let id: RequestID?

    /// Whether the id is free.
    func begin(_ cancellation: MCPCancellation) -> Bool { upstream.beginHere(id, cancellation) }

    func end() { upstream.endHere(id) }
}
