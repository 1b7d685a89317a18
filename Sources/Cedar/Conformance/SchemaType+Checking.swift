extension SchemaType {
    /// Makes sure that a value is of the type: records have what they must have and nothing else, sets have elements of
    /// one type, entities are of the one type.
    func check(_ value: Value) throws(InvalidPart) {
        switch (self, value) {
        case (.any, _), (.bool, .bool), (.long, .long), (.string, .string), (.extension(.decimal), .decimal),
            (.extension(.ipaddr), .ip), (.extension(.datetime), .datetime), (.extension(.duration), .duration):
            return
        case (.entity(let type), .entity(let uid)) where uid.type == type: return
        case (.set(let type), .set(let set)):
            for element in set.elements {
                do {
                    try type.check(element)
                } catch {
                    throw error.within("[]")
                }
            }
        case (.record(let type), .record(let record)): try type.check(record)
        case (.bool, _), (.long, _), (.string, _), (.extension, _), (.entity, _), (.set, _), (.record, _):
            throw InvalidPart("expected \(self.shortName), got \(value.typeName)")
        }
    }

    /// The type in a few words.
    var shortName: String {
        switch self {
        case .bool: "bool"
        case .long: "long"
        case .string: "string"
        case .extension(let type): type.rawValue
        case .entity(let type): "an entity of type `\(type)`"
        case .set: "set"
        case .record: "record"
        case .any: "any value"
        }
    }
}

extension RecordType {
    /// Makes sure that a record has what it must have, and nothing else.
    func check(_ record: Record) throws(InvalidPart) {
        for name in self.missing(in: record) { throw InvalidPart("the attribute `\(name)` is missing") }
        for member in record.members {
            guard let type = self.type(of: member.name) else {
                throw InvalidPart("there is no attribute `\(member.name)`")
            }
            do {
                try type.check(member.value)
            } catch {
                throw error.within(member.name.string)
            }
        }
    }

    /// The type of a member, or nil where there can be none of that name.
    func type(of name: CedarString) -> SchemaType? { self.attributes[name]?.type ?? self.rest }

    /// The members that must be there and are not, in the order of their names.
    func missing(in record: Record) -> [CedarString] {
        self.attributes.filter { $0.value.isRequired && !record.contains($0.key) }.map(\.key).sorted()
    }
}
