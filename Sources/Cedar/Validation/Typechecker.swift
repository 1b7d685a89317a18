/// Gives expressions types in one request environment: an action, and a type of principal and of resource that it
/// applies to.
struct Typechecker {
    /// The types of the request's parts.
    struct Environment {
        let principal: Int
        let action: SchemaIndex.Action
        let resource: Int
        /// What else is known of the request; nil where the types are all.
        var outline: RequestOutline?
    }

    /// The types of which a scope lets principals and resources be, over all actions.
    struct Room {
        var principals: [Int] = []
        var resources: [Int] = []
    }

    let index: SchemaIndex
    let mode: ValidationMode
    let room: Room
    var environment: Environment
    var findings: Findings
    /// What was asked for with `has`; kept only where there is an outline.
    private(set) var questions: [MemberQuestion.Place: MemberQuestion] = [:]
    /// What is certain to be there where the checking has arrived.
    private(set) var known: Set<Term.Capability> = []

    init(
        _ index: SchemaIndex,
        _ mode: ValidationMode,
        _ room: Room,
        _ environment: Environment,
        _ findings: Findings,
    ) {
        self.index = index
        self.mode = mode
        self.room = room
        self.environment = environment
        self.findings = findings
    }

    /// The judgement of an expression that must be a truth value.
    mutating func truth(_ term: Term) -> Judgement {
        var judgement = self.expect(term, "Bool") { type in if case .bool = type { true } else { false } }
        if judgement.type == .any { judgement.type = .anyBool }
        return judgement
    }

    mutating func judge(_ term: Term) -> Judgement {
        switch term.form {
        case .literal(_, let type): Judgement(type: type, isSound: type != nil)
        case .variable(let variable): .sound(self.type(of: variable))
        case .and(let terms): self.conjunction(terms)
        case .andFromRight(let terms): self.conjunctionFromRight(terms)
        case .or(let terms): self.disjunction(terms)
        case .not(let operand): self.not(operand)
        case .negate(let operand): self.arithmetic(operand, [])
        case .conditional(let test, let then, let otherwise): self.conditional(test, then, otherwise, at: term)
        case .equal(let left, let right): self.equal(left, right, at: term)
        case .order(let left, let right): self.order(left, right)
        case .arithmetic(let first, let rest): self.arithmetic(first, rest)
        case .within(let left, let right): self.within(left, right, self.entity(left, Self.containsHint))
        case .has(let receiver, let path): self.has(receiver, path, at: term)
        case .attribute(let receiver, let access): self.attribute(receiver, access, at: term)
        case .contains(let set, let element): self.contains(set, element, at: term)
        case .compareSets(let left, let right): self.compareSets(left, right, at: term)
        case .isEmpty(let operand): self.isEmpty(operand)
        case .hasTag(let entity, let name, let capability): self.hasTag(entity, name, capability)
        case .getTag(let entity, let name, let capability): self.getTag(entity, name, capability, at: term)
        case .call(let function, let arguments): self.call(function, arguments, at: term)
        case .like(let operand): self.like(operand, at: term)
        case .isType(let operand, let name, let within): self.isType(operand, name, within)
        case .set(let elements): self.set(elements, at: term)
        case .record(let members): self.record(members)
        }
    }

    /// The judgement of an operand that must have a type of some kind; else its type is unknown.
    mutating func expect(
        _ term: Term,
        _ expected: @autoclosure () -> String,
        hint: (StaticType) -> String? = { _ in nil },
        _ isFit: (StaticType) -> Bool,
    ) -> Judgement {
        let judgement = self.judge(term)
        guard let type = judgement.type else { return .unsound(nil) }
        if type == .never || type == .any || isFit(type) { return judgement }
        self.noteUnexpected(type, at: term, expected(), hint: hint(type))
        return .unsound(nil)
    }

    mutating func noteUnexpected(_ type: StaticType, at term: Term, _ expected: String, hint: String? = nil) {
        self.findings.note(
            .unexpectedType,
            "expected \(expected), found \(self.index.text(type))",
            hint: hint,
            at: term.expression,
        )
    }

    /// Takes note of a question; one that is asked several times may have a member if it may have it once.
    mutating func note(_ path: [CedarString], _ names: [CedarString], isPossible: Bool, at term: Term) {
        let place = MemberQuestion.Place(offset: term.expression.offset, path: path)
        self.questions[place] = MemberQuestion(
            position: self.findings.position(of: term.expression),
            path: path,
            names: names,
            isPossible: isPossible || self.questions[place]?.isPossible ?? false,
        )
    }

    /// Checks something while more is known than before.
    mutating func knowing<Result>(
        _ capabilities: Set<Term.Capability>,
        _ check: (inout Typechecker) -> Result,
    ) -> Result {
        let added = self.learn(capabilities)
        defer { self.forget(added) }
        return check(&self)
    }

