/// A store of entities whose ancestors are worked out once.
package struct Entities: EntitySource {
    /// The store without entities.
    package static let empty = Entities(nodes: [])

    private let storage: Storage

    /// Collects entities.
    ///
    /// Two entities that are the same in everything count as one, as in the official engine.
    ///
    /// - Parameters:
    ///   - entities: The entities, in any order.
    ///   - ancestorLimit: How many pairs of an entity and an ancestor the store may hold.
    /// - Throws: When two are of one identity but not the same, when some are their own ancestors, or when an action is
    ///   in something that is no action.
    package init(_ entities: [Entity], ancestorLimit: Int = 4_000_000) throws(EntitiesError) {
        var byUID: [EntityUID: Entity] = [:]
        byUID.reserveCapacity(entities.count)
        for entity in entities {
            if let other = byUID.updateValue(entity, forKey: entity.uid), other != entity {
                throw .duplicate(entity.uid)
            }
            if entity.uid.type.isAction, let parent = entity.parents.first(where: { !$0.type.isAction }) {
                throw .actionParent(action: entity.uid, parent: parent)
            }
        }
        let ancestry = try Ancestry(byUID, limit: ancestorLimit)
        self.init(nodes: byUID.values.map { Node(entity: $0, ancestors: ancestry.ancestors(of: $0.uid)) })
    }

    private init(nodes: [Node]) { self.storage = Storage(nodes: nodes) }

    /// The number of entities.
    package var count: Int { self.storage.nodes.count }

    /// All entities, in no order.
    package var all: [Entity] { self.storage.nodes.map(\.entity) }

    /// The entity of that identity, or nil if it is not known.
    package func entity(_ uid: EntityUID) -> Entity? { self.storage.node(uid)?.entity }

    /// Whether `ancestor` can be reached from `descendant` over one or more parents.
    package func isAncestor(_ ancestor: EntityUID, of descendant: EntityUID) -> Bool {
        self.storage.node(descendant)?.ancestors.contains(ancestor) ?? false
    }

    /// Everything that can be reached from an entity over one or more parents; empty if it is not known.
    package func ancestors(of uid: EntityUID) -> AncestorSet { self.storage.node(uid)?.ancestors ?? .empty }

    /// Both answers about one entity with one look-up.
    package func entityAndAncestors(of uid: EntityUID) -> (entity: Entity?, ancestors: AncestorSet) {
        guard let node = self.storage.node(uid) else { return (nil, .empty) }
        return (node.entity, node.ancestors)
    }

    /// One reference for the whole store, so that handing it around costs nothing.
    private final class Storage: Sendable {
        let nodes: [Node]
        private let table: FingerprintTable

        init(nodes: [Node]) {
            self.nodes = nodes
            self.table = FingerprintTable(nodes.map(\.entity.uid.fingerprint))
        }

        func node(_ uid: EntityUID) -> Node? {
            self.table.place(of: uid.fingerprint) { self.nodes[$0].entity.uid == uid }.map { self.nodes[$0] }
        }
    }

    private struct Node: Sendable {
        let entity: Entity
        let ancestors: AncestorSet
    }
}

/// Why entities do not make a store.
package enum EntitiesError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Two different entities have one identity.
    case duplicate(EntityUID)
    /// An entity is its own ancestor.
    case cycle(EntityUID)
    /// An action is in something that is no action.
    case actionParent(action: EntityUID, parent: EntityUID)
    /// The entities' ancestors are more than a store may hold.
    case tooManyAncestors(limit: Int)
    /// The JSON is not what it must be.
    case malformed(InvalidPart)
    /// An entity does not conform to the schema.
    case nonconforming(EntityConformanceError)

    /// The reason, in words.
    package var description: String {
        switch self {
        case .duplicate(let uid): "there are two entities `\(uid)`"
        case .cycle(let uid): "the entity `\(uid)` is its own ancestor"
        case .actionParent(let action, let parent): "the action `\(action)` is in `\(parent)`, which is no action"
        case .tooManyAncestors(let limit): "the entities have more than \(limit) ancestors in all"
        case .malformed(let error): error.description
        case .nonconforming(let error): error.description
        }
    }
}
