package import CanonicalJSON
package import Cedar

/// A tool whose definition was accepted, as policies are checked against it.
package struct KnownTool: Hashable, Sendable {
    /// The tool.
    package let name: ToolName
    /// What its calls may be taken for: all effects where the configuration is not known.
    package let effects: [Effect]
    /// The type of a call's arguments, as policy sees them.
    package let arguments: SchemaType

    /// Describes a tool: what its calls are taken for, nil where the configuration is not known; and the `inputSchema` of
    /// its definition, nil where that cannot be read.
    package init(name: ToolName, effect: Effect?, inputSchema: JSONValue?) {
        self.name = name
        effects = effect.map { [$0] } ?? Effect.allCases
        arguments = inputSchema.map { InputSchema.argumentsType($0) } ?? .any
    }

    /// The tool as a Cedar entity.
    package var uid: EntityUID { EntityUID(type: "Tool", id: "\(name.connection)/\(name.tool)") }
}

extension KnownTool {
    /// What a call's context holds.
    package var context: RecordType {
        RecordType([
            "arguments": .init(type: arguments, isRequired: true),
            "definition": .init(type: .string, isRequired: false),
            "justification": .init(type: .string, isRequired: false),
            "method": .init(type: .string, isRequired: true),
            "on_behalf_of": .init(type: .entity("User"), isRequired: false),
            "source_address": .init(type: .extension(.ipaddr), isRequired: true),
            "time": .init(type: .extension(.datetime), isRequired: true),
            "tool": .init(type: .string, isRequired: true),
        ])
    }

    /// Its calls; `others` are parameters of MCP that policies name.
    func outline(environments: Set<EntityUID>?, others: Set<CedarString>) -> RequestOutline {
        var containers: [EntityTypeName: Set<EntityUID>] = [
            "Connection": [.connection(name.connection)], "Tool": [uid],
        ]
        containers["Environment"] = environments
        let context = others.reduce(context) { $0.adding($1, .any, isRequired: false) }
        return RequestOutline(
            principal: "Agent",
            actions: effects.map { EntityUID(type: "Action", id: "mcp:\($0.rawValue)") },
            resourceType: "Tool",
            resource: uid,
            containers: containers,
            context: context,
            texts: ["method": "tools/call", "tool": CedarString(name.tool)],
        )
    }
}
