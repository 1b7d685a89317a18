extension SchemaResolver {
    /// What every entity type is.
    mutating func resolveEntityTypes() -> [EntityTypeName: EntityTypeDeclaration] {
        var records: [RecordType] = []
        var tags: [SchemaType?] = []
        var parents: [Set<Int>] = []
        for located in self.entityTypes {
            let statement = located.statement
            guard let place = statement.names.first?.place else { continue }
            let uses = statement.names.count
            let record = self.record(
                statement.shape,
                in: located.namespace,
                uses: uses,
                for: place,
                "the shape of the entity type",
            )
            records.append(record ?? .empty)
            tags.append(statement.tags.flatMap { self.counted($0, in: located.namespace, uses: uses, for: place) })
            parents.append(self.entityTypes(statement.parents, in: located.namespace))
        }
        guard self.errors.isEmpty, let place = self.entities.first?.place else { return [:] }
        let ancestors = self.ancestors(of: parents, statements: self.entities.map(\.statement), place: place)
        guard let ancestors else { return [:] }
        let parentNames = parents.map { Set($0.map { self.entities[$0].name }) }
        let ancestorNames = ancestors.map { Set($0.map { self.entities[$0].name }) }
        var declarations: [EntityTypeName: EntityTypeDeclaration] = [:]
        for (number, _, name) in self.entities {
            declarations[name] = EntityTypeDeclaration(
                name: name,
                parents: parentNames[number],
                ancestors: ancestorNames[number],
                attributes: records[number],
                tags: tags[number],
                choices: self.entityTypes[number].statement.choices,
            )
        }
        return declarations
    }

    /// What every action is.
    mutating func resolveActions() -> [EntityUID: ActionDeclaration] {
        var contexts: [RecordType] = []
        var principals: [Set<EntityTypeName>] = []
        var resources: [Set<EntityTypeName>] = []
        var parents: [Set<Int>] = []
        for located in self.actions {
            let statement = located.statement
            guard let place = statement.names.first?.place else { continue }
            let uses = statement.names.count
            let context = self.record(
                statement.context,
                in: located.namespace,
                uses: uses,
                for: place,
                "the context of the action",
            )
            contexts.append(context ?? .empty)
            principals.append(self.names(statement.principals, in: located.namespace))
            resources.append(self.names(statement.resources, in: located.namespace))
            parents.append(self.actions(statement.parents, in: located.namespace))
        }
        self.checkCycles(parents)
        guard self.errors.isEmpty, let place = self.actionEntities.first?.place else { return [:] }
        let ancestors = self.ancestors(of: parents, statements: self.actionEntities.map(\.statement), place: place)
        guard let ancestors else { return [:] }
        let parentUIDs = parents.map { Set($0.map { self.actionEntities[$0].uid }) }
        let ancestorUIDs = ancestors.map { Set($0.map { self.actionEntities[$0].uid }) }
        var declarations: [EntityUID: ActionDeclaration] = [:]
        for (number, _, uid) in self.actionEntities {
            declarations[uid] = ActionDeclaration(
                uid: uid,
                parents: parentUIDs[number],
                ancestors: ancestorUIDs[number],
                principals: principals[number],
                resources: resources[number],
                context: contexts[number],
            )
        }
        return declarations
    }

    // MARK: References

    /// The declared entity types that references stand for, by number; an action's type is none.
    private mutating func entityTypes(_ references: [TypeReference], in namespace: Int) -> Set<Int> {
        var numbers = Set<Int>()
        for reference in references {
            switch self.definitions.definition(of: reference, in: namespace) {
            case .entity(let number): numbers.insert(number)
            case .actionType:
                self.note(reference.place, "`\(reference.name.shown)` is the type of actions, which cannot stand here")
            case .builtin, .common, nil: self.noteUndeclared(reference, in: namespace)
            }
        }
        return numbers
    }

    private mutating func names(_ references: [TypeReference], in namespace: Int) -> Set<EntityTypeName> {
        Set(self.entityTypes(references, in: namespace).map { self.entities[$0].name })
    }

    private mutating func actions(_ references: [ActionReference], in namespace: Int) -> Set<Int> {
        var numbers = Set<Int>()
        for reference in references {
            if let number = self.definitions.action(reference, in: namespace) {
                numbers.insert(number)
                continue
            }
            if self.isFull { continue }
            let shown = "\(reference.type.map { "\($0.shown)::" } ?? "")\(CedarText.shortened(reference.id.string))"
            var hint: String?
            if let type = reference.type, type.base != "Action" {
                hint = "an action's type is `Action`: `NS::Action::\"id\"`"
            } else {
                let names = self.definitions.namespaces[namespace].actions.keys.prefix(1000).map(\.string)
                hint = self.nearest(to: reference.id.string, among: names)
            }
            self.note(reference.place, "the action `\(shown)` is not declared", hint: hint)
        }
        return numbers
    }

    /// Notes that a name stands for nothing.
    mutating func noteUndeclared(_ reference: TypeReference, in namespace: Int) {
        if self.isFull { return }
        let what =
            switch reference.kind {
            case .common: "a common type"
            case .entity: "an entity type"
            case .either: "a type"
            }
        var hint: String?
        if reference.name.base == "Boolean" {
            hint = "did you mean `Bool`?"
        } else if reference.name.namespace == nil {
            let namespaces = [
                self.definitions.namespaces[namespace], self.definitions.namespaces[SchemaDefinitions.unnamed],
            ]
            var names: [CedarString] = []
            if reference.kind != .entity {
                names += SchemaDefinitions.builtins.keys + namespaces.flatMap { $0.commonTypes.keys.prefix(1000) }
            }
            if reference.kind != .common { names += namespaces.flatMap { $0.entityTypes.keys.prefix(1000) } }
            hint = self.nearest(to: reference.name.base.string, among: names.map(\.string))
        }
        self.note(reference.place, "`\(reference.name.shown)` is not declared as \(what)", hint: hint)
    }

    private func nearest(to name: String, among names: [String]) -> String? {
        let names = names.filter { $0.utf8.count <= 64 }.sorted { CedarString($0) < CedarString($1) }
        return SyntaxHints.nearest(to: name, among: names).map { "did you mean `\($0)`?" }
    }

    // MARK: Hierarchies

    private mutating func checkCycles(_ parents: [Set<Int>]) {
        let edges = parents.map { numbers in Set(numbers.map { self.actionEntities[$0].statement }).sorted() }
        let graph = DependencyGraph(edges: edges)
        for cycle in graph.cycles(among: graph.sorted().rest) {
            guard let first = cycle.first, let name = self.actions[first].statement.names.first else { continue }
            let shown = CedarText.shortened(name.text.string)
            self.note(name.place, "the action `\(shown)` is in itself", hint: "groups of actions form no circles")
        }
    }

    /// Everything above each statement's declarations, over any number of steps; nil if that is too much, and noted.
    private mutating func ancestors(of parents: [Set<Int>], statements: [Int], place: SchemaPlace) -> [Set<Int>]? {
        var steps = 0
        var result: [Set<Int>] = []
        for direct in parents {
            var ancestors = direct
            var waiting = Array(direct)
            while let next = waiting.popLast() {
                let above = parents[statements[next]]
                steps += above.count + 1
                guard steps <= SchemaLimits.hierarchySteps else {
                    self.note(place, "the hierarchy has more than \(SchemaLimits.hierarchySteps) steps")
                    return nil
                }
                for parent in above where ancestors.insert(parent).inserted { waiting.append(parent) }
            }
            result.append(ancestors)
        }
        return result
    }
}
