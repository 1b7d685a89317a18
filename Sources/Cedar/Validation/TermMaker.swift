/// Makes terms of expressions, and numbers what is the same.
///
/// The recursion is as deep as the expression, which the parser bounds.
struct TermMaker {
    /// What two terms must share to be the same expression; operands are the numbers of their shapes.
    private enum Shape: Hashable {
        case literal(Expression.Literal)
        case variable(Expression.Variable)
        case operation(Operation, [Int])
        case named(Operation, Int, CedarString)
        case like(Int, Pattern)
        case method(Expression.Method, [Int])
        case call(ExtensionFunction, [Int])
        case record([CedarString], [Int])
    }

    private enum Operation: Hashable {
        case and, or, not, negate, conditional, equal, less, lessOrEqual, plus, minus, times, within, set, has
        case attribute, isType
    }

    private enum CapabilityKey: Hashable {
        case attribute(of: Int, CedarString)
        case tag(of: Int, name: Int)
    }

    private let index: SchemaIndex
    private var shapes: [Shape: Int] = [:]
    private var capabilities: [CapabilityKey: Int] = [:]
    /// The entities that the expressions name, with where they do.
    private(set) var entities: [(uid: EntityUID, expression: Expression)] = []
    /// The types that the expressions name after `is`, with where they do.
    private(set) var typeNames: [(name: EntityTypeName, expression: Expression)] = []
    /// The strings, patterns, ids and names of attributes that the expressions have in them.
    private(set) var texts: [(text: CedarString, expression: Expression)] = []
    /// The parts of the request that the expressions read.
    private(set) var variables: Set<Expression.Variable> = []

    init(_ index: SchemaIndex) { self.index = index }

    /// The term of a policy's conditions, or nil where it has none.
    mutating func term(of conditions: [Policy.Condition]) -> Term? {
        var terms: [Term] = []
        for condition in conditions {
            let body = self.term(of: condition.body)
            terms.append(condition.isUnless ? self.not(body, condition.body) : body)
        }
        guard let last = terms.last, terms.count > 1 else { return terms.first }
        return Term(.andFromRight(terms), shape: last.shape, last.expression)
    }

    private mutating func term(of expression: Expression) -> Term {
        switch expression.form {
        case .literal(let literal): self.literal(literal, expression)
        case .variable(let variable): self.variable(variable, expression)
        case .and(let operands): self.chain(operands, isAnd: true, expression)
        case .or(let operands): self.chain(operands, isAnd: false, expression)
        case .not(let operand): self.not(self.term(of: operand), expression)
        case .negate(let operand): self.unary(.negate, operand, expression) { .negate($0) }
        case .conditional(let test, let then, let otherwise): self.conditional(test, then, otherwise, expression)
        case .compare(let comparison, let left, let right): self.comparison(comparison, left, right, expression)
        case .arithmetic(let first, let steps): self.arithmetic(first, steps, expression)
        case .has(let receiver, let path): self.has(receiver, path, expression)
        case .attribute(let receiver, let name): self.attribute(receiver, name, expression)
        case .method(let receiver, let method, let arguments): self.method(receiver, method, arguments, expression)
        case .call(let function, let arguments): self.call(function, arguments, expression)
        case .like(let operand, let pattern): self.like(operand, pattern, expression)
        case .isType(let operand, let name, let within): self.isType(operand, name, within, expression)
        case .set(let elements): self.set(elements, expression)
        case .record(let members): self.record(members, expression)
        }
    }

    private mutating func literal(_ literal: Expression.Literal, _ expression: Expression) -> Term {
        let type: StaticType?
        switch literal {
        case .bool(let value): type = .bool(value)
        case .long: type = .long
        case .string(let text):
            self.texts.append((text, expression))
            type = .string
        case .entity(let uid):
            self.texts.append((uid.id, expression))
            self.entities.append((uid, expression))
            type = self.index.type(of: uid)
        }
        return Term(.literal(literal, type), shape: self.number(.literal(literal)), expression)
    }

