/// Holds policies against a schema: whether they name only what there is, and whether evaluating them can fail.
///
/// A policy that passes in either mode fails in no evaluation of a request and entities that fit the schema, save for
/// integers that overflow and entities that do not exist.
package struct Validator: Sendable {
    let index: SchemaIndex

    /// Prepares a schema.
    package init(schema: Schema) { self.index = SchemaIndex(schema) }

    /// Validates all policies of a set.
    package func validate(_ set: PolicySet, mode: ValidationMode = .strict) -> ValidationResult {
        ValidationResult(joining: set.policies.map { self.validate($0, mode: mode) })
    }

    /// Validates one policy.
    package func validate(_ policy: Policy, mode: ValidationMode = .strict) -> ValidationResult {
        self.validate(PolicyHead(policy), policy.conditions, mode)
    }

    /// Validates one template: what it says of every entity that it may be linked with.
    package func validate(_ template: Template, mode: ValidationMode = .strict) -> ValidationResult {
        self.validate(PolicyHead(template), template.conditions, mode)
    }

    /// Validates what a link fills into its template, and nothing that the template says itself.
    package func validate(
        linkOf template: Template,
        id: String,
        _ slots: [Template.Slot: EntityUID],
    ) -> ValidationResult {
        let head = PolicyHead(template, id: id, slots)
        var findings = Findings(policyID: id, source: template.source)
        for slot in Template.Slot.allCases {
            guard let uid = slots[slot], !self.index.isKnown(uid.type) else { continue }
            self.noteUnrecognized(uid.type, nil, &findings)
        }
        self.checkApplication(head, &findings)
        return ValidationResult(errors: findings.inOrder, warnings: [])
    }

    private func validate(
        _ head: PolicyHead,
        _ conditions: [Policy.Condition],
        _ mode: ValidationMode,
    ) -> ValidationResult {
        var findings = Findings(policyID: head.id, source: head.source)
        var maker = TermMaker(self.index)
        let condition = maker.term(of: conditions)
        self.checkNames(head, maker, &findings)
        self.checkApplication(head, &findings)
        let isPossible = self.typecheck(head, condition, maker.variables, mode, &findings)
        var warnings = Findings(policyID: head.id, source: head.source)
        if !isPossible {
            warnings.note(
                .impossiblePolicy,
                "the policy never applies: its conditions are false for every request",
                hint: "look for an action, type or attribute that the schema does not have together",
            )
        }
        self.warnOfText(head, maker, &warnings)
        return ValidationResult(errors: findings.inOrder, warnings: warnings.inOrder)
    }
}

extension ValidationResult {
    /// One result of several, in their order.
    package init(joining results: [ValidationResult]) {
        self.init(errors: results.flatMap(\.errors), warnings: results.flatMap(\.warnings))
    }
}
