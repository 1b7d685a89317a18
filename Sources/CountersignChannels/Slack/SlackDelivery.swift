import CanonicalJSON
import CountersignCards
import CountersignCore
import Logging

/// One attempt to tell a notice: the card is posted or corrected, then the thread below it is told what it lacks.
///
/// Each step can be made again: a card is found by what it carries, a correction changes nothing the second time, and the
/// thread says how far it has come.
struct SlackDelivery: Sendable {
    let api: SlackAPI
    let rooms: SlackRooms
    let app: String
    let parcel: Parcel
    let logger: Logger

    private var notice: Notice { parcel.notice }

    func make() async throws(SlackFailure) -> Delivery {
        let cards: [ApprovalCard]
        let page: CardLink
        do throws(ChannelFault) {
            cards = try parcel.cards()
            page = try parcel.link()
        } catch {
            return .refused(trouble: error.description)
        }
        guard let first = cards.first else { return .nothingToTell }
        // A batch has a thread of questions, but no trail: each of its approvals has its own on the page.
        let isBatch = notice.batch != nil
        let message = isBatch ? SlackBatchCard(cards, page: page).message : SlackCard(first).message
        let trail = isBatch ? nil : parcel.approvals.first.map { SlackTrail($0) }
        guard var place = try await place(showing: message, trail?.count ?? 0) else { return .nothingToTell }
        do throws(SlackFailure) {
            try await tellThread(&place, trail, first)
        } catch {
            // Who cannot be told below the card sees the card.
            if !error.isOfThread { guard case .refused = error.delivery else { throw error } }
            logger.warning("a thread cannot be told", metadata: ["error": "\(error.trouble)"])
        }
        return .delivered(reference: place.reference)
    }

    /// Where the message now stands; `nil` if there is none to correct and nothing to ask.
    private func place(showing message: SlackMessage, _ told: Int) async throws(SlackFailure) -> SlackPlace? {
        var place = parcel.shown.flatMap { SlackPlace($0.reference) }
        var conversation: String?
        if place == nil, parcel.isRepeat {
            let room = try await rooms.conversation(notice.destination.address)
            conversation = room
            place = try await find(in: room)
        }
        if let place {
            do throws(SlackFailure) {
                _ = try await api.post(.update, message.update(of: place.message))
                return place
            } catch {
                if error.isOfFixedMessage {
                    // The thread below it still says what happened.
                    logger.warning("a card cannot be corrected", metadata: ["error": "\(error.trouble)"])
                    return place
                }
                guard error.isOfGoneMessage else { throw error }
            }
        }
        // A card that is not there, or that somebody removed, is not put there to be corrected.
        guard parcel.asks else { return nil }
        let room: String
        if let conversation {
            room = conversation
        } else {
            room = try await rooms.conversation(notice.destination.address)
        }
        let metadata = SlackMetadata(subject: notice.subject, notice: notice.id, told: told)
        return SlackPlace(try await post(message.posting(to: room, metadata: metadata), in: room), told: told)
    }

    private func post(_ body: JSONValue, in room: String) async throws(SlackFailure) -> SlackMessageReference {
        let answer = try await api.post(.postMessage, body)
        guard let timestamp = answer["ts"]?.stringValue, !timestamp.isEmpty else {
            throw SlackFailure(.postMessage, .unavailable, "chat.postMessage: Slack did not name the message")
        }
        return SlackMessageReference(channel: answer["channel"]?.stringValue ?? room, timestamp: timestamp)
    }

    /// Looks for a message of ours about the same, which an attempt posted that nobody knows of.
    private func find(in room: String) async throws(SlackFailure) -> SlackPlace? {
        // Slack's clock need not be ours.
        let oldest = notice.madeAt.adding(.seconds(-600)).microseconds / 1_000_000
        let found = try await list(
            .history,
            [("channel", room), ("oldest", "\(max(0, oldest))")],
            pages: 20,
        ) { $0.subject == notice.subject }
        return found.map { timestamp, metadata in
            SlackPlace(SlackMessageReference(channel: room, timestamp: timestamp), told: metadata.told)
        }
    }

    private func tellThread(
        _ place: inout SlackPlace,
        _ trail: SlackTrail?,
        _ card: ApprovalCard,
    ) async throws(SlackFailure) {
        var words: String?
        switch notice.cause {
        case _ where !parcel.asks: break
        case .reminder: words = "Still waiting. \(CardWords(card).state)"
        case .escalated: words = "Nobody has answered yet, so you are asked. \(CardWords(card).state)"
        case .requested, .changed: break
        }
        if parcel.isRepeat, words != nil || (trail?.count ?? 0) > place.told {
            var told = place.told
            var isTold = false
            _ = try await list(
                .replies,
                [("channel", place.message.channel), ("ts", place.message.timestamp)],
                pages: 5,
            ) { metadata in
                guard metadata.subject == notice.subject + Self.below else { return false }
                told = max(told, metadata.told)
                if metadata.notice == notice.id { isTold = true }
                return false
            }
            place.told = told
            if isTold { words = nil }
        }
        if let words {
            try await reply(.sentence(words), place, told: place.told, broadcasts: notice.cause == .reminder)
        }
        guard let trail, let message = trail.message(after: place.told) else { return }
        try await reply(message, place, told: trail.count, broadcasts: false)
        place.told = trail.count
    }

    /// What the subject of a reply has at its end, so that a reply that was sent to the conversation, too, is never
    /// taken for the card.
    private static let below = "/thread"

    private func reply(
        _ message: SlackMessage,
        _ place: SlackPlace,
        told: Int,
        broadcasts: Bool,
    ) async throws(SlackFailure) {
        let metadata = SlackMetadata(subject: notice.subject + Self.below, notice: notice.id, told: told)
        let body = message.posting(
            to: place.message.channel,
            thread: place.message.timestamp,
            broadcasts: broadcasts,
            metadata: metadata,
        )
        _ = try await post(body, in: place.message.channel)
    }

    /// The first message of this app whose metadata fit, page by page.
    private func list(
        _ method: SlackMethod,
        _ fields: [(String, String)],
        pages: Int,
        _ fits: (SlackMetadata) -> Bool,
    ) async throws(SlackFailure) -> (String, SlackMetadata)? {
        var cursor = ""
        for _ in 0..<pages {
            var query = fields + [("include_all_metadata", "true"), ("limit", "100")]
            if !cursor.isEmpty { query.append(("cursor", cursor)) }
            let answer = try await api.ask(method, query)
            for message in answer["messages"]?.arrayValue ?? [] {
                guard message["app_id"]?.stringValue == app, let metadata = SlackMetadata(of: message),
                    let timestamp = message["ts"]?.stringValue, fits(metadata)
                else { continue }
                return (timestamp, metadata)
            }
            cursor = answer["response_metadata"]?["next_cursor"]?.stringValue ?? ""
            if cursor.isEmpty { return nil }
        }
        return nil
    }
}
