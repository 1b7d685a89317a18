/// What a policy says about itself: `@name("value")`.
package struct Annotation: Hashable, Sendable {
    /// The name after `@`.
    package let name: String
    /// The value with escapes resolved; empty where the annotation has none.
    package let value: String
    /// Where the `@` stands.
    package let position: SourcePosition
    /// Whether it is written with a value; one without counts as empty everywhere but in the JSON form.
    package let hasValue: Bool

    /// States an annotation.
    package init(name: String, value: String, position: SourcePosition, hasValue: Bool = true) {
        self.name = name
        self.value = value
        self.position = position
        self.hasValue = hasValue
    }
}
