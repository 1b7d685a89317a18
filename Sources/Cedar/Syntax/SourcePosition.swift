/// A place in a file of policies or of a schema.
package struct SourcePosition: Hashable, Sendable, CustomStringConvertible {
    /// The file's name, as its `PolicySource` gave it.
    package let file: String
    /// The line, from 1.
    package let line: Int
    /// The column in Unicode scalars, from 1.
    package let column: Int
    /// The UTF-8 byte offset, from 0.
    package let offset: Int

    /// Names a place.
    package init(file: String, line: Int, column: Int, offset: Int) {
        self.file = file
        self.line = line
        self.column = column
        self.offset = offset
    }

    /// The start of a file.
    init(startOf file: String) { self.init(file: file, line: 1, column: 1, offset: 0) }

    /// `file:line:column`.
    package var description: String { "\(self.file):\(self.line):\(self.column)" }
}
