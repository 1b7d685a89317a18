package import Cedar

extension Directory {
    /// The directory's entities with others beside or instead of them, for trying policies out.
    ///
    /// A resource `connection/name` that nobody describes lies in its connection and has its labels.
    package func entities(with more: [Entity], resource: EntityUID) throws(EntitiesError) -> Entities {
        var more = more
        let name = ConnectionName(String(resource.id.string.prefix { $0 != "/" }))
        if let name, connections[name] != nil, entities.entity(resource) == nil,
            !more.contains(where: { $0.uid == resource })
        {
            let connection = EntityUID.connection(name)
            let labels = entities.entity(connection)?.tags ?? .empty
            more.append(Entity(uid: resource, tags: labels, parents: [connection]))
        }
        let names = Set(more.map(\.uid))
        return try Entities(entities.all.filter { !names.contains($0.uid) } + more)
    }
}
