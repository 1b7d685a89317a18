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
    /// Empty lines stand between them. Every link is named in a comment, and so are a template without slots and an id
    /// that reading the text with ids from annotations would not give.
    package var canonicalText: String {
        var texts = self.statements.enumerated().map { index, statement in
            // Left out only where reading the text gives just this id, or two sets with one text could be two.
            let own = CedarString(statement.annotation("id") ?? Self.positionalID(index))
            let id = own == CedarString(statement.id) ? "" : "// \(CedarText.quoted(statement.id))\n"
            let kind = statement.isSlotlessTemplate ? "// a template\n" : ""
            return id + kind + statement.canonicalText + "\n"
        }
        let linked = zip(self.links, self.policies.suffix(self.links.count))
        for (link, policy) in linked.sorted(by: { CedarString($0.0.id) < CedarString($1.0.id) }) {
            texts.append("\(link.comment)\n\(policy.canonicalText)\n")
        }
        return texts.joined(separator: "\n")
    }

    /// The id of a statement that has none of its own.
    static func positionalID(_ index: Int) -> String { "policy\(index)" }
}
