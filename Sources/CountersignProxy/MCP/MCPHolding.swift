import CanonicalJSON
import CountersignCore
import HTTPWire
import MCPWire
import NIOCore

/// Holds a call on its approval until it may run, is refused, or the client's patience is over (DESIGN 6).
struct MCPHolding {
    let exchange: MCPExchange
    let call: MCPCall

    private var context: GatewayContext { exchange.context }
    private var enforcement: Enforcement { exchange.context.enforcement }

    /// How often a sign of life goes out.
    private static let pace = Duration.seconds(12)

    /// Whether the agent's connection can carry another request.
    func hold(_ approval: Approval) async -> Bool {
        let id = approval.id
        let feed = enforcement.ledger.feed
        // Registered before the ledger is read again, so that no change falls between.
        let watch = feed.watch(id)
        context.results.join(id)
        exchange.agent.stream.whenClosed { feed.cancel(watch) }
        call.cancellation.onCancel { feed.cancel(watch) }
        let drain = context.drain.onDrain { feed.cancel(watch) }
        let isReusable = await wait(approval, watch)
        context.drain.forget(drain)
        call.cancellation.onCancel(nil)
        exchange.agent.stream.whenClosed(nil)
        feed.end(watch)
        if let file = context.results.leave(id)?.file { await SpoolFile.remove("\(context.settings.spool)/\(file)") }
        return isReusable
    }

    private func wait(_ approval: Approval, _ watch: ApprovalFeed.Watch) async -> Bool {
        let settings = enforcement.current.snapshot.settings
        let reply = exchange.reply
        var ticket = call.progressToken.map { ProgressTicket(token: $0) }
        // Hosts give up at 60 s where nothing tells them of progress, at 240 s and more where something does.
        let patience =
            reply.canStream ? (ticket == nil ? settings.holdMCP : settings.holdMCPProgress) : settings.holdMCP
        let deadline = enforcement.clock.time().adding(patience)
        var current = approval
        do throws(LedgerError) {
            current = try await enforcement.ledger.approval(approval.id) ?? approval
            if !current.status.isFinal { reply.begin() }
            while !reply.isGone, !call.cancellation.isCancelled {
                switch current.status {
                case .approved:
                    if let isReusable = await run(current, watch, &ticket) { return isReusable }
                    current = try await enforcement.ledger.approval(current.id) ?? current
                    continue
                case .redeemed:
                    // The call has questions, and whoever it was made for is not there to hear them; but who comes for it
                    // now may be another client of the agent's, which cannot be asked so, or not the same things.
                    if call.isAskedInRounds, let rounds = context.rounds.rounds(under: current.id),
                        rounds.upstream.declared == call.caller.declared, !rounds.questions.isEmpty,
                        let visit = rounds.attend()
                    {
                        return await MCPRoundTrip(exchange: exchange, call: call, rounds: rounds).resume(visit)
                    }
                case .pending: break
                case .succeeded, .failed: return try await deliver(current)
                case .denied, .expired, .withdrawn, .lapsed, .revoked, .unknown: return await answer(current)
                }
                let now = enforcement.clock.time()
                if context.drain.isDraining { return await answer(current, isGoingDown: true) }
                if now >= deadline { return await answer(current) }
                await signal(current, &ticket)
                if let next = await enforcement.ledger.feed.wait(watch, until: min(deadline, now.adding(Self.pace))) {
                    current = next
                } else {
                    try await enforcement.settleIfDue(current.id)
                    current = try await enforcement.ledger.approval(current.id) ?? current
                }
            }
        } catch {
            return await exchange.fail(call.id, MCPFailure(error.reason.code, error.reason.message, executed: false))
        }
        // The client has gone, or cancelled. The approval stays; it resumes by asking again (DESIGN 5). In the modern era
        // that is a cancelled request: nothing runs for it any more.
        return await reply.abandon()
    }

