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

    /// The vocabulary as a Cedar schema, for people's editors and other Cedar engines.
    package static let schema: String = {
        let resources = resourceTypes.subtracting(["Connection"]).sorted().joined(separator: ", ")
        var text = """
            // The entities of Countersign. Written by `countersign policy schema`.
            entity Group;
            entity Environment;
            entity User in [Group] { id: String };
            entity Agent in [Group] { id: String, owner?: User };
            entity Connection in [Environment] { kind: String, name: String } tags String;
            entity \(resources) in [Connection];
            entity Approval in [Connection] { agent: Agent, action: String };

            """
        for group in Effect.allCases.map(\.rawValue) + protocols.sorted() { text += "action \"\(group)\";\n" }
        for name in protocols.sorted() {
            for effect in Effect.allCases {
                text += """
                    action "\(name):\(effect.rawValue)" in ["\(effect.rawValue)", "\(name)"] appliesTo {
                      principal: Agent, resource: [Connection, \(resources)], context: {
                        "method"?: String, "path"?: String, "query"?: String, "source_address"?: ipaddr,
                        "time": datetime, "on_behalf_of"?: User, "justification"?: String,
                      } };

                    """
            }
        }
        text +=
            "action \"approve\" appliesTo { principal: User, resource: Approval, context: { \"time\": datetime } };\n"
        return text
    }()
}
