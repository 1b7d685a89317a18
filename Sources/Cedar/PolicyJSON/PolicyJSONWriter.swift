import CanonicalJSON

/// Writes policies in Cedar's JSON form, as the official engine writes what it read from text.
///
/// A chain is written as operators with two operands, from the left, and a path after `has` as a chain of `&&` that
/// repeats what is left of it. So the JSON can be deeper and larger than the policy, and is refused beyond bounds.
struct PolicyJSONWriter {
    private static let depthLimit = 1_024
    private static let sizeLimit = 250_000

    private var size = 0

    static func json(of link: TemplateLink) -> JSONValue {
        let values = link.values.map { slot, uid in (slot.rawValue, JSONValue.object(["__entity": Self.json(of: uid)]))
        }
        return .object([
            "templateId": .string(link.template),
            "newId": .string(link.id),
            "values": .object(JSONObject(values)),
        ])
    }

    mutating func json(of template: Template) throws(InvalidPart) -> JSONValue {
        self.size = 0
        var conditions: [JSONValue] = []
        for condition in template.conditions {
            let body = try self.json(of: condition.body, depth: 1)
            conditions.append(.object(["kind": condition.isUnless ? "unless" : "when", "body": body]))
        }
        var object: JSONObject = [
            "effect": .string(template.effect.rawValue),
            "principal": Self.json(of: template.principal, .principal),
            "action": Self.json(of: template.action),
            "resource": Self.json(of: template.resource, .resource),
            "conditions": .array(conditions),
        ]
        if !template.annotations.isEmpty {
            let members = template.annotations.map { ($0.name, $0.hasValue ? JSONValue.string($0.value) : .null) }
            object["annotations"] = .object(JSONObject(members))
        }
        return .object(object)
    }

    // MARK: Scopes

    private static func json(of uid: EntityUID) -> JSONValue {
        .object(["type": .string(uid.type.description), "id": .string(uid.id.string)])
    }

    private static func json(of constraint: Template.EntityConstraint, _ slot: Template.Slot) -> JSONValue {
        switch constraint {
        case .fixed(.any): ["op": "All"]
        case .fixed(.equal(let uid)): ["op": "==", "entity": Self.json(of: uid)]
        case .fixed(.within(let uid)): ["op": "in", "entity": Self.json(of: uid)]
        case .fixed(.isType(let type)): ["op": "is", "entity_type": .string(type.description)]
        case .fixed(.isTypeWithin(let type, let uid)):
            .object(["op": "is", "entity_type": .string(type.description), "in": ["entity": Self.json(of: uid)]])
        case .equalSlot: ["op": "==", "slot": .string(slot.rawValue)]
        case .withinSlot: ["op": "in", "slot": .string(slot.rawValue)]
        case .isTypeWithinSlot(let type):
            ["op": "is", "entity_type": .string(type.description), "in": ["slot": .string(slot.rawValue)]]
        }
    }

    private static func json(of constraint: Scope.ActionConstraint) -> JSONValue {
        switch constraint {
        case .any: return ["op": "All"]
        case .equal(let uid): return ["op": "==", "entity": Self.json(of: uid)]
        case .within(let uid): return ["op": "in", "entity": Self.json(of: uid)]
        case .withinAny(let uids):
            if let only = uids.first, uids.count == 1 { return ["op": "in", "entity": Self.json(of: only)] }
            return ["op": "in", "entities": .array(uids.map { Self.json(of: $0) })]
        }
    }

    // MARK: Expressions

    private mutating func json(of expression: Expression, depth: Int) throws(InvalidPart) -> JSONValue {
        switch expression.form {
        case .literal(let literal): return ["Value": Self.json(of: literal)]
        case .variable(let variable): return ["Var": .string(variable.rawValue)]
        case .and(let operands): return try self.chain("&&", operands, depth)
        case .or(let operands): return try self.chain("||", operands, depth)
        case .not(let operand): return try self.node("!", [("arg", operand)], depth)
        case .negate(let operand): return try self.node("neg", [("arg", operand)], depth)
        case .conditional(let test, let then, let otherwise):
            return try self.node("if-then-else", [("if", test), ("then", then), ("else", otherwise)], depth)
        case .compare(let comparison, let left, let right):
            return try self.node(comparison.rawValue, [("left", left), ("right", right)], depth)
        case .arithmetic(let first, let steps): return try self.chain(first, steps, depth)
        case .has(let operand, let path): return try self.has(operand, path, depth)
        case .attribute(let operand, let name):
            return try self.node(".", [("left", operand)], depth, with: ["attr": .string(name.string)])
        case .method(let receiver, let method, let arguments):
            guard let argument = arguments.first else {
                return try self.node(method.rawValue, [("arg", receiver)], depth)
            }
            return try self.node(method.rawValue, [("left", receiver), ("right", argument)], depth)
        case .call(let function, let arguments):
            return .object(JSONObject([(function.rawValue, .array(try self.list(arguments, depth)))]))
        case .like(let operand, let pattern):
            return try self.node("like", [("left", operand)], depth, with: ["pattern": Self.json(of: pattern)])
        case .isType(let operand, let type, let within):
            let operands = [("left", operand)] + (within.map { [("in", $0)] } ?? [])
            return try self.node("is", operands, depth, with: ["entity_type": .string(type.description)])
        case .set(let elements): return ["Set": .array(try self.list(elements, depth))]
        case .record(let members):
            return try self.node("Record", members.map { ($0.name.string, $0.value) }, depth)
        }
    }

