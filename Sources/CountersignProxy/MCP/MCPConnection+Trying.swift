package import CanonicalJSON
package import CountersignCore
package import MCPWire
import NIOCore

extension MCPConnection {
    /// A connection that nothing can be sent over, to find out what calls on it would be.
    package convenience init(trying name: ConnectionName, tools: [ToolRule], trustsAnnotations: Bool) {
        self.init(name: name, link: .joined([]), tools: tools, trustsAnnotations: trustsAnnotations)
    }

    /// The same, knowing what its server lists.
    package func trying(_ definitions: [ToolDefinition]) -> MCPConnection {
        let connection = MCPConnection(trying: name, tools: tools, trustsAnnotations: trustsAnnotations)
        connection.memory.catalogue.replace(with: definitions.map { MCPTool($0) }, now: .now())
        return connection
    }

    /// The action that the gateway would make of a call of a tool.
    ///
    /// `effect`, if given, stands for what configuration and server say of the tool.
    package func action(
        agent: AgentID,
        onBehalfOf: UserID?,
        tool: String,
        arguments: JSONObject,
        effect: Effect? = nil,
    ) throws(RPCError) -> Action {
        let params = JSONObject([("name", .string(tool)), ("arguments", .object(arguments))])
        let translator = MCPTranslator(connection: self)
        let made = try translator.action(.toolsCall, params, agent: agent, onBehalfOf: onBehalfOf)
        guard let made else {
            throw RPCError(code: RPCCode.invalidParams, message: "a call of a tool is an action")
        }
        guard let effect else { return made }
        return Action(
            agent: agent,
            onBehalfOf: onBehalfOf,
            protocol: "mcp",
            connection: name,
            operations: made.operations.map { Operation(protocol: "mcp", effect: effect, resource: $0.resource) },
            details: made.details,
        )
    }
}
