/// Why JSON is no policy, or a policy has no JSON.
package struct PolicyJSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package let message: String
    /// Where it is, from the outside in: `staticPolicies.policy0.conditions[0].body.==.left`.
    package let path: String

    init(_ message: String, path: String = "") {
        self.message = message
        self.path = path
    }

    func within(_ step: String) -> PolicyJSONError {
        let joint = self.path.isEmpty || self.path.utf8.first == UInt8(ascii: "[") ? "" : "."
        return PolicyJSONError(self.message, path: step + joint + self.path)
    }

    /// `path: message`.
    package var description: String { self.path.isEmpty ? self.message : "\(self.path): \(self.message)" }
}
