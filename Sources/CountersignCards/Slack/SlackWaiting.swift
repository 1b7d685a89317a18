import CanonicalJSON
import CountersignCore

/// What waits for somebody's decision, as the answer to `/countersign`.
package struct SlackWaiting: Hashable, Sendable {
    /// The cards, the one that was asked first at the top.
    package let cards: [ApprovalCard]

    /// Lists those cards.
    package init(_ cards: [ApprovalCard]) { self.cards = cards }

    /// The most that are listed.
    package static let maximum = 20

    /// It as a message.
    package var message: SlackMessage {
        guard !cards.isEmpty else { return .sentence("Nothing waits for your decision.") }
        let shown = cards.prefix(Self.maximum)
        let isAll = shown.count == cards.count
        let title =
            "\(isAll ? "" : "At least ")\(shown.count) \(shown.count == 1 ? "waits" : "wait") for your decision."
        return SlackMessage(
            blocks: [SlackBlock.sentence(title)] + shown.map { SlackBlock.section(line($0)) },
            notification: title,
        )
    }

    private func line(_ card: ApprovalCard) -> SlackMarkdown {
        var text = SlackMarkdown()
        text.code(card.agent.rawValue, limit: 128)
        text.words(" asks for ")
        text.code(card.action, limit: 128)
        text.words(" on ")
        text.code(card.resource, limit: 200)
        text.words(" in ")
        text.code(card.connection.rawValue, limit: 63)
        text.words(". \(CardWords(card).state) ")
        text.link(card.link, "Open")
        return text
    }
}
