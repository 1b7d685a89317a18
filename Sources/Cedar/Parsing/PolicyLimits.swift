/// How large a text of policies or of a schema may be, in Cedar's languages or in JSON, so that a hostile one costs little and never the stack.
package struct PolicyLimits: Sendable {
    /// The most bytes in one file.
    package let fileBytes: Int
    /// How deep expressions may nest: parentheses, operators and member accesses within each other; in a schema, types.
    package let nesting: Int
    /// After this many problems a file's rest is not looked at.
    ///
    /// At least 1, as a limit of none would let a broken text pass for an empty one.
    package let errors: Int

    /// Chooses limits.
    package init(fileBytes: Int = 16 << 20, nesting: Int = 256, errors: Int = 100) {
        self.fileBytes = fileBytes
        self.nesting = nesting
        self.errors = max(errors, 1)
    }
}
