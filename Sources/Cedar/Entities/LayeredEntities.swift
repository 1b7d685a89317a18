/// A few entities of one request over a store that is shared by all.
///
/// The overlay is looked at first. Its entities may have parents in the overlay and in the base; what is in the base
/// keeps the ancestors that the base gave it, so an overlay cannot put anything above an entity of the base.
package struct LayeredEntities: EntitySource {
    /// The shared store.
    package let base: Entities
    /// The request's own entities; few, as they are scanned.
    package let overlay: [Entity]

    /// Lays entities over a store; of two with one identity, the first is seen.
    package init(base: Entities, overlay: [Entity]) {
        self.base = base
        self.overlay = overlay
    }

    /// The entity of that identity, the overlay's first.
    package func entity(_ uid: EntityUID) -> Entity? {
        for entity in self.overlay where entity.uid == uid { return entity }
        return self.base.entity(uid)
    }

    /// Whether `ancestor` can be reached from `descendant` over one or more parents.
    package func isAncestor(_ ancestor: EntityUID, of descendant: EntityUID) -> Bool {
        // A path without a cycle has at most one step for every entity of the overlay.
        self.isAncestor(ancestor, of: descendant, steps: self.overlay.count)
    }

    /// Everything that can be reached from an entity over one or more parents; empty if it is not known.
    package func ancestors(of uid: EntityUID) -> AncestorSet {
        guard let entity = self.overlay.first(where: { $0.uid == uid }) else { return self.base.ancestors(of: uid) }
        // The usual case: a request's entity is in one thing, and the base knows that.
        if let parent = entity.parents.first, entity.parents.count == 1,
            !self.overlay.contains(where: { $0.uid == parent })
        {
            return self.base.ancestors(of: parent).inserting(parent)
        }
        var found: [EntityUID] = []
        var followed: [EntityUID] = []
        var pending = entity.parents
        while let parent = pending.popLast() {
            if followed.contains(parent) { continue }
            followed.append(parent)
            found.append(parent)
            if let above = self.overlay.first(where: { $0.uid == parent }) {
                pending += above.parents
            } else {
                found += self.base.ancestors(of: parent).all
            }
        }
        return AncestorSet(found)
    }

    private func isAncestor(_ ancestor: EntityUID, of descendant: EntityUID, steps: Int) -> Bool {
        for entity in self.overlay where entity.uid == descendant {
            guard steps > 0 else { return false }
            return entity.parents.contains { parent in
                parent == ancestor || self.isAncestor(ancestor, of: parent, steps: steps - 1)
            }
        }
        return self.base.isAncestor(ancestor, of: descendant)
    }
}
