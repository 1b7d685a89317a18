/// A type that the validator gives an expression.
indirect enum StaticType: Hashable, Sendable {
    /// The type without values, which the elements of an empty set have.
    case never
    /// A truth value; which one, where that is certain.
    case bool(Bool?)
    case long
    case string
    case `extension`(ExtensionType)
    /// An entity of one of these types.
    case entity(EntityTypes)
    case set(StaticType)
    case record(RecordShape)
    /// Whatever it turns out to be: it goes with every type, and nothing that is asked of it is an error.
    ///
    /// Only of what a program adds to a schema; see ``SchemaType/any``.
    case any

    static let anyBool = StaticType.bool(nil)
}

/// One or more entity types by their numbers in the schema's index, in order.
struct EntityTypes: Hashable, Sendable {
    let numbers: [Int]

    init(_ number: Int) { self.numbers = [number] }

    private init(sorted numbers: [Int]) { self.numbers = numbers }

    /// The type, where there is only one.
    var only: Int? { self.numbers.count == 1 ? self.numbers[0] : nil }

    func contains(_ number: Int) -> Bool { self.numbers.contains(number) }

    func isDisjoint(with other: EntityTypes) -> Bool { !self.numbers.contains { other.contains($0) } }

    func isSubset(of other: EntityTypes) -> Bool { self.numbers.allSatisfy { other.contains($0) } }

    func union(_ other: EntityTypes) -> EntityTypes {
        EntityTypes(sorted: Set(self.numbers).union(other.numbers).sorted())
    }
}

/// What is known of a record's members.
struct RecordShape: Hashable, Sendable {
    struct Attribute: Hashable, Sendable {
        let type: StaticType
        let isRequired: Bool
    }

    /// What shapes of one schema share that are equal, so that telling this needs no look at their members.
    final class Identity: Sendable {}

    let attributes: [CedarString: Attribute]
    /// Whether there may be members that are not listed; only a bound of several records is open.
    let isOpen: Bool
    /// The type of the members that are not listed, where a program has said so.
    ///
    /// They are optional; only what may be of any type can be read without a `has`.
    var rest: StaticType?
    /// Who it is among the schema's shapes; nil for one that an expression has made.
    var identity: Identity?

    /// Whether they are surely equal; where they are not, their members tell.
    func isIdentical(to other: RecordShape) -> Bool { self.identity != nil && self.identity === other.identity }

    /// Equal members, whosesoever they are.
    static func == (left: RecordShape, right: RecordShape) -> Bool {
        left.isIdentical(to: right)
            || left.isOpen == right.isOpen && left.attributes == right.attributes && left.rest == right.rest
    }

    /// Hashes the members.
    func hash(into hasher: inout Hasher) {
        hasher.combine(self.attributes)
        hasher.combine(self.isOpen)
        hasher.combine(self.rest)
    }
}
