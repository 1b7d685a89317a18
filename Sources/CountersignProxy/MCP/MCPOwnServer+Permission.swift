import CanonicalJSON
import CountersignCore
import MCPWire

/// The permission prompt of a coding agent's host (Claude Code's `--permission-prompt-tool`).
///
/// It says what policy says, or what people said; nobody decides anything by calling it.
extension MCPOwnServer {
    /// Answers whether a tool of the host's own may run.
    func requestPermission(_ id: RequestID, _ arguments: JSONObject) async throws(LedgerError) -> Bool {
        guard let tool = arguments["tool_name"]?.stringValue, (1...256).contains(tool.utf8.count),
            let input = arguments["input"]?.objectValue
        else { return await deny(id, "Not executed: the request names no tool and its input.") }
        guard let (name, hook) = hook(arguments["connection"]?.stringValue) else {
            return await deny(id, "Not executed: the gateway has no such connection of the kind hook; name one.")
        }
        let caller = exchange.caller
        let action = hook.action(
            agent: caller.agent,
            onBehalfOf: caller.onBehalfOf,
            connection: name,
            tool: tool,
            arguments: input,
            folder: nil,
        )
        switch await enforcement.admit(action, caller.circumstances) {
        case .allowed(let entry):
            if let reason = await enforcement.commit(entry) { return await deny(id, "Not executed. " + reason.message) }
            return await allow(id, input)
        case .refused(let reasons):
            return await deny(id, Self.text(MCPRefusals.refused(reasons, modern: false)))
        case .held(let approval), .approved(let approval), .running(let approval), .finished(let approval):
            let patience = enforcement.current.snapshot.settings.holdMCP
            return try await settle(id, try await decided(approval, within: patience), action, input)
        }
    }

    private func settle(
        _ id: RequestID,
        _ approval: Approval,
        _ action: Action,
        _ input: JSONObject,
    ) async throws(LedgerError) -> Bool {
        // Whoever has gone runs nothing; the grant stays for the next ask.
        guard !exchange.reply.isGone else { return false }
        guard approval.status != .redeemed else { return await deny(id, Self.used) }
        guard approval.status == .approved else {
            let held = MCPRefusals.held(
                approval,
                now: enforcement.clock.time(),
                publicURL: exchange.agent.publicURL,
                modern: false,
            )
            return await deny(id, Self.text(held))
        }
        let actor = Actor.agent(exchange.caller.agent)
        switch await enforcement.redeem(approval.id, action, exchange.caller.circumstances, by: actor) {
        case .dispatch(let approval):
            // The host runs it, and this protocol has no word for what came of it.
            let outcome = Outcome(.unknown, detail: "The agent's host runs it, and reports nothing.")
            _ = try await enforcement.complete(approval.id, outcome, delivered: true, by: .gateway)
            return await allow(id, input)
        case .taken: return await deny(id, Self.used)
        case .refused(let reasons): return await deny(id, Self.text(MCPRefusals.refused(reasons, modern: false)))
        }
    }

    private static let used = "Not executed. The approval was for one run, which has happened."

    /// The connection that is meant: the one named, `claude-code`, or the only one.
    private func hook(_ name: String?) -> (ConnectionName, HookTools)? {
        let all = enforcement.current.snapshot.directory.connections.values.filter { $0.hook != nil }
        let wanted = name ?? "claude-code"
        let found =
            all.first { $0.name.rawValue.utf8.elementsEqual(wanted.utf8) }
            ?? (name == nil && all.count == 1 ? all.first : nil)
        return found.flatMap { connection in connection.hook.map { (connection.name, $0) } }
    }

    private func allow(_ id: RequestID, _ input: JSONObject) async -> Bool {
        await show(id, .object(JSONObject([("behavior", "allow"), ("updatedInput", .object(input))])))
    }

    private func deny(_ id: RequestID, _ message: String) async -> Bool {
        await show(id, .object(JSONObject([("behavior", "deny"), ("message", .string("Countersign: " + message))])))
    }

    private static func text(_ result: JSONObject) -> String {
        result["content"]?.arrayValue?.first?["text"]?.stringValue ?? "Not executed."
    }
}
