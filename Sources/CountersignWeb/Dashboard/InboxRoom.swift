import CountersignCore
import HTTPTypes

/// The inbox: what waits for decisions.
enum InboxRoom {
    /// The endpoints.
    static let endpoints = [Endpoint(page: .get, "/", .user, run: show)]

    @Sendable private static func show(_ exchange: Exchange) async throws -> Reply {
        let user = try exchange.user()
        let query = ApprovalQuery(status: .pending, cursor: exchange.query["cursor"], limit: 100)
        let page = try await exchange.parts.ledger.approvals(query)
        let snapshot = exchange.parts.enforcement.current.snapshot
        var mine = [InboxItem]()
        var others = [InboxItem]()
        for approval in page.items where !approval.isOverdue(now: exchange.now) {
            let right = DecisionRight(of: user, on: approval, snapshot, now: exchange.now)
            let item = InboxItem(approval, snapshot.directory, right, now: exchange.now)
            if right == .may { mine.append(item) } else { others.append(item) }
        }
        let recent = try await exchange.parts.ledger.approvals(ApprovalQuery(limit: 30)).items
            .filter { $0.status != .pending }.prefix(8)
        let content = InboxPage(
            count: Markup(sentence(mine.count)),
            mine: mine,
            others: others,
            isEmpty: mine.isEmpty && others.isEmpty,
            recent: recent.map { InboxItem($0, snapshot.directory, .settled, now: exchange.now) },
            next: page.next.map { Markup("/?cursor=" + PercentCoding.encode($0)) } ?? .none,
        )
        let title = mine.isEmpty ? "Inbox" : "(\(mine.count)) Inbox"
        return try exchange.page("inbox", title, content, room: .inbox, isLive: true)
    }

    private static func sentence(_ count: Int) -> String {
        switch count {
        case 0: "Nothing waits for you."
        case 1: "1 action waits for your decision."
        default: "\(count) actions wait for your decision."
        }
    }
}

/// The inbox page.
struct InboxPage {
    /// How many wait for the viewer, as a sentence.
    let count: Markup
    /// What the viewer may decide.
    let mine: [InboxItem]
    /// What others must decide.
    let others: [InboxItem]
    /// Whether nothing is pending.
    let isEmpty: Bool
    /// What was settled lately.
    let recent: [InboxItem]
    /// Where older ones are.
    let next: Markup
}

/// One approval in a list.
struct InboxItem {
    /// The approval's page.
    let link: Markup
    /// Where it stands.
    let status: Pill
    /// What it would do.
    let effect: Pill
    /// The action's name.
    let action: Markup
    /// To what.
    let resource: Markup
    /// Who asks.
    let agent: Markup
    /// For whom.
    let human: Markup
    /// Where.
    let connection: Markup
    /// The connection's environment.
    let environment: EnvironmentLabel
    /// Since when it waits.
    let requested: Moment
    /// When it ends.
    let expires: Moment
    /// How far the gates are met.
    let progress: Markup
    let talk: Markup
    /// Why the viewer cannot decide.
    let note: Markup

    /// Describes an approval for a viewer with that right.
    init(_ approval: Approval, _ directory: Directory, _ right: DecisionRight, now: Timestamp) {
        link = Markup("/approvals/" + approval.id.rawValue)
        status = Pill(approval.status)
        effect = Pill(action: approval.action)
        action = Markup(approval.action)
        resource = VisibleText.line(approval.resource)
        agent = Markup(approval.agent.rawValue)
        human = approval.onBehalfOf.map { Markup($0.rawValue) } ?? .none
        connection = Markup(approval.connection.rawValue)
        environment = EnvironmentLabel(directory.connections[approval.connection]?.labels["env"])
        requested = Moment(approval.requestedAt, now: now)
        expires = Moment(approval.expiresAt, now: now)
        let needed = approval.gates.reduce(0) { $0 + $1.quorum * $1.approvers.count }
        let missing = approval.gates.reduce(0) { $0 + $1.missing(approval.decisions) }
        progress = Markup("\(needed - missing) of \(needed) \(needed == 1 ? "approval" : "approvals")")
        talk = Self.talk(approval.comments ?? [])
        note = Markup(right.listNote)
    }

    /// How many comments there are, and whose the last one is.
    private static func talk(_ comments: [ApprovalComment]) -> Markup {
        guard let last = comments.last else { return .none }
        let count = comments.count == 1 ? "1 comment" : "\(comments.count) comments, the last"
        return Markup("\(count) by \(last.author.isPerson ? "a person" : "the agent")")
    }
}

/// The name of an environment; production stands out.
struct EnvironmentLabel {
    /// The name; empty for none.
    let text: Markup
    /// The class of the style sheet.
    let tone: Markup

    /// Describes a label.
    init(_ name: String?) {
        text = name.map { VisibleText.line($0) } ?? .none
        let isProduction = ["prod", "production", "live"].contains(name?.lowercased() ?? "")
        tone = Markup(isProduction ? "grave" : "calm")
    }
}
