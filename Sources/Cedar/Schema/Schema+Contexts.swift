extension Schema {
    /// The schema with other contexts, for a program that knows of members which Cedar's schema language cannot state:
    /// open records, and values of any type.
    package func withContexts(_ context: (ActionDeclaration) -> RecordType) -> Schema {
        let actions = self.actions.mapValues { action in
            ActionDeclaration(
                uid: action.uid,
                parents: action.parents,
                ancestors: action.ancestors,
                principals: action.principals,
                resources: action.resources,
                context: context(action),
            )
        }
        return Schema(entityTypes: self.entityTypes, actions: actions)
    }
}

extension RecordType {
    /// The record with one member more, or another in the place of the one of that name.
    package func adding(_ name: CedarString, _ type: SchemaType, isRequired: Bool) -> RecordType {
        var attributes = self.attributes
        attributes[name] = Attribute(type: type, isRequired: isRequired)
        return RecordType(attributes, rest: self.rest)
    }

    /// The record with members of one type beside those that are listed.
    package func open(to rest: SchemaType) -> RecordType { RecordType(self.attributes, rest: rest) }
}
