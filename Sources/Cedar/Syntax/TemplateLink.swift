/// A policy that is a template with its slots filled in.
package struct TemplateLink: Hashable, Sendable {
    /// The policy's id.
    package let id: String
    /// The template's id.
    package let template: String
    /// What stands in the template's slots; one for each of them.
    package let values: [Template.Slot: EntityUID]

    /// States a link.
    package init(id: String, template: String, values: [Template.Slot: EntityUID]) {
        self.id = id
        self.template = template
        self.values = values
    }

    /// Equal ids, byte for byte, and equal values.
    package static func == (left: TemplateLink, right: TemplateLink) -> Bool {
        CedarString(left.id) == CedarString(right.id) && CedarString(left.template) == CedarString(right.template)
            && left.values == right.values
    }

    /// Hashes the id.
    package func hash(into hasher: inout Hasher) { hasher.combine(CedarString(self.id)) }

    /// The link as canonical text names it, above the policy that it makes.
    var comment: String {
        let values = Template.Slot.allCases.compactMap { slot in
            self.values[slot].map { "\(slot.rawValue) = \($0)" }
        }
        let template = "// links \(CedarText.quoted(self.template)) as \(CedarText.quoted(self.id))"
        return "\(template) with \(values.joined(separator: ", "))"
    }
}

/// Why a template cannot be linked.
package enum LinkingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The set has no template of that id; a policy is none.
    case unknownTemplate(CedarString)
    /// The template has a slot that the link has no value for.
    case missingValue(Template.Slot, template: CedarString)
    /// The link has a value for a slot that the template does not have.
    case unexpectedValue(Template.Slot, template: CedarString)
    /// A policy, a template or a link of the set has the id already.
    case idTaken(CedarString)

    /// The reason, in words.
    package var description: String {
        switch self {
        case .unknownTemplate(let id): "there is no template `\(id)`"
        case .missingValue(let slot, let template): "the template `\(template)` needs a value for `\(slot.rawValue)`"
        case .unexpectedValue(let slot, let template): "the template `\(template)` has no slot `\(slot.rawValue)`"
        case .idTaken(let id): "the set has a policy, a template or a link `\(id)` already"
        }
    }
}
