import CanonicalJSON
import CountersignCore
import Logging
import MCPWire
import NIOCore

/// One request of a client's that attends a call in rounds: the first one, or one that comes back with answers.
struct MCPRoundTrip {
    let exchange: MCPExchange
    let call: MCPCall
    let rounds: MCPRounds

    private var context: GatewayContext { exchange.context }

    /// What the request came to.
    enum Outcome {
        /// The call has ended, and its end is to be answered.
        case ended(MCPDispatch.End)
        /// The client was answered; whether its connection can carry another request.
        case answered(isReusable: Bool)
    }

    /// Attends the call until it ends, asks, or the client leaves.
    func attend(
        _ visit: MCPRounds.Visit,
        notify: (String, [UInt8]?) async -> Void,
    ) async -> Outcome {
        exchange.agent.stream.whenClosed { [rounds] in rounds.leave() }
        defer { exchange.agent.stream.whenClosed(nil) }
        for await _ in visit.bell {
            while let turn = rounds.turn() {
                switch turn {
                case .notify(let method, let params): await notify(method, params)
                case .end(let end): return .ended(end)
                case .ask(let questions):
                    switch await ask(questions, visit) {
                    case .answered(let isReusable): return .answered(isReusable: isReusable)
                    case .open: continue
                    case .left: return .answered(isReusable: await exchange.reply.abandon())
                    }
                }
            }
        }
        return .answered(isReusable: await exchange.reply.abandon())
    }

    /// What came of asking the client.
    private enum Asking {
        /// The request was answered with the questions; whether its connection can carry another.
        case answered(isReusable: Bool)
        /// The client cannot be asked, or the call has ended: the request goes on.
        case open
        /// The request has left.
        case left
    }

    /// Answers the request with what the client is asked.
    private func ask(_ questions: [MCPRounds.Question], _ visit: MCPRounds.Visit) async -> Asking {
        let word = context.enforcement.entries.chance.secret()
        guard context.rounds.park(rounds, word, of: call.caller.agent) else {
            let call = MCPRoundCall(
                context: context,
                home: exchange.home,
                connection: exchange.connection,
                caller: call.caller,
                rounds: rounds,
            )
            for question in questions where rounds.answered(question.key) { await call.refuse(question) }
            return .open
        }
        let absence: Int
        switch rounds.park(visit) {
        case .away(let number): absence = number
        case .ended:
            _ = context.rounds.take(word, of: call.caller.agent)
            return .open
        case .left:
            _ = context.rounds.take(word, of: call.caller.agent)
            return .left
        }
        // From here on it is the next request that matters, not this connection.
        exchange.agent.stream.whenClosed(nil)
        let result = JSONObject([
            ("inputRequests", .object(MCPRounds.Question.requests(questions))),
            ("requestState", .string(call.state.parked(word))), ("resultType", "input_required"),
        ])
        let end = await exchange.reply.finish(RPCWriter.result(id: call.id, .object(result)))
        if !end.isDelivered, context.rounds.take(word, of: call.caller.agent) != nil { rounds.leave(absence) }
        return .answered(isReusable: end.isReusable)
    }

    /// What a client has answered; `nil` if it is not in the form of answers.
    static func responses(_ params: JSONObject) -> JSONObject? {
        guard let given = params["inputResponses"] else { return JSONObject() }
        guard let responses = given.objectValue, responses.allSatisfy({ $0.value.objectValue != nil }) else {
            return nil
        }
        return responses
    }

    static let badResponses = RPCError(
        code: RPCCode.invalidParams,
        message: "inputResponses must be an object that has an object for each of the inputRequests",
    )

    /// Serves a request that comes back to a call; whether the agent's connection can carry another.
    static func resume(_ word: String, _ exchange: MCPExchange, _ call: MCPCall) async -> Bool {
        guard let responses = responses(call.params) else { return await exchange.fail(call.id, badResponses) }
        guard let rounds = exchange.context.rounds.take(word, of: call.caller.agent), let visit = rounds.attend() else {
            return await gone(exchange, call)
        }
        return await MCPRoundTrip(exchange: exchange, call: call, rounds: rounds).resume(visit, responses)
    }

    /// Attends a call that was parked, with what the client has answered.
    func resume(_ visit: MCPRounds.Visit, _ responses: JSONObject = JSONObject()) async -> Bool {
        await rounds.take(responses, context, on: exchange.home)
        var ticket = call.progressToken.map { ProgressTicket(token: $0) }
        let relay = MCPRelay(
            exchange: exchange,
            upstream: rounds.upstream,
            sink: exchange.reply,
            progressToken: call.progressToken,
        )
        switch await attend(visit, notify: { method, params in await relay.notify(method, params, &ticket) }) {
        case .answered(let isReusable): return isReusable
        case .ended(let end):
            var approval: Approval?
            if let id = rounds.approval { approval = try? await context.enforcement.ledger.approval(id) }
            return await MCPHolding(exchange: exchange, call: call).finish(end, of: approval) ?? false
        }
    }

    /// Answers a client that comes back to a call that is not there any more.
    private static func gone(_ exchange: MCPExchange, _ call: MCPCall) async -> Bool {
        let text =
            "The call that this answers is not under way any more: it was answered already, took too long, or the gateway "
            + "was started anew. Whether it took effect is not known; look what state things are in before you call again."
        guard call.method == .toolsCall else {
            return await exchange.fail(call.id, RPCError(code: RPCCode.invalidParams, message: text))
        }
        return await exchange.finish(call.id, ToolResults.text(text, isError: true, modern: true))
    }
}

extension MCPRounds {
    /// Takes in what the client has answered, and passes it on to whoever asked.
    func take(_ responses: JSONObject, _ context: GatewayContext, on home: LoopState) async {
        for member in responses.members where answered(member.key) {
            do throws(MCPFailure) {
                _ = try await upstream.answer(.string(member.key), .result(member.value), on: home)
            } catch {
                // The call itself learns of a server that is gone, and says so.
                context.logger.debug("an answer could not be passed on", metadata: ["code": "\(error.reason.code)"])
            }
        }
    }
}
