package import CanonicalJSON

/// What a bot posts into a conversation.
package enum TeamsMessage: Hashable, Sendable {
    /// A card.
    case card(TeamsCard)
    /// A card that only leads to pages.
    case digest(TeamsDigest)
    /// A sentence of our own, which is no Markdown.
    case text(String)

    /// The activity.
    package var json: JSONValue {
        switch self {
        case .card(let card): Self.attached(card.json, CardWords(card.card).title)
        case .digest(let digest): Self.attached(digest.json, digest.title)
        case .text(let text): ["text": .string(text), "textFormat": "plain", "type": "message"]
        }
    }

    /// A message with a card; the summary is what a notification says: our own words only.
    private static func attached(_ card: JSONValue, _ summary: String) -> JSONValue {
        [
            "attachments": [["content": card, "contentType": .string(TeamsCard.contentType)]],
            "summary": .string(summary), "type": "message",
        ]
    }
}

/// The answer to an `adaptiveCard/action`.
package enum TeamsReply: Hashable, Sendable {
    /// The card as it is now, for the one who asked.
    case card(TeamsCard)
    /// A sentence instead of a card.
    case sentence(String)
    /// The call was not understood, or cannot be answered now.
    case error(status: Int64, code: String, message: String)

    /// The body.
    package var json: JSONValue {
        switch self {
        case .card(let card):
            ["statusCode": 200, "type": .string(TeamsCard.contentType), "value": card.json]
        case .sentence(let text):
            ["statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": .string(text)]
        case .error(let status, let code, let message):
            [
                "statusCode": .integer(status), "type": "application/vnd.microsoft.error",
                "value": ["code": .string(code), "message": .string(message)],
            ]
        }
    }
}
