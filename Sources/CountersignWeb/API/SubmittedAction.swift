import CanonicalJSON
import CountersignCore

/// An action document that an agent wrote itself, read as far as the gateway knows better.
///
/// What is judged is what was submitted: a document that says otherwise than the configuration is refused, never mended,
/// so that what the agent described is what people approve. Only the human for whom it acts is added where it can be but
/// one and the document names nobody; the digest is that of the whole.
enum SubmittedAction {
    /// Why an agent may not submit this, its subject being another one; `nil` if that is the agent itself, or missing.
    static func foreign(_ document: JSONValue, _ agent: AgentID) -> Reason? {
        guard let claimed = document["subject"]?["id"]?.stringValue, !claimed.utf8.elementsEqual(agent.rawValue.utf8)
        else { return nil }
        return Reason(.notAllowed, "The action's subject is another agent. Submit your own actions only.")
    }

    /// The action in a document, on a known connection and for a human whom the agent may act for.
    static func read(_ document: JSONValue, of agent: AgentID, _ parts: WebParts) throws(Problem) -> Result<
        Action, Reason
    > {
        let directory = parts.enforcement.current.snapshot.directory
        let action: Action
        do {
            action = try Action(document: document)
        } catch {
            throw Problem(.badRequest, "The action document is not right: \(error.path) \(error.message)")
        }
        guard let connection = directory.connections[action.connection] else {
            return .failure(Reason(.unknownConnection, "There is no connection named \(action.connection)."))
        }
        guard connection.hook == nil else {
            throw Problem(.badRequest, "This connection takes tool calls only: POST /v1/tool-calls.")
        }
        // Policy on this connection speaks of its own protocol; in another's words an action would slip by.
        guard connection.kind.utf8.elementsEqual(action.protocolName.utf8) else {
            throw Problem(.badRequest, "action.name must begin with \(connection.kind): on this connection")
        }
        if let reason = try SubmittedToolCall.check(action, on: connection, parts.enforcement.tools) {
            return .failure(reason)
        }
        if let reason = parts.dependencies.objection(action) {
            if reason.code == .badRequest { throw Problem(reason) }
            return .failure(reason)
        }
        let known = directory.agents[agent] ?? Agent(id: agent, owner: nil)
        switch directory.actedFor(by: known, claiming: action.onBehalfOf) {
        case .failure(let reason): return .failure(reason)
        case .success(let human) where human == action.onBehalfOf: return .success(action)
        case .success(let human):
            return .success(
                Action(
                    agent: action.agent,
                    onBehalfOf: human,
                    protocol: action.protocolName,
                    connection: action.connection,
                    operations: action.operations,
                    details: action.details,
                )
            )
        }
    }

    /// Why an approved action is not to run as it was submitted: configuration or server know it otherwise by now.
    static func objection(to action: Action, _ parts: WebParts) -> Reason? {
        SubmittedToolCall.outdated(action, parts.enforcement.tools) ?? parts.dependencies.objection(action)
    }
}
