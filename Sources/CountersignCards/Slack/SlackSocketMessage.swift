package import CanonicalJSON

/// What Slack sends over a Socket Mode connection.
package enum SlackSocketMessage: Hashable, Sendable {
    /// Why Slack ends a connection.
    package enum DisconnectReason: Hashable, Sendable {
        /// It will be refreshed in about ten seconds: open the next one now.
        case warning
        /// It is refreshed: open another.
        case refreshRequested
        /// Socket Mode was switched off for the app: do not come back before somebody mends it.
        case linkDisabled
        /// A reason that we do not know, `too_many_websockets` for instance: open another, but not at once.
        case other(String)

        init(_ text: String) {
            self =
                switch text {
                case "warning": .warning
                case "refresh_requested": .refreshRequested
                case "link_disabled": .linkDisabled
                default: .other(text)
                }
        }
    }

    /// What an envelope is about.
    package enum Content: Hashable, Sendable {
        /// A button or a modal.
        case interactive(SlackInteraction)
        /// A command.
        case command(SlackCommand)
        /// Something that happened.
        case event(SlackEvent)
        /// A kind that we do not know: acknowledged, and nothing else.
        case other(type: String)
        /// One that cannot be read: acknowledged, because it would come again as it is.
        case malformed(ChannelFault)
    }

    /// Something to acknowledge within 3 seconds.
    package struct Envelope: Hashable, Sendable {
        /// What the acknowledgement names.
        package let id: String
        /// What it is about.
        package let content: Content
        /// Whether the acknowledgement may carry an answer.
        package let acceptsResponse: Bool
        /// How often it was sent before.
        package let attempt: Int

        /// The acknowledgement, with an answer where one may be given.
        package func acknowledgement(_ response: JSONValue? = nil) -> JSONValue {
            var object = JSONObject([("envelope_id", .string(id))])
            if acceptsResponse, let response { object["payload"] = response }
            return .object(object)
        }
    }

    /// The connection is open.
    case hello(app: String?, connections: Int?)
    /// The connection ends.
    case disconnect(DisconnectReason)
    /// Something to acknowledge.
    case envelope(Envelope)
    /// A message without an id, of a kind that we do not know: passed over.
    case unknown(type: String)

    /// Reads one text message.
    package init(_ bytes: [UInt8]) throws(ChannelFault) {
        guard let json = try? JSONParser.parse(bytes, limits: SlackJSON.limits), json.objectValue != nil else {
            throw ChannelFault(.payloadMalformed, "The message is not a JSON object that every reader takes alike.")
        }
        let message = SlackJSON(json)
        let type = try message.text("type")
        switch type {
        case "hello":
            let info = SlackJSON(json["connection_info"] ?? .null, at: "connection_info.")
            self = .hello(
                app: try info.textIfPresent("app_id"),
                connections: json["num_connections"]?.integerValue.flatMap { Int(exactly: $0) },
            )
        case "disconnect":
            self = .disconnect(DisconnectReason(try message.textIfPresent("reason") ?? ""))
        default:
            guard let id = try message.textIfPresent("envelope_id"), !id.isEmpty else {
                self = .unknown(type: type)
                return
            }
            self = .envelope(
                Envelope(
                    id: id,
                    content: Self.content(type, json["payload"] ?? .null),
                    acceptsResponse: json["accepts_response_payload"]?.boolValue ?? false,
                    attempt: json["retry_attempt"]?.integerValue.flatMap { Int(exactly: $0) } ?? 0,
                )
            )
        }
    }

    private static func content(_ type: String, _ payload: JSONValue) -> Content {
        do throws(ChannelFault) {
            switch type {
            case "interactive": return .interactive(try SlackInteraction(payload))
            case "slash_commands": return .command(try SlackCommand(payload))
            case "events_api": return .event(try SlackEvent(payload))
            default: return .other(type: type)
            }
        } catch {
            return .malformed(error)
        }
    }
}
