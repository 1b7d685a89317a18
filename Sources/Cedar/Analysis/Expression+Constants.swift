extension Expression {
    /// What a constant comes out as; `nil` if it is none, fails, or is no truth value.
    ///
    /// The engine itself says it, so that there is no second reading of the language.
    var constantTruth: Bool? {
        guard self.isConstant else { return nil }
        func isSatisfied(unless: Bool) -> Bool {
            let policy = Policy(asking: self, isUnless: unless)
            let set = PolicySet(statements: [.policy(policy)], links: [], linked: [])
            let nobody = EntityUID(type: "Nobody", id: "")
            let request = Request(principal: nobody, action: nobody, resource: nobody, context: .empty)
            return set.evaluate(request, Entities.empty).satisfied == [0]
        }
        if isSatisfied(unless: false) { return true }
        return isSatisfied(unless: true) ? false : nil
    }
}

extension Policy {
    /// A policy that is satisfied where an expression is true, or false.
    init(asking expression: Expression, isUnless: Bool) {
        let position = SourcePosition(file: "", line: 1, column: 1, offset: 0)
        self.init(
            id: "asking",
            effect: .permit,
            annotations: [],
            scope: Scope(principal: .any, action: .any, resource: .any),
            conditions: [Condition(isUnless: isUnless, body: expression)],
            source: PolicyText(start: position, written: nil, map: nil),
        )
    }
}
