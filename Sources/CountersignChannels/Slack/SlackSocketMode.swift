import CanonicalJSON
import CountersignCards
import CountersignCore
import Logging
import NIOSSL

/// Socket Mode: Slack tells over a connection that we open, so that nobody needs to reach us.
///
/// One connection at a time; what comes while it is renewed Slack sends again.
struct SlackSocketMode: Sendable {
    let settings: SlackSettings
    let api: SlackAPI
    let intake: SlackIntake
    let desk: ChannelDesk
    let tls: NIOSSLContext
    /// Envelopes that came: Slack sends again what it thinks was lost.
    let memory: ReplayMemory
    let clock: any WallClock
    let chance: Chance
    let logger: Logger

    /// Keeps a connection open until it is cancelled.
    func run() async {
        var pace = SlackSocketPace()
        while !Task.isCancelled {
            let (end, lived) = await connect()
            if Task.isCancelled { return }
            let next = pace.ended(end, after: lived, random: chance.bits().0)
            if let trouble = next.news {
                logger.warning("the socket to Slack is closed", metadata: ["error": "\(trouble)"])
            }
            try? await Task.sleep(for: next.wait)
        }
    }

    /// One connection: how it ended, and how long it lived.
    private func connect() async -> (SlackSocketEnd, Duration) {
        let socket: SlackSocket
        switch await open() {
        case .failure(let failure): return (.failed(failure.trouble, after: failure.wait), .zero)
        case .success(let address): socket = SlackSocket(address: address, tls: tls)
        }
        let start = ContinuousClock.now
        let end = await socket.converse { bytes, answer in await hear(bytes, answer) }
        return (end, start.duration(to: .now))
    }

    private func open() async -> Result<SlackSocketAddress, SlackFailure> {
        let url: String
        do throws(SlackFailure) {
            url = try await api.post(.connectionsOpen, [:])["url"]?.stringValue ?? ""
        } catch {
            return .failure(error)
        }
        guard let address = SlackSocketAddress(url), address.isTLS || (settings.isLocal && address.isLoopback) else {
            let trouble = "apps.connections.open: Slack named no address that is wss://"
            return .failure(SlackFailure(.connectionsOpen, .unavailable, trouble))
        }
        return .success(address)
    }

    /// Takes one message; `nil` if the conversation goes on.
    private func hear(
        _ bytes: [UInt8],
        _ answer: @Sendable (JSONValue) async -> Void,
    ) async -> SlackSocketEnd? {
        let message: SlackSocketMessage
        do throws(ChannelFault) {
            message = try SlackSocketMessage(bytes)
        } catch {
            logger.warning("Slack sent what cannot be read", metadata: ["error": "\(error.message)"])
            return nil
        }
        switch message {
        case .hello(let app, _):
            guard app == nil || app == settings.app else {
                return .failed("app_token is of another app than \(settings.app)")
            }
            logger.info("the socket to Slack is open")
        case .disconnect(.linkDisabled): return .disabled
        case .disconnect(.warning), .disconnect(.refreshRequested): return .refreshed
        case .disconnect(.other(let reason)):
            return .lost("Slack closed the socket (\(SlackFailure.isCode(reason) ? reason : "for an unknown reason"))")
        case .unknown: break
        case .envelope(let envelope):
            // One that came before was taken; Slack only did not hear of it.
            guard memory.note(envelope.id, now: clock.time()) == .new else {
                await answer(envelope.acknowledgement())
                return nil
            }
            switch await take(envelope.content) {
            case .empty, .refused: await answer(envelope.acknowledgement())
            case .answer(let payload): await answer(envelope.acknowledgement(payload))
            // Without an acknowledgement Slack tells the person that it did not work.
            case .busy: memory.forget(envelope.id)
            }
        }
        return nil
    }

    private func take(_ content: SlackSocketMessage.Content) async -> SlackAcknowledgement {
        switch content {
        case .interactive(let interaction): return await intake.take(interaction, source: nil)
        case .command(let command): return await intake.take(command, source: nil)
        case .event(let event): return await intake.take(event, source: nil, now: clock.time())
        case .other: return .empty
        case .malformed(let fault):
            let reason = Reason(.badRequest, "Slack sent what cannot be read.")
            await desk.refuse(reason, nil, settings.name, detail: fault.message)
            return .empty
        }
    }
}

/// How a connection ended.
enum SlackSocketEnd: Hashable, Sendable {
    /// Slack wants another one now.
    case refreshed
    /// Socket Mode is switched off.
    case disabled
    /// It never came about; again after that time, if Slack says so.
    case failed(String, after: Duration? = nil)
    /// It was open, and then was not.
    case lost(String)
}

/// When the next connection is opened, and what there is to say of the one before.
///
/// Slack can close each connection as soon as it is open, and name any reason: only one that lived ends a row of failures.
struct SlackSocketPace: Hashable, Sendable {
    private var failures = 0
    private var said = ""

    /// How long to wait after each failure in a row.
    static let backOff = WebhookBackOff(delays: [1, 2, 5, 10, 20, 30].map { .seconds($0) })
    /// How long a connection lives that worked.
    static let settled = Duration.seconds(30)

    /// A connection ended, which lived for so long: how long to wait, and what is wrong, if that is news.
    mutating func ended(
        _ end: SlackSocketEnd,
        after lived: Duration,
        random: UInt64,
    ) -> (wait: Duration, news: String?) {
        let hasWorked = lived >= Self.settled
        if hasWorked { self = SlackSocketPace() }
        let trouble: String
        var least: Duration?
        switch end {
        case .refreshed:
            if hasWorked { return (.zero, nil) }
            trouble = "Slack wants another socket again and again"
        case .disabled:
            trouble = "Socket Mode is off for the app; turn it on in its settings"
            least = .seconds(30)
        case .failed(let words, let after):
            trouble = words
            least = after
        case .lost(let words): trouble = words
        }
        failures += 1
        let steps = Self.backOff.delays.count
        let wait = Self.backOff.delay(afterAttempts: min(failures, steps), random: random, atLeast: least)
        // Once may be chance: a socket can be opened just when Slack renews its servers.
        let isNews = trouble != said && (end != .refreshed || failures > 1)
        if isNews { said = trouble }
        return (wait ?? .seconds(30), isNews ? trouble : nil)
    }
}
