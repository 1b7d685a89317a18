import CanonicalJSON
import CountersignCore
import Logging
import MCPWire
import NIOCore

/// Makes an approved call whose agent asked for a task, from the approval's document alone; also after a restart.
struct MCPRunner {
    let context: GatewayContext
    let home: LoopState

    /// Whether the document can be made into a call again.
    func run(_ approval: Approval) async -> Bool {
        guard let text = approval.document,
            let document = try? JSONParser.parse(text, limits: JSONLimits(allowsNoncharacters: true)),
            let action = try? Action(document: document), action.digest == approval.digest,
            let connection = context.connections.mcp(approval.connection),
            let (method, params) = MCPTranslator.params(action)
        else { return false }
        let caller = MCPCaller(
            agent: approval.agent,
            onBehalfOf: approval.onBehalfOf,
            circumstances: approval.runsUnder,
            revision: .newest,
            capabilities: context.rounds.declared(approval) ?? JSONObject(),
            session: nil,
        )
        let upstream: MCPUpstream
        do throws(MCPFailure) {
            let found = try connection.memory.upstream(
                caller.upstreamKey,
                of: caller.agent,
                budget: connection.budget,
                now: .now(),
                make: { MCPUpstream(connection: connection, context: context, declared: caller.declared) },
            )
            guard let found else { return false }
            upstream = found
            if !connection.memory.catalogue.isComplete {
                try await MCPTools.learn(connection, upstream, context, on: home)
            }
        } catch {
            return warn(approval, error)
        }
        // What was approved means something else under the settings, or the definition, of today.
        let today = try? MCPTranslator(connection: connection)
            .action(method, params, agent: approval.agent, onBehalfOf: approval.onBehalfOf)
        guard let today, today.operations == action.operations else {
            await context.enforcement.revokeChanged(approval)
            return true
        }
        let dispatch = MCPDispatch(
            context: context,
            home: home,
            connection: connection,
            upstream: upstream,
            caller: caller,
            action: action,
        )
        let rounds = MCPRounds(
            upstream: upstream,
            approval: approval.id,
            cancellation: nil,
            isAttended: false,
            loop: home.loop,
        )
        let call = MCPRoundCall(context: context, home: home, connection: connection, caller: caller, rounds: rounds)
        let end = await call.run { call in
            await dispatch.run(
                approval,
                params: params,
                by: .gateway,
                isWanted: { true },
                notify: { method, params in call.notify(method, params) },
                ask: { id, method, params in await call.ask(id, method, params) },
                question: { method, params in await call.question(method, params) },
            )
        }
        // Nothing was sent: the grant stands, and the next round tries again until it lapses.
        if case .failed(let failure, nil) = end { return warn(approval, failure) }
        return true
    }

    private func warn(_ approval: Approval, _ failure: MCPFailure) -> Bool {
        context.logger.warning(
            "an approved action could not start",
            metadata: ["approval": "\(approval.id)", "reason": "\(failure.reason.code.rawValue)"],
        )
        return true
    }
}
