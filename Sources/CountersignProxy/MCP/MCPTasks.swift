import CanonicalJSON
import CountersignCore
import MCPWire
import NIOCore

/// Held calls as tasks of either era: a task is a view of an approval, and its id is the approval's.
///
/// State first, transport second (agent-protocols B.8): nothing is kept for a task that the ledger does not have.
struct MCPTasks {
    let exchange: MCPExchange

    private var enforcement: Enforcement { exchange.context.enforcement }
    private var isModern: Bool { exchange.caller.revision.isModern }
    private var views: MCPTaskViews { MCPTaskViews(exchange) }

    /// Answers a call with a task; the approval is durable by now.
    func create(_ call: MCPCall, _ approval: Approval) async -> Bool {
        if isModern, !call.caller.declared.isEmpty, approval.status == .pending || approval.status == .approved {
            exchange.context.rounds.remember(call.caller.declared, of: approval)
        }
        let view = views.view(of: approval)
        let gates = approval.gates.map(\.policy).joined(separator: ", ")
        let hint = "The call waits for a human's approval (\(gates)). Go on with other work; its result comes later."
        let result = isModern ? view.modernCreateResult() : view.legacyCreateResult(immediate: hint)
        return await exchange.finish(call.id, result)
    }

    /// Serves a `tasks/…` request.
    func serve(_ id: RequestID, _ method: MCPMethod, _ params: JSONObject) async -> Bool {
        if isModern, !exchange.caller.takesTasks { return await exchange.fail(id, Self.undeclared) }
        do throws(LedgerError) {
            if method == .tasksList { return try await list(id, params) }
            guard let approval = try await views.approval(params) else { return await unknown(id) }
            switch method {
            case .tasksGet: return try await get(id, approval)
            case .tasksResult: return try await result(id, approval)
            case .tasksCancel: return try await cancel(id, approval)
            default: return await update(id, approval, params)
            }
        } catch {
            let failure = MCPFailure(error.reason.code, error.reason.message, executed: nil)
            return await exchange.fail(id, failure)
        }
    }

    /// A client that asks about tasks must have declared that it knows them (ext-tasks).
    static let undeclared: RPCError = {
        let extensions = JSONObject([(MetaKey.tasksExtension, .object(JSONObject()))])
        let required = JSONObject([("extensions", .object(extensions))])
        return RPCError(
            code: RPCCode.missingCapability,
            message: "Declare the tasks extension with each request that is about tasks.",
            data: .object(JSONObject([("requiredCapabilities", .object(required))])),
        )
    }()

    private func unknown(_ id: RequestID) async -> Bool {
        let message = "There is no such task, or its time is over."
        return await exchange.fail(id, RPCError(code: RPCCode.invalidParams, message: message))
    }

    private func get(_ id: RequestID, _ approval: Approval) async throws(LedgerError) -> Bool {
        let view = views.view(of: approval)
        guard isModern else { return await exchange.finish(id, view.legacyTask()) }
        guard approval.status.isFinal else {
            let requests = views.questions(approval).map(MCPRounds.Question.requests)
            return await exchange.finish(id, view.modernGetResult(inputRequests: requests))
        }
        let answer = try await views.outcome(approval)
        let end: (isDelivered: Bool, isReusable: Bool)
        switch answer {
        case .result(let value):
            let result = view.modernGetResult(result: .object(value), error: nil)
            end = await exchange.reply.finish(RPCWriter.result(id: id, .object(result)))
        case .error(let value):
            let result = view.modernGetResult(result: nil, error: value)
            end = await exchange.reply.finish(RPCWriter.result(id: id, .object(result)))
        }
        if end.isDelivered { try await enforcement.delivered(approval.id, keepsResponse: true) }
        return end.isReusable
    }

    /// Takes in what the client was asked by the server of a call that is under way.
    private func update(_ id: RequestID, _ approval: Approval, _ params: JSONObject) async -> Bool {
        guard let responses = MCPRoundTrip.responses(params) else {
            return await exchange.fail(id, MCPRoundTrip.badResponses)
        }
        let context = exchange.context
        await context.rounds.rounds(under: approval.id)?.take(responses, context, on: exchange.home)
        return await exchange.finish(id, JSONObject())
    }

