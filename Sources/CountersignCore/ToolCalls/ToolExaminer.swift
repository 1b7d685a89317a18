import Cedar

/// Checks policies once more against calls of the tools that are known, each with the types of its own arguments.
///
/// The validation at load knows nothing of arguments, and must not: a server that changes a definition would end policies
/// that are in force. What is found here is warned of, by commands (docs/decisions/0029).
struct ToolExaminer {
    private let policies: [Policy]
    private let tools: [KnownTool]
    private let connections: Set<ConnectionName>
    private let validator: Validator
    private let prepared: PreparedOutlines
    /// The tool of each outline; nil for requests that are no calls of tools.
    private let owners: [Int?]

    init?(_ set: GatedPolicySet, _ tools: [KnownTool], _ directory: Directory?) {
        guard !tools.isEmpty, let validator = try? PolicyVocabulary.validator.get() else { return nil }
        policies = set.policies.policies
        self.tools = tools.sorted { $0.name < $1.name }
        connections = Set(tools.map(\.name.connection))
        self.validator = validator
        let names = policies.reduce(into: Set<CedarString>()) { $0.formUnion($1.memberNames) }
        var outlines = [RequestOutline]()
        var owners = [Int?]()
        for (index, tool) in self.tools.enumerated() {
            let connection = directory?.connections[tool.name.connection]
            let environments = connection.map { connection in
                Set(connection.labels["env"].map { [EntityUID(type: "Environment", id: $0)] } ?? [])
            }
            // What MCP has beside name and arguments keeps a name that nothing else has.
            let others = names.filter { $0.string.utf8.starts(with: "param_".utf8) }
            outlines.append(tool.outline(environments: environments, others: others))
            owners.append(index)
        }
        for connection in connections.sorted() {
            let more = Self.otherRequests(connection, names)
            outlines += more
            owners += more.map { _ in nil }
        }
        self.owners = owners
        prepared = validator.prepare(outlines)
    }

    /// What else agents ask of a connection, or its server of them: prompts have arguments, too.
    private static func otherRequests(_ connection: ConnectionName, _ names: Set<CedarString>) -> [RequestOutline] {
        let ofCalls: Set<CedarString> = ["tool", "definition"]
        let attributes = names.union(["arguments"]).subtracting(ofCalls)
            .map { ($0, RecordType.Attribute(type: .any, isRequired: false)) }
        let context = RecordType(Dictionary(attributes) { first, _ in first })
            .adding("method", .string, isRequired: true)
        let whole = EntityUID.connection(connection)
        func outline(_ effects: [Effect], _ type: EntityTypeName, _ resource: EntityUID?) -> RequestOutline {
            RequestOutline(
                principal: "Agent",
                actions: effects.map { EntityUID(type: "Action", id: "mcp:\($0.rawValue)") },
                resourceType: type,
                resource: resource,
                containers: ["Connection": [whole]],
                context: context,
            )
        }
        return [
            outline([.read], "Prompt", nil), outline([.read], "Resource", nil),
            outline(Effect.allCases, "Connection", whole),
        ]
    }

    /// What is wrong with one policy, in the order of its text.
    func warnings(of index: Int) -> [PolicyWarning] {
        let policy = policies[index]
        let unknown = unknownTools(policy)
        var found = Found()
        var isPossible = false
        var isAsked = false
        for (owner, judgement) in zip(owners, validator.judge(policy, prepared)) {
            guard let judgement else { continue }
            if let owner {
                isAsked = true
                isPossible = isPossible || judgement.isPossible
                for finding in judgement.findings {
                    found.add(finding.message, finding.hint, finding.position, tools[owner])
                }
            }
            for question in judgement.questions where question.isAboutArguments {
                found.ask(question, owner.map { tools[$0] })
            }
        }
        if isConfined(policy) { found.addAbsent() }
        var warnings = found.warnings(policy.id)
        if unknown.isEmpty, warnings.isEmpty, !isPossible, let message = never(policy, isAsked: isAsked) {
            let position = policy.position
            warnings.append(PolicyWarning(code: .neverApplies, policy: policy.id, message: message, position: position))
        }
        return unknown + warnings
    }

    /// Tools that a policy names and their connection does not have.
    private func unknownTools(_ policy: Policy) -> [PolicyWarning] {
        var told = Set<EntityUID>()
        return policy.namedEntities.compactMap { named in
            guard named.uid.type == "Tool", let (connection, tool) = Self.parts(named.uid),
                connections.contains(connection), told.insert(named.uid).inserted
            else { return nil }
            let known = tools.filter { $0.name.connection == connection }.map(\.name.tool)
            guard !known.contains(where: { $0.utf8.elementsEqual(tool.utf8) }) else { return nil }
            let near = SyntaxHints.nearest(to: tool, among: known).map { "; did you mean \($0)?" } ?? ""
            return PolicyWarning(
                code: .unknownTool,
                policy: policy.id,
                message: "the policy \(policy.id) names the tool \(connection)/\(tool), and no definition of it was "
                    + "accepted\(near)",
                position: named.position,
            )
        }
    }

