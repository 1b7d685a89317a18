/// A kind of request of which more is known than the schema says: the resource itself, and its own context.
package struct RequestOutline: Sendable {
    /// The type of the principal.
    package let principal: EntityTypeName
    /// The actions that it may be.
    package let actions: [EntityUID]
    /// The type of the resource.
    package let resourceType: EntityTypeName
    /// The resource, where it is one and the same in all such requests.
    package let resource: EntityUID?
    /// Of some types all entities that the resource is in; of a type that is not here, nothing is known.
    package let containers: [EntityTypeName: Set<EntityUID>]
    /// The members of the context.
    package let context: RecordType
    /// The members of the context that have the same text in all such requests.
    package let texts: [CedarString: CedarString]

    /// Describes requests.
    package init(
        principal: EntityTypeName,
        actions: [EntityUID],
        resourceType: EntityTypeName,
        resource: EntityUID? = nil,
        containers: [EntityTypeName: Set<EntityUID>] = [:],
        context: RecordType,
        texts: [CedarString: CedarString] = [:],
    ) {
        self.principal = principal
        self.actions = actions
        self.resourceType = resourceType
        self.resource = resource
        self.containers = containers
        self.context = context
        self.texts = texts
    }

    /// Whether the resource is an entity or in it; nil where that is not known.
    func isWithin(_ uid: EntityUID) -> Bool? {
        if let resource = self.resource, resource == uid { return true }
        if let known = self.containers[uid.type] { return known.contains(uid) }
        return nil
    }
}

/// What can be said of a policy and requests of one outline.
package struct RequestJudgement: Sendable {
    /// Whether such a request may satisfy the policy.
    package let isPossible: Bool
    /// What is wrong, for each action in the order of the text.
    package let findings: [ValidationFinding]
    /// The members that the policy asks for with `has` on its way, in the same order.
    package let questions: [MemberQuestion]
}

/// A member of the request that a policy asks for with `has`.
package struct MemberQuestion: Hashable, Sendable {
    /// Where the question stands.
    package let position: SourcePosition
    /// The way to the member: `context`, `arguments`, `path`.
    package let path: [CedarString]
    /// The members that there are in its place.
    package let names: [CedarString]
    /// Whether it may be there.
    package let isPossible: Bool
}

extension MemberQuestion {
    /// That it is not there, in the words that are said of one that is read.
    package var message: String {
        "`\(CedarText.access(self.path.dropLast()))` has no attribute `\(self.path[self.path.count - 1])`"
    }

    /// What tells questions of one policy apart.
    struct Place: Hashable {
        let offset: Int?
        let path: [CedarString]
    }
}

extension SchemaIndex {
    /// A type as it is in this schema, which names every entity type that is in it; else it is any.
    func type(_ type: SchemaType) -> StaticType {
        switch type {
        case .bool: .anyBool
        case .long: .long
        case .string: .string
        case .extension(let type): .extension(type)
        case .entity(let name): self.number(name).map { .entity(EntityTypes($0)) } ?? .any
        case .set(let element): .set(self.type(element))
        case .record(let record): .record(self.shape(record))
        case .any: .any
        }
    }

    private func shape(_ record: RecordType) -> RecordShape {
        RecordShape(
            attributes: record.attributes.mapValues { .init(type: self.type($0.type), isRequired: $0.isRequired) },
            isOpen: false,
            rest: record.rest.map { self.type($0) },
            identity: .init(),
        )
    }

    /// The environments of requests of an outline, one for each action that the schema has; none where it does not have
    /// the types.
    func environments(_ outline: RequestOutline) -> [Typechecker.Environment] {
        guard let principal = self.number(outline.principal), let resource = self.number(outline.resourceType) else {
            return []
        }
        let context = self.type(.record(outline.context))
        return outline.actions.compactMap { self.action($0) }.map { action in
            let known = Action(
                uid: action.uid,
                type: action.type,
                ancestors: action.ancestors,
                principals: [principal],
                resources: [resource],
                context: context,
                // Not compared: every outline has environments of its own.
                contextNumber: -1,
            )
            return Typechecker.Environment(principal: principal, action: known, resource: resource, outline: outline)
        }
    }
}
