package import CountersignCards
package import CountersignCore
import Logging
import NIOSSL
import Synchronization

/// What e-mail needs to know.
package struct EmailSettings: Sendable {
    /// The channel's name.
    package let name: ChannelName
    /// The server's name or address.
    package let host: String
    /// The server's port.
    package let port: Int
    /// Who sends.
    package let sender: Mailbox
    /// How mails are handed to the server.
    package let terms: SMTPTerms
    /// How long the server may take for one answer.
    package let timeout: Duration
    /// A PEM file of authorities that are trusted beside the system's; `nil` for none.
    package let authorities: String?

    /// Collects settings.
    package init(
        name: ChannelName,
        host: String,
        port: Int,
        sender: Mailbox,
        terms: SMTPTerms,
        timeout: Duration,
        authorities: String?,
    ) {
        self.name = name
        self.host = host
        self.port = port
        self.sender = sender
        self.terms = terms
        self.timeout = timeout
        self.authorities = authorities
    }
}

/// Tells people by mail: what is asked, that others are asked, that time runs out, and how it ended; not what happens in
/// between.
///
/// A list of addresses is one mail. Those that the server takes have it; for those that it puts off, the notice is tried
/// again, and only for them. The mutex guards who has which mail already, for as long as the server runs.
package final class EmailChannel: Channel {
    /// Its name.
    package var name: ChannelName { settings.name }
    /// E-mail.
    package var kind: ChannelKind { .email }
    /// A mail cannot be corrected: there is one for each notice.
    package var manner: ChannelManner { .message }
    /// As fast as a few connections at once are.
    package let pace: ChannelPace

    private let settings: EmailSettings
    private let context: NIOSSLContext?
    private let logger: Logger
    private let served = Mutex<[String: [MailAddress]]>([:])

    /// Will hand mails to a server.
    package init(_ settings: EmailSettings, world: ChannelWorld) throws {
        self.settings = settings
        logger = world.logger
        // Each answer has its own time; one more is for the connection.
        let patience = settings.timeout * (SMTPMachine.mostAnswers + 1) + .seconds(5)
        pace = ChannelPace(concurrency: 4, patience: patience)
        context = settings.terms.security == .none ? nil : try ChannelTLS.context(authorities: settings.authorities)
    }

    /// Sends one mail.
    package func deliver(_ parcel: Parcel) async -> Delivery {
        guard parcel.asksOrEnds else { return .nothingToTell }
        let notice = parcel.notice
        guard let recipients = MailAddress.list(notice.destination.address) else {
            return .refused(trouble: "the destination is no list of mail addresses")
        }
        let has = served.withLock { $0[notice.id] } ?? []
        do throws(ChannelFault) {
            guard let mail = ApprovalMail(try parcel.cards(), notice.cause, page: try parcel.link()) else {
                return .nothingToTell
            }
            let (id, root) = (Self.id(parcel), MailThread.root(notice))
            let message = MailMessage(
                sender: settings.sender,
                recipients: recipients,
                subject: mail.subject,
                id: id,
                thread: id == root ? nil : root,
                date: parcel.now,
                text: mail.text,
                html: mail.html,
            )
            let letter = SMTPLetter(
                sender: settings.sender.address,
                recipients: recipients.filter { !has.contains($0) },
                message: message.bytes,
            )
            let connection = SMTPConnection(settings: settings, context: context)
            return settle(parcel, letter, await connection.hand(over: letter))
        } catch {
            return .refused(trouble: error.description)
        }
    }

    /// Who joins a batch after its mail must not have what mail readers take for the same mail.
    private static func id(_ parcel: Parcel) -> String {
        MailThread.id(parcel.notice, isThread: parcel.shown != nil)
    }

    private func settle(_ parcel: Parcel, _ letter: SMTPLetter, _ ending: SMTPEnding) -> Delivery {
        let notice = parcel.notice
        switch ending {
        case .sent(let refused, let deferred):
            if !refused.isEmpty {
                logger.error(
                    "a mail went to some of its recipients only",
                    metadata: ["notice": "\(notice.id)", "refused": "\(refused.map(\.text).joined(separator: ", "))"],
                )
            }
            guard deferred.isEmpty else {
                served.withLock { served in
                    // What is never delivered is forgotten some time, at the price of a second mail.
                    if served.count > 10_000 { served.removeAll() }
                    served[notice.id, default: []] += letter.recipients.filter { !deferred.contains($0) }
                }
                return .retry(after: nil, scope: .notice, trouble: "the server puts \(deferred.count) recipients off")
            }
            served.withLock { $0[notice.id] = nil }
            return .delivered(reference: parcel.reference(Self.id(parcel)))
        case .later(let isServer, let trouble):
            return .retry(after: nil, scope: isServer ? .whole : .notice, trouble: trouble)
        case .never(let trouble):
            served.withLock { $0[notice.id] = nil }
            return .refused(trouble: trouble)
        }
    }
}
