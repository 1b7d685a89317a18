extension SchemaResolver {
    /// What a written type comes to.
    struct Expansion {
        let type: SchemaType
        /// The nodes of the type's tree, common types counted wherever they are used; at most `Int.max`.
        let nodes: Int
        /// The levels of the type's tree.
        let depth: Int
    }

    /// Expands the common types, those that others refer to first.
    mutating func expandCommonTypes() {
        self.expansions = Array(repeating: nil, count: self.commonTypes.count)
        var edges: [[Int]] = []
        for located in self.commonTypes {
            var references = Set<Int>()
            self.collectCommonTypes(of: located.statement.type, in: located.namespace, into: &references)
            edges.append(references.sorted())
        }
        let graph = DependencyGraph(edges: edges)
        let (order, rest) = graph.sorted()
        for number in order {
            let located = self.commonTypes[number]
            let place = located.statement.name.place
            self.expansions[number] = self.expand(located.statement.type, in: located.namespace, for: place)
        }
        for cycle in graph.cycles(among: rest) {
            guard let first = cycle.first else { continue }
            var names = (cycle.prefix(8) + [first]).map {
                "`\(self.shown(self.commonTypes[$0].statement.name, in: self.commonTypes[$0].namespace))`"
            }
            if cycle.count > 8 { names.insert("…", at: 8) }
            let path = names.joined(separator: " → ")
            let hint = "a type cannot contain itself; entities can refer to each other"
            self.note(
                self.commonTypes[first].statement.name.place,
                "the common type refers to itself: \(path)",
                hint: hint,
            )
        }
    }

    /// Expands a type for a declaration, which must be a record, and counts it.
    mutating func record(
        _ type: WrittenType,
        in namespace: Int,
        uses: Int,
        for place: SchemaPlace,
        _ what: String,
    ) -> RecordType? {
        guard let expansion = self.counted(type, in: namespace, uses: uses, for: place) else { return nil }
        guard case .record(let record) = expansion else {
            self.note(place, "\(what) is not a record", hint: "it is `{…}` or a common type that stands for a record")
            return nil
        }
        return record
    }

    /// Expands a type for a declaration and counts it.
    mutating func counted(_ type: WrittenType, in namespace: Int, uses: Int, for place: SchemaPlace) -> SchemaType? {
        guard let expansion = self.expand(type, in: namespace, for: place) else { return nil }
        let (nodes, overflows) = expansion.nodes.multipliedReportingOverflow(by: uses)
        let isNew = self.nodes <= SchemaLimits.nodes
        self.nodes = overflows || nodes > SchemaLimits.nodes ? SchemaLimits.nodes + 1 : self.nodes + nodes
        guard self.nodes <= SchemaLimits.nodes else {
            if isNew {
                self.note(
                    place,
                    "the schema's types have more than \(SchemaLimits.nodes) parts once common types are put in",
                    hint: "common types that contain each other many times multiply",
                )
            }
            return nil
        }
        return expansion.type
    }

    /// What a type comes to, or nil where that is broken and noted.
    private mutating func expand(_ type: WrittenType, in namespace: Int, for place: SchemaPlace) -> Expansion? {
        switch type {
        case .bool: return Expansion(type: .bool, nodes: 1, depth: 1)
        case .long: return Expansion(type: .long, nodes: 1, depth: 1)
        case .string: return Expansion(type: .string, nodes: 1, depth: 1)
        case .extension(let name, let place):
            guard let known = ExtensionType.allCases.first(where: { CedarString($0.rawValue) == name }) else {
                let names = ExtensionType.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
                let shown = CedarText.shortened(name.string)
                self.note(place, "there is no extension type `\(shown)`", hint: "there are \(names)")
                return nil
            }
            return Expansion(type: .extension(known), nodes: 1, depth: 1)
        case .reference(let reference):
            return self.expand(reference, in: namespace)
        case .set(let element):
            guard let element = self.expand(element, in: namespace, for: place) else { return nil }
            return self.bounded(.set(element.type), nodes: element.nodes, depth: element.depth, for: place)
        case .record(let attributes):
            return self.expand(attributes, in: namespace, for: place)
        }
    }

    private mutating func expand(
        _ attributes: [WrittenAttribute],
        in namespace: Int,
        for place: SchemaPlace,
    ) -> Expansion? {
        var members: [CedarString: RecordType.Attribute] = [:]
        var nodes = 0
        var depth = 0
        var isWhole = true
        for attribute in Self.effective(attributes) {
            guard let expansion = self.expand(attribute.type, in: namespace, for: place) else {
                isWhole = false
                continue
            }
            members[attribute.name] = RecordType.Attribute(type: expansion.type, isRequired: attribute.isRequired)
            nodes = Self.sum(nodes, expansion.nodes)
            depth = max(depth, expansion.depth)
        }
        guard isWhole else { return nil }
        return self.bounded(.record(RecordType(members)), nodes: nodes, depth: depth, for: place)
    }

    private mutating func expand(_ reference: TypeReference, in namespace: Int) -> Expansion? {
        switch self.definitions.definition(of: reference, in: namespace) {
        case .builtin(let type): return Expansion(type: type, nodes: 1, depth: 1)
        case .common(let number): return self.expansions[number]
        case .entity(let number): return Expansion(type: .entity(self.entities[number].name), nodes: 1, depth: 1)
        case .actionType(let namespace):
            return self.actionTypes[namespace].map { Expansion(type: .entity($0), nodes: 1, depth: 1) }
        case nil:
            self.noteUndeclared(reference, in: namespace)
            return nil
        }
    }

    private mutating func bounded(_ type: SchemaType, nodes: Int, depth: Int, for place: SchemaPlace) -> Expansion? {
        guard depth < SchemaLimits.depth else {
            self.note(place, "the type nests deeper than \(SchemaLimits.depth) levels once common types are put in")
            return nil
        }
        return Expansion(type: type, nodes: Self.sum(nodes, 1), depth: depth + 1)
    }

    /// The common types that a type refers to.
    private func collectCommonTypes(of type: WrittenType, in namespace: Int, into found: inout Set<Int>) {
        switch type {
        case .bool, .long, .string, .extension: return
        case .reference(let reference):
            if case .common(let number) = self.definitions.definition(of: reference, in: namespace) {
                found.insert(number)
            }
        case .set(let element): self.collectCommonTypes(of: element, in: namespace, into: &found)
        case .record(let attributes):
            for attribute in Self.effective(attributes) {
                self.collectCommonTypes(of: attribute.type, in: namespace, into: &found)
            }
        }
    }

    /// The attributes that count: of several with one name the last.
    private static func effective(_ attributes: [WrittenAttribute]) -> [WrittenAttribute] {
        var last: [CedarString: Int] = [:]
        for (index, attribute) in attributes.enumerated() { last[attribute.name] = index }
        if last.count == attributes.count { return attributes }
        return attributes.enumerated().filter { last[$0.element.name] == $0.offset }.map(\.element)
    }

    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflows) = left.addingReportingOverflow(right)
        return overflows ? Int.max : sum
    }
}
