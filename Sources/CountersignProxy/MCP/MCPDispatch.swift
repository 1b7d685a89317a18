import CanonicalJSON
import CountersignCore
import HTTPWire
import Logging
import MCPWire
import NIOCore

/// Makes one call whose approval stands: uses the grant, sends, keeps the answer, and records the outcome.
///
/// From the redemption on the call is out: nothing is sent twice, and the agent's leaving does not stop the reading.
struct MCPDispatch {
    let context: GatewayContext
    let home: LoopState
    let connection: MCPConnection
    let upstream: MCPUpstream
    let caller: MCPCaller
    let action: Action

    /// What became of it.
    enum End: Sendable {
        /// The server has answered, and the outcome is durable.
        case answered(MCPAnswer, KeptResponse?)
        /// Somebody else uses or has used the grant; or nobody asks any more, and it stays for who asks again.
        case taken
        /// Nothing was sent.
        case refused([Reason])
        /// The server could not be asked; or it gave no answer, and the approval says that nobody knows.
        case failed(MCPFailure, Approval?)
    }

    func run(
        _ approval: Approval,
        params: JSONObject,
        by actor: Actor,
        isWanted: () -> Bool,
        notify: (String, [UInt8]?) async -> Void,
        ask: (ServerQuestion, String, [UInt8]?) async -> Void,
        question: @escaping (String, JSONValue) async -> ServerAnswer,
    ) async -> End {
        guard let method = action.details["method"]?.stringValue else { return .refused([]) }
        // The settings that are in force now are the ones to go out under, not those of hours ago.
        guard context.connections.mcp(connection.name) === connection else {
            return .refused([Reason(.connectionChanged, ReasonCode.connectionChanged.explanation)])
        }
        let grant: String?
        // The handshake before the grant is used, so that a server that is down does not burn it.
        do throws(MCPFailure) {
            _ = try await upstream.peer(on: home)
            if let reason = try await changedDefinition() {
                await context.enforcement.revokeChanged(approval)
                return .refused([reason])
            }
            grant = try signedGrant(approval)
        } catch {
            return .failed(error, nil)
        }
        // All this took its time: nothing is ever sent for a request that was cancelled meanwhile (decision 25).
        guard isWanted() else { return .taken }
        switch await context.enforcement.redeem(approval.id, action, caller.circumstances, by: actor) {
        case .taken: return .taken
        case .refused(let reasons): return .refused(reasons)
        case .dispatch(let redeemed):
            return await send(redeemed, method, params, grant, notify, ask, question)
        }
    }

    /// A tool that is no longer defined as it was when its call was approved is another tool.
    private func changedDefinition() async throws(MCPFailure) -> Reason? {
        guard let approved = action.details["definition"]?.stringValue, let tool = action.details["tool"]?.stringValue
        else { return nil }
        try await MCPTools.learn(connection, upstream, context, on: home)
        guard connection.memory.catalogue.tool(tool)?.listed.digest.rawValue == approved else {
            return Reason(
                .policyChanged,
                "The server has changed the definition of \(tool) since the approval. Ask again, so that people see it."
            )
        }
        return nil
    }

    private func send(
        _ approval: Approval,
        _ method: String,
        _ params: JSONObject,
        _ grant: String?,
        _ notify: (String, [UInt8]?) async -> Void,
        _ ask: (ServerQuestion, String, [UInt8]?) async -> Void,
        _ question: @escaping (String, JSONValue) async -> ServerAnswer,
    ) async -> End {
        var answer: MCPAnswer?
        var failure: MCPFailure?
        do throws(MCPFailure) {
            let conversation = MCPConversation(upstream: upstream, home: home, ask: question)
            try await conversation.request(
                method,
                params,
                fields: fields(grant),
                care: .once,
                cancelled: nil,
            ) { news in
                switch news {
                case .notification(let method, let params): await notify(method, params)
                case .request(let id, let method, let params): await ask(id, method, params)
                case .answer(let got): answer = got
                }
            }
        } catch {
            failure = error
        }
        if let answer {
            let outcome = MCPShapes.outcome(answer)
            // What is not the end is not for another ask to have.
            var keeper = ResponseKeeper(context: context, isKept: outcome.result != .unknown)
            let kept = await MCPKept.keep(answer, approval.id, &keeper)
            if let kept { context.results.post(kept) }
            await complete(approval, outcome, kept)
            return .answered(answer, kept)
        }
        let reason = failure ?? MCPFailure(.upstreamInvalid, "The MCP server gave no answer.", executed: nil)
        // A server that surely refused has not run it; otherwise it is anybody's guess.
        let result: Outcome.Result = reason.executed == false ? .failed : .unknown
        let done = await complete(approval, Outcome(result, detail: reason.reason.message), nil)
        return .failed(reason, done ?? approval)
    }

