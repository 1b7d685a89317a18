import CanonicalJSON
import CountersignCore
import HTTPTypes

/// `POST /v1/tool-calls`: what a coding agent's hook asks before a tool runs.
///
/// The agent says which tool, with which arguments; what that amounts to, the server finds out.
enum ToolCallEndpoints {
    /// The endpoints.
    static let all = [
        Endpoint(
            .post,
            "/v1/tool-calls",
            .agent,
            name: "submitToolCall",
            "Submits a call of a tool that the agent runs itself, on a connection of the kind hook, for judgment.",
            intake: .json("ToolCallRequest"),
            parameters: [
                .header("Countersign-Justification", .text(1000), "Why the agent does this; approvers see it.")
            ],
            answers: [
                .json("Verdict", "Policy allows or denies the call."),
                .json("PendingVerdict", status: 202, "The call waits for humans, or its grant waits to be redeemed."),
            ],
            problems: [429],
            run: submit,
        )
    ]

    @Sendable private static func submit(_ exchange: Exchange) async throws -> Reply {
        let agent = try exchange.agent()
        let circumstances = try exchange.circumstances()
        // A document with characters that readers understand differently is never judged.
        _ = try exchange.json(allowingNoncharacters: false)
        let members = try exchange.members(["arguments", "connection", "cwd", "on_behalf_of", "tool"])
        let name = try members.required("connection", "a connection's name") { ConnectionName($0) }
        let tool = try members.required("tool", "a tool's name of 1 to 256 bytes") { text in
            (1...256).contains(text.utf8.count) ? text : nil
        }
        let arguments = try members.object("arguments") ?? JSONObject()
        let folder = try members.text("cwd", atMost: 4096)
        let claim = try members.parsed("on_behalf_of", "a user's id") { UserID($0) }
        let directory = exchange.parts.enforcement.current.snapshot.directory
        let known = directory.agents[agent] ?? Agent(id: agent, owner: nil)
        let reason: Reason
        if let hook = directory.connections[name]?.hook {
            switch directory.actedFor(by: known, claiming: claim) {
            case .success(let human):
                let action = hook.action(
                    agent: agent,
                    onBehalfOf: human,
                    connection: name,
                    tool: tool,
                    arguments: arguments,
                    folder: folder,
                )
                return try await ActionEndpoints.judge(action, circumstances, exchange)
            case .failure(let refusal): reason = refusal
            }
        } else {
            reason = Reason(.unknownConnection, "There is no connection of the kind hook named \(name).")
        }
        let told = await exchange.parts.enforcement.reject(
            reason,
            agent: agent,
            connection: nil,
            detail: reason.message,
            circumstances,
        )
        return try ActionEndpoints.denied([told])
    }
}
