/// An entity: who it is, what is known of it, and what it is directly in.
package struct Entity: Hashable, Sendable {
    private let storage: Storage

    /// Describes an entity.
    package init(
        uid: EntityUID,
        attributes: Record = .empty,
        tags: Record = .empty,
        parents: [EntityUID] = [],
    ) {
        self.storage = Storage(uid: uid, attributes: attributes, tags: tags, parents: parents)
    }

    /// The entity's identity.
    package var uid: EntityUID { self.storage.uid }

    /// What `entity.name` and `entity has name` read.
    package var attributes: Record { self.storage.attributes }

    /// What `getTag` and `hasTag` read.
    package var tags: Record { self.storage.tags }

    /// What the entity is directly in.
    package var parents: [EntityUID] { self.storage.parents }

    /// Equal in everything; the order and the repetition of parents do not matter.
    package static func == (left: Entity, right: Entity) -> Bool {
        left.uid == right.uid && left.attributes == right.attributes && left.tags == right.tags
            && Set(left.parents) == Set(right.parents)
    }

    /// Hashes the identity.
    package func hash(into hasher: inout Hasher) { hasher.combine(self.uid) }

    private final class Storage: Sendable {
        let uid: EntityUID
        let attributes: Record
        let tags: Record
        let parents: [EntityUID]

        init(uid: EntityUID, attributes: Record, tags: Record, parents: [EntityUID]) {
            self.uid = uid
            self.attributes = attributes
            self.tags = tags
            self.parents = parents
        }
    }
}
