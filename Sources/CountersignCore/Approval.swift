/// Where an approval stands (DESIGN 5).
package enum ApprovalStatus: String, Hashable, Sendable, Codable, CaseIterable {
    /// Waits for decisions. Next: approved, denied, expired, withdrawn.
    case pending
    /// Every gate is met; the grant waits to be used. Next: redeemed, lapsed, revoked.
    case approved
    /// The grant is used and the action dispatched. Next: succeeded, failed, unknown.
    case redeemed
    /// The action ran and its outcome was good.
    case succeeded
    /// The action ran or could not run, and its outcome was bad.
    case failed
    /// The action was dispatched and nobody knows what came of it.
    case unknown
    /// An approver denied it.
    case denied
    /// Nobody decided in time.
    case expired
    /// The agent withdrew it.
    case withdrawn
    /// The grant was not used in time.
    case lapsed
    /// A user, or stricter policy, took the grant back.
    case revoked

    /// Whether nothing more can happen to it.
    package var isFinal: Bool {
        switch self {
        case .pending, .approved, .redeemed: false
        case .succeeded, .failed, .unknown, .denied, .expired, .withdrawn, .lapsed, .revoked: true
        }
    }
}

/// What came of a dispatched action.
package struct Outcome: Hashable, Sendable, Codable {
    /// The kinds of outcome.
    package enum Result: String, Hashable, Sendable, Codable {
        /// The upstream did it.
        case succeeded
        /// The upstream refused or could not be reached.
        case failed
        /// The action was sent, and no answer came.
        case unknown
    }

    /// The kind.
    package let result: Result
    /// The protocol's status: the HTTP status code, for instance.
    package let status: Int?
    /// One sentence for a person.
    package let detail: String?

    /// Makes an outcome.
    package init(_ result: Result, status: Int? = nil, detail: String? = nil) {
        self.result = result
        self.status = status
        self.detail = detail
    }
}

/// The request for human judgment on one held action, from `pending` to its end.
///
/// It is a value: ``ApprovalMachine`` makes the next one, the ledger replaces the old one by compare-and-set.
package struct Approval: Hashable, Sendable, Codable {
    /// The id.
    package let id: ApprovalID
    /// Who asks.
    package let agent: AgentID
    /// The agent's owner at the time of asking.
    package let owner: UserID?
    /// The human for whom the agent acts.
    package let onBehalfOf: UserID?
    /// Where the action happens.
    package let connection: ConnectionName
    /// The action's name, `http:delete`.
    package let action: String
    /// The distinct effects of its operations, if there are several; a single one is in ``action``.
    package var effects: [Effect]?
    /// The first operation's resource id, for lists.
    package let resource: String
    /// The canonical text of the action document; `nil` once it was erased.
    package var document: String?
    /// The entry that tells of the erasure.
    package var erasedBy: UInt64?
    /// The digest of ``document``.
    package let digest: ActionDigest
    /// The digest of what approvers are shown.
    package let previewDigest: ActionDigest
    /// What stops the action; fixed at the hold.
    package let gates: [Gate]
    /// The version of the policy set that stopped it.
    package let policyVersion: String
    /// What surrounded the first ask: what its entry says, and approvers read.
    package var circumstances: Circumstances
    /// What surrounded a later ask that made it asynchronous; no entry says it, and approvers do not see it.
    package var laterCircumstances: Circumstances?
    /// When the agent asked.
    package let requestedAt: Timestamp
    /// When it ends if nobody decides.
    package let expiresAt: Timestamp
    /// How long an approved action may wait to start.
    package let grantDuration: Duration
    /// Whether the gateway runs the action by itself once it is approved.
    package var asynchronous: Bool
    /// Where it stands.
    package var status: ApprovalStatus
    /// What users said, in order.
    package var decisions: [Decision]
    /// What was said on it since, in order; `nil` as long as nothing was.
    package var comments: [ApprovalComment]?
    /// When the grant ends; set once approved.
    package var grantExpiresAt: Timestamp?
    /// When it reached its last state.
    package var settledAt: Timestamp?
    /// What came of it.
    package var outcome: Outcome?
    /// Whether the agent has the result, so that asking again is a new action.
    package var delivered: Bool
    /// Counts the changes; what compare-and-set compares.
    package var revision: Int

    /// About how many bytes it takes to show it: what pages are measured by.
    package var weight: Int {
        let gates = gates.reduce(0) { $0 + $1.text.utf8.count + ($1.advice?.utf8.count ?? 0) }
        let said = circumstances.justification?.utf8.count ?? 0
        let words = (comments ?? []).reduce(said) { $0 + $1.text.utf8.count }
        return 1024 + (document?.utf8.count ?? 0) + gates + words + decisions.reduce(0) { $0 + $1.reason.utf8.count }
    }

    /// Whether an identical ask attaches to it instead of making a new approval, at `now`.
    package func attaches(now: Timestamp) -> Bool {
        switch status {
        case .pending: now < expiresAt
        case .approved: grantExpiresAt.map { now < $0 } ?? false
        case .redeemed: true
        case .succeeded, .failed: !delivered && (grantExpiresAt.map { now < $0 } ?? false)
        case .unknown, .denied, .expired, .withdrawn, .lapsed, .revoked: false
        }
    }

    /// Whether lifting its gates lifts these, too.
    func covers(_ others: [Gate]) -> Bool {
        others.allSatisfy { other in
            gates.contains { gate in
                gate.policy == other.policy && gate.quorum >= other.quorum
                    && Set(gate.approvers) == Set(other.approvers)
            }
        }
    }

    /// Those under which the gateway, running the action by itself, asks policy again: of the ask that wanted that.
    package var runsUnder: Circumstances { laterCircumstances ?? circumstances }

    /// The users whom no policy lets decide: the human acted for and the agent's owner.
    package func isOwn(of user: UserID) -> Bool {
        user.isSamePerson(as: owner) || user.isSamePerson(as: onBehalfOf) || user.isSamePerson(asName: agent.rawValue)
    }
}