    /// Tells the client that the call still waits, or is under way for another of the agent's.
    private func signal(_ approval: Approval, _ ticket: inout ProgressTicket?) async {
        guard ticket != nil else { return await exchange.reply.keepAlive() }
        let message: String
        if approval.status == .redeemed {
            message = "approved, and under way"
        } else {
            let gates = approval.gates.map(\.policy).joined(separator: ", ")
            let words = UnansweredWords(approval).map { ". " + $0.mcpSentence } ?? ""
            message = "waiting for a human's approval (\(gates))\(words)"
        }
        if let params = ticket?.next(message: message) {
            await exchange.reply.send(RPCWriter.notification(method: "notifications/progress", params: params))
        }
    }

    private func answer(_ approval: Approval, isGoingDown: Bool = false) async -> Bool {
        let now = enforcement.clock.time()
        let modern = call.caller.revision.isModern
        let publicURL = exchange.agent.publicURL
        let result = MCPRefusals.held(
            approval,
            now: now,
            publicURL: publicURL,
            modern: modern,
            isGoingDown: isGoingDown,
        )
        guard call.method == .toolsCall else {
            let text = result["content"]?.arrayValue?.first?["text"]?.stringValue ?? ""
            let code = approval.status.isFinal ? MCPWords.refused : MCPWords.pending
            let state = MCPRefusals.state(approval, now: now, publicURL: publicURL)
            let data = JSONValue.object(JSONObject([(MCPWords.approval, state)]))
            return await exchange.fail(call.id, RPCError(code: code, message: text, data: data), status: 200)
        }
        return await exchange.finish(call.id, result)
    }

    /// Uses the grant and makes the call; `nil` if another ask has it: wait for its result.
    private func run(
        _ approval: Approval,
        _ watch: ApprovalFeed.Watch,
        _ ticket: inout ProgressTicket?,
    ) async -> Bool? {
        guard let action = call.action else { return false }
        let dispatch = MCPDispatch(
            context: context,
            home: exchange.home,
            connection: call.connection,
            upstream: call.upstream,
            caller: call.caller,
            action: action,
        )
        let relay = MCPRelay(
            exchange: exchange,
            upstream: call.upstream,
            sink: exchange.reply,
            progressToken: call.progressToken,
            waits: call.isAskedInRounds,
        )
        var (progress, patience) = (ticket, MCPPatience())
        defer { ticket = progress }
        if call.isAskedInRounds {
            switch await runInRounds(dispatch, approval, relay, &progress) {
            case .answered(let isReusable): return isReusable
            case .ended(let end):
                let feed = enforcement.ledger.feed
                exchange.agent.stream.whenClosed { feed.cancel(watch) }
                return await finish(end, of: approval)
            }
        }
        let end = await dispatch.run(
            approval,
            params: call.outgoing,
            by: .agent(call.caller.agent),
            isWanted: {
                // In the modern era, leaving is cancelling.
                !call.cancellation.isCancelled && !(call.caller.revision.isModern && exchange.reply.isGone)
            },
            notify: { method, params in await relay.notify(method, params, &progress) },
            ask: { id, method, params in await relay.ask(id, method, params) },
            question: { method, params in await relay.question(method, params, call.cancellation, &patience) },
        )
        return await finish(end, of: approval)
    }

    /// Makes the call as a task of its own, which goes on while the client is asked something.
    private func runInRounds(
        _ dispatch: MCPDispatch,
        _ approval: Approval,
        _ relay: MCPRelay,
        _ progress: inout ProgressTicket?,
    ) async -> MCPRoundTrip.Outcome {
        let rounds = MCPRounds(
            upstream: call.upstream,
            approval: approval.id,
            cancellation: nil,
            loop: exchange.home.loop,
        )
        let made = MCPRoundCall(
            context: context,
            home: exchange.home,
            connection: call.connection,
            caller: call.caller,
            rounds: rounds,
        )
        let call = call
        let isStarted = made.start { made in
            await dispatch.run(
                approval,
                params: call.outgoing,
                by: .agent(call.caller.agent),
                // In the modern era, leaving is cancelling.
                isWanted: { made.rounds.isAttended },
                notify: { method, params in made.notify(method, params) },
                ask: { id, method, params in await made.ask(id, method, params) },
                question: { method, params in await made.question(method, params) },
            )
        }
        guard isStarted else { return .ended(.taken) }
        var ticket = progress
        defer { progress = ticket }
        return await MCPRoundTrip(exchange: exchange, call: call, rounds: rounds)
            .attend(rounds.first) { method, params in await relay.notify(method, params, &ticket) }
    }

