import CanonicalJSON
import CountersignCore

/// What an approval's page shows.
struct ApprovalPage {
    let id: Markup
    let link: Markup
    let status: Pill
    let effect: Pill
    let action: Markup
    let resource: Markup
    let message: Message?

    let agent: Markup
    let owner: Markup
    let human: Markup
    let source: Markup
    let requestID: Markup
    let justification: Markup
    let comments: [CommentView]
    let mayComment: Bool
    let requested: Moment
    let expires: Moment
    let isPending: Bool

    let what: ActionView

    let gates: [GateView]
    let decisions: [DecisionView]
    let policyVersion: Markup

    let mayDecide: Bool
    let mayRevoke: Bool
    let whyNot: Markup
    let digest: Markup
    let previewDigest: Markup

    let grantEnds: Moment?
    let isApproved: Bool
    let outcome: OutcomeView?
    let timeline: [EntryView]
    let told: [NoticeView]
    let hasTold: Bool

    init(
        approval: Approval,
        directory: Directory,
        tools: ToolBook,
        right: DecisionRight,
        mayRevoke: Bool,
        entries: [Entry],
        notices: [Notice],
        message: Message?,
        now: Timestamp,
    ) {
        id = Markup(approval.id.rawValue)
        link = Markup("/approvals/" + approval.id.rawValue)
        status = Pill(approval.status)
        effect = Pill(action: approval.action)
        action = Markup(approval.action)
        resource = VisibleText.resource(of: approval)
        self.message = message
        agent = Markup(approval.agent.rawValue)
        owner = approval.owner.map { Markup($0.rawValue) } ?? .none
        human = approval.onBehalfOf.map { Markup($0.rawValue) } ?? .none
        source = approval.circumstances.sourceAddress.map { VisibleText.line($0) } ?? .none
        requestID = approval.circumstances.requestID.map { VisibleText.line($0) } ?? .none
        justification = approval.circumstances.justification.map { VisibleText.block($0) } ?? .none
        comments = (approval.comments ?? []).map { CommentView($0, on: approval, now: now) }
        mayComment = approval.status == .pending || approval.status == .approved
        requested = Moment(approval.requestedAt, now: now)
        expires = Moment(approval.expiresAt, now: now)
        isPending = approval.status == .pending
        what = ActionView(approval, directory.connections[approval.connection], tools)
        gates = approval.gates.map { GateView($0, approval, directory) }
        decisions = approval.decisions.map { DecisionView($0, now: now) }
        policyVersion = Markup(approval.policyVersion)
        mayDecide = right == .may
        self.mayRevoke = mayRevoke
        whyNot = Markup(right.explanation)
        digest = Markup(approval.digest.rawValue)
        previewDigest = Markup(approval.previewDigest.rawValue)
        grantEnds = approval.grantExpiresAt.map { Moment($0, now: now) }
        isApproved = approval.status == .approved
        outcome = approval.outcome.map { OutcomeView($0) }
        timeline = entries.map { EntryView($0, now: now) }
        told = notices.map { NoticeView($0, now: now) }
        hasTold = !notices.isEmpty
    }
}

/// What came of an action, on a page.
struct OutcomeView {
    /// The kind.
    let result: Markup
    /// The class of the style sheet.
    let tone: Markup
    /// The protocol's status.
    let status: Markup
    /// A sentence.
    let detail: Markup

    /// Describes an outcome.
    init(_ outcome: Outcome) {
        result = Markup(outcome.result.rawValue)
        tone =
            switch outcome.result {
            case .succeeded: Markup("good")
            case .failed, .unknown: Markup("bad")
            }
        status = outcome.status.map { Markup(String($0)) } ?? .none
        detail = outcome.detail.map { VisibleText.line($0) } ?? .none
    }
}

/// A gate on a page.
struct GateView {
    /// The policy's id.
    let policy: Markup
    /// Where it stands.
    let position: Markup
    /// Its text.
    let text: Markup
    /// A sentence for the approver.
    let advice: Markup
    /// Whom it asks for.
    let demand: Markup
    /// How far it is met.
    let progress: Markup
    /// Whether it is met.
    let isMet: Bool
    /// Whether it can still be.
    let isOpen: Bool
    /// Who may still decide.
    let eligible: Markup
    /// The places that are filled and those that are not, for the eye.
    let seats: [Seat]

    /// One approval that a gate needs.
    struct Seat {
        /// Whether it is there.
        let isTaken: Bool
    }

    /// Describes a gate of an approval.
    init(_ gate: Gate, _ approval: Approval, _ directory: Directory) {
        policy = Markup(gate.policy)
        position = VisibleText.line("\(gate.position.file):\(gate.position.line):\(gate.position.column)")
        text = VisibleText.block(gate.text)
        advice = gate.advice.map { VisibleText.line($0) } ?? .none
        let groups = gate.approvers.map(\.rawValue)
        let people = gate.quorum == 1 ? "1 person" : "\(gate.quorum) different people"
        demand = Markup(
            groups.count == 1 ? "\(people) of \(groups[0])" : "\(people) of each: \(groups.joined(separator: ", "))"
        )
        let needed = gate.quorum * gate.approvers.count
        let missing = gate.missing(approval.decisions)
        progress = Markup("\(needed - missing) of \(needed)")
        isMet = missing == 0
        isOpen = missing > 0 && approval.status == .pending
        seats = (0..<needed).map { Seat(isTaken: $0 < needed - missing) }
        let owner = directory.agents[approval.agent]?.owner
        let users = directory.users.values.filter { user in
            gate.accepts(groups: user.groups) && !approval.isOwn(of: user.id) && !user.id.isSamePerson(as: owner)
                && !approval.decisions.contains { $0.user.isSamePerson(as: user.id) }
        }
        let names = users.map(\.id.rawValue).sorted()
        let shown = names.prefix(12).joined(separator: ", ") + (names.count > 12 ? " and \(names.count - 12) more" : "")
        eligible = Markup(names.isEmpty ? "nobody" : shown)
    }
}

/// A decision on a page.
struct DecisionView {
    /// Who.
    let user: Markup
    /// What.
    let verdict: Markup
    /// The class of the style sheet.
    let tone: Markup
    /// Why.
    let reason: Markup
    /// Through what.
    let channel: Markup
    /// When.
    let time: Moment

    /// Describes a decision.
    init(_ decision: Decision, now: Timestamp) {
        user = Markup(decision.user.rawValue)
        switch decision.verdict {
        case .approve: (verdict, tone) = (Markup("approved"), Markup("good"))
        case .deny: (verdict, tone) = (Markup("denied"), Markup("bad"))
        }
        reason = VisibleText.block(decision.reason)
        channel = Markup(decision.channel)
        time = Moment(decision.time, now: now)
    }
}
