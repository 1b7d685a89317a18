/// Evaluates the policies of a program for one request.
struct Evaluator {
    static let plus: Int32 = 0
    static let minus: Int32 = 1
    static let times: Int32 = 2

    let program: Program
    let request: Request
    let entities: any EntitySource
    let principal: Subject
    let action: Subject
    let resource: Subject
    let cache: AttributeCache

    init(program: Program, request: Request, entities: some EntitySource, cache: AttributeCache) {
        self.cache = cache
        self.program = program
        self.request = request
        self.entities = entities
        self.principal = Subject(request.principal, entities)
        self.action = Subject(request.action, entities)
        self.resource = Subject(request.resource, entities)
    }

    /// A part of the request with its ancestors, which are looked up once.
    struct Subject {
        let uid: EntityUID
        let isKnown: Bool
        /// Empty if it is not known.
        let attributes: Record
        let ancestors: AncestorSet

        init(_ uid: EntityUID, _ entities: some EntitySource) {
            let (entity, ancestors) = entities.entityAndAncestors(of: uid)
            self.uid = uid
            self.isKnown = entity != nil
            self.attributes = entity?.attributes ?? .empty
            self.ancestors = ancestors
        }

        func isWithin(_ ancestor: EntityUID) -> Bool { self.uid == ancestor || self.ancestors.contains(ancestor) }
    }

    /// Whether the conditions of a policy hold whose scope matches.
    func isSatisfied(_ policy: Int) throws(EvaluationError) -> Bool {
        let root = self.program.conditions[policy]
        return root < 0 ? true : try self.truth(root)
    }

    func isWithin(_ entity: EntityUID, _ ancestor: EntityUID) -> Bool {
        entity == ancestor || self.entities.isAncestor(ancestor, of: entity)
    }

    // MARK: Expressions

    /// The truth value of a node; anything else is a type error.
    func truth(_ index: Program.Index) throws(EvaluationError) -> Bool {
        let node = self.program.nodes[Int(index)]
        switch node.operation {
        case .and:
            for operand in node.a..<(node.a + node.b) where !(try self.truth(self.program.lists[Int(operand)])) {
                return false
            }
            return true
        case .or:
            for operand in node.a..<(node.a + node.b) where try self.truth(self.program.lists[Int(operand)]) {
                return true
            }
            return false
        case .not: return !(try self.truth(node.a))
        case .conditional: return try self.truth(self.truth(node.a) ? node.b : node.c)
        case .equal: return try self.isEqual(node)
        case .notEqual: return try !self.isEqual(node)
        case .requestAttribute:
            if case .bool(let value)? = try self.plain(index) { return value }
            return try self.requestAttribute(node.a).asBool()
        case .less: return try self.compare(node).isLess
        case .lessOrEqual: return try !self.compare(node).isGreater
        case .greater: return try self.compare(node).isGreater
        case .greaterOrEqual: return try !self.compare(node).isLess
        case .within: return try self.within(node)
        case .has: return try self.has(node)
        case .hasRequestAttribute: return self.hasRequestAttribute(node.a)
        case .like, .isType, .isTypeWithin, .contains, .containsAll, .containsAny, .isEmpty, .hasTag, .isInRange:
            return try self.test(node, at: index)
        case .constant, .fail, .principal, .action, .resource, .context, .attribute, .negate,
            .arithmetic, .set, .record, .getTag, .call:
            return try self.value(of: node, at: index).asBool()
        }
    }

    func value(_ index: Program.Index) throws(EvaluationError) -> Value {
        try self.value(of: self.program.nodes[Int(index)], at: index)
    }

    func value(of node: Program.Node, at index: Program.Index) throws(EvaluationError) -> Value {
        switch node.operation {
        case .constant: return self.program.constants[Int(node.a)]
        case .fail: throw self.program.failures[Int(node.a)]
        case .principal: return .entity(self.request.principal)
        case .action: return .entity(self.request.action)
        case .resource: return .entity(self.request.resource)
        case .context: return .record(self.request.context)
        case .requestAttribute: return try self.requestAttribute(node.a)
        case .attribute: return try self.attribute(node)
        case .conditional: return try self.value(self.truth(node.a) ? node.b : node.c)
        case .negate:
            let number = try self.value(node.a).asLong()
            let (negated, overflow) = (0 as Int64).subtractingReportingOverflow(number)
            if overflow { throw .overflow("negate the value `\(number)`") }
            return .long(negated)
        case .arithmetic: return .long(try self.arithmetic(node))
        case .set: return try self.set(node)
        case .record: return try self.record(node)
        case .getTag: return try self.tag(node)
        case .call: return try self.call(node)
        case .and, .or, .not, .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual,
            .within, .has,
            .hasRequestAttribute,
            .like, .isType, .isTypeWithin, .contains, .containsAll, .containsAny, .isEmpty, .hasTag, .isInRange:
            return .bool(try self.truth(index))
        }
    }

    /// A node that must be an entity.
    func entity(_ index: Program.Index) throws(EvaluationError) -> EntityUID {
        let node = self.program.nodes[Int(index)]
        switch node.operation {
        case .principal: return self.request.principal
        case .action: return self.request.action
        case .resource: return self.request.resource
        case .constant, .fail, .context, .requestAttribute, .hasRequestAttribute, .attribute, .has, .and, .or, .not,
            .negate, .conditional,
            .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .within, .arithmetic,
            .like, .isType,
            .isTypeWithin, .set, .record, .contains, .containsAll, .containsAny, .isEmpty, .getTag, .hasTag, .isInRange,
            .call:
            return try self.value(of: node, at: index).asEntity()
        }
    }
}
