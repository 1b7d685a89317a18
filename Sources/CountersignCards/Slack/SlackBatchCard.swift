import CanonicalJSON
import CountersignCore

/// Several approvals that one agent asked for within a short time, in one message: each with its own action, digest and
/// buttons, because each is decided by itself.
package struct SlackBatchCard: Hashable, Sendable {
    /// The cards, in the order in which they were asked.
    package let cards: [ApprovalCard]
    /// The page on which all of them can be decided.
    package let page: CardLink?

    /// Renders those cards; there is at least one.
    package init(_ cards: [ApprovalCard], page: CardLink? = nil) {
        self.cards = cards
        self.page = page
    }

    /// How many have buttons; the order never changes, so that nothing moves below a finger.
    package static let maximumItems = 22
    /// How many more are named by digest and resource.
    package static let maximumLines = 60
    /// How the blocks with their buttons are called, followed by a number.
    package static let block = "countersign.batch."

    /// It as a message.
    package var message: SlackMessage { SlackMessage(blocks: blocks, notification: notification) }

    private var open: Int { cards.count { $0.timeLeft != nil } }

    private var notification: String {
        let agent = cards.first.map { ": \($0.agent)" } ?? ""
        let words = "\(title)\(agent)"
        return ShownText(words, .slackPlain, isBlock: false, limit: 400).text
    }

    private var title: String {
        open == 0 ? "\(cards.count) approvals, all settled" : "\(open) of \(cards.count) approvals wanted"
    }

    private var blocks: [JSONValue] {
        var blocks = [SlackBlock.header(title)]
        if let first = cards.first {
            var text = SlackMarkdown()
            text.bold("Agent")
            text.words(" ")
            text.code(first.agent.rawValue, limit: 128)
            text.words(" asked for all of these. Each is decided by itself; open it to read all of it.")
            if let page, open > 1 {
                text.words(" ")
                text.link(page, "Open all of them on one page")
            }
            blocks.append(SlackBlock.section(text))
        }
        for (number, card) in cards.prefix(Self.maximumItems).enumerated() {
            blocks.append(SlackBlock.section(item(card)))
            blocks.append(SlackBlock.actions(SlackCard.buttons(of: card), block: "\(Self.block)\(number)"))
        }
        let rest = Array(cards.dropFirst(Self.maximumItems))
        for start in stride(from: 0, to: min(rest.count, Self.maximumLines), by: 20) {
            var text = SlackMarkdown()
            for card in rest[start..<min(rest.count, Self.maximumLines, start + 20)] {
                text.code(card.handle.digestPrefix, limit: CardHandle.digestLength)
                text.words(" ")
                text.link(card.link, "Open")
                text.words(" ")
                text.code(card.resource, limit: 60)
                text.newLine()
            }
            blocks.append(SlackBlock.section(text))
        }
        if rest.count > Self.maximumLines {
            blocks.append(SlackBlock.sentence("\(rest.count - Self.maximumLines) more are in the list of approvals."))
        }
        return blocks
    }

    private func item(_ card: ApprovalCard) -> SlackMarkdown {
        var text = SlackMarkdown()
        text.bold(CardWords(card).title)
        text.words(" ")
        text.code(card.action, limit: 128)
        text.words(" in ")
        text.code(card.connection.rawValue, limit: 63)
        text.words(" on ")
        text.code(card.resource, limit: 300)
        for part in card.parts.prefix(2) {
            text.newLine()
            let shown = text.fence(part.text, limit: 400)
            if shown.isCut || part.isExcerpt {
                text.newLine()
                text.words("Only the beginning is shown; what you approve is all of it.")
            }
        }
        for decision in card.decisions.suffix(2) {
            text.newLine()
            text.words(decision.verdict == .approve ? "Approved by " : "Denied by ")
            text.code(decision.user.rawValue, limit: 128)
        }
        text.newLine()
        text.words("\(CardWords(card).state) Digest ")
        text.code(card.handle.digestPrefix, limit: CardHandle.digestLength)
        return text
    }
}
