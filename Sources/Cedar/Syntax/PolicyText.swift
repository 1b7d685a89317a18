/// The text that a policy was read from, and where things stand in it.
///
/// What was read from JSON, and a template's link, is written nowhere; positions in it are then those of the policy as a
/// whole, or of the template.
package struct PolicyText: Sendable {
    /// Where the policy starts: its first annotation or its effect.
    package let start: SourcePosition
    /// The text as written, from its first annotation to its semicolon; nil where the canonical text stands for it.
    let written: String?
    private let map: SourceMap?

    init(start: SourcePosition, written: String?, map: SourceMap?) {
        self.start = start
        self.written = written
        self.map = map
    }

    /// Where an expression of this policy starts.
    package func position(of expression: Expression) -> SourcePosition {
        self.map?.position(of: expression.offset) ?? self.start
    }

    /// The same place of what is not written there.
    var unwritten: PolicyText { PolicyText(start: self.start, written: nil, map: self.map) }
}
