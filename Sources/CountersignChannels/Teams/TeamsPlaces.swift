import CountersignCards
import CountersignCore
import Logging
import Synchronization

/// Knows where the connector of a conversation is: only there does our token go.
///
/// An address counts if an activity whose token was checked named it, or if the configuration does. The mutex guards
/// what is remembered of the book.
final class TeamsPlaces: Sendable {
    private let settings: TeamsSettings
    private let book: any PlaceBook
    private let clock: any WallClock
    private let logger: Logger
    private let known = Mutex<[String: TeamsServiceURL]>([:])

    /// The most conversations that are remembered.
    private static let maximum = 10_000

    init(_ settings: TeamsSettings, book: any PlaceBook, clock: any WallClock, logger: Logger) {
        self.settings = settings
        self.book = book
        self.clock = clock
        self.logger = logger
    }

    /// The connector of a conversation; `nil` if nothing is proven of it.
    func service(of conversation: String) async throws(LedgerError) -> TeamsServiceURL? {
        if let service = known.withLock({ $0[conversation] }) { return service }
        if let place = try await book.place(destination(conversation)), place.tenant == settings.tenant,
            let service = TeamsServiceURL(place.service)
        {
            remember(conversation, service)
            return service
        }
        return settings.service
    }

    /// Learns from an activity that was checked; whether it is news.
    func learn(_ activity: TeamsActivity) async -> Bool {
        guard activity.conversation.utf8.count <= Destination.maximumAddress,
            known.withLock({ $0[activity.conversation] }) != activity.serviceURL
        else { return false }
        let place = ProvenPlace(
            destination: destination(activity.conversation),
            service: activity.serviceURL.text,
            tenant: activity.tenant,
            learnedAt: clock.time(),
        )
        do throws(LedgerError) {
            let isNew = try await book.place(place.destination) == nil
            try await book.learnPlace(place, keeping: Self.maximum)
            remember(activity.conversation, activity.serviceURL)
            if isNew {
                logger.notice("a conversation is known", metadata: ["conversation": "\(activity.conversation)"])
            }
            return isNew
        } catch {
            logger.warning("a conversation cannot be remembered", metadata: ["error": "\(error.message)"])
            return false
        }
    }

    /// The bot is not there any more.
    func forget(_ activity: TeamsActivity) async {
        known.withLock { $0[activity.conversation] = nil }
        do throws(LedgerError) {
            try await book.forgetPlace(destination(activity.conversation))
            logger.notice("a conversation is left", metadata: ["conversation": "\(activity.conversation)"])
        } catch {
            logger.warning("a conversation cannot be forgotten", metadata: ["error": "\(error.message)"])
        }
    }

    private func destination(_ conversation: String) -> Destination {
        Destination(channel: settings.name, address: conversation)
    }

    private func remember(_ conversation: String, _ service: TeamsServiceURL) {
        known.withLock { known in
            if known.count >= Self.maximum { known.removeAll() }
            known[conversation] = service
        }
    }
}
