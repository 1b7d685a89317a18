import CanonicalJSON

extension PolicyJSONReader {
    private enum Operator: String {
        case value = "Value"
        case variable = "Var"
        case slot = "Slot"
        case not = "!"
        case negate = "neg"
        case and = "&&"
        case or = "||"
        case plus = "+"
        case minus = "-"
        case times = "*"
        case attribute = "."
        case has
        case like
        case isType = "is"
        case conditional = "if-then-else"
        case set = "Set"
        case record = "Record"
    }

    /// Reads an expression: an object whose only key says what it is.
    mutating func expression(_ json: JSONValue) throws(InvalidPart) -> Expression {
        self.depth += 1
        defer { self.depth -= 1 }
        guard self.depth <= Self.depthCeiling else { throw self.tooDeep() }
        guard let member = json.objectValue?.members.first, json.objectValue?.count == 1 else {
            throw InvalidPart("expected an expression: an object with one operator")
        }
        do throws(InvalidPart) {
            return try self.make(try self.form(member.key, member.value))
        } catch {
            throw error.within(member.key)
        }
    }

    private func make(_ form: Expression.Form) throws(InvalidPart) -> Expression {
        let expression = Expression(form, offset: 0)
        guard expression.height <= self.limits.nesting else { throw self.tooDeep() }
        return expression
    }

    private func tooDeep() -> InvalidPart {
        InvalidPart("the expression nests deeper than the \(self.limits.nesting) levels that are allowed")
    }

    private mutating func form(_ name: String, _ json: JSONValue) throws(InvalidPart) -> Expression.Form {
        if let comparison = Expression.Comparison(rawValue: name) {
            let (left, right) = try self.pair(json)
            return .compare(comparison, left, right)
        }
        if let method = Expression.Method(rawValue: name) {
            guard method.argumentCount > 0 else { return .method(try self.argument(json), method, []) }
            let (left, right) = try self.pair(json)
            return .method(left, method, [right])
        }
        if let function = ExtensionFunction(rawValue: name) {
            return .call(function, try self.expressions(json))
        }
        guard let known = Operator(rawValue: name) else {
            throw InvalidPart("`\(name)` is not an operator, a method or a function")
        }
        return try self.form(known, json)
    }

    private mutating func form(_ name: Operator, _ json: JSONValue) throws(InvalidPart) -> Expression.Form {
        switch name {
        case .value:
            if let number = json.foreignNumber { throw InvalidPart("`\(number)` is not an integer of 64 bits") }
            return try self.literal(json).form
        case .variable:
            guard let variable = json.stringValue.flatMap(Expression.Variable.init(rawValue:)) else {
                throw InvalidPart("expected a variable: principal, action, resource or context")
            }
            return .variable(variable)
        case .slot: throw InvalidPart("a slot cannot stand in a condition")
        case .not: return .not(try self.argument(json))
        case .negate: return .negate(try self.argument(json))
        case .and:
            let (left, right) = try self.pair(json)
            guard case .and(let operands) = left.form else { return .and([left, right]) }
            return .and(operands + [right])
        case .or:
            let (left, right) = try self.pair(json)
            guard case .or(let operands) = left.form else { return .or([left, right]) }
            return .or(operands + [right])
        case .plus: return try self.arithmetic(.plus, json)
        case .minus: return try self.arithmetic(.minus, json)
        case .times: return try self.arithmetic(.times, json)
        case .attribute:
            let object = try self.object(json, keys: ["left", "attr"], optional: [])
            let name = try self.string(object["attr"], "attr")
            return .attribute(try self.member(object, "left"), CedarString(name))
        case .has:
            // The official engine looks at no other member here, unlike everywhere else.
            guard let object = json.objectValue else { throw InvalidPart("expected an object") }
            let path = try self.path(object["attr"] ?? .null)
            return .has(try self.member(object, "left"), path)
        case .like:
            let object = try self.object(json, keys: ["left", "pattern"], optional: [])
            let pattern = try self.pattern(object["pattern"] ?? .null)
            return .like(try self.member(object, "left"), pattern)
        case .isType:
            let object = try self.object(json, keys: ["left", "entity_type"], optional: ["in"])
            let type = try self.typeName(object["entity_type"], "entity_type")
            let operand = try self.member(object, "left")
            guard let within = object["in"], !within.isNull else { return .isType(operand, type, within: nil) }
            return .isType(operand, type, within: try self.member(object, "in"))
        case .conditional:
            let object = try self.object(json, keys: ["if", "then", "else"], optional: [])
            let test = try self.member(object, "if")
            let then = try self.member(object, "then")
            return .conditional(test: test, then: then, otherwise: try self.member(object, "else"))
        case .set: return .set(try self.expressions(json))
        case .record:
            guard let object = json.objectValue else { throw InvalidPart("expected an object") }
            var members: [Expression.Member] = []
            for member in object.members {
                let value = try self.member(object, member.key)
                members.append(Expression.Member(name: CedarString(member.key), value: value))
            }
            return .record(members)
        }
    }

    // MARK: Operands

    private mutating func member(_ object: JSONObject, _ key: String) throws(InvalidPart) -> Expression {
        do throws(InvalidPart) {
            return try self.expression(object[key] ?? .null)
        } catch {
            throw error.within(key)
        }
    }

