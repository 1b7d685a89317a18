/// An expression as a policy states it.
///
/// Two are equal when they are the same expression, wherever they stand.
package struct Expression: Hashable, Sendable {
    /// What it is.
    package let form: Form
    /// The byte offset in its file at which it starts.
    package let offset: Int
    /// The length of the longest path down to a leaf, 1 for a leaf; bounded by `PolicyLimits.nesting`.
    let height: Int
    /// How much there is of it, as reading it once costs: its nodes, and its texts by their length.
    let weight: Int
    /// Whether it comes out the same for every request and whatever entities there are.
    let isConstant: Bool

    /// The kinds of expression.
    ///
    /// Operators of one precedence that follow each other are one node with many operands, so that a long chain is not
    /// a deep tree.
    package indirect enum Form: Hashable, Sendable {
        /// A value that is written down.
        case literal(Literal)
        /// A part of the request.
        case variable(Variable)
        /// `a && b && …`: two or more operands.
        case and([Expression])
        /// `a || b || …`: two or more operands.
        case or([Expression])
        /// `!a`.
        case not(Expression)
        /// `-a`.
        case negate(Expression)
        /// `if a then b else c`.
        case conditional(test: Expression, then: Expression, otherwise: Expression)
        /// `a == b` and its like.
        case compare(Comparison, Expression, Expression)
        /// `a + b - …`, or `a * b * …`: one or more steps.
        case arithmetic(Expression, [ArithmeticStep])
        /// `a has b.c`: one or more names.
        case has(Expression, [CedarString])
        /// `a.b` or `a["b"]`.
        case attribute(Expression, CedarString)
        /// `a.contains(b)` and the language's other methods.
        case method(Expression, Method, [Expression])
        /// A function or method of an extension type; the receiver of a method is its first argument.
        case call(ExtensionFunction, [Expression])
        /// `a like "b*"`.
        case like(Expression, Pattern)
        /// `a is T` or `a is T in b`.
        case isType(Expression, EntityTypeName, within: Expression?)
        /// `[a, b]`.
        case set([Expression])
        /// `{a: b}`; each name once.
        case record([Member])
    }

    /// A written-down value.
    package enum Literal: Hashable, Sendable {
        /// `true`, `false`.
        case bool(Bool)
        /// An integer; a minus before it belongs to it.
        case long(Int64)
        /// A text.
        case string(CedarString)
        /// `User::"alice"`.
        case entity(EntityUID)
    }

    /// A part of the request.
    package enum Variable: String, Hashable, Sendable {
        /// Who asks.
        case principal
        /// What they want to do.
        case action
        /// What they want to do it to.
        case resource
        /// What else is known.
        case context
    }

    /// An operator between two operands with a truth value.
    package enum Comparison: String, Hashable, Sendable {
        /// The same value.
        case equal = "=="
        /// Another value.
        case notEqual = "!="
        /// Before.
        case less = "<"
        /// Not after.
        case lessOrEqual = "<="
        /// After.
        case greater = ">"
        /// Not before.
        case greaterOrEqual = ">="
        /// The entity itself or one of its descendants.
        case within = "in"
    }

    /// An operator on integers.
    package enum ArithmeticOperator: String, Hashable, Sendable {
        /// Sum.
        case plus = "+"
        /// Difference.
        case minus = "-"
        /// Product.
        case times = "*"
    }

    /// One step of a chain: an operator and its right operand.
    package struct ArithmeticStep: Hashable, Sendable {
        /// The operator.
        package let `operator`: ArithmeticOperator
        /// Its right operand.
        package let operand: Expression
    }

    /// A method of the language itself.
    package enum Method: String, Hashable, Sendable, CaseIterable {
        /// Whether a set has an element.
        case contains
        /// Whether a set has all elements of another.
        case containsAll
        /// Whether a set has some element of another.
        case containsAny
        /// Whether a set has no element.
        case isEmpty
        /// An entity's tag.
        case getTag
        /// Whether an entity has a tag.
        case hasTag

        var argumentCount: Int {
            switch self {
            case .contains, .containsAll, .containsAny, .getTag, .hasTag: 1
            case .isEmpty: 0
            }
        }
    }

    /// A named member of a record literal.
    package struct Member: Hashable, Sendable {
        /// The name.
        package let name: CedarString
        /// Its value.
        package let value: Expression
    }

    /// Equal forms, wherever they stand.
    package static func == (left: Expression, right: Expression) -> Bool { left.form == right.form }

    /// Hashes the form.
    package func hash(into hasher: inout Hasher) { hasher.combine(self.form) }

    init(_ form: Form, offset: Int) {
        self.form = form
        self.offset = offset
        let operands = form.operands
        self.height = 1 + operands.reduce(0) { max($0, $1.height) }
        self.weight = operands.reduce(1 + form.textBytes / 16) { $0 + $1.weight }
        self.isConstant = form.asksNothing && operands.allSatisfy(\.isConstant)
    }
}

extension Expression.Form {
    /// The expressions directly below this one.
    package var operands: [Expression] {
        switch self {
        case .literal, .variable: []
        case .and(let operands), .or(let operands), .set(let operands), .call(_, let operands): operands
        case .not(let operand), .negate(let operand), .has(let operand, _), .attribute(let operand, _),
            .like(let operand, _):
            [operand]
        case .conditional(let test, let then, let otherwise): [test, then, otherwise]
        case .compare(_, let left, let right): [left, right]
        case .arithmetic(let first, let steps): [first] + steps.map(\.operand)
        case .method(let receiver, _, let arguments): [receiver] + arguments
        case .isType(let operand, _, let within): within.map { [operand, $0] } ?? [operand]
        case .record(let members): members.map(\.value)
        }
    }

    /// The bytes of the texts that stand in it and not in its operands.
    fileprivate var textBytes: Int {
        switch self {
        case .literal(.string(let text)), .attribute(_, let text): text.byteCount
        case .literal(.entity(let uid)): uid.id.byteCount
        case .has(_, let path): path.reduce(0) { $0 + $1.byteCount }
        case .like(_, let pattern): pattern.pieces.reduce(0) { $0 + $1.count }
        case .record(let members): members.reduce(0) { $0 + $1.name.byteCount }
        case .literal(.bool), .literal(.long), .variable, .and, .or, .not, .negate, .conditional, .compare,
            .arithmetic, .method, .call, .isType, .set:
            0
        }
    }

    /// Whether it asks nothing of the request or the entities itself, whatever its operands do.
    fileprivate var asksNothing: Bool {
        switch self {
        case .variable, .literal(.entity): false
        case .literal(.bool), .literal(.long), .literal(.string), .and, .or, .not, .negate, .conditional, .compare,
            .arithmetic, .has, .attribute, .method, .call, .like, .isType, .set, .record:
            true
        }
    }
}
