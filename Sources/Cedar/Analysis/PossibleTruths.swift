/// The truth values that an expression may come out with; one is left out only where it surely does not.
struct PossibleTruths: Hashable {
    let mayBeTrue: Bool
    let mayBeFalse: Bool

    func contains(_ truth: Bool) -> Bool { truth ? mayBeTrue : mayBeFalse }
}

/// Looks for what conditions cannot come out as.
///
/// Every expression is looked at once. What compares expressions with each other is paid for from a budget that grows
/// with the policy; when it is spent, nothing more is claimed.
struct TruthFinder {
    /// What asking the engine about two constants costs, besides reading them.
    private static let question = 128

    private var budget: Int

    /// Prepares for conditions of so much weight altogether.
    init(weight: Int) { budget = 16 * weight + 1 << 16 }

    /// Whether all parts may hold at once; `false` only where they surely cannot.
    mutating func mayHold(_ parts: [ConditionPart]) -> Bool {
        for part in parts where !truths(of: part.expression).contains(part.mustBe) { return false }
        return !areContradictory(parts)
    }

    private mutating func truths(of expression: Expression) -> PossibleTruths {
        if expression.isConstant {
            let truth = expression.constantTruth
            return PossibleTruths(mayBeTrue: truth == true, mayBeFalse: truth == false)
        }
        switch expression.form {
        case .not(let operand):
            let truths = truths(of: operand)
            return PossibleTruths(mayBeTrue: truths.mayBeFalse, mayBeFalse: truths.mayBeTrue)
        case .and(let operands):
            let (all, one) = chain(expression, operands, of: true)
            return PossibleTruths(mayBeTrue: all, mayBeFalse: one)
        case .or(let operands):
            let (all, one) = chain(expression, operands, of: false)
            return PossibleTruths(mayBeTrue: one, mayBeFalse: all)
        case .conditional(let test, let then, let otherwise):
            let test = truths(of: test)
            let then = truths(of: then)
            let otherwise = truths(of: otherwise)
            return PossibleTruths(
                mayBeTrue: test.mayBeTrue && then.mayBeTrue || test.mayBeFalse && otherwise.mayBeTrue,
                mayBeFalse: test.mayBeTrue && then.mayBeFalse || test.mayBeFalse && otherwise.mayBeFalse,
            )
        case .literal, .variable, .negate, .compare, .arithmetic, .has, .attribute, .method, .call, .like, .isType,
            .set, .record:
            return PossibleTruths(mayBeTrue: true, mayBeFalse: true)
        }
    }

    /// Whether all operands may be of a truth value, and whether one may be of the other, those before it being of this.
    private mutating func chain(
        _ expression: Expression,
        _ operands: [Expression],
        of truth: Bool,
    ) -> (all: Bool, one: Bool) {
        var one = false
        for operand in operands {
            let truths = truths(of: operand)
            one = one || truths.contains(!truth)
            if !truths.contains(truth) { return (all: false, one: one) }
        }
        guard spend(expression.weight) else { return (all: true, one: one) }
        var parts = [ConditionPart]()
        ConditionPart.split(expression, truth, into: &parts)
        return (all: !areContradictory(parts), one: one)
    }

    /// Whether two parts surely exclude each other, each of which may hold alone.
    private mutating func areContradictory(_ parts: [ConditionPart]) -> Bool {
        let all = Set(parts)
        if parts.contains(where: { all.contains($0.opposite) }) { return true }
        var bounds = [Expression: [Bound]]()
        for part in parts {
            guard let (term, bound) = Bound.read(part) else { continue }
            for other in bounds[term, default: []] {
                guard let exclusion = bound.exclusion(of: other) else { continue }
                guard spend(Self.question + exclusion.weight) else { return false }
                if exclusion.constantTruth == true { return true }
            }
            // Many bounds on one term are compared with the first ones only.
            if bounds[term, default: []].count < 32 { bounds[term, default: []].append(bound) }
        }
        return false
    }

    private mutating func spend(_ cost: Int) -> Bool {
        guard cost <= budget else { return false }
        budget -= cost
        return true
    }
}
