package import CanonicalJSON

/// What happened in Slack, as the Events API tells it: over HTTP or in Socket Mode.
package enum SlackEvent: Hashable, Sendable {
    /// Slack asks whether somebody is there; the answer is the challenge.
    case challenge(String)
    /// A person wrote a message below another.
    case reply(SlackReply)
    /// Anything else: acknowledged, and nothing more.
    case other(type: String)

    /// Reads the body of a request whose signature was checked.
    package init(body: [UInt8]) throws(ChannelFault) {
        guard let json = try? JSONParser.parse(body, limits: SlackJSON.limits), json.objectValue != nil else {
            throw ChannelFault(.payloadMalformed, "The body is not a JSON object that every reader takes alike.")
        }
        try self.init(json)
    }

    /// Reads the object itself, as Socket Mode carries it.
    package init(_ json: JSONValue) throws(ChannelFault) {
        let envelope = SlackJSON(json)
        switch try envelope.text("type") {
        case "url_verification": self = .challenge(try envelope.text("challenge"))
        case "event_callback":
            let event = SlackJSON(json["event"] ?? .null, at: "event.")
            let type = try event.text("type")
            // Edits, joins and what bots write have a subtype or a bot; only what a person wrote anew counts.
            let subtype = try event.textIfPresent("subtype")
            guard type == "message", subtype == nil || subtype == "thread_broadcast",
                try event.textIfPresent("bot_id") == nil, let thread = try event.textIfPresent("thread_ts"),
                let user = try event.textIfPresent("user"), let text = try event.textIfPresent("text")
            else {
                self = .other(type: type)
                return
            }
            let team = try envelope.text("team_id")
            // Of a shared channel, the event names the team of who wrote.
            var home = try event.textIfPresent("user_team")
            if home == nil { home = try event.textIfPresent("team") }
            self = .reply(
                SlackReply(
                    id: try envelope.text("event_id"),
                    user: SlackUser(
                        id: user,
                        team: home ?? team,
                        enterprise: try envelope.textIfPresent("enterprise_id"),
                    ),
                    team: team,
                    app: try envelope.text("api_app_id"),
                    parent: SlackMessageReference(channel: try event.text("channel"), timestamp: thread),
                    parentAuthor: try event.textIfPresent("parent_user_id"),
                    timestamp: try event.text("ts"),
                    text: text,
                )
            )
        case let type: self = .other(type: type)
        }
    }
}

/// A message that a person wrote below another.
package struct SlackReply: Hashable, Sendable {
    /// The event's id, the same when Slack tells it again.
    package let id: String
    /// Who.
    package let user: SlackUser
    /// The workspace in which the app is installed.
    package let team: String
    /// The app that Slack says this is for.
    package let app: String
    /// The message above.
    package let parent: SlackMessageReference
    /// Who wrote that, if Slack says so.
    package let parentAuthor: String?
    /// Its own `ts`.
    package let timestamp: String
    /// The text, in Slack's own escapes.
    package let text: String

    /// The text as it was typed: Slack escapes three characters, and nothing else.
    package var words: String {
        let escapes: [(String, String)] = [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
        var bytes: [UInt8] = []
        // By bytes: to Swift, a semicolon with an accent is another character.
        var rest = Array(text.utf8)[...]
        while let byte = rest.first {
            let escape = escapes.first { rest.starts(with: $0.0.utf8) }
            bytes += escape.map { Array($0.1.utf8) } ?? [byte]
            rest = rest.dropFirst(escape?.0.utf8.count ?? 1)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
