import CanonicalJSON

/// What an action does, the same set for every protocol, from the mildest to the gravest.
public enum Effect: String, CaseIterable, Sendable {
    /// Looks, changes nothing.
    case read
    /// Creates or changes.
    case write
    /// Runs code.
    case execute
    /// Takes data out in bulk.
    case export
    /// Removes.
    case delete
    /// Changes what things run on.
    case infrastructure
    /// Changes who may do what.
    case privilege
    /// Could not be understood.
    case unknown
}

/// What an operation is on: a type that policies know, and `connection/name`.
public struct Resource: Hashable, Sendable {
    /// A type that policies know, `Endpoint` for instance.
    public var type: String
    /// `connection/name`.
    public var id: String

    /// Names a resource.
    public init(type: String, id: String) {
        self.type = type
        self.id = id
    }
}

/// One thing that a program wants to do, as people and policies are to see it.
public struct ActionDescription: Sendable {
    /// One part of it: an effect on a resource.
    public struct Operation: Hashable, Sendable {
        /// What it does.
        public var effect: Effect
        /// What it does it to.
        public var resource: Resource

        /// Describes a part.
        public init(_ effect: Effect, on resource: Resource) {
            self.effect = effect
            self.resource = resource
        }
    }

    /// The protocol of the connection, `http` for instance.
    public var protocolName: String
    /// The connection.
    public var connection: String
    /// What it does, part by part; at least one.
    public var operations: [Operation]
    /// Everything that is finer: method and path, arguments, payload.
    public var context: [String: JSON]
    /// The human for whom the program acts.
    public var onBehalfOf: String?

    /// Describes an action by its parts.
    public init(
        _ protocolName: String,
        on connection: String,
        operations: [Operation],
        context: [String: JSON] = [:],
        onBehalfOf: String? = nil,
    ) {
        self.protocolName = protocolName
        self.connection = connection
        self.operations = operations
        self.context = context
        self.onBehalfOf = onBehalfOf
    }

    /// Describes an HTTP request as the gateway would.
    ///
    /// The effect is the one of the connection's routes, else of the method. `operation` is the route's name for it.
    public static func http(
        _ method: String,
        _ path: String,
        on connection: String,
        effect: Effect,
        operation: String? = nil,
        body: String? = nil,
        mediaType: String = "application/json",
        onBehalfOf: String? = nil,
    ) -> ActionDescription {
        var context: [String: JSON] = ["headers": [:], "method": .string(method), "path": .string(path)]
        if let body { context["payload"] = ["media_type": .string(mediaType), "text": .string(body)] }
        let resource = Resource(type: "Endpoint", id: "\(connection)/\(operation ?? "\(method) \(path)")")
        return ActionDescription(
            "http",
            on: connection,
            operations: [Operation(effect, on: resource)],
            context: context,
            onBehalfOf: onBehalfOf,
        )
    }

    /// Describes a call of an MCP tool; `definition` is the digest of the tool's definition as its server lists it.
    public static func tool(
        _ name: String,
        _ arguments: [String: JSON] = [:],
        on connection: String,
        effect: Effect,
        definition: String,
        onBehalfOf: String? = nil,
    ) -> ActionDescription {
        ActionDescription(
            "mcp",
            on: connection,
            operations: [Operation(effect, on: Resource(type: "Tool", id: "\(connection)/\(name)"))],
            context: [
                "arguments": .object(arguments), "definition": .string(definition), "method": "tools/call",
                "tool": .string(name),
            ],
            onBehalfOf: onBehalfOf,
        )
    }

    /// The document of an agent's action.
    func document(of agent: String) -> JSONValue {
        let gravest = Effect.allCases.last { effect in operations.contains { $0.effect == effect } } ?? .unknown
        var details = JSONObject(context.map { ($0.key, $0.value.value) })
        details["operations"] = .array(
            operations.map { operation in
                [
                    "action": .string("\(protocolName):\(operation.effect.rawValue)"),
                    "effect": .string(operation.effect.rawValue),
                    "resource": ["id": .string(operation.resource.id), "type": .string(operation.resource.type)],
                ]
            }
        )
        var subject = JSONObject([("id", .string(agent)), ("type", "Agent")])
        if let onBehalfOf { subject["properties"] = ["on_behalf_of": .string(onBehalfOf)] }
        return [
            "action": ["name": .string("\(protocolName):\(gravest.rawValue)")], "context": .object(details),
            "resource": ["id": .string(connection), "type": "Connection"], "subject": .object(subject),
        ]
    }
}
