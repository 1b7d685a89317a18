/// The text that a policy was read from, and where things stand in it.
///
/// What was read from JSON, and a template's link, is written nowhere; positions in it are then those of the policy as a
/// whole, or of the template.
package struct PolicyText: Sendable {
    /// Where the policy starts: its first annotation or its effect; in JSON its object.
    package let start: SourcePosition
    /// The text as written, from its first annotation to its semicolon; nil where the canonical text stands for it.
    let written: String?
    /// Where the scope names types and entities.
    let names: ScopeNames
    private let map: SourceMap?

    init(start: SourcePosition, written: String?, names: ScopeNames = ScopeNames(), map: SourceMap?) {
        self.start = start
        self.written = written
        self.names = names
        self.map = map
    }

    /// Where an expression of this policy starts.
    package func position(of expression: Expression) -> SourcePosition {
        self.position(at: expression.offset)
    }

    /// The place of an offset in the file; the policy's start where there is none.
    func position(at offset: Int?) -> SourcePosition {
        guard let map = self.map, let offset else { return self.start }
        return map.position(of: offset)
    }

    /// The same place of what is not written there.
    var unwritten: PolicyText { PolicyText(start: self.start, written: nil, names: self.names, map: self.map) }
}

/// The byte offsets of the types and entities that a scope names, in the order in which each constraint names them.
struct ScopeNames: Sendable {
    var principal: [Int] = []
    var action: [Int] = []
    var resource: [Int] = []
}
