package import CanonicalJSON

/// What the tools of a coding agent do that are submitted by its hook: the configuration says, else what is built in.
///
/// The agent names the tool and its arguments and nothing else; what they amount to is found out here, so that no agent
/// can take its own `Bash` for reading.
package struct HookTools: Hashable, Sendable {
    /// What the configuration says; the first match wins.
    package let rules: [ToolRule]

    /// Takes the configuration's rules.
    package init(rules: [ToolRule] = []) { self.rules = rules }

    /// What a call does.
    package func effect(of tool: String, _ arguments: JSONObject) -> Effect {
        if let rule = rules.first(where: { $0.matches(tool) }) { return rule.effect }
        switch tool {
        case "Read", "Glob", "Grep", "LS", "NotebookRead", "WebSearch", "TodoRead", "TodoWrite", "ExitPlanMode",
            "ListMcpResourcesTool", "ReadMcpResourceTool":
            return .read
        case "Edit", "MultiEdit", "Write", "NotebookEdit": return .write
        case "WebFetch": return Self.carriesData(arguments["url"]) ? .export : .read
        // A task is an agent of its own, which does what its prompt says.
        case "Bash", "BashOutput", "KillBash", "KillShell", "Task", "Agent": return .execute
        default: return .unknown
        }
    }

    /// Whether an address says more to its server than which page is wanted: a query, a user, a long path.
    ///
    /// The prompt of `WebFetch` stays with the agent's own model; the address is what leaves.
    private static func carriesData(_ url: JSONValue?) -> Bool {
        guard let text = url?.stringValue, text.utf8.count <= 200 else { return true }
        return text.utf8.contains { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "@") }
    }

    /// The call as an action: the same document as that of a call through the MCP gateway, with where it was made.
    package func action(
        agent: AgentID,
        onBehalfOf human: UserID?,
        connection: ConnectionName,
        tool: String,
        arguments: JSONObject,
        folder: String?,
    ) -> Action {
        let resource = ResourceReference(type: "Tool", id: "\(connection)/\(tool)")
        var details: [(String, JSONValue)] = [
            ("arguments", .object(arguments)), ("method", "tools/call"), ("tool", .string(tool)),
        ]
        if let folder { details.append(("cwd", .string(folder))) }
        return Action(
            agent: agent,
            onBehalfOf: human,
            protocol: "mcp",
            connection: connection,
            operations: [Operation(protocol: "mcp", effect: effect(of: tool, arguments), resource: resource)],
            details: JSONObject(details),
        )
    }
}
