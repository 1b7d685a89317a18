package import CanonicalJSON

/// A message of Slack, wherever it is put: its blocks, and the line that notifications and screen readers have.
package struct SlackMessage: Hashable, Sendable {
    /// The blocks.
    package let blocks: [JSONValue]
    /// The line, escaped.
    package let notification: String

    /// The body of `chat.postMessage`; in a thread if one is named, and then in the conversation, too, if it
    /// `broadcasts`.
    package func posting(
        to channel: String,
        thread: String? = nil,
        broadcasts: Bool = false,
        metadata: SlackMetadata? = nil,
    ) -> JSONValue {
        var body = JSONObject([
            ("blocks", .array(blocks)), ("channel", .string(channel)), ("link_names", false), ("mrkdwn", false),
            ("parse", "none"), ("text", .string(notification)), ("unfurl_links", false), ("unfurl_media", false),
        ])
        if let thread {
            body["thread_ts"] = .string(thread)
            if broadcasts { body["reply_broadcast"] = true }
        }
        if let metadata { body["metadata"] = metadata.json }
        return .object(body)
    }

    /// The body of `chat.postEphemeral`, which only one person sees.
    package func ephemeral(to user: String, in channel: String) -> JSONValue {
        [
            "blocks": .array(blocks), "channel": .string(channel), "link_names": false, "parse": "none",
            "text": .string(notification), "user": .string(user),
        ]
    }

    /// The body of `chat.update`; what the message has of metadata stays.
    package func update(of message: SlackMessageReference) -> JSONValue {
        [
            "blocks": .array(blocks), "channel": .string(message.channel), "link_names": false, "parse": "none",
            "text": .string(notification), "ts": .string(message.timestamp),
        ]
    }

    /// The answer to a command, which only who typed it sees.
    package var response: JSONValue {
        ["blocks": .array(blocks), "response_type": "ephemeral", "text": .string(notification)]
    }

    /// A sentence of our own.
    package static func sentence(_ words: String) -> SlackMessage {
        SlackMessage(
            blocks: [SlackBlock.sentence(words)],
            notification: ShownText(words, .slackPlain, isBlock: false, limit: 400).text,
        )
    }
}

/// What a message of ours carries that nobody sees, and by which it is found again: whether an attempt that nobody knows
/// of arrived.
package struct SlackMetadata: Hashable, Sendable {
    /// What the message is about: an approval, or a batch.
    package let subject: String
    /// The notice that it tells.
    package let notice: String
    /// How many lines of the trail are told with it.
    package let told: Int

    private static let event = "countersign_approval"

    /// Says what a message is about.
    package init(subject: String, notice: String, told: Int) {
        self.subject = subject
        self.notice = notice
        self.told = told
    }

    /// Reads the metadata of a message that Slack lists; `nil` if they are not ours.
    package init?(of message: JSONValue) {
        guard let metadata = message["metadata"], metadata["event_type"]?.stringValue == Self.event,
            let payload = metadata["event_payload"], let subject = payload["subject"]?.stringValue,
            let notice = payload["notice"]?.stringValue, let told = payload["told"]?.integerValue
        else { return nil }
        self.subject = subject
        self.notice = notice
        self.told = Int(clamping: max(0, told))
    }

    /// As `chat.postMessage` takes them.
    package var json: JSONValue {
        [
            "event_payload": [
                "notice": .string(notice), "subject": .string(subject), "told": .integer(Int64(told)),
            ],
            "event_type": .string(Self.event),
        ]
    }
}
