import CanonicalJSON
import CountersignCore
import HTTPTypes

/// The channels: how each stands, what waits, what has failed and why.
enum ChannelsRoom {
    /// The endpoints.
    static let endpoints = [
        Endpoint(page: .get, "/channels", .user, run: show),
        Endpoint(page: .post, "/channels/replay", .user, run: replay),
    ]

    @Sendable private static func show(_ exchange: Exchange) async throws -> Reply {
        let outbox = exchange.parts.ledger.outbox
        let failed = try await outbox.notices(NoticeQuery(state: .failed, limit: 50))
        let waiting = try await outbox.notices(NoticeQuery(state: .waiting, limit: 20))
        let recent = try await outbox.notices(NoticeQuery(cursor: exchange.query["cursor"], limit: 30))
        let content = ChannelsPage(
            standings: try await exchange.channelStandings(),
            failed: failed,
            waiting: waiting,
            recent: recent,
            mayReplay: exchange.parts.enforcement.mayReplay(try exchange.user()),
            message: message(exchange.query["result"]),
            now: exchange.now,
        )
        return try exchange.page("channels", "Channels", content, room: .channels)
    }

    @Sendable private static func replay(_ exchange: Exchange) async throws -> Reply {
        let form = FormFields(String(decoding: exchange.body, as: UTF8.self)) ?? FormFields()
        guard let number = form["number"].flatMap({ Int64(strict: $0) }) else {
            throw Problem(.badRequest, "The form is not complete. Reload the page and try again.")
        }
        switch try await exchange.replay(number) {
        case .success: return .seeOther("/channels?result=replayed")
        case .failure(let reason) where reason.code.status >= 500: throw Problem(reason)
        case .failure(let reason): return .seeOther("/channels?result=" + reason.code.rawValue)
        }
    }

    /// What a result in the query means; only texts of our own are ever shown.
    private static func message(_ result: String?) -> Message? {
        switch result {
        case nil: nil
        case "replayed": Message("It is sent again. What is settled by now is not asked again.", "good")
        case "wrong-state":
            Message("Not sent again: it waits already, was dropped, or its channel is not configured any more.", "bad")
        case .some(let code): ReasonCode(rawValue: code).map { Message("Not sent again. " + $0.explanation, "bad") }
        }
    }
}

/// The page of the channels.
struct ChannelsPage {
    let message: Message?
    let channels: [ChannelView]
    let isEmpty: Bool
    let failed: [NoticeView]
    let hasFailed: Bool
    let waiting: [NoticeView]
    let hasWaiting: Bool
    let recent: [NoticeView]
    let hasRecent: Bool
    let mayReplay: Bool
    /// Where older ones are.
    let next: Markup

    init(
        standings: [ChannelStanding],
        failed: Page<Notice>,
        waiting: Page<Notice>,
        recent: Page<Notice>,
        mayReplay: Bool,
        message: Message?,
        now: Timestamp,
    ) {
        self.message = message
        channels = standings.map { ChannelView($0, now: now) }
        isEmpty = channels.isEmpty
        self.failed = failed.items.map { NoticeView($0, now: now) }
        hasFailed = !failed.items.isEmpty
        self.waiting = waiting.items.map { NoticeView($0, now: now) }
        hasWaiting = !waiting.items.isEmpty
        self.recent = recent.items.map { NoticeView($0, now: now) }
        hasRecent = !recent.items.isEmpty
        self.mayReplay = mayReplay
        next = recent.next.map { Markup("/channels?cursor=" + PercentCoding.encode($0)) } ?? .none
    }
}

/// One channel.
struct ChannelView {
    let name: Markup
    let kind: Markup
    let state: Pill
    let due: Markup
    let later: Markup
    let failed: Markup
    let delivered: Markup
    let oldest: Moment?
    let trouble: Markup

    /// Describes how a channel stands.
    init(_ standing: ChannelStanding, now: Timestamp) {
        name = Markup(standing.name.rawValue)
        kind = standing.activity.map { Markup($0.kind.rawValue) } ?? .none
        let tone =
            switch standing.state {
            case .ok: "good"
            case .waiting: "wait"
            case .failing, .unconfigured: "bad"
            }
        state = Pill(standing.state.rawValue, tone: tone)
        due = Markup(String(standing.count.due))
        later = Markup(String(standing.count.scheduled))
        failed = Markup(String(standing.count.failed))
        delivered = standing.activity.map { Markup(String($0.delivered)) } ?? .none
        oldest = standing.count.oldestDue.map { Moment($0, now: now) }
        trouble = standing.trouble.map { VisibleText.line($0) } ?? .none
    }
}

/// One notice: who is told, where, when and why.
struct NoticeView {
    let number: Markup
    let channel: Markup
    let address: Markup
    let cause: Markup
    let state: Pill
    /// When it was over, or is to be delivered.
    let time: Moment
    let approval: Markup
    let link: Markup
    let tries: Markup
    let trouble: Markup

    /// Describes a notice.
    init(_ notice: Notice, now: Timestamp) {
        number = Markup(String(notice.number))
        channel = Markup(notice.destination.channel.rawValue)
        address = VisibleText.line(notice.destination.address)
        cause = Markup(Self.words(notice))
        let tone =
            switch notice.state {
            case .waiting, .sending: "wait"
            case .delivered: "good"
            case .dropped: "calm"
            case .failed: "bad"
            }
        state = Pill(notice.state.rawValue, tone: tone)
        time = Moment(notice.endedAt ?? notice.tryAt, now: now)
        approval = Markup(notice.approval.rawValue)
        link = Markup("/approvals/" + notice.approval.rawValue)
        tries = notice.tries > 1 ? Markup("\(notice.tries) attempts") : .none
        trouble = notice.trouble.map { VisibleText.line($0) } ?? .none
    }

    /// Why somebody is told.
    private static func words(_ notice: Notice) -> String {
        switch notice.cause {
        case .requested: notice.batch == nil ? "asked" : "asked, with others"
        case .escalated: "asked, because nobody had answered"
        case .reminder: "reminded"
        case .changed: "told of what changed: \(notice.event.rawValue)"
        }
    }
}
