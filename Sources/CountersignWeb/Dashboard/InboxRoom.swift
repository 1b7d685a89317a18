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
        var may = [Approval]()
        var others = [InboxItem]()
        for approval in page.items where !approval.isOverdue(now: exchange.now) {
            let right = DecisionRight(of: user, on: approval, snapshot, now: exchange.now)
            if right == .may {
                may.append(approval)
            } else {
                others.append(InboxItem(approval, snapshot.directory, right, now: exchange.now))
            }
        }
        let (alike, mine) = group(may, snapshot.directory, now: exchange.now)
        let recent = try await exchange.parts.ledger.approvals(ApprovalQuery(limit: 30)).items
            .filter { $0.status != .pending }.prefix(8)
        let content = InboxPage(
            count: Markup(sentence(may.count)),
            alike: alike,
            mine: mine,
            others: others,
            isEmpty: may.isEmpty && others.isEmpty,
            recent: recent.map { InboxItem($0, snapshot.directory, .settled, now: exchange.now) },
            next: page.next.map { Markup("/?cursor=" + PercentCoding.encode($0)) } ?? .none,
        )
        let title = may.isEmpty ? "Inbox" : "(\(may.count)) Inbox"
        return try exchange.page("inbox", title, content, room: .inbox, isLive: true)
    }

    /// Those of which there are a few alike, and the others; both newest first.
    private static func group(
        _ approvals: [Approval],
        _ directory: Directory,
        now: Timestamp,
    ) -> (alike: [InboxGroup], single: [InboxItem]) {
        let shapes = approvals.map { ActionShape($0) }
        let counts = Dictionary(shapes.compactMap { $0 }.map { ($0, 1) }, uniquingKeysWith: +)
        var alike = [InboxGroup]()
        var single = [InboxItem]()
        var seen = Set<ActionShape>()
        for (approval, shape) in zip(approvals, shapes) {
            if let shape, counts[shape] ?? 0 >= BatchRoom.few {
                guard seen.insert(shape).inserted else { continue }
                let members = zip(approvals, shapes).filter { $0.1 == shape }.map(\.0)
                alike.append(InboxGroup(approval, members, directory, now: now))
            } else {
                single.append(InboxItem(approval, directory, .may, now: now))
            }
        }
        return (alike, single)
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
    /// What the viewer may decide and of which there are several alike.
    let alike: [InboxGroup]
    /// What the viewer may decide, one by one.
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

/// Alike actions in a list.
struct InboxGroup {
    /// The page on which they are decided.
    let link: Markup
    /// How many there are.
    let count: Markup
    /// What they have in common, as the newest has it.
    let first: InboxItem
    /// Each of them.
    let items: [InboxItem]

    /// Describes alike approvals.
    init(_ newest: Approval, _ members: [Approval], _ directory: Directory, now: Timestamp) {
        link = Markup("/approvals/batch?like=" + newest.id.rawValue)
        count = Markup("\(members.count) alike")
        first = InboxItem(newest, directory, .may, now: now)
        items = members.map { InboxItem($0, directory, .may, now: now) }
    }
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
        resource = VisibleText.resource(of: approval)
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