    private mutating func variable(_ variable: Expression.Variable, _ expression: Expression) -> Term {
        self.variables.insert(variable)
        return Term(.variable(variable), shape: self.number(.variable(variable)), expression)
    }

    /// Two literals that follow each other at the start of a chain are one, as Cedar's own syntax tree has it.
    private mutating func chain(_ operands: [Expression], isAnd: Bool, _ expression: Expression) -> Term {
        var terms: [Term] = []
        var shape = 0
        for operand in operands {
            let term = self.term(of: operand)
            if terms.count == 1, case .bool(let left) = terms[0].literal, case .bool(let right) = term.literal {
                let value = Expression.Literal.bool(isAnd ? left && right : left || right)
                terms[0] = self.literal(value, expression)
                shape = terms[0].shape
            } else {
                shape = terms.isEmpty ? term.shape : self.number(.operation(isAnd ? .and : .or, [shape, term.shape]))
                terms.append(term)
            }
        }
        if terms.count == 1 { return terms[0] }
        return Term(isAnd ? .and(terms) : .or(terms), shape: shape, expression)
    }

    private mutating func not(_ operand: Term, _ expression: Expression) -> Term {
        Term(.not(operand), shape: self.number(.operation(.not, [operand.shape])), expression)
    }

    private mutating func unary(
        _ operation: Operation,
        _ operand: Expression,
        _ expression: Expression,
        _ form: (Term) -> Term.Form,
    ) -> Term {
        let operand = self.term(of: operand)
        return Term(form(operand), shape: self.number(.operation(operation, [operand.shape])), expression)
    }

    private mutating func conditional(
        _ test: Expression,
        _ then: Expression,
        _ otherwise: Expression,
        _ expression: Expression,
    ) -> Term {
        let (test, then, otherwise) = (self.term(of: test), self.term(of: then), self.term(of: otherwise))
        let shape = self.number(.operation(.conditional, [test.shape, then.shape, otherwise.shape]))
        return Term(.conditional(test: test, then: then, otherwise: otherwise), shape: shape, expression)
    }

    private mutating func comparison(
        _ comparison: Expression.Comparison,
        _ left: Expression,
        _ right: Expression,
        _ expression: Expression,
    ) -> Term {
        let (left, right) = (self.term(of: left), self.term(of: right))
        func make(_ operation: Operation, _ form: Term.Form) -> Term {
            Term(form, shape: self.number(.operation(operation, [left.shape, right.shape])), expression)
        }
        return switch comparison {
        case .equal: make(.equal, .equal(left, right))
        case .notEqual: self.not(make(.equal, .equal(left, right)), expression)
        case .less: make(.less, .order(left, right))
        case .lessOrEqual: make(.lessOrEqual, .order(left, right))
        case .greater: self.not(make(.lessOrEqual, .order(left, right)), expression)
        case .greaterOrEqual: self.not(make(.less, .order(left, right)), expression)
        case .within: make(.within, .within(left, right))
        }
    }

    private mutating func arithmetic(
        _ first: Expression,
        _ steps: [Expression.ArithmeticStep],
        _ expression: Expression,
    ) -> Term {
        let first = self.term(of: first)
        var shape = first.shape
        var rest: [Term.Step] = []
        for step in steps {
            let operand = self.term(of: step.operand)
            let operation: Operation =
                switch step.operator {
                case .plus: .plus
                case .minus: .minus
                case .times: .times
                }
            shape = self.number(.operation(operation, [shape, operand.shape]))
            rest.append(Term.Step(operator: step.operator, operand: operand))
        }
        return Term(.arithmetic(first, rest), shape: shape, expression)
    }

    /// `a has b.c` is `a has b && a.b has c`.
    private mutating func has(_ receiver: Expression, _ path: [CedarString], _ expression: Expression) -> Term {
        let receiver = self.term(of: receiver)
        var accesses: [Term.Access] = []
        var shape = receiver.shape
        var object = receiver.shape
        for name in path {
            self.texts.append((name, expression))
            let has = self.number(.named(.has, object, name))
            shape = accesses.isEmpty ? has : self.number(.operation(.and, [shape, has]))
            accesses.append(self.access(name, of: object))
            object = self.number(.named(.attribute, object, name))
        }
        return Term(.has(receiver, accesses), shape: shape, expression)
    }

