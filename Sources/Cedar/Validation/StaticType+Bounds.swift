/// Why two types have no common bound.
enum Incompatibility: Error, Hashable, Sendable {
    case attributeQualifier
    case recordWidth
    case entityType
    case entityAndRecord
    case differentTypes

    /// Whether only the members of records tell the types apart.
    var isOfRecords: Bool {
        switch self {
        case .attributeQualifier, .recordWidth: true
        case .entityType, .entityAndRecord, .differentTypes: false
        }
    }

    var hint: String {
        switch self {
        case .attributeQualifier: "an attribute must be required in both records or optional in both"
        case .recordWidth: "the records must have the same attributes"
        case .entityType: "entities of different types are never compatible"
        case .entityAndRecord: "entities and records are never compatible"
        case .differentTypes: "the types must be the same"
        }
    }
}

extension StaticType {
    /// Whether every value of this type is one of the other's; strict mode allows only for certain truth values.
    func isSubtype(of other: StaticType, _ mode: ValidationMode) -> Bool {
        switch (self, other) {
        case (.never, _), (.any, _), (_, .any): true
        case (.bool(let left), .bool(let right)): right == nil || left == right
        case (.long, .long), (.string, .string): true
        case (.extension(let left), .extension(let right)): left == right
        case (.entity(let left), .entity(let right)):
            mode == .strict ? left == right : left.isSubset(of: right)
        case (.set(let left), .set(let right)): left.isSubtype(of: right, mode)
        case (.record(let left), .record(let right)): left.isSubtype(of: right, mode)
        case (.bool, _), (.long, _), (.string, _), (.extension, _), (.entity, _), (.set, _), (.record, _): false
        }
    }

    /// The narrowest type that both are subtypes of.
    func bound(with other: StaticType, _ mode: ValidationMode) throws(Incompatibility) -> StaticType {
        if self == .any || other == .any { return .any }
        if self.isSubtype(of: other, mode) { return other }
        if other.isSubtype(of: self, mode) { return self }
        switch (self, other) {
        case (.bool, .bool): return .anyBool
        case (.set(let left), .set(let right)): return .set(try left.bound(with: right, mode))
        case (.entity(let left), .entity(let right)):
            if mode == .strict { throw .entityType }
            return .entity(left.union(right))
        case (.record(let left), .record(let right)): return .record(try left.bound(with: right, mode))
        case (.entity, .record), (.record, .entity): throw .entityAndRecord
        case (.never, _), (.any, _), (.bool, _), (.long, _), (.string, _), (.extension, _), (.entity, _), (.set, _),
            (.record, _):
            throw .differentTypes
        }
    }

    /// The bound of all; of none, it is `never`.
    static func bound(of types: [StaticType], _ mode: ValidationMode) throws(Incompatibility) -> StaticType {
        var result = StaticType.never
        for type in types { result = try result.bound(with: type, mode) }
        return result
    }

    /// Whether certainly no value is of both types; only ever said of entities.
    func isDisjoint(with other: StaticType) -> Bool {
        guard case .entity(let left) = self, case .entity(let right) = other else { return false }
        return left.isDisjoint(with: right)
    }
}

extension RecordShape {
    fileprivate func isSubtype(of other: RecordShape, _ mode: ValidationMode) -> Bool {
        if self.isIdentical(to: other) { return true }
        if self.isOpen && !other.isOpen || self.rest != other.rest { return false }
        let mayBeWider = other.isOpen && mode == .permissive
        guard mayBeWider || self.attributes.count == other.attributes.count else { return false }
        return other.attributes.allSatisfy { name, attribute in
            self.attributes[name].map { $0.isSubtype(of: attribute, mode) } ?? false
        }
    }

    fileprivate func bound(with other: RecordShape, _ mode: ValidationMode) throws(Incompatibility) -> RecordShape {
        var attributes: [CedarString: Attribute] = [:]
        switch mode {
        case .strict:
            guard self.attributes.count == other.attributes.count, self.rest == other.rest else { throw .recordWidth }
            for (name, attribute) in self.attributes {
                guard let counterpart = other.attributes[name] else { throw .recordWidth }
                attributes[name] = try attribute.bound(with: counterpart, mode)
            }
            return RecordShape(attributes: attributes, isOpen: self.isOpen || other.isOpen, rest: self.rest)
        case .permissive:
            for (name, attribute) in self.attributes {
                guard let counterpart = other.attributes[name] else { continue }
                attributes[name] = try? attribute.bound(with: counterpart, mode)
            }
            let isWhole =
                attributes.count == self.attributes.count && attributes.count == other.attributes.count
                && self.rest == other.rest
            return RecordShape(
                attributes: attributes,
                isOpen: self.isOpen || other.isOpen || !isWhole,
                rest: self.rest == other.rest ? self.rest : nil,
            )
        }
    }
}

extension RecordShape.Attribute {
    fileprivate func isSubtype(of other: Self, _ mode: ValidationMode) -> Bool {
        let isAllowed = mode == .strict ? self.isRequired == other.isRequired : self.isRequired || !other.isRequired
        return isAllowed && self.type.isSubtype(of: other.type, mode)
    }

    fileprivate func bound(with other: Self, _ mode: ValidationMode) throws(Incompatibility) -> Self {
        let type = try self.type.bound(with: other.type, mode)
        if mode == .strict && self.isRequired != other.isRequired { throw .attributeQualifier }
        return Self(type: type, isRequired: self.isRequired && other.isRequired)
    }
}