    /// Why nothing satisfies a policy about one tool, as definition and configuration have it.
    private func never(_ policy: Policy, isAsked: Bool) -> String? {
        guard case .equal(let uid) = policy.scope.resource, let tool = tools.first(where: { $0.uid == uid }) else {
            return nil
        }
        if isAsked { return "the policy \(policy.id) never applies: no call of the tool \(tool.text) is as it says" }
        // A scope that is about no agent leaves all calls out, whatever they do.
        guard tool.effects.count < Effect.allCases.count, policy.scope.principal.mayBeAgent else { return nil }
        let actions = tool.effects.map { "mcp:\($0.rawValue)" }.joined(separator: " or ")
        return "the policy \(policy.id) never applies: every call of the tool \(tool.text) is \(actions)"
    }

    /// Whether a policy is about nothing but connections whose tools are known.
    private func isConfined(_ policy: Policy) -> Bool {
        guard let uid = policy.scope.resource.entity else { return false }
        switch uid.type {
        case "Connection": return ConnectionName(uid.id.string).map { connections.contains($0) } ?? false
        case "Tool": return Self.parts(uid).map { connections.contains($0.0) } ?? false
        default: return false
        }
    }

    /// Connection and name of a tool.
    private static func parts(_ uid: EntityUID) -> (ConnectionName, String)? {
        let bytes = uid.id.string.utf8
        guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        let name = String(decoding: bytes[bytes.index(after: slash)...], as: UTF8.self)
        return ConnectionName(String(decoding: bytes[..<slash], as: UTF8.self)).map { ($0, name) }
    }
}

/// What was found in one policy, each thing once, with all tools that it is found for.
private struct Found {
    private struct Key: Hashable {
        let offset: Int
        let message: CedarString
    }

    private struct Item {
        let message: String
        let position: SourcePosition
        var hints: [String]
        var tools: [KnownTool]
    }

    private struct Asked {
        var isPossible: Bool
        var names: [String]
        var tools: [KnownTool]
        let question: MemberQuestion
    }

    private var items: [Key: Item] = [:]
    private var asked: [Key: Asked] = [:]

    mutating func add(_ message: String, _ hint: String?, _ position: SourcePosition, _ tool: KnownTool) {
        let key = Key(offset: position.offset, message: CedarString(message))
        var item = items[key] ?? Item(message: message, position: position, hints: [], tools: [])
        if let hint, !item.hints.contains(hint) { item.hints.append(hint) }
        if item.tools.last != tool { item.tools.append(tool) }
        items[key] = item
    }

    mutating func ask(_ question: MemberQuestion, _ tool: KnownTool?) {
        let key = Key(offset: question.position.offset, message: CedarString(question.message))
        var item = asked[key] ?? Asked(isPossible: false, names: [], tools: [], question: question)
        item.isPossible = item.isPossible || question.isPossible
        item.names += question.names.map(\.string).filter { name in !item.names.contains(name) }
        if let tool, item.tools.last != tool { item.tools.append(tool) }
        asked[key] = item
    }

    /// Adds what is asked for with `has` and never there.
    mutating func addAbsent() {
        for item in asked.values where !item.isPossible {
            let name = item.question.path[item.question.path.count - 1].string
            let near = SyntaxHints.nearest(to: name, among: item.names).map { "did you mean `\($0)`?" }
            for tool in item.tools { add(item.question.message, near, item.question.position, tool) }
        }
    }

    func warnings(_ policy: String) -> [PolicyWarning] {
        items.values.sorted { ($0.position.offset, $0.message) < ($1.position.offset, $1.message) }.map { item in
            // What is near is worth more than a list, and several lists say nothing.
            let hint = item.hints.first { $0.hasPrefix("did") } ?? (item.hints.count == 1 ? item.hints[0] : nil)
            return PolicyWarning(
                code: .toolArguments,
                policy: policy,
                message: "for \(Self.text(item.tools)), \(item.message)" + (hint.map { "; \($0)" } ?? ""),
                position: item.position,
            )
        }
    }

    /// `the tool a/x`, `the tools a/x, a/y and 3 others`.
    private static func text(_ tools: [KnownTool]) -> String {
        let named = tools.prefix(tools.count == 4 ? 4 : 3).map(\.text)
        guard named.count > 1 else { return "the tool \(named.joined())" }
        let more = tools.count - named.count
        guard more == 0 else { return "the tools \(named.joined(separator: ", ")) and \(more) others" }
        return "the tools \(named.dropLast().joined(separator: ", ")) and \(named[named.count - 1])"
    }
}

extension KnownTool {
    /// Connection and name.
    fileprivate var text: String { "\(name.connection)/\(name.tool)" }
}

extension Scope.EntityConstraint {
    /// Whether it is about agents for certain, or about anybody.
    fileprivate var mayBeAgent: Bool {
        switch self {
        case .any: true
        case .equal(let uid): uid.type == "Agent"
        case .within(let uid): uid.type == "Group"
        case .isType(let type), .isTypeWithin(let type, _): type == "Agent"
        }
    }
}

extension MemberQuestion {
    /// Whether it asks for an argument, or for a part of one.
    fileprivate var isAboutArguments: Bool { path.count > 2 && path.starts(with: ["context", "arguments"]) }
}