    private mutating func attribute(_ receiver: Expression, _ name: CedarString, _ expression: Expression) -> Term {
        let receiver = self.term(of: receiver)
        self.texts.append((name, expression))
        let shape = self.number(.named(.attribute, receiver.shape, name))
        return Term(.attribute(receiver, self.access(name, of: receiver.shape)), shape: shape, expression)
    }

    private mutating func method(
        _ receiver: Expression,
        _ method: Expression.Method,
        _ arguments: [Expression],
        _ expression: Expression,
    ) -> Term {
        let receiver = self.term(of: receiver)
        let argument = arguments.first.map { self.term(of: $0) } ?? receiver
        let shape = self.number(.method(method, [receiver.shape, argument.shape]))
        let form: Term.Form =
            switch method {
            case .contains: .contains(receiver, argument)
            case .containsAll, .containsAny: .compareSets(receiver, argument)
            case .isEmpty: .isEmpty(receiver)
            case .hasTag: .hasTag(receiver, argument, self.tag(argument, of: receiver))
            case .getTag: .getTag(receiver, argument, self.tag(argument, of: receiver))
            }
        return Term(form, shape: shape, expression)
    }

    private mutating func call(
        _ function: ExtensionFunction,
        _ arguments: [Expression],
        _ expression: Expression,
    ) -> Term {
        let arguments = arguments.map { self.term(of: $0) }
        return Term(
            .call(function, arguments),
            shape: self.number(.call(function, arguments.map(\.shape))),
            expression,
        )
    }

    private mutating func like(_ operand: Expression, _ pattern: Pattern, _ expression: Expression) -> Term {
        let operand = self.term(of: operand)
        for piece in pattern.pieces {
            self.texts.append((CedarString(String(decoding: piece, as: UTF8.self)), expression))
        }
        return Term(.like(operand), shape: self.number(.like(operand.shape, pattern)), expression)
    }

    /// `a is T in b` is `a is T && a in b`.
    private mutating func isType(
        _ operand: Expression,
        _ name: EntityTypeName,
        _ within: Expression?,
        _ expression: Expression,
    ) -> Term {
        let operand = self.term(of: operand)
        self.typeNames.append((name, expression))
        var shape = self.number(.named(.isType, operand.shape, name.name))
        let within = within.map { self.term(of: $0) }
        if let within {
            let membership = self.number(.operation(.within, [operand.shape, within.shape]))
            shape = self.number(.operation(.and, [shape, membership]))
        }
        return Term(.isType(operand, name, within: within), shape: shape, expression)
    }

    private mutating func set(_ elements: [Expression], _ expression: Expression) -> Term {
        let elements = elements.map { self.term(of: $0) }
        return Term(.set(elements), shape: self.number(.operation(.set, elements.map(\.shape))), expression)
    }

    private mutating func record(_ members: [Expression.Member], _ expression: Expression) -> Term {
        let members = members.sorted { $0.name < $1.name }.map { (name: $0.name, value: self.term(of: $0.value)) }
        for (name, _) in members { self.texts.append((name, expression)) }
        let shape = self.number(.record(members.map(\.name), members.map(\.value.shape)))
        return Term(.record(members), shape: shape, expression)
    }

    private mutating func access(_ name: CedarString, of object: Int) -> Term.Access {
        Term.Access(name: name, capability: self.capability(.attribute(of: object, name)))
    }

    private mutating func tag(_ name: Term, of object: Term) -> Term.Capability {
        self.capability(.tag(of: object.shape, name: name.shape))
    }

    private mutating func capability(_ key: CapabilityKey) -> Term.Capability {
        let number = self.capabilities[key] ?? self.capabilities.count
        self.capabilities[key] = number
        return number
    }

    private mutating func number(_ shape: Shape) -> Int {
        let number = self.shapes[shape] ?? self.shapes.count
        self.shapes[shape] = number
        return number
    }
}