    /// `tasks/result` of 2025-11-25 waits until there is one.
    private func result(_ id: RequestID, _ approval: Approval) async throws(LedgerError) -> Bool {
        let feed = enforcement.ledger.feed
        let watch = feed.watch(approval.id)
        let stream = exchange.agent.stream
        stream.whenClosed { feed.cancel(watch) }
        let drain = exchange.context.drain.onDrain { feed.cancel(watch) }
        defer {
            exchange.context.drain.forget(drain)
            stream.whenClosed(nil)
            feed.end(watch)
        }
        var current = try await enforcement.ledger.approval(approval.id) ?? approval
        while !current.status.isFinal {
            if exchange.reply.isGone || exchange.context.drain.isDraining { return false }
            await exchange.reply.keepAlive()
            let until = enforcement.clock.time().adding(.seconds(12))
            if let next = await feed.wait(watch, until: until) {
                current = next
            } else {
                try await enforcement.settleIfDue(current.id)
                current = try await enforcement.ledger.approval(current.id) ?? current
            }
        }
        let related = JSONObject([("taskId", .string(approval.id.rawValue))])
        let end: (isDelivered: Bool, isReusable: Bool)
        switch try await views.outcome(current) {
        case .result(var value):
            var meta = value["_meta"]?.objectValue ?? JSONObject()
            meta[MetaKey.relatedTask] = .object(related)
            value["_meta"] = .object(meta)
            end = await exchange.reply.finish(RPCWriter.result(id: id, .object(value)))
        case .error(let value):
            do throws(RPCError) {
                let answer = try await questions(current).screened(.error(value.canonicalBytes()))
                end = await exchange.reply.finish(MCPShapes.message(answer, id: id, for: exchange.caller, from: nil))
            } catch {
                return await exchange.fail(id, error)
            }
        }
        if end.isDelivered { try await enforcement.delivered(approval.id, keepsResponse: true) }
        return end.isReusable
    }

    /// Judges what the server of a task asks, which may be one of several that are joined here.
    private func questions(_ approval: Approval) -> MCPQuestions {
        MCPQuestions(
            caller: exchange.caller,
            connection: exchange.context.connections.mcp(approval.connection) ?? exchange.connection,
            enforcement: enforcement,
        )
    }

    private func cancel(_ id: RequestID, _ approval: Approval) async throws(LedgerError) -> Bool {
        if approval.status.isFinal, !isModern {
            let message = "The task has ended (\(views.view(of: approval).status.rawValue))."
            return await exchange.fail(id, RPCError(code: RPCCode.invalidParams, message: message))
        }
        // Also where people have approved, as long as nothing was sent.
        if approval.status == .pending || approval.status == .approved {
            _ = await enforcement.relinquish(approval.id, by: exchange.caller.agent)
        }
        guard !isModern else { return await exchange.finish(id, JSONObject()) }
        let current = try await enforcement.ledger.approval(approval.id) ?? approval
        return await exchange.finish(id, views.view(of: current).legacyTask())
    }

    private func list(_ id: RequestID, _ params: JSONObject) async throws(LedgerError) -> Bool {
        var query = ApprovalQuery(agent: exchange.caller.agent, connection: exchange.connection.name)
        query.cursor = params["cursor"]?.stringValue
        query.limit = 50
        let page = try await enforcement.ledger.approvals(query)
        let tasks = page.items.filter { $0.asynchronous && $0.action.utf8.starts(with: "mcp:".utf8) }
        var result = JSONObject([("tasks", .array(tasks.map { .object(views.view(of: $0).legacyTask()) }))])
        if let next = page.next { result["nextCursor"] = .string(next) }
        return await exchange.finish(id, result)
    }

}

extension MCPMethod {
    /// Whether it asks about a task rather than of the server.
    var isAboutTasks: Bool {
        switch self {
        case .tasksGet, .tasksCancel, .tasksUpdate, .tasksResult, .tasksList: true
        default: false
        }
    }
}

extension MCPTaskViews {
    /// Those of the agent whose message is served.
    init(_ exchange: MCPExchange) {
        self.init(
            context: exchange.context,
            connection: exchange.connection,
            agent: exchange.caller.agent,
            isModern: exchange.caller.revision.isModern,
        )
    }
}
