/// Writes policies and templates in their canonical form: parsing what it writes gives the same again.
enum PolicyPrinter {
    static func text(of policy: Policy) -> String { Self.text(of: Template(policy)) }

    static func text(of template: Template) -> String {
        var text = ""
        for annotation in template.annotations {
            text += "@\(annotation.name)(\(CedarText.quoted(annotation.value)))\n"
        }
        text += "\(template.effect.rawValue) (principal\(Self.constraint(template.principal, .principal)), "
        text += "action\(Self.constraint(template.action)), "
        text += "resource\(Self.constraint(template.resource, .resource)))"
        for condition in template.conditions {
            var printer = ExpressionPrinter()
            printer.write(condition.body, .expression)
            text += "\n\(condition.isUnless ? "unless" : "when") { \(printer.text) }"
        }
        return text + ";"
    }

    private static func constraint(_ constraint: Template.EntityConstraint, _ slot: Template.Slot) -> String {
        switch constraint {
        case .fixed(let constraint): Self.constraint(constraint)
        case .equalSlot: " == \(slot.rawValue)"
        case .withinSlot: " in \(slot.rawValue)"
        case .isTypeWithinSlot(let type): " is \(type) in \(slot.rawValue)"
        }
    }

    private static func constraint(_ constraint: Scope.EntityConstraint) -> String {
        switch constraint {
        case .any: ""
        case .equal(let uid): " == \(uid)"
        case .within(let uid): " in \(uid)"
        case .isType(let type): " is \(type)"
        case .isTypeWithin(let type, let uid): " is \(type) in \(uid)"
        }
    }

    private static func constraint(_ constraint: Scope.ActionConstraint) -> String {
        switch constraint {
        case .any: ""
        case .equal(let uid): " == \(uid)"
        case .within(let uid): " in \(uid)"
        case .withinAny(let uids): " in [\(uids.map(\.description).joined(separator: ", "))]"
        }
    }
}

/// Writes expressions with just the parentheses that they need.
struct ExpressionPrinter {
    /// What the grammar takes at a place, loosest first.
    enum Level: Int {
        case expression
        case or
        case and
        case relation
        case sum
        case product
        case unary
        case member
    }

    private(set) var text = ""

    mutating func write(_ expression: Expression, _ level: Level) {
        guard Self.level(of: expression.form).rawValue < level.rawValue else { return self.write(expression.form) }
        self.text += "("
        self.write(expression.form)
        self.text += ")"
    }

    private static func level(of form: Expression.Form) -> Level {
        switch form {
        case .conditional: .expression
        case .or: .or
        case .and: .and
        case .compare, .has, .like, .isType: .relation
        case .arithmetic(_, let steps): steps.first?.operator == .times ? .product : .sum
        case .not, .negate: .unary
        case .literal(.long(let number)): number < 0 ? .unary : .member
        case .literal, .variable, .attribute, .method, .call, .set, .record: .member
        }
    }

    private mutating func write(_ form: Expression.Form) {
        switch form {
        case .literal(let literal): self.text += Self.text(of: literal)
        case .variable(let variable): self.text += variable.rawValue
        case .and(let operands): self.write(operands, .relation, separator: " && ")
        case .or(let operands): self.write(operands, .and, separator: " || ")
        case .not(let operand): self.writeUnary("!", operand)
        case .negate(let operand): self.writeUnary("-", operand)
        case .conditional(let test, let then, let otherwise):
            self.text += "if "
            self.write(test, .expression)
            self.text += " then "
            self.write(then, .expression)
            self.text += " else "
            self.write(otherwise, .expression)
        case .compare(let comparison, let left, let right):
            self.write(left, .sum)
            self.text += " \(comparison.rawValue) "
            self.write(right, .sum)
        case .arithmetic(let first, let steps):
            let level: Level = steps.first?.operator == .times ? .unary : .product
            self.write(first, level)
            for step in steps {
                self.text += " \(step.operator.rawValue) "
                self.write(step.operand, level)
            }
        case .has(let operand, let path):
            self.write(operand, .sum)
            self.text += " has " + Self.path(path)
        case .like(let operand, let pattern):
            self.write(operand, .sum)
            self.text += " like " + CedarText.quoted(pattern)
        case .isType(let operand, let type, let within):
            self.write(operand, .sum)
            self.text += " is \(type)"
            if let within {
                self.text += " in "
                self.write(within, .sum)
            }
        case .attribute(let operand, let name):
            self.write(operand, .member)
            self.text += CedarText.isIdentifier(name.string) ? ".\(name)" : "[\(CedarText.quoted(name.string))]"
        case .method(let receiver, let method, let arguments):
            self.write(receiver, .member)
            self.writeCall(".\(method.rawValue)", arguments[...])
        case .call(let function, let arguments):
            guard !function.isConstructor, let receiver = arguments.first else {
                return self.writeCall(function.rawValue, arguments[...])
            }
            self.write(receiver, .member)
            self.writeCall(".\(function.rawValue)", arguments.dropFirst())
        case .set(let elements):
            self.text += "["
            self.write(elements, .expression, separator: ", ")
            self.text += "]"
        case .record(let members):
            self.text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { self.text += ", " }
                let name = member.name.string
                self.text += CedarText.isIdentifier(name) ? "\(name): " : "\(CedarText.quoted(name)): "
                self.write(member.value, .expression)
            }
            self.text += "}"
        }
    }

    private mutating func write(_ operands: [Expression], _ level: Level, separator: String) {
        for (index, operand) in operands.enumerated() {
            if index > 0 { self.text += separator }
            self.write(operand, level)
        }
    }

    /// The operand stands in parentheses unless it is a member expression, so that no run of marks grows beyond the
    /// four that the grammar allows and no minus joins a number.
    private mutating func writeUnary(_ mark: String, _ operand: Expression) {
        self.text += mark
        if case .literal(.long) = operand.form {
            self.text += "("
            self.write(operand.form)
            self.text += ")"
        } else {
            self.write(operand, .member)
        }
    }

    private mutating func writeCall(_ name: String, _ arguments: ArraySlice<Expression>) {
        self.text += name + "("
        self.write(Array(arguments), .expression, separator: ", ")
        self.text += ")"
    }

    private static func text(of literal: Expression.Literal) -> String {
        switch literal {
        case .bool(let value): value ? "true" : "false"
        case .long(let value): String(value)
        case .string(let value): CedarText.quoted(value.string)
        case .entity(let uid): uid.description
        }
    }

    private static func path(_ path: [CedarString]) -> String {
        if let only = path.first, path.count == 1, !CedarText.isIdentifier(only.string) {
            return CedarText.quoted(only.string)
        }
        return path.map(\.string).joined(separator: ".")
    }
}
