import CanonicalJSON
import CountersignCore
import MCPWire
import NIOCore
import Synchronization

/// Has one call judged, and does what was decided: pass it on, refuse it, or hold it.
struct MCPEnforcing {
    let exchange: MCPExchange
    let call: MCPCall

    private var enforcement: Enforcement { exchange.context.enforcement }

    /// Whether the agent's connection can carry another request.
    func run() async -> Bool {
        guard let action = call.action else {
            let error = RPCError(code: RPCCode.methodNotFound, message: "There is no method of this name.")
            return await exchange.fail(call.id, error)
        }
        let asTask = call.method == .toolsCall && (call.caller.takesTasks || call.asksForLegacyTask)
        switch await enforcement.admit(action, call.caller.circumstances, asynchronous: asTask) {
        case .allowed where call.cancellation.isCancelled: return await exchange.reply.abandon()
        case .allowed(let entry): return await forward(action, entry)
        case .refused(let reasons): return await refuse(reasons)
        case .held(let approval), .approved(let approval), .running(let approval), .finished(let approval):
            if asTask { return await MCPTasks(exchange: exchange).create(call, approval) }
            return await MCPHolding(exchange: exchange, call: call).hold(approval)
        }
    }

    /// Tells the agent, in words that a model can use.
    private func refuse(_ reasons: [Reason]) async -> Bool {
        guard call.method == .toolsCall else {
            let error = MCPRefusals.error(reasons, code: MCPWords.refused, executed: false)
            return await exchange.fail(call.id, error, status: 200)
        }
        let result = MCPRefusals.refused(reasons, modern: call.caller.revision.isModern)
        return await exchange.finish(call.id, result)
    }

    /// Passes an allowed call on; nothing reaches the agent before the entry is durable.
    private func forward(_ action: Action, _ entry: EntryDraft) async -> Bool {
        let listening = MCPListening(exchange: exchange, upstream: call.upstream)
        if listening.serves(call) {
            if let reason = await enforcement.commit(entry) { return await refuse([reason]) }
            return await listening.serve(call)
        }
        let isRead = action.operations.allSatisfy { $0.effect == .read }
        if call.isAskedInRounds {
            do throws(MCPFailure) {
                if try await !call.upstream.peer(on: exchange.home).revision.isModern {
                    if let reason = await enforcement.commit(entry) { return await refuse([reason]) }
                    return await passInRounds(isRead: isRead)
                }
            } catch {
                return await exchange.fail(call.id, error)
            }
        }
        guard isRead else {
            if let reason = await enforcement.commit(entry) { return await refuse([reason]) }
            return await pass(gate: nil, isRead: false)
        }
        // A read goes upstream while its entry is being written (DESIGN 2, step 3).
        let gate = CommitGate()
        return await withTaskGroup(of: Void.self) { group in
            let enforcement = enforcement
            group.addTask { gate.open(await enforcement.commit(entry)) }
            return await pass(gate: gate, isRead: true)
        }
    }

    /// Makes the call as a task of its own, which goes on while the client is asked what its legacy server wants to know.
    private func passInRounds(isRead: Bool) async -> Bool {
        let rounds = MCPRounds(
            upstream: call.upstream,
            approval: nil,
            cancellation: call.cancellation,
            loop: exchange.home.loop,
        )
        let made = MCPRoundCall(
            context: exchange.context,
            home: exchange.home,
            connection: call.connection,
            caller: call.caller,
            rounds: rounds,
        )
        let call = call
        let care = isRead ? MCPOutgoing.Care.repeatable : .unrepeated
        guard made.start({ made in await made.make(call, care: care) }) else {
            return await refuse([Reason(.shuttingDown, ReasonCode.shuttingDown.explanation)])
        }
        return await MCPRoundTrip(exchange: exchange, call: call, rounds: rounds).resume(rounds.first)
    }

    private func pass(gate: CommitGate?, isRead: Bool) async -> Bool {
        let relay = MCPRelay(
            exchange: exchange,
            upstream: call.upstream,
            sink: exchange.reply,
            progressToken: call.progressToken,
        )
        let stream = exchange.agent.stream
        // Leaving cancels in the modern era; before, it says nothing.
        if call.caller.revision.isModern {
            let cancellation = call.cancellation
            stream.whenClosed { cancellation.cancel() }
        }
        defer { stream.whenClosed(nil) }
        var outcome: Bool?
        var patience = MCPPatience()
        do throws(MCPFailure) {
            let conversation = MCPConversation(
                upstream: call.upstream,
                home: exchange.home,
                isPassing: call.caller.revision.isModern,
                ask: { method, params in
                    // What the server asks leaves the gateway, too.
                    if let reason = await gate?.value() {
                        return .error(.object(RPCError(code: MCPWords.refused, message: reason.message).json))
                    }
                    return await relay.question(method, params, call.cancellation, &patience)
                },
            )
            try await conversation.request(
                call.method.rawValue,
                call.outgoing,
                fields: call.fields,
                care: isRead ? .repeatable : .unrepeated,
                cancelled: call.cancellation,
            ) { news in
                guard outcome == nil else { return }
                if let reason = await gate?.value() {
                    outcome = await refuse([reason])
                    call.cancellation.cancel()
                    return
                }
                if case .answer(let answer) = news {
                    outcome = await relay.pass(.answer(call.state.bound(answer)), to: call.id)
                } else {
                    outcome = await relay.pass(news, to: call.id)
                }
            }
        } catch {
            if let outcome { return outcome }
            if let reason = await gate?.value() { return await refuse([reason]) }
            if call.cancellation.isCancelled { return await exchange.reply.abandon() }
            return await exchange.fail(call.id, error)
        }
        return outcome ?? false
    }
}

/// Lets a call's answer out when its entry is durable; the mutex guards who waits.
private final class CommitGate: Sendable {
    private enum State {
        case closed([CheckedContinuation<Reason?, Never>])
        case open(Reason?)
    }

    private let state = Mutex(State.closed([]))

    /// The entry is durable, or why it is not.
    func open(_ reason: Reason?) {
        let waiting = state.withLock { state -> [CheckedContinuation<Reason?, Never>] in
            guard case .closed(let waiting) = state else { return [] }
            state = .open(reason)
            return waiting
        }
        for each in waiting { each.resume(returning: reason) }
    }

    /// Waits; `nil` if the answer may go.
    func value() async -> Reason? {
        await withCheckedContinuation { continuation in
            let reason = state.withLock { state -> Reason?? in
                switch state {
                case .open(let reason): return .some(reason)
                case .closed(let waiting):
                    state = .closed(waiting + [continuation])
                    return nil
                }
            }
            if case .some(let reason) = reason { continuation.resume(returning: reason) }
        }
    }
}
