/// The operations with more than a line to them.
extension Evaluator {
    /// How two values of one ordered type compare.
    enum Order {
        case less
        case equal
        case greater

        var isLess: Bool { self == .less }
        var isGreater: Bool { self == .greater }

        init(_ left: Int64, _ right: Int64) { self = left < right ? .less : left > right ? .greater : .equal }
    }

    /// The operations on sets, texts and entities; apart from the others, so that `truth` stays small on the stack.
    func test(_ node: Program.Node, at index: Program.Index) throws(EvaluationError) -> Bool {
        switch node.operation {
        case .like:
            let pattern = self.program.patterns[Int(node.b)]
            if let text = try self.plain(node.a), let matches = unsafe text.withText({ unsafe pattern.matches($0) }) {
                return matches
            }
            return self.program.patterns[Int(node.b)].matches(try self.value(node.a).asString())
        case .isType: return try self.entity(node.a).type == self.program.types[Int(node.b)]
        case .isTypeWithin:
            let entity = try self.entity(node.a)
            guard entity.type == self.program.types[Int(node.b)] else { return false }
            return try self.isWithin(entity, in: self.value(node.c))
        case .contains: return try self.value(node.a).asSet().contains(self.value(node.b))
        case .containsAll: return try self.value(node.a).asSet().isSuperset(of: self.value(node.b).asSet())
        case .containsAny: return try self.value(node.a).asSet().intersects(self.value(node.b).asSet())
        case .isEmpty: return try self.value(node.a).asSet().isEmpty
        case .hasTag:
            let entity = try self.entity(node.a)
            let tag = try self.value(node.b).asString()
            return self.entities.entity(entity)?.tags.contains(tag) ?? false
        case .isInRange:
            if case .ip(let address)? = try self.plain(node.a), case .ip(let range)? = try self.plain(node.b) {
                return address.isInRange(range)
            }
            let address = try self.value(node.a)
            let range = try self.value(node.b)
            return try address.asIPAddress().isInRange(range.asIPAddress())
        case .constant, .fail, .principal, .action, .resource, .context, .requestAttribute, .attribute, .conditional,
            .negate,
            .arithmetic, .set, .record, .getTag, .call, .and, .or, .not, .equal, .notEqual, .less, .lessOrEqual,
            .greater, .greaterOrEqual, .within, .has, .hasRequestAttribute:
            return try self.value(of: node, at: index).asBool()
        }
    }

    /// Whether two nodes have equal values; the left one is evaluated first.
    func isEqual(_ node: Program.Node) throws(EvaluationError) -> Bool {
        if let left = try self.plain(node.a), let right = try self.plain(node.b),
            let isEqual = left.isEqual(to: right)
        {
            return isEqual
        }
        return try self.value(node.a) == self.value(node.b)
    }

    func compare(_ node: Program.Node) throws(EvaluationError) -> Order {
        if case .long(let left)? = try self.plain(node.a), case .long(let right)? = try self.plain(node.b) {
            return Order(left, right)
        }
        let left = try self.value(node.a)
        let right = try self.value(node.b)
        switch left {
        case .long(let number): return Order(number, try right.asLong())
        case .datetime(let moment): return Order(moment.milliseconds, try right.asDatetime().milliseconds)
        case .duration(let span): return Order(span.milliseconds, try right.asDuration().milliseconds)
        case .bool, .string, .entity, .set, .record, .decimal, .ip:
            throw .type("one of [long, datetime, duration]", left)
        }
    }

    /// `principal in Group::"x"` and its like use the ancestors that are looked up already.
    func within(_ node: Program.Node) throws(EvaluationError) -> Bool {
        let left = self.program.nodes[Int(node.a)].operation
        let entity = try self.entity(node.a)
        let target = try self.value(node.b)
        guard case .entity(let ancestor) = target else { return try self.isWithin(entity, in: target) }
        if left == .principal { return self.principal.isWithin(ancestor) }
        if left == .resource { return self.resource.isWithin(ancestor) }
        return self.isWithin(entity, ancestor)
    }

