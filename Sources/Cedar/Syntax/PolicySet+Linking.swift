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
        var templates: [CedarString: Template] = [:]
        for template in self.templates { templates[CedarString(template.id)] = template }
        var ids = Set(self.statements.map { CedarString($0.id) })
        for link in self.links { ids.insert(CedarString(link.id)) }
        var linked = Array(self.policies.suffix(self.links.count))
        for link in links {
            let name = CedarString(link.template)
            guard let template = templates[name] else { throw .unknownTemplate(name) }
            guard ids.insert(CedarString(link.id)).inserted else { throw .idTaken(CedarString(link.id)) }
            let slots = template.slots
            for slot in Template.Slot.allCases {
                switch (slots.contains(slot), link.values[slot] != nil) {
                case (true, false): throw .missingValue(slot, template: name)
                case (false, true): throw .unexpectedValue(slot, template: name)
                case (true, true), (false, false): break
                }
            }
            if let policy = template.policy(id: link.id, values: link.values) { linked.append(policy) }
        }
        return PolicySet(statements: self.statements, links: self.links + links, linked: linked)
    }
}
