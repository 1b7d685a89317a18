import Cedar

/// What a JSON Schema lets a value be: never less than what it says, often more.
struct ArgumentShape {
    /// What it may be but null; nil for nothing.
    var value: Value?
    /// Whether it may be null, which policy sees as a member that is not there.
    var null: Null

    indirect enum Value {
        case type(SchemaType)
        case object(Members)
    }

    enum Null {
        case no
        /// The schema does not speak of it.
        case unsaid
        case yes
    }

    /// The members of an object.
    struct Members {
        struct Property {
            var shape: ArgumentShape
            var isRequired: Bool
        }

        /// What is said of members that are not listed.
        enum Others {
            /// Nothing, because no members are listed either.
            case unsaid
            /// That there are none; or nothing, though members are listed.
            case unlisted
            /// That they may be so.
            indirect case open(ArgumentShape)
        }

        var properties: [CedarString: Property] = [:]
        var others: Others
    }

    static let unknown = ArgumentShape(value: .type(.any), null: .unsaid)
    static let nothing = ArgumentShape(value: nil, null: .no)
    static let null = ArgumentShape(value: nil, null: .yes)

    static func of(_ type: SchemaType) -> ArgumentShape { ArgumentShape(value: .type(type), null: .no) }

    static func object(_ members: Members) -> ArgumentShape { ArgumentShape(value: .object(members), null: .no) }

    /// The Cedar type of what it may be but null.
    var type: SchemaType {
        switch value {
        case nil: .any
        case .type(let type): type
        case .object(let members): members.type
        }
    }

    /// One or the other.
    func union(_ other: ArgumentShape) -> ArgumentShape {
        let null: Null =
            switch (null, other.null) {
            case (.yes, _), (_, .yes): .yes
            case (.unsaid, _), (_, .unsaid): .unsaid
            case (.no, .no): .no
            }
        return ArgumentShape(value: Self.union(value, other.value), null: null)
    }

    private static func union(_ left: Value?, _ right: Value?) -> Value? {
        switch (left, right) {
        case (nil, let only), (let only, nil): only
        case (.object(let left), .object(let right)): .object(left.union(right))
        case (.type(.set(let left)), .type(.set(let right))): .type(.set(left == right ? left : .any))
        case (.type(let left), .type(let right)) where left == right: .type(left)
        case (.type, .type), (.type, .object), (.object, .type): .type(.any)
        }
    }

    /// Both at once.
    func both(_ other: ArgumentShape) -> ArgumentShape {
        let null: Null =
            switch (null, other.null) {
            case (.no, _), (_, .no): .no
            case (.yes, _), (_, .yes): .yes
            case (.unsaid, .unsaid): .unsaid
            }
        return ArgumentShape(value: Self.both(value, other.value), null: null)
    }

    private static func both(_ left: Value?, _ right: Value?) -> Value? {
        switch (left, right) {
        case (nil, _), (_, nil): nil
        case (.type(.any), let only?), (let only?, .type(.any)): only
        case (.object(let left), .object(let right)): .object(left.both(right))
        case (.type(.set(.any)), .type(.set(let only))), (.type(.set(let only)), .type(.set(.any))): .type(.set(only))
        case (.type(let left), .type(let right)) where left == right: .type(left)
        // There may be no such value; whatever is said of it is true.
        case (.type, .type), (.type, .object), (.object, .type): .type(.any)
        }
    }

    /// The shape, where objects, at whatever depth, may have members beside those that are listed.
    var opened: ArgumentShape {
        guard case .object(var members) = value else { return self }
        members.others = .open(.unknown)
        members.properties = members.properties.mapValues { .init(shape: $0.shape.opened, isRequired: $0.isRequired) }
        return ArgumentShape(value: .object(members), null: null)
    }
}

extension ArgumentShape.Members {
    var type: SchemaType {
        let rest: SchemaType? =
            switch others {
            case .unsaid: .any
            case .unlisted: nil
            case .open(let shape): shape.type
            }
        var attributes = [CedarString: RecordType.Attribute]()
        for (name, property) in properties {
            // A property that nothing conforms to is in no call.
            guard property.shape.value != nil || property.isRequired else {
                // Null alone is never there for policy; but what may be listed elsewhere is not known to be missing.
                if rest != nil { attributes[name] = .init(type: .any, isRequired: false) }
                continue
            }
            attributes[name] = .init(
                type: property.shape.type,
                isRequired: property.isRequired && property.shape.null != .yes,
            )
        }
        return .record(RecordType(attributes, rest: rest))
    }

    func union(_ other: Self) -> Self {
        var result = Self(others: others.union(other.others))
        for name in Set(properties.keys).union(other.properties.keys) {
            let one = properties[name] ?? others.property
            let two = other.properties[name] ?? other.others.property
            result.properties[name] = .init(
                shape: one.shape.union(two.shape),
                isRequired: one.isRequired && two.isRequired,
            )
        }
        return result
    }

    func both(_ other: Self) -> Self {
        var result = Self(others: others.both(other.others))
        for name in Set(properties.keys).union(other.properties.keys) {
            let one = properties[name] ?? others.unconstrained
            let two = other.properties[name] ?? other.others.unconstrained
            result.properties[name] = .init(
                shape: one.shape.both(two.shape),
                isRequired: one.isRequired || two.isRequired,
            )
        }
        return result
    }
}

extension ArgumentShape.Members.Others {
    /// A member that is not listed, where it may stand instead of one that is.
    fileprivate var property: ArgumentShape.Members.Property {
        switch self {
        case .unsaid: .init(shape: .unknown, isRequired: false)
        case .unlisted: .init(shape: .nothing, isRequired: false)
        case .open(let shape): .init(shape: shape, isRequired: false)
        }
    }

    /// What is said of a member that is not listed, where another schema lists it.
    fileprivate var unconstrained: ArgumentShape.Members.Property {
        switch self {
        case .unsaid, .unlisted: .init(shape: .unknown, isRequired: false)
        case .open(let shape): .init(shape: shape, isRequired: false)
        }
    }

    fileprivate func union(_ other: Self) -> Self {
        switch (self, other) {
        case (.open(let one), .open(let two)): .open(one.union(two))
        case (.open, _), (_, .open): .open(.unknown)
        case (.unsaid, _), (_, .unsaid): .unsaid
        case (.unlisted, .unlisted): .unlisted
        }
    }

    fileprivate func both(_ other: Self) -> Self {
        switch (self, other) {
        case (.open(let one), .open(let two)): .open(one.both(two))
        case (.open(let shape), _), (_, .open(let shape)): .open(shape)
        case (.unlisted, _), (_, .unlisted): .unlisted
        case (.unsaid, .unsaid): .unsaid
        }
    }
}
