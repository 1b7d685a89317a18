/// A schema as the validator asks it: types are numbered, and every question is a look-up.
struct SchemaIndex: Sendable {
    struct EntityType: Sendable {
        let name: EntityTypeName
        /// Whether the schema declares it; a type of actions is not declared, but its actions are.
        let isDeclared: Bool
        let attributes: [CedarString: RecordShape.Attribute]
        let tags: StaticType?
        let choices: [CedarString]?
        /// The types whose entities its entities may be in.
        let ancestors: Set<Int>
    }

    struct Action: Sendable {
        let uid: EntityUID
        let type: Int
        let ancestors: Set<EntityUID>
        let principals: [Int]
        let resources: [Int]
        let context: StaticType
        /// Actions with equal contexts have the same number.
        let contextNumber: Int
    }

    let entityTypes: [EntityType]
    /// The actions in a fixed order.
    let actions: [Action]
    private let numbers: [EntityTypeName: Int]
    private let actionNumbers: [EntityUID: Int]

    init(_ schema: Schema) {
        var numbering = Numbering()
        for name in schema.entityTypes.keys.sorted(by: { $0.name < $1.name }) { numbering.number(name) }
        let declarations = schema.actions.values.sorted {
            $0.uid.type == $1.uid.type ? $0.uid.id < $1.uid.id : $0.uid.type.name < $1.uid.type.name
        }
        var contexts: [RecordType: Int] = [:]
        self.actions = declarations.map { action in
            let contextNumber = contexts[action.context, default: contexts.count]
            contexts[action.context] = contextNumber
            return Action(
                uid: action.uid,
                type: numbering.number(action.uid.type),
                ancestors: action.ancestors,
                principals: action.principals.map { numbering.number($0) }.sorted(),
                resources: action.resources.map { numbering.number($0) }.sorted(),
                context: .record(numbering.shape(action.context)),
                contextNumber: contextNumber,
            )
        }
        var actionTypeAncestors: [Int: Set<Int>] = [:]
        for action in self.actions {
            for group in action.ancestors {
                actionTypeAncestors[action.type, default: []].insert(numbering.number(group.type))
            }
        }
        var entityTypes: [EntityType] = []
        while entityTypes.count < numbering.names.count {
            let name = numbering.names[entityTypes.count]
            let declaration = schema.entityTypes[name]
            let ancestors = declaration.map { $0.ancestors.map { numbering.number($0) } } ?? []
            entityTypes.append(
                EntityType(
                    name: name,
                    isDeclared: declaration != nil,
                    attributes: declaration.map { numbering.shape($0.attributes).attributes } ?? [:],
                    tags: declaration?.tags.map { numbering.type($0) },
                    choices: declaration?.choices,
                    ancestors: Set(ancestors).union(actionTypeAncestors[entityTypes.count] ?? []),
                )
            )
        }
        self.entityTypes = entityTypes
        self.numbers = numbering.numbers
        var actionNumbers: [EntityUID: Int] = [:]
        for (number, action) in self.actions.enumerated() { actionNumbers[action.uid] = number }
        self.actionNumbers = actionNumbers
    }

    /// The number of a type that some part of the schema names.
    func number(_ name: EntityTypeName) -> Int? { self.numbers[name] }

    /// Whether a policy may name a type.
    func isKnown(_ name: EntityTypeName) -> Bool {
        name.isAction || self.numbers[name].map { self.entityTypes[$0].isDeclared } ?? false
    }

    func action(_ uid: EntityUID) -> Action? { self.actionNumbers[uid].map { self.actions[$0] } }

    /// The type of a literal, or nil where the schema knows no such entity.
    func type(of uid: EntityUID) -> StaticType? {
        if uid.type.isAction { return self.action(uid).map { .entity(EntityTypes($0.type)) } }
        guard let number = self.numbers[uid.type], self.entityTypes[number].isDeclared else { return nil }
        return .entity(EntityTypes(number))
    }

    /// The ids of an enumerated type.
    func choices(of name: EntityTypeName) -> [CedarString]? {
        self.numbers[name].flatMap { self.entityTypes[$0].choices }
    }

    /// Whether an entity of one type can be an entity of another or below it.
    func canBeWithin(_ type: Int, _ other: Int) -> Bool {
        type == other || self.entityTypes[type].ancestors.contains(other)
    }

    /// The declared type with the name nearest to one that is not declared.
    func nearestType(to name: EntityTypeName) -> String? {
        SyntaxHints.nearest(
            to: name.name.string,
            among: self.entityTypes.filter(\.isDeclared).map(\.name.name.string),
        )
    }
}

extension SchemaIndex {
    /// Numbers names as they come up and turns a schema's types into static ones.
    private struct Numbering {
        var names: [EntityTypeName] = []
        var numbers: [EntityTypeName: Int] = [:]
        private var shapes: [ShapeKey: RecordShape] = [:]

        @discardableResult
        mutating func number(_ name: EntityTypeName) -> Int {
            if let number = self.numbers[name] { return number }
            self.numbers[name] = self.names.count
            self.names.append(name)
            return self.names.count - 1
        }

        mutating func type(_ type: SchemaType) -> StaticType {
            switch type {
            case .bool: .anyBool
            case .long: .long
            case .string: .string
            case .extension(let type): .extension(type)
            case .entity(let name): .entity(EntityTypes(self.number(name)))
            case .set(let element): .set(self.type(element))
            case .record(let record): .record(self.shape(record))
            case .any: .any
            }
        }

        mutating func shape(_ record: RecordType) -> RecordShape {
            var attributes: [CedarString: RecordShape.Attribute] = [:]
            for (name, attribute) in record.attributes {
                attributes[name] = .init(type: self.type(attribute.type), isRequired: attribute.isRequired)
            }
            let rest = record.rest.map { self.type($0) }
            let key = ShapeKey(
                attributes: attributes.mapValues { .init(type: TypeKey($0.type), isRequired: $0.isRequired) },
                rest: rest.map { TypeKey($0) },
            )
            if let shape = self.shapes[key] { return shape }
            let shape = RecordShape(attributes: attributes, isOpen: false, rest: rest, identity: .init())
            self.shapes[key] = shape
            return shape
        }
    }

    /// What tells a schema's shape from others; the records in it stand for themselves, so that it is as large as one.
    private struct ShapeKey: Hashable {
        struct Attribute: Hashable {
            let type: TypeKey
            let isRequired: Bool
        }

        let attributes: [CedarString: Attribute]
        let rest: TypeKey?
    }

    private indirect enum TypeKey: Hashable {
        case record(ObjectIdentifier)
        case set(TypeKey)
        case other(StaticType)

        init(_ type: StaticType) {
            switch type {
            case .record(let shape): self = shape.identity.map { .record(ObjectIdentifier($0)) } ?? .other(type)
            case .set(let element): self = .set(TypeKey(element))
            case .never, .bool, .long, .string, .extension, .entity, .any: self = .other(type)
            }
        }
    }
}
