/// An expression in the few forms that the typechecker knows, made once a policy and read in every environment.
final class Term: Sendable {
    enum Form: Sendable {
        /// A value, with its type unless the schema does not know the entity.
        case literal(Expression.Literal, StaticType?)
        case variable(Expression.Variable)
        /// `((a && b) && c) && …`.
        case and([Term])
        /// `a && (b && (c && …))`: the conditions of a policy.
        case andFromRight([Term])
        case or([Term])
        case not(Term)
        case negate(Term)
        case conditional(test: Term, then: Term, otherwise: Term)
        case equal(Term, Term)
        /// `<` and `<=`.
        case order(Term, Term)
        case arithmetic(Term, [Step])
        case within(Term, Term)
        /// `has a.b`, and what each name's being there permits.
        case has(Term, [Access])
        case attribute(Term, Access)
        case contains(Term, Term)
        /// `containsAll` and `containsAny`.
        case compareSets(Term, Term)
        case isEmpty(Term)
        case hasTag(Term, Term, Capability)
        case getTag(Term, Term, Capability)
        case call(ExtensionFunction, [Term])
        case like(Term)
        case isType(Term, EntityTypeName, within: Term?)
        case set([Term])
        case record([(name: CedarString, value: Term)])
    }

    /// The name of an attribute, and what knowing that it is there permits.
    struct Access: Sendable {
        let name: CedarString
        let capability: Capability
    }

    /// An arithmetic operator and its right operand.
    struct Step: Sendable {
        let `operator`: Expression.ArithmeticOperator
        let operand: Term
    }

    /// A certain attribute or tag of what a certain expression gives, numbered.
    typealias Capability = Int

    let form: Form
    /// Terms that are the same expression have the same number.
    let shape: Int
    /// What it was made from, which is where its findings are.
    let expression: Expression

    init(_ form: Form, shape: Int, _ expression: Expression) {
        self.form = form
        self.shape = shape
        self.expression = expression
    }

    /// The value, if it is one that is written down.
    var literal: Expression.Literal? {
        if case .literal(let literal, _) = self.form { literal } else { nil }
    }
}
