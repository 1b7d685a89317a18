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
    /// Whether the server waits until the client reads; otherwise what a client does not read is lost to it: an approved
    /// call's end waits for no agent.
    var waits = true
    /// What is asked of a legacy client within the call; of what is asked outside of calls, each has its own time.
    let asking = MCPAsking()

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
        case .answer(let got):
            do throws(RPCError) {
                let answer = try await exchange.questions.screened(got)
                let message = MCPShapes.message(answer, id: id, for: caller, from: upstream)
                return await sink.finish(message, status: MCPShapes.status(answer, for: caller)).isReusable
            } catch {
                return await exchange.fail(id, error, status: 200)
            }
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
        case .cancelled:
            // The client knows the question by another id. To a modern one it is no request of its own.
            guard caller.session != nil, let asked = upstream.takeBack(params) else { return }
            let about = JSONObject([("requestId", asked.json)])
            await say(RPCWriter.notification(method: name, params: about), id: id)
            return
        default: break
        }
        await say(RPCWriter.notification(method: name, rawParams: params), id: id)
    }

    /// The same, with progress that goes on from what the client was told before.
    func notify(_ name: String, _ params: [UInt8]?, _ ticket: inout ProgressTicket?) async {
        guard name == "notifications/progress", let bytes = params,
            let object = (try? JSONParser.parse(bytes))?.objectValue
        else { return await notify(name, params) }
        guard let passed = ticket?.passing(object) else { return }
        await say(RPCWriter.notification(method: name, params: passed))
    }

    /// Passes a question of the server's to the client, or answers it in the client's place.
    func ask(_ question: ServerQuestion, _ name: String, _ params: [UInt8]?) async {
        if name == "ping" { return await decline(question, nil) }
        switch await judge(name, params) {
        case .pass:
            let chance = exchange.context.enforcement.entries.chance
            // Its session may have ended while it was judged.
            guard let ours = upstream.ask(client: question, chance: chance, within: asking) else {
                return await decline(question, Self.noMore)
            }
            let isSaid = await say(RPCWriter.request(id: ours, method: name, rawParams: params))
            // Who has gone, or reads no streams, would never answer.
            guard !isSaid || sink.isGone || !sink.isStreaming, case .string(let name) = ours, upstream.withdraw(name)
            else { return }
            await decline(question, Self.gone)
        case .refuse(let error): await decline(question, error)
        }
    }

    private func judge(_ name: String, _ params: [UInt8]?) async -> MCPQuestions.Verdict {
        guard caller.session != nil else {
            // Its era has no questions but in the answers of certain calls (``MCPRounds``).
            let message =
                "The client speaks \(caller.revision.rawValue), in which it cannot be asked here: "
                + "\(name) is not supported."
            return .refuse(RPCError(code: RPCCode.methodNotFound, message: message))
        }
        guard upstream.takesQuestions, asking.takes() else {
            return .refuse(Self.noMore)
        }
        return await exchange.questions.judge(name, params)
    }

    /// Asks the client what a modern server wants to know, and waits for the answer; as long as the client is there, and
    /// the call's patience lasts.
    func question(
        _ name: String,
        _ params: JSONValue,
        _ cancellation: MCPCancellation,
        _ patience: inout MCPPatience,
    ) async -> ServerAnswer {
        let bytes = params.canonicalBytes()
        if case .refuse(let error) = await judge(name, bytes) { return .error(.object(error.json)) }
        let question = upstream.ask(chance: exchange.context.enforcement.entries.chance)
        exchange.agent.stream.whenClosed { question.end.finish() }
        cancellation.onCancel { question.end.finish() }
        defer {
            exchange.agent.stream.whenClosed(nil)
            cancellation.onCancel(nil)
            if case .string(let name) = question.id { upstream.withdraw(name) }
        }
        if await say(RPCWriter.request(id: question.id, method: name, rawParams: bytes)),
            let answer = await patience.answer(from: question.answers, question.end, on: exchange.home.loop)
        {
            return answer
        }
        return .error(.object(Self.unanswered.json))
    }

    private static let unanswered = RPCError(code: RPCCode.internalError, message: "The client did not answer.")

    /// Sends the client something; false if it does not read, and was not sent it.
    @discardableResult
    private func say(_ message: [UInt8], id: String? = nil) async -> Bool {
        guard waits else { return sink.offer(message, id: id) }
        await sink.send(message, id: id)
        return true
    }

    private static let noMore = RPCError(
        code: RPCCode.internalError,
        message: "The client is not asked any more: it was asked too much already, or its session is over.",
    )
    private static let gone = RPCError(code: RPCCode.internalError, message: "The client is not there to answer.")

    private func decline(_ question: ServerQuestion, _ error: RPCError?) async {
        try? await upstream.decline(question, error, on: exchange.home)
    }
}
