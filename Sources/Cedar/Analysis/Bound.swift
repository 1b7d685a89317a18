/// What a comparison with a constant says of a term.
struct Bound {
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

    /// The constant that is true only if nothing satisfies both bounds; nil if something surely may.
    func exclusion(of other: Bound) -> Expression? {
        func comparing(_ left: Expression, _ comparison: Expression.Comparison, _ right: Expression) -> Expression {
            Expression(.compare(comparison, left, right), offset: 0)
        }
        switch (comparison, other.comparison) {
        case (.equal, .equal): return comparing(constant, .notEqual, other.constant)
        case (.equal, .notEqual), (.notEqual, .equal): return comparing(constant, .equal, other.constant)
        case (.equal, let comparison): return comparing(constant, comparison.negated, other.constant)
        case (let comparison, .equal): return comparing(other.constant, comparison.negated, constant)
        // Below one and above another: nothing is left if the upper bound is not above the lower one.
        case (.less, .greater), (.less, .greaterOrEqual), (.lessOrEqual, .greater):
            return comparing(constant, .lessOrEqual, other.constant)
        case (.greater, .less), (.greaterOrEqual, .less), (.greater, .lessOrEqual):
            return comparing(other.constant, .lessOrEqual, constant)
        case (.lessOrEqual, .greaterOrEqual): return comparing(constant, .less, other.constant)
        case (.greaterOrEqual, .lessOrEqual): return comparing(other.constant, .less, constant)
        case (.notEqual, _), (_, .notEqual), (.within, _), (_, .within), (.less, .less), (.less, .lessOrEqual),
            (.lessOrEqual, .less), (.lessOrEqual, .lessOrEqual), (.greater, .greater), (.greater, .greaterOrEqual),
            (.greaterOrEqual, .greater), (.greaterOrEqual, .greaterOrEqual):
            return nil
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
