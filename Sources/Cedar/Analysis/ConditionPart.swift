/// One part of what a policy asks: an expression and the truth value that it must have.
struct ConditionPart: Hashable {
    let expression: Expression
    let mustBe: Bool
    /// The hash of the expression, which is asked for often and may be large.
    private let expressionHash: Int

    init(expression: Expression, mustBe: Bool) {
        self.init(expression: expression, mustBe: mustBe, expressionHash: expression.hashValue)
    }

    private init(expression: Expression, mustBe: Bool, expressionHash: Int) {
        self.expression = expression
        self.mustBe = mustBe
        self.expressionHash = expressionHash
    }

    /// The part that never holds where this one does.
    var opposite: ConditionPart {
        ConditionPart(expression: expression, mustBe: !mustBe, expressionHash: expressionHash)
    }

    /// Equal expressions that must be the same.
    static func == (left: ConditionPart, right: ConditionPart) -> Bool {
        left.expressionHash == right.expressionHash && left.mustBe == right.mustBe
            && left.expression == right.expression
    }

    /// Hashes the expression's hash.
    func hash(into hasher: inout Hasher) {
        hasher.combine(expressionHash)
        hasher.combine(mustBe)
    }

    /// The parts of a policy's conditions, every one of which must be as it says for the policy to be satisfied.
    ///
    /// `when { a && b }` and `unless { !a || !b }` both ask that `a` and `b` are true. What is true without any request
    /// is left out.
    static func parts(of policy: Policy) -> [ConditionPart] {
        var parts = [ConditionPart]()
        for condition in policy.conditions { Self.split(condition.body, !condition.isUnless, into: &parts) }
        return parts.filter { $0.expression.constantTruth != $0.mustBe }
    }

    /// Takes an expression apart that must have a truth value.
    static func split(_ expression: Expression, _ mustBe: Bool, into parts: inout [ConditionPart]) {
        switch (expression.form, mustBe) {
        case (.not(let operand), _): Self.split(operand, !mustBe, into: &parts)
        case (.and(let operands), true), (.or(let operands), false):
            for operand in operands { Self.split(operand, mustBe, into: &parts) }
        case (.and, false), (.or, true), (.literal, _), (.variable, _), (.negate, _), (.conditional, _), (.compare, _),
            (.arithmetic, _), (.has, _), (.attribute, _), (.method, _), (.call, _), (.like, _), (.isType, _), (.set, _),
            (.record, _):
            parts.append(ConditionPart(expression: expression, mustBe: mustBe))
        }
    }
}
