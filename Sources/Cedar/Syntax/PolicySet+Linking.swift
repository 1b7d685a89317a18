extension PolicySet {
    /// The set with one more policy: a template of the set with entities in its slots.
    ///
    /// - Parameters:
    ///   - template: The template's id.
    ///   - newID: The policy's id, which nothing of the set may have.
    ///   - values: One entity for each of the template's slots.
    package func linking(
        template: String,
        newID: String,
        values: [Template.Slot: EntityUID],
    ) throws(LinkingError) -> PolicySet {
        try self.linking([TemplateLink(id: newID, template: template, values: values)])
    }

    /// The set with all of the links; when one of them is refused, there is none.
    package func linking(_ links: [TemplateLink]) throws(LinkingError) -> PolicySet {
        let (set, refusals) = self.linkingWhatFits(links)
        if let refusal = refusals.first { throw refusal.error }
        return set
    }

    /// The set with those of the links that can be made, and why the others, by their indices, cannot.
    func linkingWhatFits(_ links: [TemplateLink]) -> (set: PolicySet, refusals: [(index: Int, error: LinkingError)]) {
        var templates: [CedarString: Template] = [:]
        for template in self.templates { templates[CedarString(template.id)] = template }
        var ids = Set(self.statements.map { CedarString($0.id) })
        for link in self.links { ids.insert(CedarString(link.id)) }
        var made: [TemplateLink] = []
        var linked = Array(self.policies.suffix(self.links.count))
        var refusals: [(index: Int, error: LinkingError)] = []
        for (index, link) in links.enumerated() {
            do throws(LinkingError) {
                linked.append(try Self.policy(of: link, templates, &ids))
                made.append(link)
            } catch {
                refusals.append((index, error))
            }
        }
        return (PolicySet(statements: self.statements, links: self.links + made, linked: linked), refusals)
    }

    private static func policy(
        of link: TemplateLink,
        _ templates: [CedarString: Template],
        _ ids: inout Set<CedarString>,
    ) throws(LinkingError) -> Policy {
        let name = CedarString(link.template)
        guard let template = templates[name] else { throw .unknownTemplate(name) }
        guard ids.insert(CedarString(link.id)).inserted else { throw .idTaken(CedarString(link.id)) }
        let slots = template.slots
        for slot in slots where link.values[slot] == nil { throw .missingValue(slot, template: name) }
        for slot in Template.Slot.allCases where !slots.contains(slot) && link.values[slot] != nil {
            throw .unexpectedValue(slot, template: name)
        }
        guard let policy = template.policy(id: link.id, values: link.values) else { throw .unknownTemplate(name) }
        return policy
    }
}
