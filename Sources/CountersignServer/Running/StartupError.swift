/// Why the server, or a command, cannot start: what is wrong, where, and the mend, in one message.
package struct StartupError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The message.
    package let description: String

    /// States what is wrong.
    package init(_ description: String) { self.description = description }
}