    func isWithin(_ entity: EntityUID, in target: Value) throws(EvaluationError) -> Bool {
        switch target {
        case .entity(let ancestor): return self.isWithin(entity, ancestor)
        case .set(let ancestors):
            // Every element must be an entity, those behind the one that answers the question too.
            var found = false
            for element in ancestors.elements {
                let ancestor = try element.asEntity()
                found = found || self.isWithin(entity, ancestor)
            }
            return found
        case .bool, .long, .string, .record, .decimal, .ip, .datetime, .duration:
            throw .type("one of [set, entity]", target)
        }
    }

    func has(_ node: Program.Node) throws(EvaluationError) -> Bool {
        var value = try self.value(node.a)
        for index in node.b..<(node.b + node.c) {
            guard let next = try self.attribute(self.program.names[Int(self.program.lists[Int(index)])], of: value)
            else { return false }
            value = next
        }
        return true
    }

    /// An attribute, or nil if the record or entity has none of that name or the entity is not known.
    private func attribute(_ name: CedarString, of value: Value) throws(EvaluationError) -> Value? {
        switch value {
        case .record(let record): return record[name]
        case .entity(let uid): return self.entities.entity(uid)?.attributes[name]
        case .bool, .long, .string, .set, .decimal, .ip, .datetime, .duration:
            throw .type("one of [record, entity]", value)
        }
    }

    func attribute(_ node: Program.Node) throws(EvaluationError) -> Value {
        let name = self.program.names[Int(node.b)]
        let value = try self.value(node.a)
        switch value {
        case .record(let record):
            guard let member = record[name] else { throw .missingAttribute(name) }
            return member
        case .entity(let uid):
            guard let entity = self.entities.entity(uid) else { throw .unknownEntity(uid) }
            guard let attribute = entity.attributes[name] else { throw .missingEntityAttribute(uid, name) }
            return attribute
        case .bool, .long, .string, .set, .decimal, .ip, .datetime, .duration:
            throw .type("one of [record, entity]", value)
        }
    }

    func tag(_ node: Program.Node) throws(EvaluationError) -> Value {
        let uid = try self.entity(node.a)
        let name = try self.value(node.b).asString()
        guard let entity = self.entities.entity(uid) else { throw .unknownEntity(uid) }
        guard let tag = entity.tags[name] else { throw .missingTag(uid, name) }
        return tag
    }

    func arithmetic(_ node: Program.Node) throws(EvaluationError) -> Int64 {
        var result = try self.value(node.a).asLong()
        for step in 0..<Int(node.c) {
            let place = Int(node.b) + 2 * step
            let operand = try self.value(self.program.lists[place + 1]).asLong()
            let next: (partialValue: Int64, overflow: Bool)
            let verb: String
            switch self.program.lists[place] {
            case Self.plus:
                next = result.addingReportingOverflow(operand)
                verb = "add"
            case Self.minus:
                next = result.subtractingReportingOverflow(operand)
                verb = "subtract"
            default:
                next = result.multipliedReportingOverflow(by: operand)
                verb = "multiply"
            }
            if next.overflow { throw .overflow("\(verb) the values `\(result)` and `\(operand)`") }
            result = next.partialValue
        }
        return result
    }

    func set(_ node: Program.Node) throws(EvaluationError) -> Value {
        var values: [Value] = []
        values.reserveCapacity(Int(node.b))
        for index in node.a..<(node.a + node.b) { values.append(try self.value(self.program.lists[Int(index)])) }
        return .set(ValueSet(values))
    }

    func record(_ node: Program.Node) throws(EvaluationError) -> Value {
        var members: [Record.Member] = []
        members.reserveCapacity(Int(node.b))
        for member in 0..<Int(node.b) {
            let place = Int(node.a) + 2 * member
            let name = self.program.names[Int(self.program.lists[place])]
            members.append(Record.Member(name: name, value: try self.value(self.program.lists[place + 1])))
        }
        return .record(Record(members: members))
    }

    func call(_ node: Program.Node) throws(EvaluationError) -> Value {
        let function = self.program.functions[Int(node.a)]
        let operands = Int(node.b)
        let first = try self.value(self.program.lists[operands])
        guard node.c > 1 else { return try function.apply(to: first) }
        let second = try self.value(self.program.lists[operands + 1])
        guard node.c > 2 else { return try function.apply(to: first, second) }
        // The function takes no such number of arguments; what is wrong with one of them comes before that.
        for place in (operands + 2)..<(operands + Int(node.c)) { _ = try self.value(self.program.lists[place]) }
        throw .argumentCount(function, found: Int(node.c))
    }
}
