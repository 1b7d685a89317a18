extension Typechecker {
    /// What is known of an attribute.
    private enum Attribute {
        case declared(RecordShape.Attribute)
        /// There is no list of what there is, and nothing is known of it.
        case unknown
        /// Some values of the type may have it, but there is no one type for it.
        case possible
        case absent
    }

    private static func isObject(_ type: StaticType) -> Bool {
        switch type {
        case .entity, .record: true
        case .never, .any, .bool, .long, .string, .extension, .set: false
        }
    }

    private static func hasHint(_ type: StaticType) -> String? {
        switch type {
        case .set: "whether a set has an element is asked with `contains`"
        case .string: "whether a text contains another is asked with `like`"
        case .never, .any, .bool, .long, .extension, .entity, .record: nil
        }
    }

    mutating func attribute(_ receiver: Term, _ access: Term.Access, at term: Term) -> Judgement {
        let object = self.expect(receiver, "an entity or a record", Self.isObject)
        guard let type = object.type else { return .unsound(nil) }
        return self.read(access, of: type, at: term, receiver).given(object.isSound)
    }

    /// The type of an attribute that is read.
    private mutating func read(_ access: Term.Access, of type: StaticType, at term: Term, _ receiver: Term) -> Judgement
    {
        switch self.attribute(access.name, of: type) {
        case .declared(let attribute):
            if attribute.isRequired || self.known.contains(access.capability) { return .sound(attribute.type) }
            let guardText = Self.hasText(receiver, access.name)
            self.findings.note(
                .unsafeOptionalAttributeAccess,
                "the attribute `\(access.name)` of \(self.owner(type, receiver)) is optional and may not be there",
                hint: guardText.map { "test for it first: `\($0) && …`" },
                at: term.expression,
            )
            return .unsound(attribute.type)
        case .unknown: return .sound(.any)
        case .possible, .absent:
            let hint = self.findings.wantsHint ? self.hint(to: receiver, access.name, of: type) : nil
            self.findings.note(
                .unsafeAttributeAccess,
                "\(self.owner(type, receiver)) has no attribute `\(access.name)`",
                hint: hint,
                at: term.expression,
            )
            return .unsound(nil)
        }
    }

    /// `a has b.c`, which is `a has b && a.b has c`.
    mutating func has(_ receiver: Term, _ path: [Term.Access], at term: Term) -> Judgement {
        let object = self.expect(receiver, "an entity or a record", hint: Self.hasHint, Self.isObject)
        guard var type = object.type else { return .unsound(.anyBool) }
        var isSound = object.isSound
        var asked = self.environment.outline == nil ? nil : Self.path(to: receiver)
        var result = self.has(path[0], type).given(isSound)
        self.note(path[0], of: type, &asked, at: term)
        var learnt = self.learn(result.capabilities)
        defer { self.forget(learnt) }
        for (access, next) in zip(path, path.dropFirst()) {
            if result.type == .bool(false) { break }
            let value = self.read(access, of: type, at: term, receiver)
            guard let valueType = value.type else { return .unsound(.anyBool) }
            guard valueType == .never || valueType == .any || Self.isObject(valueType) else {
                self.noteUnexpected(valueType, at: term, "an entity or a record", hint: Self.hasHint(valueType))
                return .unsound(.anyBool)
            }
            type = valueType
            isSound = isSound && value.isSound
            var step = self.has(next, type).given(isSound)
            self.note(next, of: type, &asked, at: term)
            learnt += self.learn(step.capabilities)
            result.conjoin(&step)
        }
        if result.type == .bool(false) { result.capabilities = [] }
        return result
    }

    /// Takes note that a member is asked for, and goes on to it.
    private mutating func note(_ access: Term.Access, of type: StaticType, _ path: inout [CedarString]?, at term: Term)
    {
        guard let way = path.map({ $0 + [access.name] }) else { return }
        path = way
        let isPossible = if case .absent = self.attribute(access.name, of: type) { false } else { true }
        self.note(way, self.attributeNames(of: type).map { CedarString($0) }, isPossible: isPossible, at: term)
    }

    /// An entity may not exist, so that even a required attribute may be missing; a record's may not.
    private func has(_ access: Term.Access, _ type: StaticType) -> Judgement {
        switch self.attribute(access.name, of: type) {
        case .declared(let attribute):
            var isCertain = self.known.contains(access.capability)
            if case .record = type, attribute.isRequired { isCertain = true }
            return Judgement(type: isCertain ? .bool(true) : .anyBool, isSound: true, capabilities: [access.capability])
        case .unknown, .possible: return .sound(.anyBool)
        case .absent: return .sound(.bool(false))
        }
    }

    private func attribute(_ name: CedarString, of type: StaticType) -> Attribute {
        switch type {
        case .record(let shape):
            if let attribute = shape.attributes[name] { return .declared(attribute) }
            guard let rest = shape.rest else { return shape.isOpen ? .possible : .absent }
            return rest == .any ? .unknown : .declared(RecordShape.Attribute(type: rest, isRequired: false))
        case .entity(let types):
            let declared = types.numbers.compactMap { self.index.entityTypes[$0].attributes[name] }
            guard declared.count == types.numbers.count else { return declared.isEmpty ? .absent : .possible }
            return self.bound(declared).map { .declared($0) } ?? .possible
        case .never: return .possible
        case .any: return .unknown
        case .bool, .long, .string, .extension, .set: return .absent
        }
    }

    /// An attribute that several types have, if what they say of it has a bound; only the permissive mode asks.
    private func bound(_ attributes: [RecordShape.Attribute]) -> RecordShape.Attribute? {
        var type = attributes[0].type
        for attribute in attributes.dropFirst() {
            guard let bound = try? type.bound(with: attribute.type, .permissive) else { return nil }
            type = bound
        }
        return RecordShape.Attribute(type: type, isRequired: attributes.allSatisfy(\.isRequired))
    }

    private func attributeNames(of type: StaticType) -> [String] {
        switch type {
        case .record(let shape): shape.attributes.keys.map(\.string).sorted()
        case .entity(let types):
            types.numbers.flatMap { self.index.entityTypes[$0].attributes.keys.map(\.string) }.sorted()
        case .never, .any, .bool, .long, .string, .extension, .set: []
        }
    }

    private func hint(to receiver: Term, _ name: CedarString, of type: StaticType) -> String? {
        if let restriction = self.restriction(receiver, name) { return restriction }
        let near = SyntaxHints.nearest(to: name.string, among: self.attributeNames(of: type))
        return near.map { "did you mean `\($0)`?" } ?? self.list(type)
    }

    /// What a record of the request has, where that is few.
    private func list(_ type: StaticType) -> String? {
        guard case .record(let shape) = type, self.environment.outline != nil else { return nil }
        guard !shape.attributes.isEmpty else { return "it has none" }
        let names = self.attributeNames(of: type)
        return "it has " + names.prefix(8).map { "`\($0)`" }.joined(separator: ", ") + (names.count > 8 ? ", …" : "")
    }

    /// How the scope can be restricted where other types that it leaves room for have an attribute.
    private func restriction(_ receiver: Term, _ name: CedarString) -> String? {
        guard case .variable(let variable) = receiver.form else { return nil }
        let types: [Int]
        switch variable {
        case .principal: types = self.room.principals
        case .resource: types = self.room.resources
        case .action, .context: return nil
        }
        let owners = types.map { self.index.entityTypes[$0] }.filter { $0.attributes[name] != nil }
        guard !owners.isEmpty else { return nil }
        let texts = owners.prefix(4).map { "`\(variable.rawValue) is \($0.name)`" }
        return "say \(texts.joined(separator: " or ")), which has it"
    }

    private func owner(_ type: StaticType, _ receiver: Term) -> String {
        switch type {
        case .entity: "`\(self.index.text(type))`"
        case .record, .never, .any, .bool, .long, .string, .extension, .set:
            Self.path(to: receiver).map { "`\(CedarText.access($0))`" } ?? "the record"
        }
    }

    /// The names from a variable to a term that reads nothing but attributes.
    private static func path(to receiver: Term) -> [CedarString]? {
        var receiver = receiver
        var names: [CedarString] = []
        while case .attribute(let object, let access) = receiver.form {
            names.append(access.name)
            receiver = object
        }
        guard case .variable(let variable) = receiver.form else { return nil }
        return [CedarString(variable.rawValue)] + names.reversed()
    }

    private static func hasText(_ receiver: Term, _ name: CedarString) -> String? {
        var names = [CedarText.isIdentifier(name.string) ? name.string : CedarText.quoted(name.string)]
        var receiver = receiver
        var path: [String] = []
        while case .attribute(let object, let access) = receiver.form, CedarText.isIdentifier(access.name.string) {
            path.append(access.name.string)
            receiver = object
        }
        guard case .variable(let variable) = receiver.form else { return nil }
        names.insert(([variable.rawValue] + path.reversed()).joined(separator: "."), at: 0)
        return names.joined(separator: " has ")
    }
}

