/// Why an action is not done, or why nobody knows whether it may be.
///
/// Whatever is thrown before a body runs means: do not act.
public struct CountersignError: Error, Sendable, CustomStringConvertible {
    /// The kinds.
    public enum Code: String, Sendable {
        /// Policy denies it.
        case denied
        /// People denied it, or nobody decided, or the approval was taken back.
        case notApproved = "not-approved"
        /// People have not decided yet. The approval stays; asking again goes on waiting.
        case stillPending = "still-pending"
        /// The same action was approved before and is under way, or its result waits.
        case underWay = "under-way"
        /// The gateway refused the call; the reasons have its own code.
        case refused
        /// The gateway was not reached, or gave no answer in time.
        case unreachable
        /// The gateway's answer is not one that this version knows.
        case unexpectedAnswer = "unexpected-answer"
        /// The gateway has another action than the one that was asked for.
        case otherAction = "other-action"
        /// It was done, and its outcome could not be reported: see ``approval``.
        case unreported
        /// The address or the key is none.
        case badSetting = "bad-setting"
    }

    /// The kind.
    public let code: Code
    /// What is wrong, and what to do next.
    public let message: String
    /// The gateway's own reasons.
    public var reasons: [Refusal] = []
    /// The approval that this is about.
    public var approval: Approval?

    init(_ code: Code, _ message: String, reasons: [Refusal] = [], approval: Approval? = nil) {
        self.code = code
        self.message = message
        self.reasons = reasons
        self.approval = approval
    }

    /// Code and message.
    public var description: String { "\(code.rawValue): \(message)" }
}
