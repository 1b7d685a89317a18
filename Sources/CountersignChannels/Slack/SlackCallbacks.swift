import CanonicalJSON
import CountersignCards
import CountersignCore

/// Answers what Slack's servers send over HTTP, once it is proven that they sent it.
struct SlackCallbacks: Sendable {
    let settings: SlackSettings
    let signature: SlackSignature
    let intake: SlackIntake
    let desk: ChannelDesk
    let memory: ReplayMemory
    /// When this process began to remember: what was signed before could have come to the one before it.
    let startedAt: Timestamp

    static let endpoints = ["interactions", "commands", "events"]

    func answer(_ request: ChannelRequest) async -> ChannelReply {
        guard Self.endpoints.contains(request.endpoint) else { return .notFound }
        if let refusal = await objection(request) { return refusal }
        do throws(ChannelFault) {
            switch request.endpoint {
            case "interactions":
                return reply(await intake.take(try SlackInteraction(form: request.body), source: request.sourceAddress))
            case "commands":
                if Self.asksForCertificate(request.body) { return ChannelReply(status: 200) }
                return reply(await intake.take(try SlackCommand(form: request.body), source: request.sourceAddress))
            default:
                let event = try SlackEvent(body: request.body)
                return reply(
                    await intake.take(event, source: request.sourceAddress, now: request.receivedAt)
                )
            }
        } catch {
            await desk.refuse(
                Reason(.badRequest, "Slack sent what cannot be read."),
                nil,
                settings.name,
                detail: error.message,
                source: request.sourceAddress,
            )
            return Self.invalid(400)
        }
    }

    /// Slack looks now and then whether the certificate is in order, and expects nothing but an answer.
    private static func asksForCertificate(_ body: [UInt8]) -> Bool {
        String(validating: body, as: UTF8.self).flatMap { FormFields($0) }?["ssl_check"] == "1"
    }

    private func objection(_ request: ChannelRequest) async -> ChannelReply? {
        let key: String
        let sent = request.field("x-slack-request-timestamp") ?? ""
        do throws(ChannelFault) {
            key = try signature.verify(
                timestamp: sent,
                signature: request.field("x-slack-signature") ?? "",
                body: request.body,
                now: request.receivedAt,
            )
        } catch {
            let isLate = error.code == .timestampOutOfRange
            let reason = Reason(isLate ? .callbackLate : .signatureInvalid, "The request is not taken for Slack's.")
            return await refuse(reason, error.message, request)
        }
        let start = startedAt.microseconds / 1_000_000
        if let seconds = Int64(sent), seconds < start {
            let reason = Reason(.callbackReplayed, "The request is not taken for Slack's.")
            return await refuse(reason, "it was signed before this server started", request)
        }
        // An event that comes again is known by its own id, and may come again: Slack retries at once.
        if request.endpoint == "events" { return nil }
        switch memory.note(key, now: request.receivedAt) {
        case .new: return nil
        case .known:
            let reason = Reason(.callbackReplayed, "The request is not taken for Slack's.")
            return await refuse(reason, "the same request came before", request)
        case .full: return Self.invalid(503)
        }
    }

    private func refuse(_ reason: Reason, _ detail: String, _ request: ChannelRequest) async -> ChannelReply {
        await desk.refuse(reason, nil, settings.name, detail: detail, source: request.sourceAddress)
        return Self.invalid(401)
    }

    private func reply(_ acknowledgement: SlackAcknowledgement) -> ChannelReply {
        switch acknowledgement {
        case .empty: ChannelReply(status: 200)
        case .answer(let json): Self.json(json)
        case .refused: Self.invalid(403)
        case .busy: Self.invalid(503)
        }
    }

    private static func json(_ value: JSONValue) -> ChannelReply {
        ChannelReply(status: 200, contentType: "application/json; charset=utf-8", body: value.canonicalBytes())
    }

    /// It says to a stranger only what Slack's own libraries say.
    private static func invalid(_ status: Int) -> ChannelReply {
        let value: JSONValue = ["error": "invalid request"]
        return ChannelReply(status: status, contentType: "application/json", body: value.canonicalBytes())
    }
}
