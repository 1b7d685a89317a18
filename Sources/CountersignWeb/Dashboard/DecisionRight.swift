import CanonicalJSON
import CountersignCore

/// Whether a user may decide on an approval, and if not, why; what the page shows, while the machine has the last word.
enum DecisionRight: Hashable, Sendable {
    /// They may.
    case may
    /// It is theirs: they own the agent, or it acts for them.
    case own
    /// They have approved it.
    case decided
    /// They are in no group that a gate names.
    case notAnApprover
    /// A policy forbids it.
    case forbidden
    /// There is nothing to decide any more.
    case settled

    /// Works it out from today's directory and policy.
    init(of user: SignedInUser, on approval: Approval, _ snapshot: Snapshot, now: Timestamp) {
        let groups = snapshot.directory.users[user.user.id]?.groups ?? []
        if approval.status != .pending {
            self = .settled
        } else if approval.isOwn(of: user.user.id)
            || user.user.id.isSamePerson(as: snapshot.directory.agents[approval.agent]?.owner)
        {
            self = .own
        } else if approval.decisions.contains(where: { $0.user.isSamePerson(as: user.user.id) }) {
            self = .decided
        } else if !approval.gates.contains(where: { $0.accepts(groups: groups) }) {
            self = .notAnApprover
        } else if !Self.policyAllows(user.user.id, approval, snapshot, now) {
            self = .forbidden
        } else {
            self = .may
        }
    }

    private static func policyAllows(
        _ id: UserID,
        _ approval: Approval,
        _ snapshot: Snapshot,
        _ now: Timestamp,
    ) -> Bool {
        guard let user = snapshot.directory.users[id], let text = approval.document,
            let document = StoredJSON.value(text), let action = try? Action(document: document)
        else { return false }
        return snapshot.policy.mayApprove(user, approval, action, directory: snapshot.directory, now: now)
    }

    /// A sentence for the approval's page.
    var explanation: String {
        switch self {
        case .may, .settled: ""
        case .own: "You own this agent or it acts for you, so somebody else must decide."
        case .decided: "You have approved this. It waits for others."
        case .notAnApprover: "You are in none of the groups that may decide on this action."
        case .forbidden: "A policy does not let you decide on this action."
        }
    }

    /// A few words for a list.
    var listNote: String {
        switch self {
        case .may, .settled: ""
        case .own: "yours: somebody else decides"
        case .decided: "you approved; waits for others"
        case .notAnApprover, .forbidden: "others decide"
        }
    }
}
