/// A part of a value, an entity or a policy that is not what it must be, and why.
package struct InvalidPart: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package let message: String
    /// Where it is, from the outside in: `[3].attrs.owner`, `conditions[0].body.==.left`; empty for the whole.
    package let path: String

    init(_ message: String, path: String = "") {
        self.message = message
        self.path = path
    }

    func within(_ step: String) -> InvalidPart {
        let joint = self.path.isEmpty || self.path.utf8.first == UInt8(ascii: "[") ? "" : "."
        return InvalidPart(self.message, path: step + joint + self.path)
    }

    /// `path: message`.
    package var description: String { self.path.isEmpty ? self.message : "\(self.path): \(self.message)" }
}
