import CanonicalJSON
import CountersignCore
import MCPWire
import NIOCore

/// Passes on what a server says, while it is at a call or on a stream of its own.
struct MCPRelay {
    let exchange: MCPExchange
    let upstream: MCPUpstream
    let sink: MCPReply
    /// The token of the call that is under way; `nil` if the client wants no progress, or on the server's own stream.
    let progressToken: JSONValue?

    private var caller: MCPCaller { exchange.caller }

    /// Passes one piece of news on; whether the agent's connection can carry another request, once the call is answered.
    func pass(_ news: MCPNews, to id: RequestID) async -> Bool? {
        switch news {
        case .notification(let method, let params):
            await notify(method, params)
            return nil
        case .request(let id, let method, let params):
            await ask(id, method, params)
            return nil
        case .answer(let answer):
            let message = MCPShapes.message(answer, id: id, for: caller)
            return await sink.finish(message, status: MCPShapes.status(answer, for: caller)).isReusable
        }
    }

    /// Passes a notification on, if it is one that this client knows.
    func notify(_ name: String, _ params: [UInt8]?, id: String? = nil) async {
        guard let method = MCPMethod.server(name, modern: caller.revision.isModern), method.isNotification else {
            return
        }
        switch method {
        case .toolsListChanged: exchange.connection.memory.catalogue.invalidate()
        // Of a token that the client did not give, nothing may be said.
        case .progress: if progressToken == nil { return }
        default: break
        }
        await sink.send(RPCWriter.notification(method: name, rawParams: params), id: id)
    }

    /// Passes a question of the server's to the client, or answers it in the client's place.
    func ask(_ id: RequestID, _ name: String, _ params: [UInt8]?) async {
        if name == "ping" { return await decline(id, nil) }
        switch await judge(name, params) {
        case .pass:
            let ours = upstream.ask(client: id, chance: exchange.context.enforcement.entries.chance)
            await sink.send(RPCWriter.request(id: ours, method: name, rawParams: params))
        case .refuse(let error): await decline(id, error)
        }
    }

    private func judge(_ name: String, _ params: [UInt8]?) async -> MCPQuestions.Verdict {
        guard let method = MCPMethod.server(name, modern: false), !method.isNotification else {
            return .refuse(RPCError(code: RPCCode.methodNotFound, message: "There is no method of this name."))
        }
        guard caller.session != nil else {
            // Its era has no questions within a call; what a legacy server asks there has no way to it.
            let message =
                "The client speaks \(caller.revision.rawValue), in which a server of an older version cannot ask it: "
                + "\(name) is not supported between the two."
            return .refuse(RPCError(code: RPCCode.methodNotFound, message: message))
        }
        return await MCPQuestions(
            caller: caller,
            connection: exchange.connection,
            enforcement: exchange.context.enforcement,
        ).judge(method, params)
    }

    /// Asks the client what a modern server wants to know, and waits for the answer; as long as the client is there.
    func question(_ name: String, _ params: JSONValue, _ cancellation: MCPCancellation) async -> ServerAnswer {
        let bytes = params.canonicalBytes()
        if case .refuse(let error) = await judge(name, bytes) { return .error(.object(error.json)) }
        let question = upstream.ask(chance: exchange.context.enforcement.entries.chance)
        exchange.agent.stream.whenClosed { question.end.finish() }
        cancellation.onCancel { question.end.finish() }
        defer {
            exchange.agent.stream.whenClosed(nil)
            cancellation.onCancel(nil)
        }
        await sink.send(RPCWriter.request(id: question.id, method: name, rawParams: bytes))
        for await answer in question.answers { return answer }
        return .error(.object(RPCError(code: RPCCode.internalError, message: "the client has gone").json))
    }

    private func decline(_ id: RequestID, _ error: RPCError?) async {
        try? await upstream.decline(id, error, on: exchange.home)
    }
}

/// Judges what a server asks of an agent's client: samples of its model, answers of its human, its folders.
struct MCPQuestions {
    let caller: MCPCaller
    let connection: MCPConnection
    let enforcement: Enforcement

    enum Verdict {
        case pass
        case refuse(RPCError)
    }

    /// Whether the client may be asked.
    ///
    /// What it answers goes to the server, so it is the agent's action: what its human types is data that leaves, and so
    /// is what its model writes.
    func judge(_ method: MCPMethod, _ params: [UInt8]?) async -> Verdict {
        let effect: Effect
        let capability: String
        switch method {
        case .createMessage: (effect, capability) = (.execute, "sampling")
        case .elicit: (effect, capability) = (.write, "elicitation")
        case .rootsList: (effect, capability) = (.read, "roots")
        default:
            return .refuse(RPCError(code: RPCCode.methodNotFound, message: "There is no method of this name."))
        }
        guard caller.declared[capability] != nil else {
            return .refuse(RPCError(code: RPCCode.methodNotFound, message: "The client did not declare \(capability)."))
        }
        let limits = JSONLimits(maxDepth: 64, maxBytes: 1 << 20, allowsNoncharacters: true)
        guard let value = try? JSONParser.parse(params ?? Array("{}".utf8), limits: limits),
            let parameters = value.objectValue
        else { return .refuse(RPCError(code: RPCCode.invalidParams, message: "The parameters cannot be read.")) }
        var details: [(String, JSONValue)] = [("method", .string(method.rawValue))]
        for member in parameters.members where member.key != "_meta" {
            details.append(("param_" + member.key, member.value))
        }
        let name = connection.name
        let action = Action(
            agent: caller.agent,
            onBehalfOf: caller.onBehalfOf,
            protocol: "mcp",
            connection: name,
            operations: [
                Operation(
                    protocol: "mcp",
                    effect: effect,
                    resource: ResourceReference(type: "Connection", id: name.rawValue),
                )
            ],
            details: JSONObject(details),
        )
        // The server waits inside of a call; a person's decision about its question would come too late for it.
        switch await enforcement.admit(action, caller.circumstances, holds: false) {
        case .allowed(let entry):
            guard let reason = await enforcement.commit(entry) else { return .pass }
            return .refuse(MCPRefusals.error([reason], code: MCPWords.refused, executed: false))
        case .refused(let reasons):
            return .refuse(MCPRefusals.error(reasons, code: MCPWords.refused, executed: false))
        case .held, .approved, .running, .finished:
            return .refuse(RPCError(code: RPCCode.internalError, message: "The gateway cannot say whether it may ask."))
        }
    }
}
