package import CountersignCore

/// The sentences that a card says in every channel, so that all channels use the same words.
package struct CardWords: Hashable, Sendable {
    /// What the card is about, for a title and a notification: our own words and checked names only.
    package let title: String
    /// How it stands, in one sentence without names.
    package let state: String

    /// The words for a card.
    package init(_ card: ApprovalCard) {
        title =
            switch card.status {
            case .pending: "Approval wanted"
            case .approved: "Approved"
            case .redeemed: "Approved, and running"
            case .succeeded: "Approved, and done"
            case .failed: "Approved, and failed"
            case .unknown: "Approved, and its outcome is unknown"
            case .denied: "Denied"
            case .expired: "Expired: nobody decided in time"
            case .withdrawn: "Withdrawn by the agent"
            case .lapsed: "Approved, and never used"
            case .revoked: "Revoked"
            }
        if let left = card.timeLeft {
            // What is left is wrong soon after, where nobody draws the card anew; the moment stays right.
            let missing = card.gates.reduce(0) { $0 + $1.missing }
            let wanted = missing == 1 ? "1 approval is missing" : "\(missing) approvals are missing"
            state =
                "\(wanted). Time left: \(Self.span(left)), until \(Self.moment(card.expiresAt))."
                + (card.isDecidedOnPage ? " A gate asks for a passkey, so decide on the page." : "")
        } else {
            let status = card.outcome?.status.map { " Status: \($0)." } ?? ""
            state = (card.settledAt.map { "Settled at \(Self.moment($0))." } ?? "There is nothing to decide.") + status
        }
    }

    /// `2026-03-04 05:06:07 UTC`.
    package static func moment(_ time: Timestamp) -> String {
        let text = time.rfc3339
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8)) UTC"
    }

    /// `45 s`, `5 min`, `1 h 20 min`, `3 d`.
    package static func span(_ duration: Duration) -> String {
        let seconds = max(0, duration.wholeSecondsRoundedUp)
        return switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3600: "\(seconds / 60) min"
        case ..<86_400: "\(seconds / 3600) h" + (seconds / 60 % 60 == 0 ? "" : " \(seconds / 60 % 60) min")
        default: "\(seconds / 86_400) d"
        }
    }

    /// Whose words a comment has, in ours: an agent may have the name of a person.
    package static func speaker(_ author: ApprovalComment.Author) -> String {
        switch author {
        case .agent: "Said by the agent, and checked by nobody"
        case .user: "Said by a person, who decided nothing by it"
        }
    }

    /// Whom a gate asks for: `1 person of dba`.
    package static func demand(_ gate: ApprovalCard.GateLine) -> String {
        let people = gate.quorum == 1 ? "1 person" : "\(gate.quorum) different people"
        let groups = gate.approvers.map(\.rawValue).joined(separator: ", ")
        return gate.approvers.count == 1 ? "\(people) of \(groups)" : "\(people) of each: \(groups)"
    }
}
