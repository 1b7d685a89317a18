/// What a satisfied policy says.
package enum Effect: String, Hashable, Sendable {
    /// The request may be allowed.
    case permit
    /// The request must be denied.
    case forbid
}

/// One policy: effect, scope, conditions, and where it came from.
package struct Policy: Sendable {
    /// One `when` or `unless` clause.
    package struct Condition: Hashable, Sendable {
        /// Whether the body must be true (`when`) or false (`unless`).
        package let isUnless: Bool
        /// What is asked.
        package let body: Expression
    }

    /// The id.
    ///
    /// In a text the value of `@id` where the set takes ids from annotations, else `policy0`, `policy1`, …, counted
    /// together with the templates; in JSON the member's name; of a link its own id.
    package let id: String
    /// What it says when it is satisfied.
    package let effect: Effect
    /// What it says about itself, in its own order; each name once.
    package let annotations: [Annotation]
    /// What it is about.
    package let scope: Scope
    /// When it applies, in order.
    package let conditions: [Condition]
    /// Where it stands.
    package let source: PolicyText

    /// Where it starts: its first annotation or its effect; in JSON its object.
    package var position: SourcePosition { self.source.start }

    /// Its text as written, from its first annotation to its semicolon; the canonical text if it is written nowhere.
    package var text: String { self.source.written ?? self.canonicalText }

    /// The value of an annotation, if there is one of that name.
    package func annotation(_ name: String) -> String? {
        let name = CedarString(name)
        return self.annotations.first { CedarString($0.name) == name }?.value
    }

    /// The policy in the one form that all texts with its meaning and shape share.
    package var canonicalText: String { PolicyPrinter.text(of: self) }

    func named(_ id: String) -> Policy {
        Policy(
            id: id,
            effect: self.effect,
            annotations: self.annotations,
            scope: self.scope,
            conditions: self.conditions,
            source: self.source,
        )
    }
}
