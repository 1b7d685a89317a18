package import CanonicalJSON

/// What an operation does, the same set for every protocol.
package enum Effect: String, Hashable, Sendable, Codable, CaseIterable {
    /// Looks, changes nothing.
    case read
    /// Creates or changes.
    case write
    /// Removes.
    case delete
    /// Takes data out in bulk.
    case export
    /// Changes who may do what.
    case privilege
    /// Changes what things run on.
    case infrastructure
    /// Runs code.
    case execute
    /// Could not be understood.
    case unknown
}

/// A Cedar entity by type and id.
package struct ResourceReference: Hashable, Sendable {
    /// The entity type, such as `Endpoint`.
    package let type: String
    /// The id, `connection/name` for what lives in a connection.
    package let id: String

    /// Names an entity.
    package init(type: String, id: String) {
        self.type = type
        self.id = id
    }

    fileprivate func write(to object: inout CanonicalWriter) {
        object.member("id", id)
        object.member("type", type)
    }
}

/// One part of an action: an effect on a resource.
///
/// All parts must pass.
package struct Operation: Hashable, Sendable {
    /// What it does.
    package let effect: Effect
    /// The Cedar action's id, protocol and effect: `http:delete`.
    package let action: String
    /// What it does it to.
    package let resource: ResourceReference

    /// Makes an operation of a protocol, `http` for instance.
    package init(protocol name: String, effect: Effect, resource: ResourceReference) {
        self.effect = effect
        action = name + ":" + effect.rawValue
        self.resource = resource
    }

    fileprivate func write(to object: inout CanonicalWriter) {
        object.member("action", action)
        object.member("effect", effect.rawValue)
        object.member("resource") { resource.write(to: &$0) }
    }
}

/// What surrounds an action and changes from one ask to the next; policy sees it, the digest does not cover it.
package struct Circumstances: Hashable, Sendable, Codable {
    /// The caller's address, without port.
    package var sourceAddress: String?
    /// Why the agent says that it does this.
    package var justification: String?
    /// The id that runs from the first byte to the entry.
    package var requestID: String?

    /// Whether nothing is known of them.
    var isEmpty: Bool { sourceAddress == nil && justification == nil && requestID == nil }

    /// Names the circumstances of one ask.
    package init(sourceAddress: String? = nil, justification: String? = nil, requestID: String? = nil) {
        self.sourceAddress = sourceAddress
        self.justification = justification
        self.requestID = requestID
    }
}

/// One thing that an agent wants to do, as a canonical document: subject, action, resource, context (DESIGN 4).
package struct Action: Hashable, Sendable {
    /// Who asks.
    package let agent: AgentID
    /// The human for whom the agent acts, if it says so and is allowed to.
    package let onBehalfOf: UserID?
    /// The Cedar action's id of the whole, `http:delete`.
    package let name: String
    /// Where it happens.
    package let connection: ConnectionName
    /// What it does, part by part; never empty.
    package let operations: [Operation]
    /// The rest of the document's `context`: method, path, headers, payload, arguments.
    package let details: JSONObject
    /// The canonical (RFC 8785) bytes of the document.
    package let canonical: [UInt8]
    /// The digest of ``canonical``.
    package let digest: ActionDigest

    /// Makes an action; the most severe effect of its operations names the whole.
    package init(
        agent: AgentID,
        onBehalfOf: UserID?,
        protocol name: String,
        connection: ConnectionName,
        operations: [Operation],
        details: JSONObject,
    ) {
        let effect = operations.map(\.effect).max { $0.severity < $1.severity } ?? .unknown
        self.init(
            agent: agent,
            onBehalfOf: onBehalfOf,
            name: name + ":" + effect.rawValue,
            connection: connection,
            operations: operations,
            details: details,
        )
    }

    init(
        agent: AgentID,
        onBehalfOf: UserID?,
        name: String,
        connection: ConnectionName,
        operations: [Operation],
        details: JSONObject,
    ) {
        self.agent = agent
        self.onBehalfOf = onBehalfOf
        self.name = name
        self.connection = connection
        self.operations = operations
        self.details = details
        var document = CanonicalWriter(capacity: 1024)
        document.object { root in
            root.member("action") { $0.member("name", name) }
            root.member("context") { Self.write(details, operations, to: &$0) }
            root.member("resource") { ResourceReference(type: "Connection", id: connection.rawValue).write(to: &$0) }
            root.member("subject") { subject in
                subject.member("id", agent.rawValue)
                if let onBehalfOf {
                    subject.member("properties") { $0.member("on_behalf_of", onBehalfOf.rawValue) }
                }
                subject.member("type", "Agent")
            }
        }
        canonical = document.bytes
        digest = ActionDigest(of: canonical)
    }

    /// Writes `context`: the details, with the operations in their place among them.
    private static func write(_ details: JSONObject, _ operations: [Operation], to context: inout CanonicalWriter) {
        let place = details.members.firstIndex { UTF8Order.precedes("operations", $0.key) } ?? details.count
        for member in details.members[..<place] { context.member(member.key, member.value) }
        context.member("operations", objects: operations) { $0.write(to: &$1) }
        for member in details.members[place...] { context.member(member.key, member.value) }
    }

    /// The distinct effects of its operations, if there are several; a single one is in ``name``.
    package var severalEffects: [Effect]? {
        guard operations.count > 1 else { return nil }
        let effects = Set(operations.map(\.effect))
        return effects.count > 1 ? Effect.allCases.filter(effects.contains) : nil
    }

    /// The protocol's name, the part of ``name`` before the colon.
    package var protocolName: String { String(name.prefix { $0 != ":" }) }
}

extension Effect {
    /// How much harm an effect can do; what is unknown is worst.
    fileprivate var severity: Int {
        switch self {
        case .read: 0
        case .write: 1
        case .execute: 2
        case .export: 3
        case .delete: 4
        case .infrastructure: 5
        case .privilege: 6
        case .unknown: 7
        }
    }

    /// Whether it does less harm than another.
    package func isMilder(than other: Effect) -> Bool { severity < other.severity }
}
