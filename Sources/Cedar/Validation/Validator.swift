/// Holds policies against a schema: whether they name only what there is, and whether evaluating them can fail.
///
/// A policy that passes fails in no evaluation of a request and entities that fit the schema, save for integers that
/// overflow and entities that do not exist; and, in permissive mode, texts that turn out not to be an extension's value.
package struct Validator: Sendable {
    let index: SchemaIndex

    /// Prepares a schema.
    package init(schema: Schema) { self.index = SchemaIndex(schema) }

    /// Validates all policies, templates and links of a set.
    package func validate(_ set: PolicySet, mode: ValidationMode = .strict) -> ValidationResult {
        let statements = set.statements.map { statement in
            switch statement {
            case .policy(let policy): self.validate(policy, mode: mode)
            case .template(let template): self.validate(template, mode: mode)
            }
        }
        let linked = zip(set.links, set.policies.suffix(set.links.count)).map { self.validate($0, policy: $1) }
        return ValidationResult(joining: statements + linked)
    }

    /// Validates one policy.
    package func validate(_ policy: Policy, mode: ValidationMode = .strict) -> ValidationResult {
        self.validate(Template(policy), mode: mode)
    }

    /// Validates one template: what it says of every entity that it may be linked with.
    package func validate(_ template: Template, mode: ValidationMode = .strict) -> ValidationResult {
        var findings = Findings(policyID: template.id, source: template.source)
        var maker = TermMaker(self.index)
        let condition = maker.term(of: template.conditions)
        let namesUnknown = self.checkNames(template, maker, &findings)
        // Nothing applies to what there is not, which has been said.
        if !namesUnknown { self.checkApplication(template, &findings) }
        let isPossible = self.typecheck(template, condition, maker.variables, mode, &findings)
        var warnings = Findings(policyID: template.id, source: template.source)
        if !isPossible {
            warnings.note(
                .impossiblePolicy,
                "the policy never applies: what it asks is false for every request",
                hint: "look for an action, a type or an attribute that the schema does not have there",
            )
        }
        self.warnOfText(maker, &warnings)
        return ValidationResult(errors: findings.inOrder, warnings: warnings.inOrder)
    }

    /// Validates what a link fills into its template, and nothing that the template says itself.
    private func validate(_ link: TemplateLink, policy: Policy) -> ValidationResult {
        var findings = Findings(policyID: link.id, source: policy.source)
        var namesUnknown = false
        for slot in Template.Slot.allCases {
            guard let uid = link.values[slot], !self.index.isKnown(uid.type) else { continue }
            self.noteUnrecognized(uid.type, nil, &findings)
            namesUnknown = true
        }
        if !namesUnknown { self.checkApplication(Template(policy), &findings) }
        return ValidationResult(errors: findings.inOrder, warnings: [])
    }
}

extension ValidationResult {
    /// One result of several, in their order.
    package init(joining results: [ValidationResult]) {
        self.init(errors: results.flatMap(\.errors), warnings: results.flatMap(\.warnings))
    }
}