extension Typechecker {
    mutating func hasTag(_ entity: Term, _ name: Term, _ capability: Term.Capability) -> Judgement {
        let (object, isSound) = self.tagOperands(entity, name)
        guard let object else { return isSound ? .sound(.anyBool) : .unsound(nil) }
        let type: StaticType =
            if self.tagTypes(of: object).isEmpty {
                .bool(false)
            } else {
                self.known.contains(capability) ? .bool(true) : .anyBool
            }
        return Judgement(type: type, isSound: true, capabilities: [capability]).given(isSound)
    }

    mutating func getTag(_ entity: Term, _ name: Term, _ capability: Term.Capability, at term: Term) -> Judgement {
        let (object, isSound) = self.tagOperands(entity, name)
        guard let object else { return isSound ? .sound(.any) : .unsound(nil) }
        guard self.known.contains(capability) else {
            self.findings.note(
                .unsafeTagAccess,
                of: self.index.text(.entity(object)),
                hint: "test for it first: `.hasTag(…) && …`, with the same entity and name",
                at: term.expression,
            ) { "the tag may not be there on every \($0)" }
            return .unsound(nil)
        }
        let tags = self.tagTypes(of: object)
        guard !tags.isEmpty else {
            self.findings.note(
                .noTagsAllowed,
                "entities of type `\(self.index.text(.entity(object)))` have no tags",
                hint: "the schema declares tags with `tags T`",
                at: term.expression,
            )
            return .unsound(nil)
        }
        guard let type = self.bound(tags, "the tags of an entity", at: term) else { return .unsound(nil) }
        return .sound(type).given(isSound)
    }

    /// The entity types, or nil where they are not known, which is sound only of a value of any type.
    private mutating func tagOperands(_ entity: Term, _ name: Term) -> (object: EntityTypes?, isSound: Bool) {
        let object = self.entity(entity)
        let key = self.expect(name, "String") { $0 == .string }
        guard case .entity(let types) = object.type else {
            return (nil, object.type == .any && object.isSound && key.isSound)
        }
        return (types, object.isSound && key.isSound)
    }

    /// The types of the tags of those of some entity types that have tags.
    private func tagTypes(of types: EntityTypes) -> [StaticType] {
        types.numbers.compactMap { self.index.entityTypes[$0].tags }
    }
}
