import CanonicalJSON
import CountersignCards
package import CountersignCore
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle

/// A bot in Microsoft Teams: posts cards into conversations, keeps them up to date, and takes answers from them.
package struct TeamsChannel: Channel {
    /// What is said later in a conversation, after its call was answered.
    struct Saying: Sendable {
        let conversation: String
        let answered: String?
        let text: String
    }

    /// Its name.
    package var name: ChannelName { settings.name }
    /// Teams.
    package var kind: ChannelKind { .teams }
    /// A card for each approval.
    package var manner: ChannelManner { .card }
    /// What Teams takes of a bot in one conversation: 7 messages in a second, 8 in two, 60 in thirty.
    package let pace = ChannelPace(perSecond: 1, burst: 6)

    let settings: TeamsSettings
    let web: TeamsWeb
    let token: BotToken
    let keys: BotKeys
    let people: TeamsPeople
    let places: TeamsPlaces
    let seen = SeenActivities()
    let desk: ChannelDesk
    let publicURL: String
    let clock: any WallClock
    let says: AsyncStream<Saying>
    let saying: AsyncStream<Saying>.Continuation

    /// How long one call of the connector may take while a notice is delivered.
    private static let patience = TimeAmount.seconds(10)
    /// How long it may take to learn who is in a conversation; without an answer the card is the same for all.
    private static let rosterPatience = TimeAmount.seconds(2)
    /// How often somebody looks whether keys must be fetched.
    private static let keyCheck = Duration.seconds(3600)

    /// Will post for an application.
    package init(_ settings: TeamsSettings, world: ChannelWorld) {
        self.settings = settings
        var logger = world.logger
        logger[metadataKey: "channel"] = "\(settings.name)"
        let web = TeamsWeb()
        let token = BotToken(settings, web: web, clock: world.clock)
        self.web = web
        self.token = token
        keys = BotKeys(settings, web: web, clock: world.clock)
        people = TeamsPeople(settings, web: web, token: token, clock: world.clock)
        places = TeamsPlaces(settings, book: world.places, clock: world.clock, logger: logger)
        desk = world.desk
        publicURL = world.publicURL
        clock = world.clock
        (says, saying) = AsyncStream<Saying>.makeStream(bufferingPolicy: .bufferingOldest(256))
    }

    /// Keeps keys at hand.
    package func run() async {
        while !Task.isCancelled {
            await keys.warm(within: Self.patience)
            try? await Task.sleep(for: Self.keyCheck)
        }
    }

    /// Says what is to be said.
    package func attend() async {
        await withGracefulShutdownHandler {
            for await saying in says {
                let message = TeamsMessage.text(saying.text)
                _ = await send(.POST, saying.conversation, nil, message.json, thread: saying.answered)
            }
        } onGracefulShutdown: {
            saying.finish()
        }
    }

    /// Ends the connections.
    package func close() async { await web.close() }

    /// Posts the card, or brings the one that is there up to date.
    package func deliver(_ parcel: Parcel) async -> Delivery {
        let conversation = parcel.notice.destination.address
        do {
            let approvals = try parcel.cards()
            // Whether a card is there that nobody knows of cannot be looked up here.
            guard let approval = approvals.first, parcel.asks || parcel.shown != nil else { return .nothingToTell }
            let card: JSONValue
            if parcel.notice.batch != nil {
                card = TeamsMessage.digest(TeamsDigest(approvals, page: try parcel.link())).json
            } else {
                var viewers: [String] = []
                if approval.isDecidable, let service = try await places.service(of: conversation) {
                    viewers = await people.viewers(in: conversation, of: service, within: Self.rosterPatience)
                }
                card = TeamsMessage.card(TeamsCard(approval, viewers: viewers)).json
            }
            guard let shown = parcel.shown else { return await send(.POST, conversation, nil, card) }
            let update = await send(.PUT, conversation, shown.reference, card)
            guard parcel.asks else { return update }
            // Who is asked again is asked where they can see it, also if somebody removed the card.
            if case .refused = update { return await send(.POST, conversation, nil, card) }
            guard case .delivered = update else { return update }
            // An update makes no sound, and a reminder should.
            let text = TeamsMessage.text("Still waiting: \(CardWords(approval).state)")
            switch await send(.POST, conversation, nil, text.json, thread: shown.reference) {
            case .delivered: return .delivered(reference: shown.reference)
            case let trouble: return trouble
            }
        } catch let fault as ChannelFault {
            return .refused(trouble: fault.description)
        } catch {
            return .retry(after: nil, scope: .whole, trouble: "the ledger cannot be read")
        }
    }

    /// Sends an activity to the connector of a conversation, if one is proven.
    private func send(
        _ method: HTTPMethod,
        _ conversation: String,
        _ reference: String?,
        _ activity: JSONValue,
        thread: String? = nil,
    ) async -> Delivery {
        guard let service = try? await places.service(of: conversation) else {
            let trouble = "no connector of the conversation is known: add the bot to it, or set service_url"
            return .retry(after: nil, scope: .address, trouble: trouble)
        }
        guard let token = await token.get(within: Self.patience) else {
            return .retry(after: nil, scope: .whole, trouble: "the login gives no token")
        }
        // Only channels of teams have threads.
        let isThread = thread != nil && conversation.utf8.starts(with: "19:".utf8) && Self.isChannel(conversation)
        let place = isThread ? "\(conversation);messageid=\(thread ?? "")" : conversation
        var url = service.appending("v3", "conversations", place, "activities")
        if let reference { url += "/" + PercentCoding.encode(reference) }
        let answer = await web.exchange(
            method,
            url,
            token: token,
            body: activity.canonicalBytes(),
            within: Self.patience,
        )
        guard let answer else {
            return .retry(after: nil, scope: .whole, trouble: "the connector does not answer")
        }
        if answer.status == 401 { self.token.forget(token) }
        return Self.judge(answer, isUpdate: reference != nil, reference: reference, now: clock.time())
    }

    private static func isChannel(_ conversation: String) -> Bool {
        ["@thread.tacv2", "@thread.skype"].contains { conversation.hasSuffix($0) }
    }

    /// What an answer of the connector means.
    static func judge(
        _ answer: TeamsWeb.Answer,
        isUpdate: Bool,
        reference: String?,
        now: Timestamp,
    ) -> Delivery {
        let said = "the connector answered \(answer.status)"
        let wait = answer.retryAfter.flatMap { RetryAfter.wait($0, now: now) }
        switch answer.status {
        case 200...299:
            let id = answer.json?["id"]?.stringValue.flatMap { TeamsActivity.isIdentifier($0) ? $0 : nil }
            return .delivered(reference: reference ?? id)
        case 401: return .retry(after: nil, scope: .whole, trouble: said)
        case 403, 404:
            if isUpdate { return .refused(trouble: "\(said): the message, or the bot, is not there any more") }
            let trouble = "\(said): the bot may not write into the conversation; add it there"
            return .retry(after: wait, scope: .address, trouble: trouble)
        case 408, 412, 425, 429: return .retry(after: wait, scope: .address, trouble: said)
        case 500: return .retry(after: wait, scope: .address, trouble: said)
        case 501...599: return .retry(after: wait, scope: .whole, trouble: said)
        default: return .refused(trouble: said)
        }
    }
}
