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
    /// For a finding about several types its place among what was found, and the types.
    private var shared: [Key: (place: Int, types: [String])] = [:]

    init(policyID: String, source: PolicyText) {
        self.policyID = policyID
        self.source = source
    }

    /// Whether a hint is worth looking for.
    var wantsHint: Bool { self.found.count < Self.hinted }

    /// Notes something about an expression, or about the scope or the whole policy.
    mutating func note(
        _ kind: ValidationFinding.Kind,
        _ message: String,
        hint: @autoclosure () -> String? = nil,
        at expression: Expression? = nil,
    ) {
        self.note(kind, message, hint: hint(), at: expression?.offset)
    }

    /// Notes something about the place at an offset, or about the whole policy.
    mutating func note(
        _ kind: ValidationFinding.Kind,
        _ message: String,
        hint: @autoclosure () -> String? = nil,
        at offset: Int?,
    ) {
        let key = Key(kind: kind, offset: offset ?? -1, message: CedarString(message))
        guard self.seen.insert(key).inserted else { return }
        let hint = self.wantsHint ? hint() : nil
        let position = self.source.position(at: offset)
        self.found.append(
            ValidationFinding(kind: kind, policyID: self.policyID, message: message, hint: hint, position: position)
        )
    }

    /// Notes something about an expression that is one finding however many types it is found for.
    mutating func note(
        _ kind: ValidationFinding.Kind,
        of type: String,
        hint: String,
        at expression: Expression?,
        _ message: (_ types: String) -> String,
    ) {
        let key = Key(kind: kind, offset: expression?.offset ?? -1, message: "")
        var shared = self.shared[key] ?? (self.found.count, [])
        guard !shared.types.contains(where: { CedarString($0) == CedarString(type) }) else { return }
        // So many are named; whoever reads them knows that there may be more.
        guard shared.types.count < 8 else { return }
        shared.types.append(type)
        self.shared[key] = shared
        let finding = ValidationFinding(
            kind: kind,
            policyID: self.policyID,
            message: message(shared.types.map { "`\($0)`" }.joined(separator: ", ")),
            hint: hint,
            position: self.source.position(at: expression?.offset),
        )
        if shared.place < self.found.count { self.found[shared.place] = finding } else { self.found.append(finding) }
    }

    /// Where an expression stands.
    func position(of expression: Expression) -> SourcePosition { self.source.position(of: expression) }

    /// What was found, in the order of the text and, at one place, of the finding.
    var inOrder: [ValidationFinding] {
        self.found.enumerated()
            .sorted { ($0.element.position.offset, $0.offset) < ($1.element.position.offset, $1.offset) }
            .map(\.element)
    }
}
