/// What the tools do whose names match a pattern.
package struct ToolRule: Hashable, Sendable {
    /// The pattern: `*` stands for any characters, also none.
    package let pattern: String
    /// What they do.
    package let effect: Effect

    /// Configures tools.
    package init(pattern: String, effect: Effect) {
        self.pattern = pattern
        self.effect = effect
    }

    /// Whether a tool's name fits the pattern.
    package func matches(_ tool: String) -> Bool { Self.matches(pattern, tool) }

    /// Whether a text fits a pattern in which `*` stands for any characters.
    package static func matches(_ pattern: String, _ text: String) -> Bool {
        let (pattern, text) = (Array(pattern.utf8), Array(text.utf8))
        var (p, t) = (0, 0)
        var retry: (pattern: Int, text: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                retry = (p + 1, t)
                p += 1
            } else if p < pattern.count, pattern[p] == text[t] {
                p += 1
                t += 1
            } else if let (from, at) = retry {
                // The star takes one more character.
                retry = (from, at + 1)
                (p, t) = (from, at + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
