import CanonicalJSON

/// Reads the JSON form of a schema.
///
/// Objects hold no member that the form does not know. A value that cannot be read is noted and passed over, so that one
/// run finds all of them.
struct SchemaDocument {
    /// A value and the way to it.
    struct Node {
        let value: JSONValue
        let path: JSONPath
    }

    private let source: SchemaSource
    private let limits: PolicyLimits
    private(set) var errors: [PolicyError] = []

    init(file: String, limits: PolicyLimits, bytes: [UInt8]) {
        self.source = SchemaSource(file: file, bytes: bytes)
        self.limits = limits
    }

    /// What a text states, and everything that is wrong with it.
    static func read(_ text: PolicySource, limits: PolicyLimits) -> (fragment: SchemaFragment, errors: [PolicyError]) {
        let bytes = Array(text.text.utf8)
        var document = SchemaDocument(file: text.name, limits: limits, bytes: bytes)
        do {
            let root = Node(
                value: try JSONParser.parse(bytes, limits: .cedar(bytes: limits.fileBytes)),
                path: JSONPath()
            )
            let fragment = document.fragment(root)
            return (fragment, document.errors)
        } catch {
            let position = document.source.map.position(of: error.offset)
            return (SchemaFragment(), [PolicyError(message: error.message, position: position)])
        }
    }

    private mutating func fragment(_ root: Node) -> SchemaFragment {
        var fragment = SchemaFragment()
        for namespace in self.members(of: root) {
            let name = namespace.key
            if !name.isEmpty { self.checkName(name, isReference: false, of: namespace.node) }
            if let namespace = self.namespace(CedarString(name), namespace.node) {
                fragment.namespaces.append(namespace)
            }
        }
        return fragment
    }

    private mutating func namespace(_ name: CedarString, _ node: Node) -> SchemaNamespace? {
        let known = ["commonTypes", "entityTypes", "actions", "annotations"]
        guard let members = self.object(node, known: known, required: ["entityTypes", "actions"]) else { return nil }
        var namespace = SchemaNamespace(name: name)
        if let annotations = members["annotations"] {
            self.annotations(annotations)
            if name == "", annotations.value.objectValue?.isEmpty == false {
                self.note(annotations, "the namespace without a name has no annotations")
            }
        }
        if let types = members["commonTypes"] {
            for (name, type) in self.members(of: types) {
                self.checkIdentifier(name, of: type)
                if SchemaResolver.reservedTypes.contains(CedarString(name)) {
                    self.note(type, "`\(name)` is reserved and cannot name a common type")
                }
                guard let written = self.type(type, with: ["annotations"]) else { continue }
                namespace.commonTypes.append(
                    CommonTypeStatement(name: self.declared(name, type), type: written.type)
                )
            }
        }
        if let types = members["entityTypes"] {
            for (name, type) in self.members(of: types) {
                self.checkIdentifier(name, of: type)
                if name.utf8.elementsEqual("Action".utf8) {
                    self.note(type, "`Action` is the type of actions and cannot be declared")
                }
                if let statement = self.entityType(self.declared(name, type), type) {
                    namespace.entityTypes.append(statement)
                }
            }
        }
        if let actions = members["actions"] {
            for (id, action) in self.members(of: actions) {
                if let statement = self.action(self.declared(id, action), action) {
                    namespace.actions.append(statement)
                }
            }
        }
        return namespace
    }

    private func declared(_ name: String, _ node: Node) -> DeclaredName {
        DeclaredName(text: CedarString(name), place: self.place(node))
    }

    // MARK: Values

    /// The members of an object of any names, in the order of the names.
    mutating func members(of node: Node) -> [(key: String, node: Node)] {
        guard let object = node.value.objectValue else {
            self.note(node, "expected an object")
            return []
        }
        return object.map { ($0.key, Node(value: $0.value, path: node.path.member($0.key))) }
    }

    /// The members of an object that has no others than the known ones; nil if it is no object or lacks one.
    mutating func object(_ node: Node, known: [String], required: [String] = []) -> [String: Node]? {
        guard node.value.objectValue != nil else {
            self.note(node, "expected an object")
            return nil
        }
        var members: [String: Node] = [:]
        for (key, member) in self.members(of: node) {
            guard let name = known.first(where: { $0.utf8.elementsEqual(key.utf8) }) else {
                if self.errors.count >= self.limits.errors { continue }
                let near = SyntaxHints.nearest(to: key, among: known).map { "did you mean `\($0)`?" }
                let list = known.map { "`\($0)`" }.joined(separator: ", ")
                self.note(member, "this member is not known here", hint: near ?? "there are \(list)")
                continue
            }
            members[name] = member
        }
        let missing = required.filter { members[$0] == nil }
        for name in missing { self.note(node, "`\(name)` is missing") }
        return missing.isEmpty ? members : nil
    }

    mutating func elements(of node: Node) -> [Node] {
        guard let elements = node.value.arrayValue else {
            self.note(node, "expected an array")
            return []
        }
        return elements.enumerated().map { Node(value: $0.element, path: node.path.element($0.offset)) }
    }

    mutating func string(_ node: Node) -> String? {
        if let string = node.value.stringValue { return string }
        self.note(node, "expected a string")
        return nil
    }

    mutating func bool(_ node: Node) -> Bool? {
        if let bool = node.value.boolValue { return bool }
        self.note(node, "expected `true` or `false`")
        return nil
    }

    mutating func annotations(_ node: Node) {
        for (name, value) in self.members(of: node) {
            let bytes = name.utf8
            if bytes.first.map(Lexer.startsWord) != true || !bytes.allSatisfy(Lexer.continuesWord) {
                self.note(value, "this is not an annotation's name", hint: "a name has letters, digits and `_`")
            }
            if !value.value.isNull { _ = self.string(value) }
        }
    }

    // MARK: Names

    mutating func reference(_ kind: TypeReference.Kind, _ node: Node) -> TypeReference? {
        guard let name = self.string(node), self.checkName(name, isReference: true, of: node) else { return nil }
        return TypeReference(name: SchemaName(name), kind: kind, place: self.place(node))
    }

    /// Notes a name that is not identifiers joined by `::`; a reference may lead into `__cedar`.
    @discardableResult
    mutating func checkName(_ name: String, isReference: Bool, of node: Node) -> Bool {
        let parts = name.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            // Between two parts that are joined by `::` there is an empty one.
            if index % 2 == 1, part.isEmpty, index + 1 < parts.count { continue }
            let text = String(Substring(part))
            if index % 2 == 0, CedarText.isIdentifier(text) { continue }
            if index % 2 == 0, isReference, text == "__cedar" { continue }
            self.note(node, "`\(CedarText.shortened(name))` is not a name", hint: "a name is `A` or `NS::A`")
            return false
        }
        return true
    }

    mutating func checkIdentifier(_ name: String, of node: Node) {
        if CedarText.isIdentifier(name) { return }
        let shown = CedarText.shortened(name)
        self.note(node, "`\(shown)` is not a type's name", hint: "it has no namespace and is no reserved word")
    }

    // MARK: Errors

    func place(_ node: Node) -> SchemaPlace { SchemaPlace(self.source, path: node.path) }

    mutating func note(_ node: Node, _ message: String, hint: String? = nil) {
        // Beyond the limit nothing is kept; the schema is refused anyway.
        guard self.errors.count < self.limits.errors else { return }
        self.errors.append(self.place(node).error(message, hint: hint))
    }
}