    /// Adds to what is known, and gives back what was new.
    mutating func learn(_ capabilities: Set<Term.Capability>) -> [Term.Capability] {
        capabilities.filter { self.known.insert($0).inserted }
    }

    mutating func forget(_ capabilities: [Term.Capability]) {
        for capability in capabilities { self.known.remove(capability) }
    }

    /// Whether records that differ in their members only are no finding; see ``Validator/judge(_:_:)``.
    var toleratesRecords: Bool { self.environment.outline != nil }

    private func type(of variable: Expression.Variable) -> StaticType {
        switch variable {
        case .principal: .entity(EntityTypes(self.environment.principal))
        case .action: .entity(EntityTypes(self.environment.action.type))
        case .resource: .entity(EntityTypes(self.environment.resource))
        case .context: self.environment.action.context
        }
    }
}

extension Typechecker {
    /// An operand is not looked at once those before it are certainly false; what they make certain is known to it.
    private mutating func conjunction(_ terms: [Term]) -> Judgement {
        var result = self.truth(terms[0])
        var learnt = self.learn(result.capabilities)
        for term in terms.dropFirst() {
            if result.type == .bool(false) { break }
            var right = self.truth(term)
            let gain = right.capabilities
            let leftIsKept = result.type != .bool(true) || right.type == .bool(true)
            result.conjoin(&right)
            if !leftIsKept || !result.isSound {
                self.forget(learnt)
                learnt = []
            }
            if result.isSound { learnt += self.learn(gain) }
        }
        self.forget(learnt)
        if result.type == .bool(false) { result.capabilities = [] }
        return result
    }

    private mutating func conjunctionFromRight(_ terms: [Term]) -> Judgement {
        var judgements: [Judgement] = []
        var learnt: [Term.Capability] = []
        for term in terms {
            let judgement = self.truth(term)
            judgements.append(judgement)
            if judgement.type == .bool(false) { break }
            learnt += self.learn(judgement.capabilities)
        }
        self.forget(learnt)
        var result = judgements.removeLast()
        if result.type == .bool(false) { result.capabilities = [] }
        while var left = judgements.popLast() {
            left.conjoin(&result)
            swap(&left, &result)
        }
        return result
    }

    /// An operand is not looked at once one before it is certainly true.
    private mutating func disjunction(_ terms: [Term]) -> Judgement {
        var result = self.truth(terms[0])
        for term in terms.dropFirst() {
            if result.type == .bool(true) { break }
            result = .disjunction(result, self.truth(term))
        }
        return result
    }

    private mutating func not(_ operand: Term) -> Judgement {
        let judgement = self.truth(operand)
        guard case .bool(let value?) = judgement.type else {
            return Judgement(type: .anyBool, isSound: judgement.isSound)
        }
        return Judgement(type: .bool(!value), isSound: judgement.isSound)
    }

    /// A branch that is certainly not taken is not looked at.
    private mutating func conditional(_ test: Term, _ then: Term, _ otherwise: Term, at term: Term) -> Judgement {
        let test = self.truth(test)
        switch test.type {
        case .bool(true):
            var result = self.knowing(test.capabilities) { $0.judge(then) }
            if result.isSound { result.capabilities.formUnion(test.capabilities) }
            return result.given(test.isSound)
        case .bool(false):
            return self.judge(otherwise).given(test.isSound)
        case .bool(nil), .never, .any, .long, .string, .extension, .entity, .set, .record, nil:
            var left = self.knowing(test.capabilities) { $0.judge(then) }
            if left.isSound { left.capabilities.formUnion(test.capabilities) }
            let right = self.judge(otherwise)
            guard let leftType = left.type, let rightType = right.type else { return .unsound(nil) }
            guard let type = self.bound([leftType, rightType], "both branches of a conditional", at: term) else {
                return .unsound(nil)
            }
            let capabilities = left.capabilities.intersection(right.capabilities)
            return Judgement(type: type, isSound: true, capabilities: capabilities)
                .given(test.isSound && left.isSound && right.isSound)
        }
    }

    /// The bound of some types, or nil and a finding where there is none.
    mutating func bound(_ types: [StaticType], _ what: String, at term: Term) -> StaticType? {
        do {
            return try StaticType.bound(of: types, self.mode)
        } catch {
            if self.toleratesRecords, error.isOfRecords { return .any }
            self.noteIncompatible(types, what, error, at: term)
            return nil
        }
    }

    mutating func noteIncompatible(_ types: [StaticType], _ what: String, _ reason: Incompatibility, at term: Term) {
        let texts = Set(Set(types).map { CedarString(self.index.text($0)) }).sorted().prefix(4).map(\.string)
        self.findings.note(
            .incompatibleTypes,
            "\(what) must have compatible types, found \(texts.joined(separator: " and "))",
            hint: reason.hint,
            at: term.expression,
        )
    }
}
