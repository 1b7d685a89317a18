/// Lowers expressions to the nodes of a program.
struct Compiler {
    private(set) var nodes: [Program.Node] = []
    private(set) var lists: [Int32] = []
    private(set) var constants: [Value] = []
    private(set) var failures: [EvaluationError] = []
    private(set) var names: [CedarString] = []
    private(set) var requestAttributes: [Program.RequestAttribute] = []
    private(set) var patterns: [TextPattern] = []
    private(set) var types: [EntityTypeName] = []
    private var nameIndices: [CedarString: Int32] = [:]
    private var requestAttributeIndices: [Program.RequestAttribute: Int32] = [:]
    private var constantIndices: [Value: Int32] = [:]

    /// What an expression becomes: a value that is known now, or a node.
    private enum Result {
        case value(Value)
        case node(Program.Index)
    }

    /// The node of an expression.
    mutating func compile(_ expression: Expression) -> Program.Index { self.node(self.lower(expression)) }

    /// The node of all conditions of a policy together, or nil if it has none.
    mutating func compile(_ conditions: [Policy.Condition]) -> Program.Index? {
        let roots = conditions.map { condition in
            let body = self.compile(condition.body)
            return condition.isUnless ? self.node(self.add(.not, body)) : body
        }
        guard let first = roots.first else { return nil }
        return roots.count == 1 ? first : self.node(self.add(.and, self.append(list: roots), Int32(roots.count)))
    }

    private mutating func lower(_ expression: Expression) -> Result {
        switch expression.form {
        case .literal(.bool(let value)): .value(.bool(value))
        case .literal(.long(let value)): .value(.long(value))
        case .literal(.string(let value)): .value(.string(value))
        case .literal(.entity(let value)): .value(.entity(value))
        case .variable(let variable): self.add(Self.operation(variable))
        case .and(let operands): self.add(list: operands, to: .and)
        case .or(let operands): self.add(list: operands, to: .or)
        case .not(let operand): self.add(.not, self.compile(operand))
        case .negate(let operand): self.add(.negate, self.compile(operand))
        case .conditional(let test, let then, let otherwise):
            self.add(.conditional, self.compile(test), self.compile(then), self.compile(otherwise))
        case .compare(let comparison, let left, let right):
            self.add(Self.operation(comparison), self.compile(left), self.compile(right))
        case .arithmetic(let first, let steps): self.arithmetic(first, steps)
        case .has(let operand, let path): self.has(operand, path)
        case .attribute(let operand, let name): self.attribute(operand, name)
        case .method(let receiver, let method, let arguments): self.method(receiver, method, arguments)
        case .call(let function, let arguments): self.call(function, arguments)
        case .like(let operand, let pattern):
            self.add(.like, self.compile(operand), Self.append(TextPattern(pattern), to: &self.patterns))
        case .isType(let operand, let type, nil):
            self.add(.isType, self.compile(operand), Self.append(type, to: &self.types))
        case .isType(let operand, let type, let within?):
            self.add(
                .isTypeWithin,
                self.compile(operand),
                Self.append(type, to: &self.types),
                self.compile(within),
            )
        case .set(let elements): self.set(elements)
        case .record(let members): self.record(members)
        }
    }

    private static func operation(_ variable: Expression.Variable) -> Program.Operation {
        switch variable {
        case .principal: .principal
        case .action: .action
        case .resource: .resource
        case .context: .context
        }
    }

    private static func operation(_ comparison: Expression.Comparison) -> Program.Operation {
        switch comparison {
        case .equal: .equal
        case .notEqual: .notEqual
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        case .greater: .greater
        case .greaterOrEqual: .greaterOrEqual
        case .within: .within
        }
    }

    private mutating func arithmetic(_ first: Expression, _ steps: [Expression.ArithmeticStep]) -> Result {
        let first = self.compile(first)
        var pairs: [Int32] = []
        for step in steps {
            switch step.operator {
            case .plus: pairs.append(Evaluator.plus)
            case .minus: pairs.append(Evaluator.minus)
            case .times: pairs.append(Evaluator.times)
            }
            pairs.append(self.compile(step.operand))
        }
        return self.add(.arithmetic, first, self.append(list: pairs), Int32(steps.count))
    }

    private mutating func has(_ operand: Expression, _ path: [CedarString]) -> Result {
        guard case .variable(let variable) = operand.form, let name = path.first else {
            return self.has(self.compile(operand), path[...])
        }
        let attribute = self.requestAttribute(variable, name)
        let first = self.add(.hasRequestAttribute, attribute)
        guard path.count > 1 else { return first }
        let rest = self.has(self.node(self.add(.requestAttribute, attribute)), path.dropFirst())
        return self.add(.and, self.append(list: [self.node(first), self.node(rest)]), 2)
    }

