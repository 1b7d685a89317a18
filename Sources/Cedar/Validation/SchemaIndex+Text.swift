extension SchemaIndex {
    /// A type as a person would write it.
    func text(_ type: StaticType) -> String {
        switch type {
        case .never: return "nothing"
        case .any: return "a value of any type"
        case .bool(nil): return "Bool"
        case .bool(true): return "Bool (always true)"
        case .bool(false): return "Bool (always false)"
        case .long: return "Long"
        case .string: return "String"
        case .extension(let type): return type.rawValue
        case .entity(let types):
            return types.numbers.map { self.entityTypes[$0].name.description }.joined(separator: " or ")
        case .set(let element): return "Set<\(self.text(element))>"
        case .record(let shape):
            var members = shape.attributes.sorted { $0.key < $1.key }.prefix(4).map { name, attribute in
                let name = CedarText.isIdentifier(name.string) ? name.string : CedarText.quoted(name.string)
                return "\(name)\(attribute.isRequired ? "" : "?"): \(self.text(attribute.type))"
            }
            if shape.isOpen || shape.rest != nil || shape.attributes.count > members.count { members.append("…") }
            return "{\(members.joined(separator: ", "))}"
        }
    }
}
