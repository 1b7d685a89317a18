import CanonicalJSON

extension SchemaDocument {
    /// Reads a value of `entityTypes`.
    mutating func entityType(_ name: DeclaredName, _ node: Node) -> EntityTypeStatement? {
        let known = ["memberOfTypes", "shape", "tags", "enum", "annotations"]
        guard let members = self.object(node, known: known) else { return nil }
        var statement = EntityTypeStatement(names: [name])
        if let annotations = members["annotations"] { self.annotations(annotations) }
        if let choices = members["enum"] {
            for name in ["memberOfTypes", "shape", "tags"] {
                if let member = members[name] { self.note(member, "an enumerated entity type has no `\(name)`") }
            }
            let elements = self.elements(of: choices)
            if elements.isEmpty { self.note(choices, "there must be an id") }
            statement.choices = elements.compactMap { self.string($0).map { CedarString($0) } }
            return statement
        }
        if let parents = members["memberOfTypes"] { statement.parents = self.references(parents) }
        if let shape = members["shape"], let written = self.type(shape) { statement.shape = written.type }
        if let tags = members["tags"] { statement.tags = self.type(tags)?.type }
        return statement
    }

    /// Reads a value of `actions`.
    mutating func action(_ name: DeclaredName, _ node: Node) -> ActionStatement? {
        let known = ["attributes", "appliesTo", "memberOf", "annotations"]
        guard
            let members = self.object(node, known: known)?.filter({ $0.key == "annotations" || !$0.value.value.isNull })
        else { return nil }
        var statement = ActionStatement(names: [name])
        if let annotations = members["annotations"] { self.annotations(annotations) }
        if let attributes = members["attributes"] {
            self.note(attributes, "actions have no attributes", hint: "leave the member out")
        }
        if let parents = members["memberOf"] {
            for parent in self.elements(of: parents) {
                if let reference = self.actionReference(parent) { statement.parents.append(reference) }
            }
        }
        if let appliesTo = members["appliesTo"] { self.appliesTo(appliesTo, of: &statement) }
        return statement
    }

    private mutating func actionReference(_ node: Node) -> ActionReference? {
        guard let members = self.object(node, known: ["id", "type"], required: ["id"]), let id = members["id"],
            let text = self.string(id)
        else { return nil }
        var type: SchemaName?
        if let node = members["type"], !node.value.isNull {
            guard let reference = self.reference(.entity, node) else { return nil }
            type = reference.name
        }
        return ActionReference(type: type, id: CedarString(text), place: self.place(node))
    }

    private mutating func appliesTo(_ node: Node, of statement: inout ActionStatement) {
        let required = ["resourceTypes", "principalTypes"]
        guard let members = self.object(node, known: required + ["context"], required: required) else { return }
        if let types = members["principalTypes"] { statement.principals = self.references(types) }
        if let types = members["resourceTypes"] { statement.resources = self.references(types) }
        if let context = members["context"], let written = self.type(context) { statement.context = written.type }
    }

    private mutating func references(_ node: Node) -> [TypeReference] {
        self.elements(of: node).compactMap { self.reference(.entity, $0) }
    }

    // MARK: Types

    /// Reads a type, which may have further members beside those of its form; what these say is with the caller.
    ///
    /// Recursion is bounded by the depth of the document.
    mutating func type(_ node: Node, with further: [String] = []) -> (type: WrittenType, further: [String: Node])? {
        let forms = ["element", "attributes", "additionalAttributes", "name"]
        guard let members = self.object(node, known: ["type"] + forms + further, required: ["type"]),
            let form = members["type"], let name = self.string(form)
        else { return nil }
        if let annotations = members["annotations"] { self.annotations(annotations) }
        let shape = TypeForm(name)
        for member in forms where !shape.members.contains(member) {
            if let member = members[member] {
                self.note(member, "a type `\(CedarText.shortened(name))` has no such member")
            }
        }
        for member in shape.required where members[member] == nil {
            self.note(node, "`\(member)` is missing")
        }
        let type: WrittenType?
        switch shape {
        case .string: type = .string
        case .long: type = .long
        case .boolean: type = .bool
        case .set: type = members["element"].flatMap { self.type($0) }.map { .set($0.type) }
        case .record: type = members["attributes"].map { self.record($0, members["additionalAttributes"]) }
        case .entity: type = members["name"].flatMap { self.reference(.entity, $0) }.map { .reference($0) }
        case .entityOrCommon: type = members["name"].flatMap { self.reference(.either, $0) }.map { .reference($0) }
        case .extension: type = members["name"].flatMap { self.extensionType($0) }
        case .common: type = self.reference(.common, form).map { .reference($0) }
        }
        return type.map { ($0, members) }
    }

    private mutating func record(_ attributes: Node, _ additional: Node?) -> WrittenType {
        if let additional, self.bool(additional) == true {
            self.note(additional, "records with further attributes are not supported", hint: "say `false`")
        }
        var written: [WrittenAttribute] = []
        for (name, attribute) in self.members(of: attributes) {
            guard let (type, further) = self.type(attribute, with: ["required", "annotations"]) else { continue }
            let isRequired = further["required"].map { self.bool($0) ?? true } ?? true
            written.append(WrittenAttribute(name: CedarString(name), type: type, isRequired: isRequired))
        }
        return .record(written)
    }

    private mutating func extensionType(_ node: Node) -> WrittenType? {
        guard let name = self.string(node) else { return nil }
        return .extension(CedarString(name), self.place(node))
    }

    /// What the member `type` says.
    private enum TypeForm {
        case string
        case long
        case boolean
        case set
        case record
        case entity
        case entityOrCommon
        case `extension`
        /// The name of a common type.
        case common

        init(_ name: String) {
            switch CedarString(name) {
            case "String": self = .string
            case "Long": self = .long
            case "Boolean": self = .boolean
            case "Set": self = .set
            case "Record": self = .record
            case "Entity": self = .entity
            case "EntityOrCommon": self = .entityOrCommon
            case "Extension": self = .extension
            default: self = .common
            }
        }

        /// The members that the form has beside `type`.
        var members: [String] {
            switch self {
            case .string, .long, .boolean, .common: []
            case .set: ["element"]
            case .record: ["attributes", "additionalAttributes"]
            case .entity, .entityOrCommon, .extension: ["name"]
            }
        }

        /// Those of them that cannot be left out.
        var required: [String] { Array(self.members.prefix(1)) }
    }
}