    private mutating func list(_ expressions: [Expression], _ depth: Int) throws(InvalidPart) -> [JSONValue] {
        try self.count(depth)
        var elements: [JSONValue] = []
        for expression in expressions { elements.append(try self.json(of: expression, depth: depth + 2)) }
        return elements
    }

    private mutating func node(
        _ name: String,
        _ operands: [(String, Expression)],
        _ depth: Int,
        with rest: JSONObject = [:],
    ) throws(InvalidPart) -> JSONValue {
        try self.count(depth)
        var members: [(String, JSONValue)] = rest.members.map { ($0.key, $0.value) }
        for (key, operand) in operands { members.append((key, try self.json(of: operand, depth: depth + 2))) }
        return .object(JSONObject([(name, .object(JSONObject(members)))]))
    }

    /// `((a && b) && c)`: the first operand is the deepest.
    private mutating func chain(
        _ name: String,
        _ operands: [Expression],
        _ depth: Int,
    ) throws(InvalidPart) -> JSONValue {
        var result: JSONValue?
        for (index, operand) in operands.enumerated() {
            let below = depth + 2 * max(1, operands.count - max(1, index))
            try self.count(below)
            let json = try self.json(of: operand, depth: below)
            result = result.map { Self.pair(name, $0, json) } ?? json
        }
        return result ?? ["Value": true]
    }

    private mutating func chain(
        _ first: Expression,
        _ steps: [Expression.ArithmeticStep],
        _ depth: Int,
    ) throws(InvalidPart) -> JSONValue {
        var result = try self.json(of: first, depth: depth + 2 * steps.count)
        for (index, step) in steps.enumerated() {
            let below = depth + 2 * (steps.count - index)
            try self.count(below)
            result = Self.pair(step.operator.rawValue, result, try self.json(of: step.operand, depth: below))
        }
        return result
    }

    private mutating func has(
        _ operand: Expression,
        _ path: [CedarString],
        _ depth: Int,
    ) throws(InvalidPart) -> JSONValue {
        var result: JSONValue?
        for end in path.indices {
            let below = depth + 2 * (path.count + end)
            var left = try self.json(of: operand, depth: below)
            for name in path[..<end] {
                try self.count(below)
                left = [".": ["left": left, "attr": .string(name.string)]]
            }
            try self.count(below)
            let has: JSONValue = ["has": ["left": left, "attr": .string(path[end].string)]]
            result = result.map { Self.pair("&&", $0, has) } ?? has
        }
        return result ?? ["Value": true]
    }

    private static func pair(_ name: String, _ left: JSONValue, _ right: JSONValue) -> JSONValue {
        .object(JSONObject([(name, .object(["left": left, "right": right]))]))
    }

    private mutating func count(_ depth: Int) throws(InvalidPart) {
        self.size += 1
        guard depth <= Self.depthLimit, self.size <= Self.sizeLimit else {
            throw InvalidPart("the policy's JSON would be too deep or too large")
        }
    }

    private static func json(of literal: Expression.Literal) -> JSONValue {
        switch literal {
        case .bool(let value): .bool(value)
        case .long(let value): .integer(value)
        case .string(let value): .string(value.string)
        case .entity(let uid): ["__entity": Self.json(of: uid)]
        }
    }

    private static func json(of pattern: Pattern) -> JSONValue {
        var elements: [JSONValue] = []
        for (index, piece) in pattern.pieces.enumerated() {
            if index > 0 { elements.append("Wildcard") }
            for scalar in String(decoding: piece, as: UTF8.self).unicodeScalars {
                elements.append(.object(["Literal": .string(String(scalar))]))
            }
        }
        return .array(elements)
    }
}
