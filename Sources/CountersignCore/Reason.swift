/// A stable code for why something was refused: the same in the response, the log line, the entry and the test.
package enum ReasonCode: String, Hashable, Sendable, Codable, CaseIterable {
    /// No `permit` policy is satisfied.
    case noPermit = "no-permit"
    /// A `forbid` policy without a gate is satisfied.
    case forbidden
    /// A policy could not be evaluated; an erring `forbid` counts as satisfied.
    case policyError = "policy-error"
    /// The action waits for human approval.
    case approvalRequired = "approval-required"
    /// An approver denied the action.
    case approvalDenied = "approval-denied"
    /// Nobody decided in time.
    case approvalExpired = "approval-expired"
    /// The agent withdrew its request.
    case approvalWithdrawn = "approval-withdrawn"
    /// A user revoked the approval before it was used.
    case approvalRevoked = "approval-revoked"
    /// The approved action was not started in time.
    case grantLapsed = "grant-lapsed"
    /// The grant was used already.
    case grantUsed = "grant-used"
    /// The bytes at hand are not those that were approved or shown.
    case digestMismatch = "digest-mismatch"
    /// The policy has become stricter since the approval.
    case policyChanged = "policy-changed"
    /// The requesting agent, its owner or the human it acts for tried to decide.
    case selfApproval = "self-approval"
    /// The user is in no group that a gate of this approval names, or policy does not let them approve.
    case notAnApprover = "not-an-approver"
    /// The approval has been settled, or this user has decided on it.
    case alreadyDecided = "already-decided"
    /// The approval is not in a state in which this can be done.
    case wrongState = "wrong-state"
    /// The payload was erased before.
    case alreadyErased = "already-erased"
    /// The agent has as many pending approvals as it may have.
    case tooManyPending = "too-many-pending"
    /// The approval, or its author within a minute, has as many comments as they may have.
    case tooManyComments = "too-many-comments"
    /// The ledger cannot write or read.
    case ledgerUnavailable = "ledger-unavailable"
    /// The log's newest entries cannot be covered by a signed checkpoint now.
    case checkpointUnavailable = "checkpoint-unavailable"
    /// The clock went back by more than is explicable.
    case clockUnreliable = "clock-unreliable"
    /// The upstream cannot be reached.
    case upstreamUnavailable = "upstream-unavailable"
    /// The upstream did not answer in time.
    case upstreamTimeout = "upstream-timeout"
    /// The upstream's answer breaks the protocol.
    case upstreamInvalid = "upstream-invalid"
    /// The caller did not say who it is.
    case unauthenticated
    /// The credential is unknown, expired or revoked.
    case invalidCredential = "invalid-credential"
    /// The caller may not do this.
    case notAllowed = "not-allowed"
    /// No connection has this name.
    case unknownConnection = "unknown-connection"
    /// There is no such thing.
    case notFound = "not-found"
    /// The request cannot be understood in exactly one way.
    case ambiguousRequest = "ambiguous-request"
    /// A method-override header would change what the request does.
    case methodOverride = "method-override"
    /// The method is never passed on.
    case methodRefused = "method-refused"
    /// The JSON body can be read in more than one way.
    case ambiguousBody = "ambiguous-body"
    /// The body is larger than the connection allows.
    case bodyTooLarge = "body-too-large"
    /// The request is malformed.
    case badRequest = "bad-request"
    /// The same `Idempotency-Key` came with another request.
    case idempotencyConflict = "idempotency-conflict"
    /// The statement could not be analysed.
    case statementUnknown = "statement-unknown"
    /// The result of an action that ran is no longer kept.
    case resultGone = "result-gone"
    /// The action was sent, and whether it took effect is not known.
    case outcomeUnknown = "outcome-unknown"
    /// Nobody has accepted the tool's definition as it is now.
    case toolNotAccepted = "tool-not-accepted"
    /// An agent describes its own action otherwise than the configuration knows it.
    case effectMismatch = "effect-mismatch"
    /// The connection's settings changed while the action was held.
    case connectionChanged = "connection-changed"
    /// A request in the name of a chat is not signed by it.
    case signatureInvalid = "signature-invalid"
    /// A request in the name of a chat came before.
    case callbackReplayed = "callback-replayed"
    /// A request in the name of a chat is too old, or of the future.
    case callbackLate = "callback-late"
    /// An account of a chat is no user's, or not this workspace's.
    case accountUnknown = "account-unknown"
    /// An account of a chat may not answer: closed, a bot, a guest, of another workspace.
    case accountRefused = "account-refused"
    /// A gate asks for more than a chat can prove; the page can.
    case pageRequired = "page-required"
    /// A chat's own servers cannot be asked now.
    case channelUnavailable = "channel-unavailable"
    /// The gateway has more work than it takes on.
    case overloaded
    /// The gateway is going down.
    case shuttingDown = "shutting-down"
}

/// One reason of a refusal or hold: a stable code, a sentence for a person or a model, and the policy behind it.
package struct Reason: Hashable, Sendable, Codable {
    /// The stable code.
    package let code: ReasonCode
    /// What is wrong and what to do next; safe for a stranger.
    package let message: String
    /// The id of the policy that decided, if one did.
    package let policy: String?

    /// Makes a reason.
    package init(_ code: ReasonCode, _ message: String, policy: String? = nil) {
        self.code = code
        self.message = message
        self.policy = policy
    }
}
