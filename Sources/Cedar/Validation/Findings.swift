/// Collects what is found in one policy, each thing once however many environments it is found in.
struct Findings {
    private struct Key: Hashable {
        let kind: ValidationFinding.Kind
        let offset: Int
        let message: CedarString
    }

    /// Beyond this many findings hints are no longer looked for, which can cost more than the finding.
    private static let hinted = 100

    private let policyID: String
    private let source: PolicyText
    private var seen: Set<Key> = []
    private var found: [ValidationFinding] = []

    init(policyID: String, source: PolicyText) {
        self.policyID = policyID
        self.source = source
    }

    /// Notes something about an expression, or about the scope or the whole policy.
    mutating func note(
        _ kind: ValidationFinding.Kind,
        _ message: String,
        hint: @autoclosure () -> String? = nil,
        at expression: Expression? = nil,
    ) {
        let key = Key(kind: kind, offset: expression?.offset ?? -1, message: CedarString(message))
        guard self.seen.insert(key).inserted else { return }
        let hint = self.found.count < Self.hinted ? hint() : nil
        let position = expression.map(self.source.position(of:)) ?? self.source.start
        self.found.append(
            ValidationFinding(kind: kind, policyID: self.policyID, message: message, hint: hint, position: position)
        )
    }

    /// What was found, in the order of the text and, at one place, of the finding.
    var inOrder: [ValidationFinding] {
        self.found.enumerated()
            .sorted { ($0.element.position.offset, $0.offset) < ($1.element.position.offset, $1.offset) }
            .map(\.element)
    }
}
