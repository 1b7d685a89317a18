/// The name and the text of a file of policies or of a schema.
package struct PolicySource: Sendable {
    /// The name that positions carry.
    package let name: String
    /// The text, in Cedar's language or, where its first character is `{`, in JSON.
    package let text: String

    /// Joins a name and a text.
    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}
