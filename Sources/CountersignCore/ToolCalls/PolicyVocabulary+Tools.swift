import Cedar

extension PolicyVocabulary {
    /// The vocabulary with the calls of one tool as its accepted definition has them.
    package static func schema(of tool: KnownTool) -> String {
        var notes = Notes()
        let context = notes.sayable(tool.arguments, tool.context)
        let heading = """
            // The entities and actions of Countersign, with the arguments of \(tool.uid) as its accepted definition has them.
            // Written by `countersign policy schema --connection … --tool …`.
            //
            // It is for policies about calls of this tool: in it, \(actions(tool.effects)) nothing but such a call, so
            // it finds fault with what is said of other tools. All policies together are held against what
            // `countersign policy schema` prints without options.
            """
        let lines = context.schemaLines ?? "OtherContext"
        return schema(
            heading: heading + notes.text,
            calls: Dictionary(tool.effects.map { ($0, lines) }) { first, _ in first }
        )
    }

    /// The vocabulary with the calls of a connection's tools, those of one effect together.
    package static func schema(of tools: [KnownTool], on connection: ConnectionName) -> String {
        var notes = Notes()
        var calls = [Effect: String]()
        for effect in Effect.allCases {
            let known = tools.filter { $0.effects.contains(effect) }
            guard !known.isEmpty else { continue }
            let arguments = notes.common(of: known.map(\.arguments), effect)
            calls[effect] = notes.sayable(arguments, known[0].context).schemaLines
        }
        let heading = """
            // The entities and actions of Countersign, with the arguments of the tools of \(EntityUID.connection(connection))
            // as their accepted definitions have them. Written by `countersign policy schema --connection …`.
            //
            // It is for policies about calls of these tools: in it, \(actions(calls.keys)) nothing but such calls. The tools
            // of one effect are taken together: an argument is required where all of them require it, and stands here
            // where all that have it agree on its type. With --tool, the schema is exact.
            """
        return schema(heading: heading + notes.text, calls: calls)
    }

    private static func actions(_ effects: some Collection<Effect>) -> String {
        guard effects.count < Effect.allCases.count else { return "every action of MCP is" }
        let names = Effect.allCases.filter { effects.contains($0) }.map { "mcp:\($0.rawValue)" }
        guard let last = names.last, names.count > 1 else { return "\(names.joined()) is" }
        return "\(names.dropLast().joined(separator: ", ")) and \(last) are"
    }
}

/// What a schema could not say, for its comments.
private struct Notes {
    private var left: [String] = []
    private var disagreed: [String] = []

    /// A call's context with these arguments, as far as Cedar's schema language goes.
    mutating func sayable(_ arguments: SchemaType, _ context: RecordType) -> RecordType {
        let context = context.adding("arguments", arguments, isRequired: true)
        var found = [String]()
        let said = SchemaType.record(context).sayable(["context"]) { found.append($0) }
        left += found.filter { !left.contains($0) }
        guard case .record(let record)? = said else { return .empty }
        return record
    }

    /// The arguments of all these, as far as they agree.
    mutating func common(of types: [SchemaType], _ effect: Effect) -> SchemaType {
        var records = [RecordType]()
        for case .record(let record) in types { records.append(record) }
        // Nothing is known of the arguments of one of them.
        guard records.count == types.count else { return .any }
        var attributes = [CedarString: RecordType.Attribute]()
        for name in records.reduce(into: Set<CedarString>(), { $0.formUnion($1.attributes.keys) }).sorted() {
            let known = records.compactMap { $0.attributes[name] }
            guard let first = known.first, known.allSatisfy({ $0.type == first.type }) else {
                disagreed.append("\(CedarText.access(["context", "arguments", name])) of mcp:\(effect.rawValue)")
                continue
            }
            let isRequired = known.count == records.count && known.allSatisfy(\.isRequired)
            attributes[name] = RecordType.Attribute(type: first.type, isRequired: isRequired)
        }
        let isOpen = records.contains { $0.rest != nil }
        return .record(RecordType(attributes, rest: isOpen ? .any : nil))
    }

    var text: String {
        Self.list("Left out, because Cedar's schema language has no words for their types:", left)
            + Self.list("Left out, because tools disagree on their types:", disagreed)
    }

    private static func list(_ heading: String, _ items: [String]) -> String {
        guard !items.isEmpty else { return "" }
        let more = items.count > 40 ? ["and \(items.count - 40) more"] : []
        return "\n//\n// \(heading)" + (items.prefix(40) + more).map { "\n//   \($0)" }.joined()
    }
}
