/// What evaluating all policies found, before anything is decided.
package struct Evaluation: Sendable {
    /// A policy that could not be evaluated, and why.
    package struct Failure: Hashable, Sendable {
        /// The policy's index in the set.
        package let policy: Int
        /// Why it could not be evaluated.
        package let error: EvaluationError
    }

    /// The indices of the satisfied policies, ascending.
    package var satisfied = PolicyIndices()
    /// The policies that failed, ascending.
    package var errors: [Failure] = []

    /// An evaluation that found nothing yet.
    package init() {}
}
