/// Why JSON is no Cedar value.
package struct ValueError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package let message: String
    /// Where it is, from the outside in: `[3].attrs.owner`.
    package let path: String

    init(_ message: String, path: String = "") {
        self.message = message
        self.path = path
    }

    func within(_ step: String) -> ValueError {
        let joint = self.path.isEmpty || self.path.utf8.first == UInt8(ascii: "[") ? "" : "."
        return ValueError(self.message, path: step + joint + self.path)
    }

    /// `path: message`.
    package var description: String { self.path.isEmpty ? self.message : "\(self.path): \(self.message)" }
}