    /// `Mcp-Param-*`, and the grant, where the connection is to see it.
    private func fields(_ grant: String?) -> [(name: String, value: String)] {
        var fields = [(name: String, value: String)]()
        if let tool = action.details["tool"]?.stringValue,
            let definition = connection.memory.catalogue.tool(tool)?.definition
        {
            fields += RoutingHeaders.parameterFields(
                schema: definition.inputSchema,
                arguments: action.details["arguments"]?.objectValue ?? JSONObject(),
            )
        }
        if let grant { fields.append((name: "Countersign-Grant", value: grant)) }
        return fields
    }

    /// The grant that the server is shown, if the connection says so; signed before it is used, so that nothing is lost
    /// if we cannot sign.
    private func signedGrant(_ approval: Approval) throws(MCPFailure) -> String? {
        switch connection.link {
        case .http(let target), .events(let target):
            do throws(UpstreamFailure) {
                return try Dispatch.grant(for: approval, on: target, context)
            } catch {
                throw MCPFailure(error)
            }
        case .command, .joined, .own: return nil
        }
    }

    @discardableResult
    private func complete(_ approval: Approval, _ outcome: Outcome, _ response: KeptResponse?) async -> Approval? {
        do {
            let done = try await context.enforcement.complete(
                approval.id,
                outcome,
                response: response,
                delivered: response == nil,
                by: .gateway,
            )
            if done == nil { context.logger.outcomeIgnored(approval.id) }
            return done
        } catch {
            // The dispatch is durable; at the next start the outcome is recorded as unknown.
            context.logger.error(
                "an outcome could not be recorded",
                metadata: ["approval": "\(approval.id)", "code": "\(error.code.rawValue)"],
            )
            return nil
        }
    }
}

/// Answers of calls that were held, as they are kept for the agent.
enum MCPKept {
    private static let kind = "Countersign-MCP"

    /// Keeps an answer.
    static func keep(_ answer: MCPAnswer, _ id: ApprovalID, _ keeper: inout ResponseKeeper) async -> KeptResponse? {
        let (bytes, word) =
            switch answer {
            case .result(let bytes): (bytes, "result")
            case .error(let bytes): (bytes, "error")
            }
        await keeper.append(ByteBuffer(bytes: bytes))
        let fields: HeaderFields = [Self.kind: word, "Content-Type": "application/json"]
        let head = ResponseHead(status: 200, reason: HTTPStatus.phrase(200))
        return await keeper.finish(id, head, fields)
    }

    /// Reads a kept answer; `nil` if there is none.
    static func read(
        _ id: ApprovalID,
        _ context: GatewayContext,
    ) async throws(LedgerError) -> (answer: MCPAnswer, response: KeptResponse)? {
        let posted = context.results.response(id)
        let stored = posted == nil ? try await context.enforcement.ledger.keptResponse(id) : nil
        guard let response = posted ?? stored else { return nil }
        var bytes = response.body
        if let name = response.file {
            guard let file = try? await SpoolFile(reading: "\(context.settings.spool)/\(name)"),
                let size = try? await file.size(), let whole = try? await file.read(at: 0, count: Int(size)),
                whole.readableBytes == Int(size)
            else { return nil }
            bytes = Array(whole.readableBytesView)
        }
        let isError = response.fields.contains { $0 == [Self.kind, "error"] }
        return (isError ? .error(bytes) : .result(bytes), response)
    }
}
