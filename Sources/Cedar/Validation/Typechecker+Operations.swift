extension Typechecker {
    static func containsHint(_ type: StaticType) -> String? {
        if case .set = type { "whether a set has an element is asked with `contains`" } else { nil }
    }

    mutating func entity(_ term: Term, _ hint: (StaticType) -> String? = { _ in nil }) -> Judgement {
        self.expect(term, "an entity", hint: hint) { type in if case .entity = type { true } else { false } }
    }

    private mutating func anySet(_ term: Term) -> Judgement {
        self.expect(term, "a set", hint: Self.setHint) { type in if case .set = type { true } else { false } }
    }

    private static func setHint(_ type: StaticType) -> String? {
        switch type {
        case .entity: "whether an entity is in another is asked with `in`"
        case .record: "whether a record has a member is asked with `has`"
        case .string: "texts are compared with `==` and `like \"*a*\"`"
        case .never, .any, .bool, .long, .extension, .set: nil
        }
    }

    mutating func equal(_ left: Term, _ right: Term, at term: Term) -> Judgement {
        let first = self.judge(left)
        let second = self.judge(right)
        let isSound = first.isSound && second.isSound
        if let value = self.isEqual(left, first.type, right, second.type) {
            return .sound(.bool(value)).given(isSound)
        }
        return self.comparable(first.type, second.type, "both operands of `==`", at: term).given(isSound)
    }

    /// Whether two expressions are certainly equal or certainly not, or nil where neither is certain.
    private func isEqual(_ left: Term, _ leftType: StaticType?, _ right: Term, _ rightType: StaticType?) -> Bool? {
        if let leftType, let rightType, leftType.isDisjoint(with: rightType) { return false }
        if let isKnown = self.isKnownEqual(left, right) { return isKnown }
        guard let left = self.literal(left), let right = self.literal(right) else { return nil }
        return left == right
    }

    /// Whether what the outline knows of the request is equal to a literal, or to what else it knows.
    private func isKnownEqual(_ left: Term, _ right: Term) -> Bool? {
        let known = (self.known(left), self.known(right))
        guard known.0 != nil || known.1 != nil else { return nil }
        return switch (known.0 ?? left.literal, known.1 ?? right.literal) {
        case (.string(let one), .string(let two)): one == two
        case (.entity(let one), .entity(let two)): one == two
        default: nil
        }
    }

    /// What the outline knows of `resource`, or of a member of `context`.
    private func known(_ term: Term) -> Expression.Literal? {
        guard let outline = self.environment.outline else { return nil }
        switch term.form {
        case .variable(.resource): return outline.resource.map { .entity($0) }
        case .attribute(let receiver, let access):
            guard case .variable(.context) = receiver.form else { return nil }
            return outline.texts[access.name].map { .string($0) }
        default: return nil
        }
    }

    /// The value of a literal, or of the variable `action`.
    private func literal(_ term: Term) -> Expression.Literal? {
        if case .variable(.action) = term.form { return .entity(self.environment.action.uid) }
        return term.literal
    }

    /// A truth value, in strict mode only if two types have a bound.
    private mutating func comparable(
        _ left: StaticType?,
        _ right: StaticType?,
        _ what: String,
        at term: Term,
    ) -> Judgement {
        guard self.mode == .strict, let left, let right else { return .sound(.anyBool) }
        do {
            _ = try left.bound(with: right, .strict)
            return .sound(.anyBool)
        } catch {
            if self.toleratesRecords, error.isOfRecords { return .sound(.anyBool) }
            self.noteIncompatible([left, right], what, error, at: term)
            return .unsound(.anyBool)
        }
    }

    /// `<` and `<=`, between integers, moments or lengths of time.
    mutating func order(_ left: Term, _ right: Term) -> Judgement {
        let first = self.judge(left)
        let second = self.judge(right)
        let isSound = first.isSound && second.isSound
        guard let firstType = first.type, let secondType = second.type else { return .unsound(.anyBool) }
        if firstType == .any && (secondType == .any || Self.isOrdered(secondType))
            || secondType == .any && Self.isOrdered(firstType)
        {
            return .sound(.anyBool).given(isSound)
        }
        let firstIsOrdered = Self.isOrdered(firstType)
        let secondIsOrdered = Self.isOrdered(secondType)
        if (firstIsOrdered && (firstType == secondType || secondType == .never))
            || (secondIsOrdered && firstType == .never)
        {
            return .sound(.anyBool).given(isSound)
        }
        let any = "Long, datetime or duration"
        if firstType == .long || (firstIsOrdered && secondType != .long) {
            self.noteUnexpected(secondType, at: right, self.index.text(firstType), hint: Self.orderHint(secondType))
        } else if secondIsOrdered {
            self.noteUnexpected(firstType, at: left, self.index.text(secondType), hint: Self.orderHint(firstType))
        } else {
            if firstType != .never, firstType != .any {
                self.noteUnexpected(firstType, at: left, any, hint: Self.orderHint(firstType))
            }
            if secondType != .never, secondType != .any {
                self.noteUnexpected(secondType, at: right, any, hint: Self.orderHint(secondType))
            }
        }
        return .unsound(.anyBool)
    }

    private static func isOrdered(_ type: StaticType) -> Bool {
        switch type {
        case .long, .extension(.datetime), .extension(.duration): true
        case .never, .any, .bool, .string, .extension(.decimal), .extension(.ipaddr), .entity, .set, .record: false
        }
    }

    private static func orderHint(_ type: StaticType) -> String? {
        type == .extension(.decimal) ? "decimals are compared with `lessThan` and its like" : nil
    }

    /// `-a`, `a + b - …`, `a * b * …`.
    mutating func arithmetic(_ first: Term, _ rest: [Term.Step]) -> Judgement {
        var isSound = self.long(first, rest.first?.operator)
        for step in rest {
            let operandIsSound = self.long(step.operand, step.operator)
            isSound = isSound && operandIsSound
        }
        return .sound(.long).given(isSound)
    }

    private mutating func long(_ term: Term, _ operator: Expression.ArithmeticOperator?) -> Bool {
        let hint: (StaticType) -> String? = { type in
            switch type {
            case .string where `operator` == .plus: "Cedar does not join texts"
            case .set where `operator` != nil: "Cedar does not compute with sets"
            case .never, .any, .bool, .long, .string, .extension, .entity, .set, .record: nil
            }
        }
        return self.expect(term, "Long", hint: hint) { $0 == .long }.isSound
    }

    mutating func like(_ operand: Term, at term: Term) -> Judgement {
        let hint: (StaticType) -> String? = { type in
            if case .entity = type { "the type of an entity is asked with `is`" } else { nil }
        }
        let isSound = self.expect(operand, "String", hint: hint) { $0 == .string }.isSound
        if case .string(let text) = self.known(operand), case .like(_, let pattern) = term.expression.form {
            return .sound(.bool(TextPattern(pattern).matches(text))).given(isSound)
        }
        return .sound(.anyBool).given(isSound)
    }

    /// `a is T`, or `a is T && a in b`.
    mutating func isType(_ operand: Term, _ name: EntityTypeName, _ within: Term?) -> Judgement {
        let judgement = self.entity(operand) { _ in "only the types of entities can be asked for" }
        var result = self.isType(judgement, name)
        guard let within, result.type != .bool(false) else { return result }
        var membership = self.within(operand, within, judgement)
        result.conjoin(&membership)
        return result
    }

    private func isType(_ operand: Judgement, _ name: EntityTypeName) -> Judgement {
        if operand.type == .any { return .sound(.anyBool).given(operand.isSound) }
        guard case .entity(let types) = operand.type else { return .unsound(.anyBool) }
        guard let number = self.index.number(name), types.contains(number) else {
            return .sound(.bool(false)).given(operand.isSound)
        }
        return .sound(types.only == nil ? .anyBool : .bool(true)).given(operand.isSound)
    }

    /// `a in b`, where the left operand has been judged.
    mutating func within(_ left: Term, _ right: Term, _ judgement: Judgement) -> Judgement {
        let container = self.expect(right, "an entity or a set of entities", hint: Self.withinHint, Self.isContainer)
        guard judgement.isSound, container.isSound else { return .unsound(.anyBool) }
        if case .entity(let action) = self.literal(left), action.type.isAction, let groups = self.entities(right) {
            return self.within(action, groups)
        }
        if case .variable(.resource) = left.form, let outline = self.environment.outline,
            let containers = self.entities(right)
        {
            let answers = containers.map { outline.isWithin($0) }
            if answers.contains(true) { return .sound(.bool(true)) }
            if !answers.contains(nil) { return .sound(.bool(false)) }
        }
        guard case .entity(let types) = judgement.type, let others = Self.elementTypes(container.type) else {
            return .sound(.anyBool)
        }
        let isPossible = types.numbers.contains { type in
            others.numbers.contains { self.index.canBeWithin(type, $0) }
        }
        return .sound(isPossible ? .anyBool : .bool(false))
    }

    private static func withinHint(_ type: StaticType) -> String? {
        switch type {
        case .set: "whether a set has an element is asked with `contains`"
        case .string: "whether a text contains another is asked with `like`"
        case .never, .any, .bool, .long, .extension, .entity, .record: nil
        }
    }

    private static func isContainer(_ type: StaticType) -> Bool {
        switch type {
        case .entity, .set(.entity), .set(.never), .set(.any): true
        case .never, .any, .bool, .long, .string, .extension, .set, .record: false
        }
    }

    private static func elementTypes(_ type: StaticType?) -> EntityTypes? {
        switch type {
        case .entity(let types), .set(.entity(let types)): types
        case nil, .never, .any, .bool, .long, .string, .extension, .set, .record: nil
        }
    }

    /// The entities that a literal, `action`, or a set of nothing but these names.
    private func entities(_ term: Term) -> [EntityUID]? {
        let terms = if case .set(let elements) = term.form { elements } else { [term] }
        var entities: [EntityUID] = []
        for term in terms {
            guard case .entity(let uid) = self.literal(term) else { return nil }
            entities.append(uid)
        }
        return entities
    }

    /// Which actions are in which groups is written in the schema.
    private func within(_ action: EntityUID, _ groups: [EntityUID]) -> Judgement {
        let groups = groups.filter(\.type.isAction)
        guard groups.allSatisfy({ self.index.action($0) != nil }) else { return .unsound(.anyBool) }
        let ancestors = self.index.action(action)?.ancestors ?? []
        return .sound(.bool(groups.contains { $0 == action || ancestors.contains($0) }))
    }
}

