import CanonicalJSON
import CountersignCore

/// What a submitted action must say if it is a tool's call on an MCP connection: which tool, and by which definition.
///
/// The gateway writes both where it stands between agent and server; without a proxy they are the agent's to say, and
/// without them nobody could tell whether the tool is the one that people have accepted.
enum SubmittedToolCall {
    /// Why it cannot be judged as it is: a fault of the document is thrown, another definition than the server's is a
    /// reason.
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
        guard action.details["definition"]?.stringValue.flatMap({ ActionDigest($0) }) != nil else {
            throw Problem(.badRequest, "context.definition is missing or no digest: \(remedy)")
        }
        return outdated(action, tools)
    }

    /// Why a call is not made by the definition that its server lists now, as far as the gateway has seen a list.
    ///
    /// The accepted one does not do where the server lists another by now: what the tool does is what the server says
    /// today, and whether that is what people have accepted is asked of that.
    static func outdated(_ action: Action, _ tools: ToolBook) -> Reason? {
        guard action.details["method"]?.stringValue == "tools/call", let tool = action.details["tool"]?.stringValue,
            let standing = tools.standing(ToolName(action.connection, tool)), standing.seenAt != nil
        else { return nil }
        guard let listed = standing.listed else {
            return Reason(.digestMismatch, "The server does not list this tool any more. Call tools/list and look.")
        }
        guard listed.digest.rawValue != action.details["definition"]?.stringValue else { return nil }
        return Reason(
            .digestMismatch,
            "context.definition is not the tool's definition that its server lists now: \(remedy)"
        )
    }

    private static let remedy =
        "it must be the digest of the tool's definition, the unpadded base64url SHA-256 of its RFC 8785 form, as tools/list "
        + "of the connection shows it, without _meta, icons, execution and what is null. People read the accepted one as "
        + "accepted.digest of GET /v1/tools/CONNECTION/TOOL."
}
