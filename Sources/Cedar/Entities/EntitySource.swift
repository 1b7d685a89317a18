/// Where evaluation looks entities up.
package protocol EntitySource: Sendable {
    /// The entity of that identity, or nil if it is not known.
    func entity(_ uid: EntityUID) -> Entity?

    /// Whether `ancestor` can be reached from `descendant` over one or more parents.
    ///
    /// An entity that is not known has no ancestors. An entity is not its own ancestor (Cedar's `in` adds that).
    func isAncestor(_ ancestor: EntityUID, of descendant: EntityUID) -> Bool

    /// Everything that can be reached from an entity over one or more parents; empty if it is not known.
    func ancestors(of uid: EntityUID) -> AncestorSet

    /// Both answers about one entity, for the price of one where the source can.
    func entityAndAncestors(of uid: EntityUID) -> (entity: Entity?, ancestors: AncestorSet)
}

extension EntitySource {
    /// Both answers, one after the other.
    package func entityAndAncestors(of uid: EntityUID) -> (entity: Entity?, ancestors: AncestorSet) {
        (self.entity(uid), self.ancestors(of: uid))
    }
}