extension Typechecker {
    mutating func contains(_ set: Term, _ element: Term, at term: Term) -> Judgement {
        let first = self.anySet(set)
        let second = self.judge(element)
        if case .set(let elements) = set.form, first.isSound, second.isSound, self.known(element) != nil {
            let answers = elements.map { self.isKnownEqual($0, element) }
            if answers.contains(true) { return .sound(.bool(true)) }
            if !answers.contains(nil) { return .sound(.bool(false)) }
        }
        let elementType: StaticType? = if case .set(let type) = first.type { type } else { nil }
        return self.comparable(
            elementType,
            second.type,
            "the elements of the set and the operand of `contains`",
            at: term,
        ).given(first.isSound && second.isSound)
    }

    mutating func compareSets(_ left: Term, _ right: Term, at term: Term) -> Judgement {
        let first = self.anySet(left)
        let second = self.expect(
            right,
            "a set",
            hint: { _ in "whether a set has a single element is asked with `contains`" },
        ) { type in if case .set = type { true } else { false } }
        return self.comparable(first.type, second.type, "the elements of both sets", at: term)
            .given(first.isSound && second.isSound)
    }

    mutating func isEmpty(_ operand: Term) -> Judgement {
        let hint: (StaticType) -> String? = { $0 == .string ? "an empty text is `== \"\"`" : nil }
        let judgement = self.expect(operand, "a set", hint: hint) { type in
            if case .set = type { true } else { false }
        }
        return .sound(.anyBool).given(judgement.isSound)
    }

    mutating func set(_ elements: [Term], at term: Term) -> Judgement {
        var types: [StaticType] = []
        var isSound = true
        for element in elements {
            let judgement = self.judge(element)
            isSound = isSound && judgement.isSound
            if let type = judgement.type { types.append(type) }
        }
        if elements.isEmpty && self.mode == .strict {
            self.findings.note(
                .emptySetForbidden,
                "an empty set has no type",
                hint: "`isEmpty()` tells whether a set is empty",
                at: term.expression,
            )
            return .unsound(nil)
        }
        guard types.count == elements.count, let type = self.bound(types, "the elements of a set", at: term) else {
            return .unsound(nil)
        }
        return .sound(.set(type)).given(isSound)
    }

    mutating func record(_ members: [(name: CedarString, value: Term)]) -> Judgement {
        var attributes: [CedarString: RecordShape.Attribute] = [:]
        var isSound = true
        for (name, value) in members {
            let judgement = self.judge(value)
            isSound = isSound && judgement.isSound
            attributes[name] = judgement.type.map { .init(type: $0, isRequired: true) }
        }
        guard attributes.count == members.count else { return .unsound(nil) }
        return .sound(.record(RecordShape(attributes: attributes, isOpen: false))).given(isSound)
    }
}
