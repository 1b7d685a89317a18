package import CanonicalJSON

/// What Teams tells a bot, as far as we act on it.
///
/// Reading it proves nothing: the token that came with it is checked against ``serviceURL`` and ``channelID``.
package struct TeamsActivity: Hashable, Sendable {
    /// What happened.
    package enum Kind: Hashable, Sendable {
        /// Somebody pressed a button of `Action.Execute`, or a card asked for its newest state.
        case action
        /// Somebody pressed a button of `Action.Submit`.
        case submission
        /// Somebody wrote something; without the mention of the bot, by which it came to us.
        case words(String)
        /// The bot came to a conversation.
        case arrived
        /// The bot is not in a conversation any more.
        case left
        /// Another call that waits for an answer.
        case otherInvoke
        /// Nothing that concerns us.
        case other
    }

    /// What happened.
    package let kind: Kind
    /// What Teams knows the activity by; `nil` where it gave none.
    package let id: String?
    /// The platform: `msteams`.
    package let channelID: String
    /// Where the connector of the conversation is.
    package let serviceURL: TeamsServiceURL
    /// The Entra tenant, in lower case.
    package let tenant: String
    /// The conversation, without the message that a thread in it hangs on.
    package let conversation: String
    /// The message that this answers: of a thread in a channel, the first one.
    package let answered: String?
    /// Who, as Teams knows them: `29:…`.
    package let sender: String
    /// Who, as Entra knows them, in lower case; `nil` of what no person did.
    package let account: String?
    /// All of it, for ``TeamsAnswer``.
    package let json: JSONValue

    /// The most bytes of one.
    package static let maximumBytes = 256 * 1024
    /// The longest id of an activity, a conversation or a person, in bytes.
    package static let maximumID = 512
    /// The platform that we answer to.
    package static let teams = "msteams"

    /// Reads the body of a call.
    package init(_ body: [UInt8]) throws(ChannelFault) {
        guard body.count <= Self.maximumBytes else {
            throw ChannelFault(.payloadMalformed, "The activity has more than \(Self.maximumBytes) bytes.")
        }
        let limits = JSONLimits(maxDepth: 32, maxBytes: Self.maximumBytes, numbers: .int64)
        guard let json = try? JSONParser.parse(body, limits: limits), json.objectValue != nil else {
            throw ChannelFault(.payloadMalformed, "The activity is no JSON object.")
        }
        self.json = json
        guard let service = json["serviceUrl"]?.stringValue.flatMap({ TeamsServiceURL($0) }) else {
            throw ChannelFault(.payloadMalformed, "The activity's `serviceUrl` is missing or is none.")
        }
        serviceURL = service
        channelID = try Self.identifier(json["channelId"], "channelId")
        let place = try Self.identifier(json["conversation"]?["id"], "conversation.id")
        let parts = place.utf8.split(separator: UInt8(ascii: ";"), maxSplits: 1)
        conversation = parts.first.map { String(Substring($0)) } ?? place
        let thread = parts.count == 2 && parts[1].starts(with: "messageid=".utf8) ? parts[1].dropFirst(10) : nil
        answered =
            json["replyToId"]?.stringValue.flatMap { Self.isIdentifier($0) ? $0 : nil }
            ?? thread.map { String(Substring($0)) }
        let tenants = [json["conversation"]?["tenantId"], json["channelData"]?["tenant"]?["id"]]
            .compactMap { $0?.stringValue?.lowercased() }
        guard let tenant = tenants.first, tenants.allSatisfy({ $0 == tenant }), Self.isIdentifier(tenant) else {
            throw ChannelFault(.payloadMalformed, "The activity names no tenant, or two.")
        }
        self.tenant = tenant
        sender = try Self.identifier(json["from"]?["id"], "from.id")
        account = json["from"]?["aadObjectId"]?.stringValue?.lowercased()
        id = json["id"]?.stringValue.flatMap { Self.isIdentifier($0) ? $0 : nil }
        kind = Self.kind(json)
        switch kind {
        case .action, .submission, .words:
            guard id != nil else { throw ChannelFault(.payloadMalformed, "The activity's `id` is missing or is none.") }
        case .arrived, .left, .otherInvoke, .other: break
        }
    }

    private static func kind(_ json: JSONValue) -> Kind {
        func names(_ list: String) -> Bool {
            let bot = json["recipient"]?["id"]
            return bot != nil && json[list]?.arrayValue?.contains { $0["id"] == bot } == true
        }
        switch json["type"] {
        case "invoke": return json["name"] == "adaptiveCard/action" ? .action : .otherInvoke
        case "message":
            if let value = json["value"], !value.isNull { return .submission }
            guard let text = json["text"]?.stringValue else { return .other }
            return .words(words(text, json))
        case "conversationUpdate": return names("membersAdded") ? .arrived : names("membersRemoved") ? .left : .other
        case "installationUpdate":
            switch json["action"] {
            case "add", "add-upgrade": return .arrived
            case "remove", "remove-upgrade": return .left
            default: return .other
            }
        default: return .other
        }
    }

    /// A text without the bot's mentions, and without blanks around it.
    private static func words(_ text: String, _ json: JSONValue) -> String {
        var parts = [text[...]]
        for entity in (json["entities"]?.arrayValue ?? []).prefix(10) where entity["type"] == "mention" {
            guard let mention = entity["text"]?.stringValue, !mention.isEmpty, let bot = json["recipient"]?["id"],
                entity["mentioned"]?["id"] == bot
            else { continue }
            parts = parts.flatMap { $0.split(separator: mention) }
        }
        let scalars = parts.joined(separator: " ").unicodeScalars
        let start = scalars.drop { $0.properties.isWhitespace }
        let end = start.lastIndex { !$0.properties.isWhitespace }
        return end.map { String(start[...$0]) } ?? ""
    }

    private static func identifier(_ value: JSONValue?, _ name: String) throws(ChannelFault) -> String {
        guard let text = value?.stringValue, isIdentifier(text) else {
            throw ChannelFault(
                .payloadMalformed,
                "The activity's `\(name)` is not of 1 to \(maximumID) visible ASCII characters."
            )
        }
        return text
    }

    /// Whether it can be an id of Teams: visible ASCII.
    package static func isIdentifier(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= maximumID && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}
