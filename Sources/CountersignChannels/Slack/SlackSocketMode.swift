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

    /// How long to wait after each failure in a row.
    static let backOff = WebhookBackOff(delays: [1, 2, 5, 10, 20, 30].map { .seconds($0) })

    /// Keeps a connection open until it is cancelled.
    func run() async {
        var failures = 0
        var said = ""
        while !Task.isCancelled {
            let end = await connect()
            let trouble: String
            switch end {
            case .refreshed:
                failures = 0
                said = ""
                continue
            case .disabled: trouble = "Socket Mode is off for the app; turn it on in its settings"
            case .failed(let words): trouble = words
            case .lost(let words):
                failures = 0
                trouble = words
            }
            if Task.isCancelled { return }
            failures += 1
            if trouble != said {
                logger.warning("the socket to Slack is closed", metadata: ["error": "\(trouble)"])
                said = trouble
            }
            let steps = Self.backOff.delays.count
            let wait = Self.backOff.delay(
                afterAttempts: min(failures, steps),
                random: chance.bits().0,
                atLeast: end == .disabled ? .seconds(30) : nil,
            )
            try? await Task.sleep(for: wait ?? .seconds(30))
        }
    }

    private func connect() async -> SlackSocketEnd {
        let url: String
        do throws(SlackFailure) {
            guard let text = try await api.post(.connectionsOpen, [:])["url"]?.stringValue else {
                return .failed("apps.connections.open: Slack named no address")
            }
            url = text
        } catch {
            return .failed(error.trouble)
        }
        guard let address = SlackSocketAddress(url), address.isTLS || (settings.isLocal && address.isLoopback) else {
            return .failed("apps.connections.open: Slack named an address that is not wss://")
        }
        return await SlackSocket(address: address, tls: tls).converse { bytes, answer in
            await hear(bytes, answer)
        }
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
        case .disconnect(.warning), .disconnect(.refreshRequested), .disconnect(.other): return .refreshed
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
    /// It never came about.
    case failed(String)
    /// It was open, and then was not.
    case lost(String)
}
