import CanonicalJSON
import CountersignCore

/// What a submitted action must say if it is a tool's call on an MCP connection: which tool, and by which definition.
///
/// The gateway writes both where it stands between agent and server; without a proxy they are the agent's to say, and
/// without them nobody could tell whether the tool is the one that people have accepted.
enum SubmittedToolCall {
    /// Why it cannot be judged as it is: a fault of the document is thrown, another definition than any known is a reason.
    static func check(_ action: Action, on connection: Connection, _ tools: ToolBook) throws(Problem) -> Reason? {
        let method = action.details["method"]?.stringValue
        // Where the definitions of tools are looked at; a connection that joins others has none of its own.
        guard connection.tools != nil,
            method == "tools/call" || action.operations.contains(where: { $0.resource.type == "Tool" })
        else { return nil }
        guard method == "tools/call" else {
            throw Problem(.badRequest, "context.method must be tools/call, because an operation's resource is a Tool.")
        }
        guard let tool = action.details["tool"]?.stringValue, !tool.isEmpty else {
            throw Problem(.badRequest, "context.tool is missing: it must be the name of the tool that is called.")
        }
        let resource = "\(connection.name)/\(tool)"
        let isOfTool = action.operations.allSatisfy {
            $0.resource.type == "Tool" && $0.resource.id.utf8.elementsEqual(resource.utf8)
        }
        guard isOfTool else {
            throw Problem(
                .badRequest,
                "The resource of every operation must be the tool that is called: of the type Tool, with the id "
                    + "CONNECTION/TOOL, as context.tool has it."
            )
        }
        guard let definition = action.details["definition"]?.stringValue.flatMap({ ActionDigest($0) }) else {
            throw Problem(.badRequest, "context.definition is missing or no digest: \(remedy)")
        }
        guard let standing = tools.standing(ToolName(connection.name, tool)), let listed = standing.listed,
            listed.digest != definition, standing.accepted?.digest != definition
        else { return nil }
        return Reason(
            .digestMismatch,
            "context.definition is neither the tool's accepted definition nor the one that its server lists now: \(remedy)"
        )
    }

    private static let remedy =
        "it must be the digest of the tool's definition, the unpadded base64url SHA-256 of its RFC 8785 form, as tools/list "
        + "of the connection shows it, without _meta, icons, execution and what is null. People read the accepted one as "
        + "accepted.digest of GET /v1/tools/CONNECTION/TOOL."
}
