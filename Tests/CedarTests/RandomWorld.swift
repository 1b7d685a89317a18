import Cedar

/// Entities, policies and requests that are about the same few names, so that they meet often.
struct RandomWorld {
    struct PolicyText {
        let effect: String
        let scope: String
        let conditions: String

        var text: String { "\(self.effect) (\(self.scope)) \(self.conditions);" }
        var unscoped: String { "\(self.effect) (principal, action, resource) \(self.conditions);" }
    }

    var generator: SeededGenerator

    init(seed: UInt64) { self.generator = SeededGenerator(state: seed) }

    private static let types = ["T", "N::T", "N::S"]
    private static let actionTypes = ["Action", "N::Action"]
    private static let ids = 0..<4

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &self.generator)]
    }

    private mutating func uid(_ types: [String] = Self.types) -> EntityUID {
        EntityUID(type: self.pick(types), id: "\(Int.random(in: Self.ids, using: &self.generator))")
    }

    /// Entities without cycles; some of the names stay unknown.
    mutating func entities() throws -> [Entity] {
        var entities: [Entity] = []
        for types in [Self.types, Self.actionTypes] {
            var above: [EntityUID] = []
            for type in types {
                for id in Self.ids where Int.random(in: 0..<4, using: &self.generator) > 0 {
                    let uid = EntityUID(type: type, id: "\(id)")
                    let parents = above.filter { _ in Int.random(in: 0..<4, using: &self.generator) == 0 }
                    let owner = Value.entity(self.uid())
                    let attributes: [(String, Value)] = Bool.random(using: &self.generator) ? [("owner", owner)] : []
                    entities.append(Entity(uid: uid, attributes: Record(attributes), parents: parents))
                    above.append(uid)
                }
            }
        }
        return entities
    }

    mutating func request() -> Request {
        let context: [(String, Value)] = [
            ("n", .long(.random(in: 0..<3, using: &self.generator))), ("who", .entity(self.uid())),
        ]
        return Request(
            principal: self.uid(),
            action: self.uid(Self.actionTypes),
            resource: self.uid(),
            context: Record(context.filter { _ in Int.random(in: 0..<4, using: &self.generator) > 0 }),
        )
    }

    mutating func policy() -> PolicyText {
        let scope = [self.constraint("principal"), self.actionConstraint(), self.constraint("resource")]
        let conditions = (0..<Int.random(in: 0..<3, using: &self.generator)).map { _ in
            "\(self.pick(["when", "unless"])) { \(self.expression()) }"
        }
        return PolicyText(
            effect: self.pick(["permit", "forbid"]),
            scope: scope.joined(separator: ", "),
            conditions: conditions.joined(separator: " "),
        )
    }

    private mutating func constraint(_ part: String) -> String {
        self.pick([
            part, "\(part) == \(self.uid())", "\(part) in \(self.uid())", "\(part) is \(self.pick(Self.types))",
            "\(part) is \(self.pick(Self.types)) in \(self.uid())",
        ])
    }

    private mutating func actionConstraint() -> String {
        let several = (0..<Int.random(in: 0..<4, using: &self.generator)).map { _ in "\(self.uid(Self.actionTypes))" }
        return self.pick([
            "action", "action == \(self.uid(Self.actionTypes))", "action in \(self.uid(Self.actionTypes))",
            "action in [\(several.joined(separator: ", "))]",
        ])
    }

    private mutating func expression() -> String {
        self.pick([
            "true", "false", "context.n < 2", "context has n && context.n == 1", "principal in \(self.uid())",
            "resource.owner == principal", "principal has owner", "context.who in [\(self.uid()), \(self.uid())]",
            "9223372036854775807 + context.n > 0", "resource in context.who", "principal.owner.owner == resource",
        ])
    }
}

/// Random numbers that are the same on every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
