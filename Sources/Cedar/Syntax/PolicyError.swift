/// One thing wrong with a text: of policies, of a schema or of their JSON form.
package struct PolicyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package let message: String
    /// What would be right, where we know.
    package let hint: String?
    /// Where it is.
    package let position: SourcePosition

    /// States a problem.
    package init(message: String, hint: String? = nil, position: SourcePosition) {
        self.message = message
        self.hint = hint
        self.position = position
    }

    /// `file:line:column: message`, with the hint in brackets.
    package var description: String {
        let text = "\(self.position): \(self.message)"
        guard let hint else { return text }
        return "\(text) (\(hint))"
    }
}

/// Everything wrong with some texts of policies or of a schema, in the order of the texts.
package struct PolicyErrors: Error, Sendable, CustomStringConvertible {
    /// The problems; at least one.
    package let errors: [PolicyError]

    /// Collects problems.
    package init(_ errors: [PolicyError]) { self.errors = errors }

    /// One problem a line.
    package var description: String { self.errors.map(\.description).joined(separator: "\n") }
}
