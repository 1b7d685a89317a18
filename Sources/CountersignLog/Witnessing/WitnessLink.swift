/// A way to one witness.
package protocol WitnessLink: Sendable {
    /// Sends the body of an `add-checkpoint`, and answers what came back, whatever it is.
    ///
    /// Ends in bounded time; throws if there was no whole answer.
    func submit(_ request: String) async throws(WitnessFailure) -> WitnessReply
    /// Ends the connections.
    func close() async
}

/// What a witness answered, unjudged.
package struct WitnessReply: Hashable, Sendable {
    /// The HTTP status.
    package let status: Int
    /// The content type, if it gave one.
    package let contentType: String?
    /// The body.
    package let body: [UInt8]

    /// Joins an answer's parts.
    package init(status: Int, contentType: String?, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }
}

/// Why a witness gave no answer that can be used; for operators.
package struct WitnessFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong and how to mend it.
    package let description: String

    /// States what is wrong.
    package init(_ description: String) { self.description = description }
}