    private mutating func argument(_ json: JSONValue) throws(InvalidPart) -> Expression {
        try self.member(try self.object(json, keys: ["arg"], optional: []), "arg")
    }

    private mutating func pair(_ json: JSONValue) throws(InvalidPart) -> (Expression, Expression) {
        let object = try self.object(json, keys: ["left", "right"], optional: [])
        let left = try self.member(object, "left")
        return (left, try self.member(object, "right"))
    }

    private mutating func expressions(_ json: JSONValue) throws(InvalidPart) -> [Expression] {
        guard let elements = json.arrayValue else { throw InvalidPart("expected an array of expressions") }
        var expressions: [Expression] = []
        for (index, element) in elements.enumerated() {
            do throws(InvalidPart) {
                expressions.append(try self.expression(element))
            } catch {
                throw error.within("[\(index)]")
            }
        }
        return expressions
    }

    /// A step of a chain; the left side's chain goes on where it has the same precedence.
    private mutating func arithmetic(
        _ name: Expression.ArithmeticOperator,
        _ json: JSONValue,
    ) throws(InvalidPart) -> Expression.Form {
        let (left, right) = try self.pair(json)
        let step = Expression.ArithmeticStep(operator: name, operand: right)
        guard case .arithmetic(let first, let steps) = left.form,
            (steps.first?.operator == .times) == (name == .times)
        else { return .arithmetic(left, [step]) }
        return .arithmetic(first, steps + [step])
    }

    /// The right side of `has`: a name, or several that must be identifiers, as between dots.
    private func path(_ json: JSONValue) throws(InvalidPart) -> [CedarString] {
        if let name = json.stringValue { return [CedarString(name)] }
        let names = json.arrayValue ?? []
        let path = names.compactMap(\.stringValue).map { CedarString($0) }
        guard !path.isEmpty, path.count == names.count else {
            throw InvalidPart("expected a name or an array of names", path: "attr")
        }
        guard path.count == 1 || path.allSatisfy({ CedarText.isIdentifier($0.string) }) else {
            throw InvalidPart("the names of a path must be identifiers", path: "attr")
        }
        guard path.count <= self.limits.nesting else { throw self.tooDeep() }
        return path
    }

    private func pattern(_ json: JSONValue) throws(InvalidPart) -> Pattern {
        guard let elements = json.arrayValue else { throw InvalidPart("expected an array", path: "pattern") }
        var pieces: [[UInt8]] = [[]]
        for (index, element) in elements.enumerated() {
            if element.stringValue == "Wildcard" || element.objectValue?.count == 1 && element["Wildcard"] == .null {
                pieces.append([])
            } else if element.objectValue?.count == 1, let text = element["Literal"]?.stringValue {
                pieces[pieces.count - 1].append(contentsOf: text.utf8)
            } else {
                throw InvalidPart("expected \"Wildcard\" or {\"Literal\": \"…\"}", path: "pattern[\(index)]")
            }
        }
        return Pattern(pieces: pieces)
    }

    // MARK: Values

    /// Reads what may stand as an attribute's value, escapes included, as the expression that makes it.
    private mutating func literal(_ json: JSONValue) throws(InvalidPart) -> Expression {
        self.depth += 1
        defer { self.depth -= 1 }
        guard self.depth <= Self.depthCeiling else { throw self.tooDeep() }
        switch json {
        case .null: throw InvalidPart("`null` is not a Cedar value")
        case .bool(let value): return try self.make(.literal(.bool(value)))
        case .integer(let value): return try self.make(.literal(.long(value)))
        case .number(let value): throw InvalidPart("`\(value)` is not an integer of 64 bits")
        case .string(let value): return try self.make(.literal(.string(CedarString(value))))
        case .array(let elements): return try self.make(.set(try self.literals(elements)))
        case .object(let object):
            if let escaped = try self.escape(object) { return escaped }
            var members: [Expression.Member] = []
            for member in object.members {
                do throws(InvalidPart) {
                    let value = try self.literal(member.value)
                    members.append(Expression.Member(name: CedarString(member.key), value: value))
                } catch {
                    throw error.within(member.key)
                }
            }
            return try self.make(.record(members))
        }
    }

    private mutating func literals(_ elements: [JSONValue]) throws(InvalidPart) -> [Expression] {
        var expressions: [Expression] = []
        for (index, element) in elements.enumerated() {
            do throws(InvalidPart) {
                expressions.append(try self.literal(element))
            } catch {
                throw error.within("[\(index)]")
            }
        }
        return expressions
    }

    /// The entity or the call that an object with one member is, or nil where it merely resembles an escape.
    private mutating func escape(_ object: JSONObject) throws(InvalidPart) -> Expression? {
        guard object.count == 1 else { return nil }
        if let uid = try self.reference(object["__entity"]) { return try self.make(.literal(.entity(uid))) }
        if let call = object["__extn"], let name = call["fn"]?.stringValue {
            let arguments = call["arg"].map { [$0] } ?? call["args"]?.arrayValue
            if let arguments {
                guard let function = ExtensionFunction(rawValue: name) else {
                    throw InvalidPart("`\(name)` is not a function of an extension type", path: "__extn.fn")
                }
                return try self.make(.call(function, try self.literals(arguments)))
            }
        }
        if object["__expr"]?.stringValue != nil { throw InvalidPart("the `__expr` escape is not supported") }
        return nil
    }
}
