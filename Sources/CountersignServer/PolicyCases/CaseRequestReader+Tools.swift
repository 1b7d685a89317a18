import CanonicalJSON
import CountersignCore
import CountersignProxy
import MCPWire
import Yams

extension CaseRequestReader {
    /// A call of a tool on an MCP connection, translated as the gateway does.
    func call(
        _ members: [String: Node],
        _ node: Node,
        _ path: String,
        _ agent: AgentID,
        _ onBehalfOf: UserID?,
        _ name: ConnectionName,
        _ world: CaseWorld,
    ) -> Action? {
        for key in ["method", "path", "query", "headers", "body", "operation", "context"] where members[key] != nil {
            reader.fail(members[key], "\(path).\(key)", "cannot stand beside tool; a call has arguments")
        }
        guard let connection = world.mcp.first(where: { $0.name == name }) else {
            reader.fail(
                node,
                path,
                "calls a tool on a connection that is no MCP server's own; name the server's connection"
            )
            return nil
        }
        guard let tool = reader.text(members["tool"], path + ".tool") else { return nil }
        var arguments = JSONObject()
        if let item = members["arguments"] {
            guard let value = reader.json(item, path + ".arguments") else { return nil }
            guard case .object(let object) = value else {
                reader.fail(item, path + ".arguments", "must have keys and values")
                return nil
            }
            arguments = object
        }
        let effect = ConnectionReader(reader: reader, path: path).effect(members["effect"], path)
        do {
            return try connection.action(
                agent: agent,
                onBehalfOf: onBehalfOf,
                tool: tool,
                arguments: arguments,
                effect: effect,
            )
        } catch {
            reader.fail(members["tool"], path + ".tool", "the gateway refuses the call: \(error.message)")
            return nil
        }
    }
}
