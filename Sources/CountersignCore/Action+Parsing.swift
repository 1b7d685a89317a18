package import CanonicalJSON

/// What is wrong with an action document that came from outside.
package struct ActionError: Error, Hashable, Sendable {
    /// Where in the document, as a path: `context.operations[0].effect`.
    package let path: String
    /// What is wrong and how to mend it.
    package let message: String
}

extension Action {
    /// Parses an action document strictly: every key of the frame is known, every name is checked (DESIGN 4).
    package init(document: JSONValue) throws(ActionError) {
        let root = try Self.object(document, "the document", keys: ["subject", "action", "resource", "context"])
        let subject = try Self.object(root["subject"], "subject", keys: ["type", "id", "properties"])
        guard subject["type"]?.stringValue == "Agent" else {
            throw ActionError(path: "subject.type", message: "must be \"Agent\"")
        }
        guard let agent = subject["id"]?.stringValue.flatMap({ AgentID($0) }) else {
            throw ActionError(path: "subject.id", message: "must be an agent's id")
        }
        var onBehalfOf: UserID?
        if let properties = subject["properties"] {
            let known = try Self.object(properties, "subject.properties", keys: ["on_behalf_of"])
            if let text = known["on_behalf_of"] {
                guard let user = text.stringValue.flatMap({ UserID($0) }) else {
                    throw ActionError(path: "subject.properties.on_behalf_of", message: "must be a user's id")
                }
                onBehalfOf = user
            }
        }
        let action = try Self.object(root["action"], "action", keys: ["name"])
        guard let name = action["name"]?.stringValue, Self.effect(of: name) != nil else {
            throw ActionError(path: "action.name", message: "must be protocol:effect, for instance postgres:delete")
        }
        let resource = try Self.object(root["resource"], "resource", keys: ["type", "id"])
        guard resource["type"]?.stringValue == "Connection",
            let connection = resource["id"]?.stringValue.flatMap({ ConnectionName($0) })
        else { throw ActionError(path: "resource", message: "must be {\"type\":\"Connection\",\"id\":NAME}") }
        guard case .object(var details)? = root["context"] else {
            throw ActionError(path: "context", message: "must be an object with the member operations")
        }
        guard case .array(let parts)? = details["operations"], !parts.isEmpty, parts.count <= 256 else {
            throw ActionError(path: "context.operations", message: "must be an array of 1 to 256 operations")
        }
        details["operations"] = nil
        // An agent could otherwise tell policy the time, its address or another body than the payload.
        if let name = PolicyContext.ownMembers.first(where: { details[$0] != nil }) {
            throw ActionError(path: "context.\(name)", message: "is the gateway's to say; leave it out")
        }
        let protocolName = String(name.prefix { $0 != ":" })
        var operations = [Operation]()
        for (index, part) in parts.enumerated() {
            operations.append(try Self.operation(part, index, protocolName, connection))
        }
        self.init(
            agent: agent,
            onBehalfOf: onBehalfOf,
            name: name,
            connection: connection,
            operations: operations,
            details: details,
        )
        let worst = Action(
            agent: agent,
            onBehalfOf: onBehalfOf,
            protocol: protocolName,
            connection: connection,
            operations: operations,
            details: JSONObject(),
        )
        guard worst.name == name else {
            throw ActionError(path: "action.name", message: "must be \(worst.name), the gravest of its operations")
        }
    }

    private static func operation(
        _ value: JSONValue,
        _ index: Int,
        _ protocolName: String,
        _ connection: ConnectionName,
    ) throws(ActionError) -> Operation {
        let path = "context.operations[\(index)]"
        let part = try object(value, path, keys: ["effect", "action", "resource"])
        guard let effect = part["effect"]?.stringValue.flatMap({ Effect(rawValue: $0) }) else {
            let known = Effect.allCases.map(\.rawValue).joined(separator: ", ")
            throw ActionError(path: path + ".effect", message: "must be one of \(known)")
        }
        guard part["action"]?.stringValue == protocolName + ":" + effect.rawValue else {
            throw ActionError(path: path + ".action", message: "must be \(protocolName):\(effect.rawValue)")
        }
        let resource = try object(part["resource"], path + ".resource", keys: ["type", "id"])
        guard let type = resource["type"]?.stringValue, let id = resource["id"]?.stringValue,
            PolicyVocabulary.resourceTypes.contains(type)
        else {
            let known = PolicyVocabulary.resourceTypes.sorted().joined(separator: ", ")
            throw ActionError(path: path + ".resource.type", message: "must be one of \(known)")
        }
        // An operation on another connection's resource would be judged by the wrong labels.
        guard
            id.utf8.starts(with: (connection.rawValue + "/").utf8)
                || (type == "Connection" && id.utf8.elementsEqual(connection.rawValue.utf8))
        else {
            throw ActionError(path: path + ".resource.id", message: "must start with \(connection.rawValue)/")
        }
        return Operation(
            protocol: protocolName,
            effect: effect,
            resource: ResourceReference(type: type, id: id),
        )
    }

    private static func effect(of name: String) -> Effect? {
        let parts = name.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, PolicyVocabulary.protocols.contains(String(parts[0])) else { return nil }
        return Effect(rawValue: String(parts[1]))
    }

    private static func object(
        _ value: JSONValue?,
        _ path: String,
        keys: Set<String>,
    ) throws(ActionError) -> JSONObject {
        guard case .object(let object)? = value else { throw ActionError(path: path, message: "must be an object") }
        for member in object.members where !keys.contains(member.key) {
            throw ActionError(
                path: path,
                message: "has the unknown member \(member.key); known are \(keys.sorted().joined(separator: ", "))",
            )
        }
        return object
    }
}
