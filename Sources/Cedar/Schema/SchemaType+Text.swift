extension SchemaType {
    /// The type in Cedar's schema language; nil where that has no words for it or for a part of it.
    package var schemaText: String? { self.schemaText(depth: nil) }

    fileprivate func schemaText(depth: Int?) -> String? {
        switch self {
        case .bool: "Bool"
        case .long: "Long"
        case .string: "String"
        case .extension(let type): type.rawValue
        case .entity(let name): name.description
        case .set(let element): element.schemaText(depth: depth).map { "Set<\($0)>" }
        case .record(let record): record.schemaText(depth: depth)
        case .any: nil
        }
    }

    /// The type with nothing in it that Cedar's schema language has no words for; nil where nothing is left.
    ///
    /// `leaves` is called with what is left out, as a person would name it; `way` is how the type itself is reached.
    package func sayable(_ way: [CedarString], _ leaves: (String) -> Void) -> SchemaType? {
        switch self {
        case .bool, .long, .string, .extension, .entity: return self
        case .any: return nil
        case .set(let element):
            // A set of what cannot be said is no set of anything else.
            guard element.schemaText != nil else { return nil }
            return self
        case .record(let record):
            var attributes: [CedarString: RecordType.Attribute] = [:]
            for (name, attribute) in record.attributes.sorted(by: { $0.key < $1.key }) {
                if let type = attribute.type.sayable(way + [name], leaves) {
                    attributes[name] = RecordType.Attribute(type: type, isRequired: attribute.isRequired)
                } else {
                    leaves(CedarText.access(way + [name]))
                }
            }
            if record.rest != nil { leaves("members of \(CedarText.access(way)) that no definition lists") }
            return .record(RecordType(attributes))
        }
    }
}

extension RecordType {
    /// The record in Cedar's schema language, a member a line; nil where that has no words for it.
    package var schemaLines: String? { self.schemaText(depth: 0) }

    fileprivate func schemaText(depth: Int?) -> String? {
        guard self.rest == nil else { return nil }
        var members: [String] = []
        for (name, attribute) in self.attributes.sorted(by: { $0.key < $1.key }) {
            guard let type = attribute.type.schemaText(depth: depth.map { $0 + 1 }) else { return nil }
            let word = CedarText.isIdentifier(name.string) ? name.string : CedarText.quoted(name.string)
            members.append("\(word)\(attribute.isRequired ? "" : "?"): \(type)")
        }
        guard !members.isEmpty else { return "{}" }
        guard let depth else { return "{ \(members.joined(separator: ", ")) }" }
        let indent = String(repeating: "  ", count: depth)
        return "{\n" + members.map { "\(indent)  \($0),\n" }.joined() + "\(indent)}"
    }
}