    private mutating func has(_ operand: Program.Index, _ path: ArraySlice<CedarString>) -> Result {
        let path = path.map { self.name($0) }
        return self.add(.has, operand, self.append(list: path), Int32(path.count))
    }

    private mutating func attribute(_ operand: Expression, _ name: CedarString) -> Result {
        if case .variable(let variable) = operand.form {
            return self.add(.requestAttribute, self.requestAttribute(variable, name))
        }
        return self.add(.attribute, self.compile(operand), self.name(name))
    }

    private mutating func requestAttribute(_ variable: Expression.Variable, _ name: CedarString) -> Int32 {
        let attribute = Program.RequestAttribute(variable: variable, name: name)
        if let index = self.requestAttributeIndices[attribute] { return index }
        let index = Self.append(attribute, to: &self.requestAttributes)
        self.requestAttributeIndices[attribute] = index
        return index
    }

    private mutating func method(
        _ receiver: Expression,
        _ method: Expression.Method,
        _ arguments: [Expression],
    ) -> Result {
        let receiver = self.compile(receiver)
        let argument = arguments.first.map { self.compile($0) } ?? 0
        return switch method {
        case .contains: self.add(.contains, receiver, argument)
        case .containsAll: self.add(.containsAll, receiver, argument)
        case .containsAny: self.add(.containsAny, receiver, argument)
        case .isEmpty: self.add(.isEmpty, receiver)
        case .getTag: self.add(.getTag, receiver, argument)
        case .hasTag: self.add(.hasTag, receiver, argument)
        }
    }

    private mutating func call(_ function: ExtensionFunction, _ arguments: [Expression]) -> Result {
        let operands = arguments.map { self.lower($0) }
        if let values = Self.values(operands) {
            do {
                return .value(try function.apply(to: values))
            } catch {
                return self.add(.fail, Self.append(error, to: &self.failures))
            }
        }
        let list = operands.map { self.node($0) }
        if function == .isInRange, list.count == 2 { return self.add(.isInRange, list[0], list[1]) }
        let index = ExtensionFunction.allCases.firstIndex(of: function) ?? 0
        return self.add(.call, Int32(index), self.append(list: list), Int32(list.count))
    }

    private mutating func set(_ elements: [Expression]) -> Result {
        let operands = elements.map { self.lower($0) }
        if let values = Self.values(operands) { return .value(.set(ValueSet(values))) }
        let list = operands.map { self.node($0) }
        return self.add(.set, self.append(list: list), Int32(list.count))
    }

    private mutating func record(_ members: [Expression.Member]) -> Result {
        let operands = members.map { self.lower($0.value) }
        if let values = Self.values(operands) {
            let pairs = zip(members, values).map { Record.Member(name: $0.name, value: $1) }
            return .value(.record(Record(members: pairs)))
        }
        var pairs: [Int32] = []
        for (member, operand) in zip(members, operands) {
            pairs.append(self.name(member.name))
            pairs.append(self.node(operand))
        }
        return self.add(.record, self.append(list: pairs), Int32(members.count))
    }

    /// The values of operands that are all known now.
    private static func values(_ results: [Result]) -> [Value]? {
        var values: [Value] = []
        for result in results {
            guard case .value(let value) = result else { return nil }
            values.append(value)
        }
        return values
    }

    private mutating func node(_ result: Result) -> Program.Index {
        switch result {
        case .node(let index): return index
        case .value(let value):
            return Self.append(Program.Node(operation: .constant, a: self.constant(value)), to: &self.nodes)
        }
    }

    private mutating func constant(_ value: Value) -> Int32 {
        if let index = self.constantIndices[value] { return index }
        let index = Self.append(value, to: &self.constants)
        self.constantIndices[value] = index
        return index
    }

    private mutating func add(
        _ operation: Program.Operation,
        _ a: Int32 = 0,
        _ b: Int32 = 0,
        _ c: Int32 = 0,
    ) -> Result {
        .node(Self.append(Program.Node(operation: operation, a: a, b: b, c: c), to: &self.nodes))
    }

    private mutating func add(list operands: [Expression], to operation: Program.Operation) -> Result {
        let list = operands.map { self.compile($0) }
        return self.add(operation, self.append(list: list), Int32(list.count))
    }

    private mutating func append(list: [Int32]) -> Int32 {
        self.lists.append(contentsOf: list)
        return Int32(self.lists.count - list.count)
    }

    private mutating func name(_ name: CedarString) -> Int32 {
        if let index = self.nameIndices[name] { return index }
        let index = Self.append(name, to: &self.names)
        self.nameIndices[name] = index
        return index
    }

    private static func append<Element>(_ element: Element, to table: inout [Element]) -> Int32 {
        table.append(element)
        return Int32(table.count - 1)
    }
}
