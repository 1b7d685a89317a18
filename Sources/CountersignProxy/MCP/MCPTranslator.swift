import CanonicalJSON
import CountersignCore
import MCPWire

/// Turns an agent's MCP request into an `Action`: what could this do? It never says whether it may.
struct MCPTranslator {
    let connection: MCPConnection

    /// The action of a request; `nil` if it is none (handshakes, lists, and what is about the gateway's own tasks).
    func action(
        _ method: MCPMethod,
        _ params: JSONObject,
        agent: AgentID,
        onBehalfOf: UserID?,
    ) throws(RPCError) -> Action? {
        guard let operations = try operations(method, params) else { return nil }
        var details: [(String, JSONValue)] = [("method", .string(method.rawValue))]
        for member in params.members where member.key != "_meta" && member.key != "task" {
            // What an agent may not say of itself: the gateway's own members of a document's context.
            let name = Self.detail(member.key, of: method)
            details.append((name, member.value))
        }
        if method == .toolsCall {
            if params["arguments"] == nil { details.append(("arguments", .object(JSONObject()))) }
            if let tool = params["name"]?.stringValue, let known = connection.memory.catalogue.tool(tool) {
                details.append(("definition", .string(known.listed.digest.rawValue)))
            }
        }
        return Action(
            agent: agent,
            onBehalfOf: onBehalfOf,
            protocol: "mcp",
            connection: connection.name,
            operations: operations,
            details: JSONObject(details),
        )
    }

    /// How a parameter is called in the document; those that are not known keep a name that nothing else has.
    private static func detail(_ name: String, of method: MCPMethod) -> String {
        switch (method, name) {
        case (.toolsCall, "name"): "tool"
        case (.toolsCall, "arguments"): "arguments"
        case (.promptsGet, "name"): "prompt"
        case (.promptsGet, "arguments"): "arguments"
        case (.resourcesRead, "uri"), (.resourcesSubscribe, "uri"), (.resourcesUnsubscribe, "uri"): "uri"
        case (.complete, "ref"), (.complete, "argument"), (.complete, "context"): name
        case (.setLevel, "level"): "level"
        case (.listen, "notifications"): "notifications"
        default: "param_" + name
        }
    }

    /// The parameters of an action's document, as they go to the server.
    static func params(_ action: Action) -> (MCPMethod, JSONObject)? {
        guard let method = action.details["method"]?.stringValue.flatMap(MCPMethod.init) else { return nil }
        var params: [(String, JSONValue)] = []
        for member in action.details.members {
            switch member.key {
            case "method", "definition", "operations": continue
            case "tool", "prompt": params.append(("name", member.value))
            default:
                let name = member.key.hasPrefix("param_") ? String(member.key.dropFirst(6)) : member.key
                params.append((name, member.value))
            }
        }
        return (method, JSONObject(params))
    }

    /// What a request does, part by part; `nil` if it is no action.
    func operations(_ method: MCPMethod, _ params: JSONObject) throws(RPCError) -> [Operation]? {
        switch method {
        case .toolsCall:
            return [operation(effect(of: try text("name", params)), "Tool", try text("name", params))]
        case .promptsGet: return [operation(.read, "Prompt", try text("name", params))]
        case .resourcesRead, .resourcesSubscribe, .resourcesUnsubscribe:
            return [operation(.read, "Resource", try text("uri", params))]
        case .complete:
            switch params["ref"]?["type"]?.stringValue {
            case "ref/prompt": return [operation(.read, "Prompt", try text("name", params["ref"]?.objectValue))]
            case "ref/resource": return [operation(.read, "Resource", try text("uri", params["ref"]?.objectValue))]
            default: throw RPCError(code: RPCCode.invalidParams, message: "ref.type is not one that MCP has")
            }
        case .setLevel:
            return [Operation(protocol: "mcp", effect: .read, resource: whole)]
        case .listen:
            let resources = try texts("resourceSubscriptions", params["notifications"])
            _ = try texts("taskIds", params["notifications"])
            guard !resources.isEmpty else { return [Operation(protocol: "mcp", effect: .read, resource: whole)] }
            return resources.map { operation(.read, "Resource", $0) }
        default: return nil
        }
    }

    /// What a tool does, with what the server lists of it now.
    func effect(of tool: String) -> Effect {
        connection.effect(of: tool, hints: connection.memory.catalogue.tool(tool)?.definition.hints)
    }

    func operation(_ effect: Effect, _ type: String, _ name: String) -> Operation {
        Operation(
            protocol: "mcp",
            effect: effect,
            resource: ResourceReference(type: type, id: "\(connection.name)/\(name)"),
        )
    }

    private var whole: ResourceReference { ResourceReference(type: "Connection", id: connection.name.rawValue) }

    /// As many things as one subscription may be about, and as many operations as a document may have.
    private static let maximumSubscriptions = 256

    /// A list of texts, empty if it is not there; what is no such list could mean something else to the server.
    private func texts(_ name: String, _ filter: JSONValue?) throws(RPCError) -> [String] {
        guard let value = filter?[name] else { return [] }
        let texts = value.arrayValue?.compactMap(\.stringValue)
        guard let texts, texts.count == value.arrayValue?.count, texts.count <= Self.maximumSubscriptions else {
            let message = "\(name) must be a list of at most \(Self.maximumSubscriptions) texts"
            throw RPCError(code: RPCCode.invalidParams, message: message)
        }
        return texts
    }

    private func text(_ name: String, _ params: JSONObject?) throws(RPCError) -> String {
        guard let text = params?[name]?.stringValue, !text.isEmpty, text.utf8.count <= 4096 else {
            throw RPCError(code: RPCCode.invalidParams, message: "\(name) must be a text of 1 to 4096 bytes")
        }
        return text
    }
}
