/// A place in a policy file.
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

/// A policy file's name and text.
package struct PolicySource: Sendable {
    /// The name that positions carry.
    package let name: String
    /// The Cedar text.
    package let text: String

    /// Joins a name and a text.
    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}
