/// The text that a policy was read from, and where things stand in it.
///
/// A policy that was read from JSON has the canonical text of what it says; positions in it are then those of the
/// policy as a whole.
package struct PolicyText: Sendable {
    /// Where the policy starts: its first annotation or its effect.
    package let start: SourcePosition
    /// The text as written, from its first annotation to its semicolon.
    package let text: String
    private let map: SourceMap?

    init(start: SourcePosition, text: String, map: SourceMap?) {
        self.start = start
        self.text = text
        self.map = map
    }

    /// Where an expression of this policy starts.
    package func position(of expression: Expression) -> SourcePosition {
        self.map?.position(of: expression.offset) ?? self.start
    }

    /// The same place with another text.
    func stating(_ text: String) -> PolicyText { PolicyText(start: self.start, text: text, map: self.map) }
}