    /// Answers with a call's end; `nil` if another ask made the call: wait for its result.
    func finish(_ end: MCPDispatch.End, of approval: Approval?) async -> Bool? {
        switch end {
        case .taken: return nil
        case .failed(let failure, let approval):
            guard let approval else { return await exchange.fail(call.id, failure) }
            return await answer(approval)
        case .refused(let reasons):
            guard call.method == .toolsCall else {
                let error = MCPRefusals.error(reasons, code: MCPWords.refused, executed: false)
                return await exchange.fail(call.id, error, status: 200)
            }
            return await exchange.finish(call.id, MCPRefusals.refused(reasons, modern: call.caller.revision.isModern))
        case .answered(let got, let kept):
            let answer: MCPAnswer
            do throws(RPCError) {
                answer = try await exchange.questions.screened(got)
            } catch {
                return await exchange.fail(call.id, error, status: 200)
            }
            if let approval, let isReusable = await tooLarge(answer, kept, approval) { return isReusable }
            let end = await exchange.reply.finish(
                MCPShapes.message(call.state.bound(answer), id: call.id, for: call.caller, from: call.upstream),
                status: MCPShapes.status(answer, for: call.caller),
            )
            if end.isDelivered, let approval { await noteDelivery(approval.id, kept) }
            return end.isReusable
        }
    }

    /// What clients take of one event.
    private static let largestEvent = 1 << 20

    /// Official clients refuse an event of more than a mebibyte, after the call was made.
    ///
    /// The result is kept for the same call again, which has it at once, as plain JSON.
    private func tooLarge(_ answer: MCPAnswer, _ kept: KeptResponse?, _ approval: Approval) async -> Bool? {
        guard case .result(let bytes) = answer, bytes.count > Self.largestEvent, kept != nil,
            exchange.reply.isStreaming,
            call.method == .toolsCall
        else { return nil }
        let text =
            "Executed. The result has \(bytes.count) bytes, more than clients take on this stream, and is kept: call the "
            + "same tool again with identical arguments to get it. Nothing runs a second time."
        let state = MCPRefusals.state(approval, now: enforcement.clock.time(), publicURL: exchange.agent.publicURL)
        let meta = JSONObject([(MCPWords.approval, state)])
        let modern = call.caller.revision.isModern
        return await exchange.finish(call.id, ToolResults.text(text, isError: true, meta: meta, modern: modern))
    }

    private func noteDelivery(_ id: ApprovalID, _ kept: KeptResponse?) async {
        if let kept { context.results.delivered(kept) }
        try? await enforcement.delivered(id)
    }

    /// Answers with the result of a call that another ask, or an earlier one, has made.
    private func deliver(_ approval: Approval) async throws(LedgerError) -> Bool {
        guard let kept = try await MCPKept.read(approval.id, context) else { return await answer(approval) }
        let answer: MCPAnswer
        do throws(RPCError) {
            answer = try await exchange.questions.screened(kept.answer)
        } catch {
            return await exchange.fail(call.id, error, status: 200)
        }
        let end = await exchange.reply.finish(
            MCPShapes.message(answer, id: call.id, for: call.caller, from: call.upstream)
        )
        if end.isDelivered { await noteDelivery(approval.id, kept.response) }
        return end.isReusable
    }
}
