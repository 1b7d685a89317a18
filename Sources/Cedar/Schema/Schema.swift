/// A Cedar schema in which every name is resolved: which entities, attributes and actions there can be.
///
/// Read from Cedar's schema text or from its JSON form; both give the same value.
package struct Schema: Sendable {
    /// The entity types, by name.
    package let entityTypes: [EntityTypeName: EntityTypeDeclaration]
    /// The actions and action groups, by identity.
    package let actions: [EntityUID: ActionDeclaration]

    init(entityTypes: [EntityTypeName: EntityTypeDeclaration], actions: [EntityUID: ActionDeclaration]) {
        self.entityTypes = entityTypes
        self.actions = actions
    }
}

/// What a schema says of the entities of one type.
package struct EntityTypeDeclaration: Hashable, Sendable {
    /// The type's name, with its namespace.
    package let name: EntityTypeName
    /// The types that an entity of this type may be directly in.
    package let parents: Set<EntityTypeName>
    /// The types whose entities an entity of this type may be in, over any number of steps; with itself only where the
    /// schema lets the type be in itself.
    package let ancestors: Set<EntityTypeName>
    /// The attributes; empty for an enumerated type.
    package let attributes: RecordType
    /// The type of every tag's value, or nil where entities of this type have no tags.
    package let tags: SchemaType?
    /// The only ids that there are, in the schema's order, or nil where any id is one.
    package let choices: [CedarString]?
}

/// What a schema says of one action.
package struct ActionDeclaration: Hashable, Sendable {
    /// The action.
    package let uid: EntityUID
    /// The groups that it is directly in.
    package let parents: Set<EntityUID>
    /// The groups that it is in, over any number of steps.
    package let ancestors: Set<EntityUID>
    /// The types of principals that it applies to; empty for a mere group.
    package let principals: Set<EntityTypeName>
    /// The types of resources that it applies to; empty for a mere group.
    package let resources: Set<EntityTypeName>
    /// The members of a request's context.
    package let context: RecordType
}

/// A type that a schema states.
package indirect enum SchemaType: Hashable, Sendable {
    /// `Bool`.
    case bool
    /// `Long`.
    case long
    /// `String`.
    case string
    /// `decimal`, `ipaddr`, `datetime`, `duration`.
    case `extension`(ExtensionType)
    /// A reference to an entity of a declared type.
    case entity(EntityTypeName)
    /// `Set<T>`.
    case set(SchemaType)
    /// `{a: T, b?: U}`.
    case record(RecordType)
    /// Whatever it turns out to be; not of Cedar's schema language, see ``Schema/withContexts(_:)``.
    case any
}

/// The members that a record, or an entity, must and may have; no others, unless it is open.
package struct RecordType: Hashable, Sendable {
    /// One member.
    package struct Attribute: Hashable, Sendable {
        /// Its type.
        package let type: SchemaType
        /// Whether it must be there.
        package let isRequired: Bool

        /// States a member.
        package init(type: SchemaType, isRequired: Bool) {
            self.type = type
            self.isRequired = isRequired
        }
    }

    /// The record without members.
    package static let empty = RecordType([:])

    /// The members by name.
    package let attributes: [CedarString: Attribute]
    /// The type of every member that is not listed, which is optional; nil where there are no others, as in every record
    /// that a schema states in Cedar's own language.
    package let rest: SchemaType?

    /// States a record.
    package init(_ attributes: [CedarString: Attribute], rest: SchemaType? = nil) {
        self.attributes = attributes
        self.rest = rest
    }
}

/// The types that Cedar's extensions add.
package enum ExtensionType: String, Hashable, Sendable, CaseIterable {
    /// A number with four decimals.
    case decimal
    /// An address or a range of addresses.
    case ipaddr
    /// A moment.
    case datetime
    /// A signed length of time.
    case duration
}
