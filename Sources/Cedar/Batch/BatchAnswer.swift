package import CanonicalJSON

/// The answer to one request of a batch.
package struct BatchAnswer: Sendable {
    /// What validating the policies against the schema found.
    package struct Validation: Hashable, Sendable {
        /// Whether there are no errors.
        package let passed: Bool
        /// The errors, in words.
        package let errors: [String]
    }

    /// The request's id, as it was given.
    package let id: JSONValue
    /// Plain Cedar's answer; deny where the request is refused.
    package private(set) var decision = Decision.deny
    /// The ids of the policies that determined the decision, in the set's order.
    package private(set) var reasons: [String] = []
    /// The policies that could not be evaluated, as `id: message`, or why the request is refused.
    package private(set) var errors: [String] = []
    /// The ids of the gates in the way, where nothing but gates is.
    package private(set) var gates: [String] = []
    /// What validation found; nil where no schema is given.
    package var validation: Validation?
    /// The part of the request that is not what it must be, if one is not.
    package private(set) var refused: BatchRefusal.Part?

    init(id: JSONValue) { self.id = id }

    init(id: JSONValue, refusal: BatchRefusal) {
        self.id = id
        self.refuse(refusal)
    }

    mutating func refuse(_ refusal: BatchRefusal) {
        self.decision = .deny
        self.refused = refusal.part
        self.errors = refusal.errors
    }

    mutating func decide(_ request: Request, _ authorizer: ThreeWayAuthorizer, _ entities: Entities, ids: [String]) {
        let evaluation = authorizer.policies.evaluate(request, entities)
        let (decision, determining) = authorizer.policies.decision(of: evaluation)
        self.decision = decision
        self.reasons = determining.map { ids[$0] }
        self.errors = evaluation.errors.map { "\(ids[$0.policy]): \($0.error)" }
        // A forbid that cannot be evaluated might have been a plain one: nobody may lift what it could have said.
        let ruling = authorizer.ruling(of: evaluation)
        self.gates = ruling.strictAnswer == .liftable ? ruling.determining.map { ids[$0] } : []
    }

    /// The answer as the protocol writes it.
    package var json: JSONValue {
        var object = JSONObject([
            ("decision", .string(self.decision.rawValue)), ("errors", Self.array(self.errors)),
            ("gates", Self.array(self.gates)), ("id", self.id), ("reasons", Self.array(self.reasons)),
        ])
        object["refused"] = self.refused.map { .string($0.rawValue) }
        object["validation"] =
            self.validation.map { ["passed": .bool($0.passed), "errors": Self.array($0.errors)] } ?? .null
        return .object(object)
    }

    private static func array(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
}
