/// The text that a policy was read from, and where things stand in it.
///
/// A policy that was read from JSON has the canonical text of what it says, and so has a link, with its entities in the
/// slots. Positions are those of what was read: in JSON that of the policy as a whole, for a link those of its template.
package struct PolicyText: Sendable {
    /// Where the policy starts: its first annotation or its effect; in JSON its object.
    package let start: SourcePosition
    /// The text as written, from its first annotation to its semicolon, or the canonical one.
    package let text: String
    /// Where the scope names types and entities.
    let names: ScopeNames
    private let map: SourceMap?

    init(start: SourcePosition, text: String, names: ScopeNames = ScopeNames(), map: SourceMap?) {
        self.start = start
        self.text = text
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

    /// The same place with another text.
    func stating(_ text: String) -> PolicyText {
        PolicyText(start: self.start, text: text, names: self.names, map: self.map)
    }
}

/// The byte offsets of the types and entities that a scope names, in the order in which each constraint names them.
struct ScopeNames: Sendable {
    var principal: [Int] = []
    var action: [Int] = []
    var resource: [Int] = []
}
