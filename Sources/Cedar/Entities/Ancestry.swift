/// Works out who is above whom.
struct Ancestry {
    private var ancestors: [EntityUID: Set<EntityUID>] = [:]

    /// Walks up from every entity, each once.
    ///
    /// Without recursion: a long chain of parents must not cost the stack. Stops at the limit, as the pairs of a chain
    /// grow with the square of its length.
    init(_ entities: [EntityUID: Entity], limit: Int) throws(EntitiesError) {
        var total = 0
        self.ancestors.reserveCapacity(entities.count)
        var onPath = Set<EntityUID>()
        for start in entities.values where self.ancestors[start.uid] == nil {
            var path = [(entity: start, next: 0)]
            onPath.insert(start.uid)
            while let (entity, next) = path.last {
                if next < entity.parents.count {
                    path[path.count - 1].next += 1
                    let parent = entity.parents[next]
                    if onPath.contains(parent) { throw .cycle(parent) }
                    if self.ancestors[parent] == nil, let above = entities[parent] {
                        path.append((above, 0))
                        onPath.insert(parent)
                    }
                } else {
                    var all = Set(entity.parents)
                    for parent in entity.parents { all.formUnion(self.ancestors[parent] ?? []) }
                    total += all.count
                    if total > limit { throw .tooManyAncestors(limit: limit) }
                    self.ancestors[entity.uid] = all
                    onPath.remove(entity.uid)
                    path.removeLast()
                }
            }
        }
    }

    func ancestors(of uid: EntityUID) -> AncestorSet { AncestorSet(self.ancestors[uid] ?? []) }
}
