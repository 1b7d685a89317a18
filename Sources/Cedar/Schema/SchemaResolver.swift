/// Gives the names of a schema's statements their meaning.
///
/// Every step notes all the problems that it finds; what hangs on something broken is passed over.
struct SchemaResolver {
    /// The names that no common type can have, because the JSON form or the text gives them another meaning.
    static let reservedTypes: Set<CedarString> = [
        "Bool", "Boolean", "Entity", "Extension", "Long", "Record", "Set", "String",
    ]

    /// A statement and the namespace that it stands in.
    struct Located<Statement> {
        let statement: Statement
        let namespace: Int
    }

    private let errorLimit: Int
    private(set) var errors: [PolicyError] = []

    var definitions = SchemaDefinitions()
    var commonTypes: [Located<CommonTypeStatement>] = []
    var entityTypes: [Located<EntityTypeStatement>] = []
    var actions: [Located<ActionStatement>] = []
    /// For every entity type its statement's number, its place and its name.
    var entities: [(statement: Int, place: SchemaPlace, name: EntityTypeName)] = []
    /// The type of the actions of each namespace that has some.
    var actionTypes: [Int: EntityTypeName] = [:]
    /// For every action its statement's number, its place and its identity.
    var actionEntities: [(statement: Int, place: SchemaPlace, uid: EntityUID)] = []
    /// For every common type what it comes to; nil where that is broken.
    var expansions: [Expansion?] = []
    /// The nodes of all types together.
    var nodes = 0

    init(errorLimit: Int) { self.errorLimit = errorLimit }

    /// The schema that the fragments state together; worth nothing if there are `errors`.
    mutating func schema(of fragments: [SchemaFragment]) -> Schema {
        let empty = Schema(entityTypes: [:], actions: [:])
        for fragment in fragments { self.collect(fragment) }
        guard self.nameBytesAreBounded() else { return empty }
        self.declare()
        self.checkShadowing()
        self.expandCommonTypes()
        let entityTypes = self.resolveEntityTypes()
        let actions = self.resolveActions()
        guard self.errors.isEmpty else { return empty }
        return Schema(entityTypes: entityTypes, actions: actions)
    }

    /// Whether there are so many problems that no more are kept; what is said of them need not be put together then.
    var isFull: Bool { self.errors.count >= self.errorLimit }

    mutating func note(_ place: SchemaPlace, _ message: String, hint: String? = nil) {
        // The schema is refused anyway.
        guard !self.isFull else { return }
        self.errors.append(place.error(message, hint: hint))
    }

    // MARK: Declarations

    private mutating func collect(_ fragment: SchemaFragment) {
        for part in fragment.namespaces {
            let namespace = self.definitions.number(of: part.name)
            self.commonTypes += part.commonTypes.map { Located(statement: $0, namespace: namespace) }
            self.entityTypes += part.entityTypes.map { Located(statement: $0, namespace: namespace) }
            self.actions += part.actions.map { Located(statement: $0, namespace: namespace) }
        }
    }

    /// Ten thousand short names in a namespace with a name of a megabyte would be ten gigabytes of names.
    private mutating func nameBytesAreBounded() -> Bool {
        var bytes = 0
        let names =
            self.entityTypes.map { ($0.namespace, $0.statement.names) }
            + self.actions.map { ($0.namespace, $0.statement.names) }
        for (namespace, names) in names {
            let length = self.definitions.namespaces[namespace].name.byteCount + 2
            for name in names { bytes += length + name.text.byteCount }
            if bytes > SchemaLimits.nameBytes, let first = names.first {
                self.note(first.place, "the schema's names are together longer than \(SchemaLimits.nameBytes) bytes")
                return false
            }
        }
        return true
    }

    private mutating func declare() {
        for (number, located) in self.commonTypes.enumerated() {
            let name = located.statement.name
            if !self.definitions.declare(commonType: name.text, as: number, in: located.namespace) {
                self.note(
                    name.place,
                    "the common type `\(self.shown(name, in: located.namespace))` is declared already"
                )
            }
        }
        for (number, located) in self.entityTypes.enumerated() {
            for name in located.statement.names {
                if !self.definitions.declare(entityType: name.text, as: self.entities.count, in: located.namespace) {
                    self.note(
                        name.place,
                        "the entity type `\(self.shown(name, in: located.namespace))` is declared already"
                    )
                }
                let type = EntityTypeName(self.qualified(name.text, in: located.namespace))
                self.entities.append((number, name.place, type))
            }
        }
        for (number, located) in self.actions.enumerated() {
            let type =
                self.actionTypes[located.namespace] ?? EntityTypeName(self.qualified("Action", in: located.namespace))
            self.actionTypes[located.namespace] = type
            for name in located.statement.names {
                if !self.definitions.declare(action: name.text, as: self.actionEntities.count, in: located.namespace) {
                    self.note(name.place, "the action `\(CedarText.shortened(name.text.string))` is declared already")
                }
                self.actionEntities.append((number, name.place, EntityUID(type: type, id: name.text)))
            }
        }
    }

    /// No type and no action may hide one of the namespace without a name (RFC 70 of Cedar).
    private mutating func checkShadowing() {
        let hint = "what a name without a namespace stands for would depend on where it is written; rename one"
        for located in self.commonTypes where located.namespace != SchemaDefinitions.unnamed {
            self.checkShadowing(located.statement.name, in: located.namespace, hint: hint)
        }
        for located in self.entityTypes where located.namespace != SchemaDefinitions.unnamed {
            for name in located.statement.names { self.checkShadowing(name, in: located.namespace, hint: hint) }
        }
        for located in self.actions where located.namespace != SchemaDefinitions.unnamed {
            for name in located.statement.names
            where self.definitions.namespaces[SchemaDefinitions.unnamed].actions[name.text] != nil {
                let id = CedarText.shortened(name.text.string)
                self.note(name.place, "the action `\(id)` hides the one without a namespace", hint: hint)
            }
        }
    }

    private mutating func checkShadowing(_ name: DeclaredName, in namespace: Int, hint: String) {
        guard self.definitions.isUnnamedType(name.text), !self.isFull else { return }
        let shown = CedarText.shortened(name.text.string)
        self.note(name.place, "the type `\(self.shown(name, in: namespace))` hides `\(shown)`", hint: hint)
    }

    // MARK: Names

    /// A name with its namespace.
    func qualified(_ name: CedarString, in namespace: Int) -> String {
        namespace == SchemaDefinitions.unnamed ? name.string : "\(self.definitions.namespaces[namespace].name)::\(name)"
    }

    /// A name with its namespace, for a message.
    func shown(_ name: DeclaredName, in namespace: Int) -> String {
        CedarText.shortened(self.isFull ? name.text.string : self.qualified(name.text, in: namespace))
    }
}
