package import Cedar

/// The entity types, protocols and action groups that the product ships with (DESIGN 3).
package enum PolicyVocabulary {
    /// The protocols whose effects are actions.
    package static let protocols: Set<String> = ["http", "mcp", "postgres", "docker"]
    /// The types that an operation's resource can have.
    package static let resourceTypes: Set<String> = [
        "Connection", "Container", "Database", "Endpoint", "Image", "Schema", "Table", "Tool", "Resource", "Prompt",
    ]
    /// The action of deciding on an approval.
    package static let approve = EntityUID(type: "Action", id: "approve")

    /// Every action, `Action::"http:delete"` for instance, in its effect's and its protocol's group.
    package static let actions: [Entity] = {
        var all = [Entity(uid: approve)]
        all += Effect.allCases.map { Entity(uid: EntityUID(type: "Action", id: $0.rawValue)) }
        for name in protocols.sorted() {
            let group = EntityUID(type: "Action", id: name)
            all.append(Entity(uid: group))
            for effect in Effect.allCases {
                let uid = EntityUID(type: "Action", id: name + ":" + effect.rawValue)
                all.append(Entity(uid: uid, parents: [EntityUID(type: "Action", id: effect.rawValue), group]))
            }
        }
        return all
    }()
}
