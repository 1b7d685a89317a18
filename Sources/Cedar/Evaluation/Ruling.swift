/// What a policy set says when some of its `forbid` policies can be lifted, by an approval for example.
package struct Ruling: Sendable {
    /// The three answers.
    package enum Answer: String, Hashable, Sendable {
        /// Some `permit` is satisfied and no `forbid` is.
        case allow
        /// It would be allowed if the satisfied `forbid` policies were lifted, and they can be.
        case liftable
        /// Otherwise.
        case deny
    }

    /// The answer, in which policies that could not be evaluated have no part.
    package let answer: Answer
    /// The policies that determined it, ascending: every satisfied `permit`, every satisfied liftable `forbid`, or every
    /// satisfied `forbid` that cannot be lifted; none if nothing permits.
    package let determining: PolicyIndices
    /// The `forbid` policies that could not be evaluated, ascending; who fails closed denies if there is one.
    package let brokenForbids: PolicyIndices
    /// All policies that could not be evaluated, ascending.
    package let errors: [Evaluation.Failure]

    /// The answer of one that fails closed: denied if some `forbid` could not be evaluated.
    package var strictAnswer: Answer { self.brokenForbids.isEmpty ? self.answer : .deny }
}
