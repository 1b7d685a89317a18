import CanonicalJSON
package import CountersignCore
import MCPWire

extension MCPConnection {
    /// Why an action that an agent describes itself is not taken as it stands; `nil` if nothing speaks against it.
    ///
    /// A document that names a method is what the gateway would make of that request. A tool's effect is the one that
    /// rules, pack and the server's own warnings give it; what they say nothing of is unknown, whatever the agent says.
    func objection(to action: Action) -> Reason? {
        guard action.details["method"] != nil else { return nil }
        guard memberNames == nil else {
            return Reason(
                .badRequest,
                "This connection joins others. Submit the call on the one whose server answers it, under the tool's own name.",
            )
        }
        guard let (method, params) = MCPTranslator.params(action) else {
            return Reason(.badRequest, "context.method is no method of MCP.")
        }
        let translator = MCPTranslator(connection: self)
        let operations: [Operation]
        do {
            guard let made = try translator.operations(method, params) else {
                return Reason(.badRequest, "context.method is not one that is judged: there is nothing to ask for.")
            }
            operations = made
        } catch {
            return Reason(.badRequest, "The context is not that of \(method.rawValue): \(error.message)")
        }
        let tool = method == .toolsCall ? params["name"]?.stringValue : nil
        let isConfigured = tool.map { configuredEffect(of: $0) != nil } ?? false
        if let only = operations.first, operations.count == 1 {
            return KnownOperation(only, isConfigured: isConfigured).objection(to: action.operations)
        }
        guard Set(action.operations.map(\.resource)) == Set(operations.map(\.resource)) else {
            return Reason(
                .effectMismatch,
                "The resources of the operations must be what the gateway takes this request for: one for each that the "
                    + "context names.",
            )
        }
        return nil
    }
}

extension CurrentConnections {
    /// Why an action that an agent describes itself is not taken as it stands; `nil` if nothing speaks against it.
    ///
    /// `bad-request` is about a document that does not say what it must, `effect-mismatch` about one that says otherwise
    /// than the configuration. Digest and document stay what the agent submitted: what is judged is what people see.
    package func objection(to action: Action) -> Reason? {
        switch action.protocolName {
        case "http": self[action.connection]?.objection(to: action)
        case "mcp": mcp(action.connection)?.objection(to: action)
        default: nil
        }
    }
}
