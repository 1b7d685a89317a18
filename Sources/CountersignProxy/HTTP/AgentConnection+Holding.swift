import CanonicalJSON
import CountersignCore
import HTTPWire
import NIOCore

extension AgentConnection {
    /// Holds a request on its approval until it may run, is refused, or the wait is over (DESIGN 6).
    func hold(_ request: JudgedRequest, _ head: RequestHead, _ approval: Approval) async -> Bool {
        let id = approval.id
        let feed = context.enforcement.ledger.feed
        // Registered before the ledger is read again, so that no change falls between.
        let watch = feed.watch(id)
        context.results.join(id)
        stream.whenClosed { feed.cancel(watch) }
        let drain = context.drain.onDrain { feed.cancel(watch) }
        let isReusable = await wait(request, head, approval, watch)
        context.drain.forget(drain)
        stream.whenClosed(nil)
        feed.end(watch)
        if let file = context.results.leave(id)?.file { await SpoolFile.remove("\(context.settings.spool)/\(file)") }
        return isReusable
    }

    private func wait(
        _ request: JudgedRequest,
        _ head: RequestHead,
        _ approval: Approval,
        _ watch: ApprovalFeed.Watch,
    ) async -> Bool {
        let enforcement = context.enforcement
        let settings = enforcement.current.snapshot.settings
        let asynchronous = request.preferences.respondsAsync && head.upgrade == nil
        let patience = asynchronous ? .zero : min(request.preferences.wait ?? settings.holdHTTP, .seconds(3600))
        let deadline = enforcement.clock.time().adding(patience)
        var current = approval
        do {
            if asynchronous { try await keepBody(of: request, for: approval.id) }
            current = try await enforcement.ledger.approval(approval.id) ?? approval
            while !stream.isClosed {
                switch current.status {
                case .approved where !asynchronous:
                    if let isReusable = await run(request, head, current) { return isReusable }
                    current = try await enforcement.ledger.approval(current.id) ?? current
                    continue
                case .pending, .approved, .redeemed: break
                case .succeeded, .failed: return await deliver(current, head)
                case .unknown:
                    let reason = Reason(.outcomeUnknown, ReasonCode.outcomeUnknown.explanation)
                    return await answer(
                        .refusal(502, [reason], approval: current, executed: nil, publicURL),
                        head,
                    )
                case .denied, .expired, .withdrawn, .lapsed, .revoked:
                    return await answer(.refusal(403, reasons(of: current), approval: current, publicURL), head)
                }
                if context.drain.isDraining {
                    let message = "The gateway is going down. The action stays pending; ask again."
                    return await answer(.refusal(503, [Reason(.shuttingDown, message)], publicURL), head)
                }
                let now = enforcement.clock.time()
                if now >= deadline {
                    let pending = Answer.pending(current, now: now, asynchronous: asynchronous, publicURL)
                    return await answer(pending, head)
                }
                if let next = await enforcement.ledger.feed.wait(watch, until: deadline) {
                    current = next
                } else {
                    try await enforcement.settleIfDue(current.id)
                    current = try await enforcement.ledger.approval(current.id) ?? current
                }
            }
        } catch let error as LedgerError {
            return await answer(.refusal(503, [error.reason], publicURL), head)
        } catch {
            let reason = Reason(.overloaded, "The gateway could not keep the request's body for later.")
            return await answer(.refusal(503, [reason], publicURL), head)
        }
        // The agent is gone. The approval stays; it resumes by asking again (DESIGN 5).
        return false
    }

    private func reasons(of approval: Approval) -> [Reason] {
        let code = approval.status.refusal
        var message = code.explanation
        if let deny = approval.decisions.last(where: { $0.verdict == .deny }) {
            message = "\(deny.user) denied this action: \(deny.reason). Do not repeat it unchanged."
        }
        return [Reason(code, message, policy: approval.gates.first?.policy)]
    }

    /// Uses the grant and runs the action.
    ///
    /// `nil` if another ask has it: wait for its result.
    private func run(_ request: JudgedRequest, _ head: RequestHead, _ approval: Approval) async -> Bool? {
        // The settings that are in force now are the ones to go out under, not those of hours ago.
        guard context.connections[request.outbound.connection.name] === request.outbound.connection else {
            let reason = Reason(.connectionChanged, ReasonCode.connectionChanged.explanation)
            return await answer(.refusal(503, [reason], approval: approval, publicURL), head)
        }
        // Connected before the grant is used, so that an upstream that is down does not burn it; and fresh, so that a
        // connection gone stale cannot leave the outcome unknown.
        let upstream: UpstreamConnection
        let grant: String?
        do {
            grant = try Dispatch.grant(for: approval, on: request.outbound.connection, context)
            upstream = try await context.pool.acquire(request.outbound.connection, on: home, fresh: true)
        } catch {
            return await answer(.refusal(error.status, [error.reason], approval: approval, publicURL), head)
        }
        let actor = Actor.agent(request.agent)
        switch await context.enforcement.redeem(approval.id, request.action, request.circumstances, by: actor) {
        case .taken:
            upstream.stream.close()
            return nil
        case .refused(let reasons):
            upstream.stream.close()
            return await answer(.refusal(reasons.first?.code.status ?? 403, reasons, publicURL), head)
        case .dispatch(let redeemed):
            // The outcome of what was approved is not for its agent to hold back by reading slowly, or not at all.
            let patience = request.outbound.connection.idleTimeout
            let agent = AgentSink(connection: self, head: head, patience: patience)
            let dispatch = Dispatch(context: context, home: home, request: request, approval: redeemed, grant: grant)
            let isReusable = await dispatch.run(upstream, agent: agent)
            return isReusable
        }
    }

    /// Answers with the result of an action that another ask, or an earlier one, has run.
    private func deliver(_ approval: Approval, _ head: RequestHead) async -> Bool {
        do {
            let posted = context.results.response(approval.id)
            let stored = posted == nil ? try await context.enforcement.ledger.keptResponse(approval.id) : nil
            guard let response = posted ?? stored else {
                let message = "The action ran (outcome: \(approval.status.rawValue)), but its result is no longer kept."
                let reason = Reason(.resultGone, message)
                return await answer(.refusal(410, [reason], approval: approval, executed: true, publicURL), head)
            }
            guard let isReusable = await AgentSink(connection: self, head: head).send(response) else { return false }
            context.results.delivered(response)
            try await context.enforcement.delivered(approval.id)
            return isReusable
        } catch {
            return await answer(.refusal(503, [error.reason], publicURL), head)
        }
    }

    /// A body that is not in the document must outlive this connection when the gateway runs the action by itself.
    private func keepBody(of request: JudgedRequest, for id: ApprovalID) async throws {
        let name = "\(context.settings.spool)/body-\(id)"
        switch request.outbound.body.content {
        case .none: return
        case .file(let file, _, _): try await file.keep(as: name)
        case .memory(let bytes):
            // Text is in the document; of anything else, the document has only the digest.
            guard request.action.details["payload"]?["text"] == nil else { return }
            let file = try await SpoolFile(creating: context.spoolPath())
            try await file.write(bytes, at: 0)
            try await file.keep(as: name)
        }
    }
}
