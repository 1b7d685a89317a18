import CanonicalJSON

/// Policies that were read together, compiled and ready to be asked.
package struct PolicySet: Sendable {
    /// The policies, in the order of their sources and of their places there, then those of the links in their order.
    package let policies: [Policy]
    /// The templates, in the order of their sources and of their places there; they say nothing themselves.
    package let templates: [Template]
    /// The links, each of which is one of the policies.
    package let links: [TemplateLink]
    let statements: [Statement]
    let program: Program

    /// Reads policy texts.
    ///
    /// - Parameters:
    ///   - sources: The texts: Cedar's policy text, or its JSON form of a policy set where the first character is `{`.
    ///     A document's links may link the templates of any of the sources.
    ///   - idsFromAnnotations: Whether the `@id` of a policy or template of a text is its id. No two may then have the
    ///     same. In a document, the ids are the names of its members.
    ///   - limits: How large a text may be.
    /// - Throws: Every problem of every text; a set with a problem does not exist.
    package init(
        parsing sources: [PolicySource],
        idsFromAnnotations: Bool = false,
        limits: PolicyLimits = PolicyLimits(),
    ) throws(PolicyErrors) {
        var statements: [Statement] = []
        var links: [(link: TemplateLink, file: String)] = []
        var errors: [PolicyError] = []
        for source in sources {
            guard !Self.isDocument(source.text) else {
                let document = Self.read(source, limits: limits, &errors)
                statements += document.statements
                links += document.links.map { ($0, source.name) }
                continue
            }
            var parser = Parser(source, limits: limits)
            statements += parser.statements().enumerated().map { place, statement in
                let annotated = idsFromAnnotations ? statement.annotation("id") : nil
                return statement.named(annotated ?? Self.positionalID(statements.count + place))
            }
            errors += parser.errors
        }
        var ids = Set<CedarString>()
        for statement in statements where !ids.insert(CedarString(statement.id)).inserted {
            let message = "another policy has the id `\(statement.id)` already"
            errors.append(PolicyError(message: message, hint: "ids are unique", position: statement.position))
        }
        guard errors.isEmpty else { throw PolicyErrors(errors) }
        let set = PolicySet(statements: statements, links: [], linked: [])
        guard !links.isEmpty else {
            self = set
            return
        }
        do {
            self = try set.linking(links.map(\.link))
        } catch {
            let file = links.first { error.isOf($0.link) }?.file ?? links[0].file
            throw PolicyErrors([PolicyError(message: error.description, position: SourcePosition(startOf: file))])
        }
    }

    /// Collects statements whose ids are unique, and policies that are links.
    init(statements: [Statement], links: [TemplateLink], linked: [Policy]) {
        var policies: [Policy] = []
        var templates: [Template] = []
        for statement in statements {
            switch statement {
            case .policy(let policy): policies.append(policy)
            case .template(let template): templates.append(template)
            }
        }
        policies += linked
        self.policies = policies
        self.templates = templates
        self.links = links
        self.statements = statements
        self.program = Program(policies, links: links)
    }

    /// The canonical texts of all policies and templates, in order, then of the policies that are links, by id.
    ///
    /// Empty lines stand between them. Every link is named in a comment, and so is what only a set that was read from
    /// JSON has: an id that is neither the statement's place nor its `@id`, and a template without slots.
    package var canonicalText: String {
        var texts = self.statements.enumerated().map { index, statement in
            let ids = [Self.positionalID(index), statement.annotation("id") ?? ""].map { CedarString($0) }
            let id = ids.contains(CedarString(statement.id)) ? "" : "// \(CedarText.quoted(statement.id))\n"
            let kind = statement.isSlotlessTemplate ? "// a template\n" : ""
            return id + kind + statement.canonicalText + "\n"
        }
        let linked = zip(self.links, self.policies.suffix(self.links.count))
        for (link, policy) in linked.sorted(by: { CedarString($0.0.id) < CedarString($1.0.id) }) {
            texts.append("\(link.comment)\n\(policy.canonicalText)\n")
        }
        return texts.joined(separator: "\n")
    }

    /// Whether a text is JSON, which no policy text can begin like.
    private static func isDocument(_ text: String) -> Bool {
        text.utf8.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D } == UInt8(ascii: "{")
    }

    private static func read(
        _ source: PolicySource,
        limits: PolicyLimits,
        _ errors: inout [PolicyError],
    ) -> (statements: [Statement], links: [TemplateLink]) {
        let message: String
        do {
            let limit = JSONLimits(
                maxDepth: 512,
                maxBytes: limits.fileBytes,
                numbers: .int64,
                allowsNoncharacters: true
            )
            let json = try JSONParser.parse(source.text, limits: limit)
            do throws(PolicyJSONError) {
                return try Self.contents(of: json, file: source.name, limits: limits)
            } catch {
                message = error.description
            }
        } catch {
            message = "\(error)"
        }
        errors.append(PolicyError(message: message, position: SourcePosition(startOf: source.name)))
        return ([], [])
    }

    private static func positionalID(_ index: Int) -> String { "policy\(index)" }
}
