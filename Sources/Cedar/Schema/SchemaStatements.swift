/// What one source states, names as written: the form that schema text and schema JSON have in common.
struct SchemaFragment: Sendable {
    var namespaces: [SchemaNamespace] = []
}

/// The declarations of one namespace within one source.
struct SchemaNamespace: Sendable {
    /// The namespace's name, empty for the namespace without one.
    let name: CedarString
    var commonTypes: [CommonTypeStatement] = []
    var entityTypes: [EntityTypeStatement] = []
    var actions: [ActionStatement] = []
}

/// A name that a statement introduces.
struct DeclaredName: Sendable {
    let text: CedarString
    let place: SchemaPlace
}

/// A common type and what it stands for: `type A = …`.
struct CommonTypeStatement: Sendable {
    let name: DeclaredName
    let type: WrittenType
}

/// Entity types that are alike: `entity A, B in [C] {…} tags T`, or `entity A enum ["a"]`.
struct EntityTypeStatement: Sendable {
    var names: [DeclaredName]
    var parents: [TypeReference] = []
    var shape: WrittenType = .record([])
    var tags: WrittenType?
    var choices: [CedarString]?
}

/// Actions that are alike: `action a, b in [c] appliesTo {…}`.
struct ActionStatement: Sendable {
    var names: [DeclaredName]
    var parents: [ActionReference] = []
    var principals: [TypeReference] = []
    var resources: [TypeReference] = []
    var context: WrittenType = .record([])
}

/// A type as written.
indirect enum WrittenType: Sendable {
    /// `Boolean` in JSON.
    case bool
    /// `Long` in JSON.
    case long
    /// `String` in JSON.
    case string
    /// `Extension` in JSON, with the extension type's name.
    case `extension`(CedarString, SchemaPlace)
    /// A name.
    case reference(TypeReference)
    /// `Set<T>`.
    case set(WrittenType)
    /// `{a: T, b?: U}`; of two attributes with one name the later one counts.
    case record([WrittenAttribute])
}

/// An attribute as written.
struct WrittenAttribute: Sendable {
    let name: CedarString
    let type: WrittenType
    let isRequired: Bool
}

/// A name that stands for a type declared elsewhere.
struct TypeReference: Sendable {
    /// What the name may stand for.
    enum Kind: Sendable {
        /// A common type only.
        case common
        /// An entity type only.
        case entity
        /// A common type or, where there is none, an entity type.
        case either
    }

    let name: SchemaName
    let kind: Kind
    let place: SchemaPlace
}

/// An action that another one is in; without a type it is one of the own namespace or of the one without a name.
struct ActionReference: Sendable {
    let type: SchemaName?
    let id: CedarString
    let place: SchemaPlace
}

/// A name as written, cut before its last part.
struct SchemaName: Hashable, Sendable {
    /// What stands before the last `::`, or nil where there is none.
    let namespace: CedarString?
    /// The last part.
    let base: CedarString

    /// Joins the parts of a name; there is at least one.
    init(parts: [String]) {
        self.namespace = parts.count > 1 ? CedarString(parts.dropLast().joined(separator: "::")) : nil
        self.base = CedarString(parts.last ?? "")
    }

    /// Cuts a name that is known to be one.
    init(_ text: String) {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else {
            self.namespace = nil
            self.base = CedarString(text)
            return
        }
        self.namespace = CedarString(String(text[..<text.utf8.index(before: colon)]))
        self.base = CedarString(String(text[text.utf8.index(after: colon)...]))
    }

    /// The name for a message, shortened where it is long.
    var shown: String {
        CedarText.shortened(self.namespace.map { "\($0)::\(self.base)" } ?? self.base.string)
    }
}
