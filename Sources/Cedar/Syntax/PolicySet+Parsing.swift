import CanonicalJSON

extension PolicySet {
    /// Reads policy texts.
    ///
    /// - Parameters:
    ///   - sources: The texts: Cedar's policy text, or its JSON form of a policy set where the first character is `{`.
    ///     A document's links may link the templates of any of the sources.
    ///   - idsFromAnnotations: Whether the `@id` of a policy or template of a text is its id. No two may then have the
    ///     same. In a document, the ids are the names of its members.
    ///   - limits: How large a text may be.
    /// - Throws: The problems that ``reading(_:idsFromAnnotations:limits:)`` finds; a set with a problem does not exist.
    package init(
        parsing sources: [PolicySource],
        idsFromAnnotations: Bool = false,
        limits: PolicyLimits = PolicyLimits(),
    ) throws(PolicyErrors) {
        let (set, errors) = Self.reading(sources, idsFromAnnotations: idsFromAnnotations, limits: limits)
        guard errors.isEmpty else { throw PolicyErrors(errors) }
        self = set
    }

    /// What of policy texts can be read, and every problem of every text, up to `PolicyLimits.errors` of each.
    ///
    /// A set that lacks what could not be read must not decide anything: it is for finding what else is wrong.
    package static func reading(
        _ sources: [PolicySource],
        idsFromAnnotations: Bool = false,
        limits: PolicyLimits = PolicyLimits(),
    ) -> (set: PolicySet, errors: [PolicyError]) {
        var statements: [Statement] = []
        // What could not be read has a position, too, so that the others have the ids that they will have.
        var count = 0
        var links: [PolicyDocument.Link] = []
        var errors: [PolicyError] = []
        for source in sources {
            if JSONParser.isObject(source.text) {
                let document = PolicyDocument(source, limits: limits)
                statements += document.statements
                count += document.statements.count
                links += document.links
                errors += document.errors
                continue
            }
            var parser = Parser(source, limits: limits)
            for statement in parser.statements() {
                defer { count += 1 }
                guard let statement else { continue }
                let annotated = idsFromAnnotations ? statement.annotation("id") : nil
                statements.append(statement.named(annotated ?? Self.positionalID(count)))
            }
            errors += parser.errors
        }
        var ids = Set<CedarString>()
        var unique: [Statement] = []
        unique.reserveCapacity(statements.count)
        for statement in statements {
            if ids.insert(CedarString(statement.id)).inserted {
                unique.append(statement)
            } else {
                let message = "another policy has the id `\(statement.id)` already"
                errors.append(PolicyError(message: message, hint: "ids are unique", position: statement.position))
            }
        }
        let set = PolicySet(statements: unique, links: [], linked: [])
        guard !links.isEmpty else { return (set, errors) }
        let (linked, refusals) = set.linkingWhatFits(links.map(\.link))
        // A template that could not be read has been told of; that it is not there has not to be.
        let isWhole = errors.isEmpty
        for refusal in refusals.prefix(limits.errors) {
            if !isWhole, case .unknownTemplate = refusal.error { continue }
            let position = links[refusal.index].position
            errors.append(PolicyError(message: refusal.error.description, position: position))
        }
        return (linked, errors)
    }
}
