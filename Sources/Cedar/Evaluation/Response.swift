/// Cedar's answer and what brought it about.
package struct Response: Sendable {
    /// A policy that was skipped because it could not be evaluated.
    package struct Failure: Hashable, Sendable {
        /// The policy's id.
        package let id: String
        /// Why it was skipped.
        package let message: String
    }

    /// The answer.
    package let decision: Decision
    /// The ids of the policies that determined it, in the set's order.
    package let reasons: [String]
    /// The policies that were skipped.
    package let errors: [Failure]
}

/// Cedar's answer.
package enum Decision: String, Hashable, Sendable {
    /// Some `permit` is satisfied and no `forbid` is.
    case allow
    /// Otherwise.
    case deny
}
