import CanonicalJSON
import CountersignCore

/// What waits for somebody's decision, as the answer to `/countersign`.
package struct SlackWaiting: Hashable, Sendable {
    /// The cards, the one that was asked first at the top.
    package let cards: [ApprovalCard]

    /// Whether there are no others.
    package let isAll: Bool
    /// The page that lists everything.
    package let list: CardLink?

    /// Lists those cards.
    package init(_ cards: [ApprovalCard], isAll: Bool = true, list: CardLink? = nil) {
        self.cards = cards
        self.isAll = isAll
        self.list = list
    }

    /// The most that are listed.
    package static let maximum = 20

    /// It as a message.
    package var message: SlackMessage {
        guard !isAll || !cards.isEmpty else { return .sentence("Nothing waits for your decision.") }
        var lines: [JSONValue] = []
        for card in cards.prefix(Self.maximum) {
            let line = SlackBlock.section(line(card))
            // The title and what comes last have little text.
            guard SlackBlock.length(lines + [line]) <= SlackBlock.maximumText - 1500 else { break }
            lines.append(line)
        }
        let isWhole = isAll && lines.count == cards.count
        let title =
            lines.isEmpty
            ? "None of the newest approvals waits for your decision."
            : "\(isWhole ? "" : "At least ")\(lines.count) \(lines.count == 1 ? "waits" : "wait") for your decision."
        if !isWhole { lines.append(SlackBlock.section(more)) }
        return SlackMessage(blocks: [SlackBlock.sentence(title)] + lines, notification: title)
    }

    private var more: SlackMarkdown {
        var text = SlackMarkdown()
        text.words("There may be more. ")
        if let list { text.link(list, "Open the list") }
        return text
    }

    private func line(_ card: ApprovalCard) -> SlackMarkdown {
        var text = SlackMarkdown()
        text.code(card.agent.rawValue, limit: 128)
        text.words(" asks for ")
        text.code(card.action, limit: 128)
        text.words(" on ")
        text.code(card.resource, limit: 200)
        if let further = card.furtherOperations { text.words(" and \(further)") }
        text.words(" in ")
        text.code(card.connection.rawValue, limit: 63)
        text.words(". \(CardWords(card).state) ")
        text.link(card.link, "Open")
        return text
    }
}
