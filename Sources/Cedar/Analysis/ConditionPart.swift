/// One part of what a policy asks: an expression and the truth value that it must have.
struct ConditionPart: Hashable {
    let expression: Expression
    let mustBe: Bool

    /// The parts of a policy's conditions, every one of which must be as it says for the policy to be satisfied.
    ///
    /// `when { a && b }` and `unless { !a || !b }` both ask that `a` and `b` are true. What is true without any request
    /// is left out.
    static func parts(of policy: Policy) -> [ConditionPart] {
        var parts = [ConditionPart]()
        for condition in policy.conditions { Self.split(condition.body, !condition.isUnless, into: &parts) }
        return parts.filter { $0.expression.constantTruth != $0.mustBe }
    }

    private static func split(_ expression: Expression, _ mustBe: Bool, into parts: inout [ConditionPart]) {
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

    /// Whether an expression may come out with this truth value; `false` only where it surely cannot.
    static func mayBe(_ expression: Expression, _ truth: Bool) -> Bool {
        if expression.isConstant { return expression.constantTruth == truth }
        switch (expression.form, truth) {
        case (.not(let operand), _): return Self.mayBe(operand, !truth)
        case (.and(let operands), true), (.or(let operands), false):
            var parts = [ConditionPart]()
            for operand in operands { Self.split(operand, truth, into: &parts) }
            return Self.mayHold(parts)
        case (.and(let operands), false), (.or(let operands), true):
            // The first that is as asked decides, and those before it must have been otherwise.
            for operand in operands {
                if Self.mayBe(operand, truth) { return true }
                if !Self.mayBe(operand, !truth) { return false }
            }
            return false
        case (.conditional(let test, let then, let otherwise), _):
            return (Self.mayBe(test, true) && Self.mayBe(then, truth))
                || (Self.mayBe(test, false) && Self.mayBe(otherwise, truth))
        case (.literal, _), (.variable, _), (.negate, _), (.compare, _), (.arithmetic, _), (.has, _), (.attribute, _),
            (.method, _), (.call, _), (.like, _), (.isType, _), (.set, _), (.record, _):
            return true
        }
    }

    /// Whether all parts may hold at once; `false` only where they surely cannot.
    static func mayHold(_ parts: [ConditionPart]) -> Bool {
        guard parts.allSatisfy({ Self.mayBe($0.expression, $0.mustBe) }) else { return false }
        let all = Set(parts)
        guard !parts.contains(where: { all.contains(ConditionPart(expression: $0.expression, mustBe: !$0.mustBe)) })
        else { return false }
        var bounds = [Expression: [Bound]]()
        for part in parts {
            guard let (term, bound) = Bound.read(part) else { continue }
            for other in bounds[term, default: []] where bound.excludes(other) { return false }
            // Many bounds on one term are compared with the first ones only.
            if bounds[term, default: []].count < 32 { bounds[term, default: []].append(bound) }
        }
        return true
    }
}

/// What a comparison with a constant says of a term.
private struct Bound {
    let comparison: Expression.Comparison
    let constant: Expression

    /// The term and its bound, if a part compares something with a constant.
    static func read(_ part: ConditionPart) -> (Expression, Bound)? {
        guard case .compare(var comparison, let left, let right) = part.expression.form, comparison != .within else {
            return nil
        }
        let (term, constant): (Expression, Expression)
        switch (left.isConstant, right.isConstant) {
        case (false, true): (term, constant) = (left, right)
        case (true, false):
            (term, constant) = (right, left)
            comparison = comparison.mirrored
        case (true, true), (false, false): return nil
        }
        return (term, Bound(comparison: part.mustBe ? comparison : comparison.negated, constant: constant))
    }

    /// Whether nothing satisfies both bounds.
    func excludes(_ other: Bound) -> Bool {
        func holds(_ comparison: Expression.Comparison, _ left: Expression, _ right: Expression) -> Bool {
            Expression(.compare(comparison, left, right), offset: 0).constantTruth == true
        }
        switch (self.comparison, other.comparison) {
        case (.equal, .equal): return holds(.notEqual, self.constant, other.constant)
        case (.equal, .notEqual), (.notEqual, .equal): return holds(.equal, self.constant, other.constant)
        case (.equal, let comparison): return holds(comparison.negated, self.constant, other.constant)
        case (let comparison, .equal): return holds(comparison.negated, other.constant, self.constant)
        // Below one and above another: nothing is left if the upper bound is not above the lower one.
        case (.less, .greater), (.less, .greaterOrEqual), (.lessOrEqual, .greater):
            return holds(.lessOrEqual, self.constant, other.constant)
        case (.greater, .less), (.greaterOrEqual, .less), (.greater, .lessOrEqual):
            return holds(.lessOrEqual, other.constant, self.constant)
        case (.lessOrEqual, .greaterOrEqual): return holds(.less, self.constant, other.constant)
        case (.greaterOrEqual, .lessOrEqual): return holds(.less, other.constant, self.constant)
        case (.notEqual, _), (_, .notEqual), (.within, _), (_, .within), (.less, .less), (.less, .lessOrEqual),
            (.lessOrEqual, .less), (.lessOrEqual, .lessOrEqual), (.greater, .greater), (.greater, .greaterOrEqual),
            (.greaterOrEqual, .greater), (.greaterOrEqual, .greaterOrEqual):
            return false
        }
    }
}

extension Expression.Comparison {
    /// The same with its sides exchanged.
    fileprivate var mirrored: Expression.Comparison {
        switch self {
        case .equal, .notEqual, .within: self
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        }
    }

    /// What holds where this one does not, and both sides can be compared.
    fileprivate var negated: Expression.Comparison {
        switch self {
        case .equal: .notEqual
        case .notEqual: .equal
        case .less: .greaterOrEqual
        case .lessOrEqual: .greater
        case .greater: .lessOrEqual
        case .greaterOrEqual: .less
        case .within: .within
        }
    }
}
