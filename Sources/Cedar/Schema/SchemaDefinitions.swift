/// Every name that the fragments of a schema declare, and what a written name stands for among them.
struct SchemaDefinitions {
    /// What a name stands for.
    enum Definition {
        /// A type of the language.
        case builtin(SchemaType)
        /// A common type, by its number.
        case common(Int)
        /// A declared entity type, by its number.
        case entity(Int)
        /// The type of a namespace's actions, by the namespace's number.
        case actionType(Int)
    }

    /// One namespace, over all fragments.
    struct Namespace {
        let name: CedarString
        var commonTypes: [CedarString: Int] = [:]
        var entityTypes: [CedarString: Int] = [:]
        var actions: [CedarString: Int] = [:]
    }

    /// The types of the language, by the names that they have in `__cedar` and, unless it has others, in the namespace
    /// without a name.
    static let builtins: [CedarString: SchemaType] = {
        var types: [CedarString: SchemaType] = ["Bool": .bool, "Long": .long, "String": .string]
        for type in ExtensionType.allCases { types[CedarString(type.rawValue)] = .extension(type) }
        return types
    }()

    /// The number of the namespace without a name.
    static let unnamed = 0

    private(set) var namespaces = [Namespace(name: "")]
    private var numbers: [CedarString: Int] = ["": Self.unnamed]

    /// The number of a namespace, which is a new one if it has none.
    mutating func number(of namespace: CedarString) -> Int {
        if let number = self.numbers[namespace] { return number }
        self.numbers[namespace] = self.namespaces.count
        self.namespaces.append(Namespace(name: namespace))
        return self.namespaces.count - 1
    }

    /// Declares a common type; false if there is one of that name.
    mutating func declare(commonType name: CedarString, as number: Int, in namespace: Int) -> Bool {
        self.namespaces[namespace].commonTypes.updateValue(number, forKey: name) == nil
    }

    /// Declares an entity type; false if there is one of that name.
    mutating func declare(entityType name: CedarString, as number: Int, in namespace: Int) -> Bool {
        self.namespaces[namespace].entityTypes.updateValue(number, forKey: name) == nil
    }

    /// Declares an action; false if there is one of that id.
    mutating func declare(action id: CedarString, as number: Int, in namespace: Int) -> Bool {
        self.namespaces[namespace].actions.updateValue(number, forKey: id) == nil
    }

    /// Whether a name is that of a type in the namespace without a name, which no type elsewhere may then have.
    func isUnnamedType(_ name: CedarString) -> Bool {
        self.namespaces[Self.unnamed].commonTypes[name] != nil || self.namespaces[Self.unnamed].entityTypes[name] != nil
    }

    /// What a written name stands for within a namespace: something of its own, else of the one without a name; a common
    /// type before an entity type.
    func definition(of reference: TypeReference, in namespace: Int) -> Definition? {
        let name = reference.name
        if let namespace = name.namespace {
            if namespace == "__cedar" {
                return reference.kind == .entity ? nil : Self.builtins[name.base].map(Definition.builtin)
            }
            return self.numbers[namespace].flatMap { self.definition(of: name.base, reference.kind, at: $0) }
        }
        return self.definition(of: name.base, reference.kind, at: namespace)
            ?? self.definition(of: name.base, reference.kind, at: Self.unnamed)
    }

    /// The action that a reference within a namespace means, by its number.
    func action(_ reference: ActionReference, in namespace: Int) -> Int? {
        if let type = reference.type {
            guard type.base == "Action" else { return nil }
            if let namespace = type.namespace {
                return self.numbers[namespace].flatMap { self.namespaces[$0].actions[reference.id] }
            }
        }
        return self.namespaces[namespace].actions[reference.id] ?? self.namespaces[Self.unnamed].actions[reference.id]
    }

    private func definition(of base: CedarString, _ kind: TypeReference.Kind, at namespace: Int) -> Definition? {
        let space = self.namespaces[namespace]
        if kind != .entity {
            if let common = space.commonTypes[base] { return .common(common) }
            if namespace == Self.unnamed, space.entityTypes[base] == nil, let type = Self.builtins[base] {
                return .builtin(type)
            }
        }
        if kind != .common {
            if let entity = space.entityTypes[base] { return .entity(entity) }
            if base == "Action", !space.actions.isEmpty { return .actionType(namespace) }
        }
        return nil
    }
}
