package import Cedar

extension PolicyVocabulary {
    /// The vocabulary as a Cedar schema, for people's editors and other Cedar engines.
    ///
    /// What is always there when the gateway itself asks is required, though a document that an agent writes by hand may
    /// lack it: a policy that reads it then has an error, and a `forbid` with an error denies. Were it optional, every
    /// policy would have to say `context has path && …`, and would say nothing of a document without one.
    package static let schema = schema(
        heading: """
            // The entities and actions of Countersign. Written by `countersign policy schema`.
            //
            // Two things Cedar's schema language has no words for, and Countersign's own check knows:
            // `context.body` is whatever the payload's JSON holds, and the context of an action that is not HTTP may have
            // more members than are listed here.
            """
    )

    /// The vocabulary under a heading of comments; `calls` are the contexts of those MCP actions that are nothing but calls
    /// of tools.
    static func schema(heading: String, calls: [Effect: String] = [:]) -> String {
        let resources = resourceTypes.subtracting(["Connection"]).sorted().joined(separator: ", ")
        var text = """
            \(heading)

            entity Group;
            entity Environment;
            entity User in [Group] { id: String };
            entity Agent in [Group] { id: String, owner?: User };
            // Labels are tags, of the connection and of everything in it.
            entity Connection in [Environment] { kind: String, name: String } tags String;
            entity \(resources) in [Connection] tags String;
            entity Approval in [Connection] { agent: Agent, action: String } tags String;

            type Payload = {
              media_type?: String,
              // The payload itself, or where it is large, binary or compressed, its digest and its beginning.
              text?: String, bytes?: Long, sha256?: String, excerpt?: String,
            };
            type HTTPContext = {
              method: String, path: String, raw_path?: String, query?: String, raw_query?: String,
              upgrade?: String,
              // Every header that goes upstream by its lower-case name, each a set of strings:
              // context.headers has "x-team" && context.headers["x-team"].contains("red").
              headers: {}, trailers?: {},
              payload?: Payload,
              source_address: ipaddr, time: datetime, on_behalf_of?: User, justification?: String,
            };
            type OtherContext = {
              payload?: Payload,
              source_address: ipaddr, time: datetime, on_behalf_of?: User, justification?: String,
            };


            """
        let groups = Effect.allCases.map(\.rawValue) + protocols.sorted()
        text += "action " + groups.map { "\"\($0)\"" }.joined(separator: ", ") + ";\n"
        for name in protocols.sorted() {
            for effect in Effect.allCases {
                let call = name == "mcp" ? calls[effect] : nil
                text += "action \"\(name):\(effect.rawValue)\" in [\"\(effect.rawValue)\", \"\(name)\"] appliesTo {"
                text += " principal: Agent, resource: [\(call == nil ? "Connection, \(resources)" : "Tool")],"
                text += " context: \(call ?? (name == "http" ? "HTTPContext" : "OtherContext")) };\n"
            }
        }
        text += "// The context is that of the action that the approval is about.\n"
        text += "action \"approve\" appliesTo { principal: User, resource: Approval, context: OtherContext };\n"
        return text
    }

    /// ``schema`` with what Cedar's schema language has no words for; a failure is a mistake in this file.
    package static let resolvedSchema: Result<Schema, PolicyErrors> = {
        do throws(PolicyErrors) {
            let source = PolicySource(name: "countersign.cedarschema", text: schema)
            return .success(try Schema(parsing: [source]).withContexts(openContext))
        } catch {
            return .failure(error)
        }
    }()

    /// Holds policies against ``resolvedSchema``.
    static let validator = resolvedSchema.map { Validator(schema: $0) }

    /// Holds policies strictly against the product's schema.
    ///
    /// Throws only where that schema is itself wrong; no set can then be loaded.
    static func validate(_ policies: PolicySet) throws(PolicyErrors) -> ValidationResult {
        try validator.get().validate(policies, mode: .strict)
    }

    private static func openContext(of action: ActionDeclaration) -> RecordType {
        guard !action.principals.isEmpty else { return action.context }
        let context = action.context.adding("body", .any, isRequired: false)
        guard context.attributes["headers"] != nil else { return context.open(to: .any) }
        let fields = SchemaType.record(RecordType([:], rest: .set(.string)))
        return context.adding("headers", fields, isRequired: true).adding("trailers", fields, isRequired: false)
    }
}
