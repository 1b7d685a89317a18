extension SchemaIndex {
    /// A type as a person would write it, with `…` for what is long or deep.
    func text(_ type: StaticType, depth: Int = 3) -> String {
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
            let names = types.numbers.prefix(4).map { self.entityTypes[$0].name.description }
            return (names + (types.numbers.count > 4 ? ["…"] : [])).joined(separator: " or ")
        case .set(let element): return depth > 0 ? "Set<\(self.text(element, depth: depth - 1))>" : "Set<…>"
        case .record(let shape):
            guard depth > 0 || shape.attributes.isEmpty else { return "{…}" }
            var members = shape.attributes.sorted { $0.key < $1.key }.prefix(4).map { name, attribute in
                let name = CedarText.isIdentifier(name.string) ? name.string : CedarText.quoted(name.string)
                return "\(name)\(attribute.isRequired ? "" : "?"): \(self.text(attribute.type, depth: depth - 1))"
            }
            if shape.isOpen || shape.rest != nil || shape.attributes.count > members.count { members.append("…") }
            return "{\(members.joined(separator: ", "))}"
        }
    }
}
