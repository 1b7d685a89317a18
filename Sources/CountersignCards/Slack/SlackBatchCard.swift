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

    /// How many have buttons at most; the order never changes, so that nothing moves below a finger.
    package static let maximumItems = 20
    /// How much text those may have together; the rest is for the others.
    private static let itemsRoom = 7000
    /// How much of it is kept for what changes of each: how it stands, and who decided.
    private static let changing = 380
    /// How much text is above them, beside the page's address.
    private static let head = 400
    /// How many more are named by digest and resource at most.
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
        // Which are items, and which of them are whole, depends on nothing that changes.
        var room = Self.itemsRoom
        let items = cards.prefix(Self.maximumItems).map { Item($0) }.prefix { item in
            let left = room - Self.changing - item.length
            if left >= 0 { room = left }
            return left >= 0
        }
        for (number, item) in items.enumerated() {
            let buttons = SlackCard.buttons(of: item.card, isWhole: item.isWhole)
            blocks.append(SlackBlock.section(item.text))
            blocks.append(SlackBlock.actions(buttons, block: "\(Self.block)\(number)"))
        }
        room += SlackBlock.maximumText - Self.itemsRoom - Self.head - (page?.url.utf16.count ?? 0)
        return blocks + lines(cards.dropFirst(items.count), room: room)
    }

    /// Those that are only named, in sections of as many as have room, and how many are not.
    private func lines(_ rest: ArraySlice<ApprovalCard>, room: Int) -> [JSONValue] {
        var room = room
        var sections: [SlackMarkdown] = []
        var named = 0
        for card in rest.prefix(Self.maximumLines) {
            var line = SlackMarkdown()
            line.code(card.handle.digestPrefix, limit: CardHandle.digestLength)
            line.words(" ")
            line.link(card.link, "Open")
            line.words(" ")
            line.code(card.resource, limit: 48)
            if let further = card.furtherOperations { line.words(" and \(further)") }
            line.newLine()
            room -= line.text.utf16.count
            guard room >= 0 else { break }
            if sections.last.map({ !$0.hasRoom(for: line) }) ?? true { sections.append(SlackMarkdown()) }
            sections[sections.count - 1].append(line)
            named += 1
        }
        let blocks = sections.map { SlackBlock.section($0) }
        guard named < rest.count else { return blocks }
        return blocks + [SlackBlock.sentence("\(rest.count - named) more are in the list of approvals.")]
    }

    /// One approval with buttons: all of what is asked, or what it is about without a way to approve it.
    private struct Item {
        let card: ApprovalCard
        /// What is asked; it stays as it is.
        private let ask: SlackMarkdown
        /// Whether that is all of it.
        let isWhole: Bool

        /// The most text of a whole one.
        private static let maximum = 1200

        init(_ card: ApprovalCard) {
            self.card = card
            let all = Self.ask(card, limit: Self.maximum)
            isWhole = all.isWhole
            ask = all.isWhole ? all.text : Self.summary(card)
        }

        /// How long it is, without what changes.
        var length: Int { ask.text.utf16.count }

        var text: SlackMarkdown {
            var text = SlackMarkdown()
            text.bold(CardWords(card).title)
            text.words(" ")
            text.append(ask)
            for decision in card.decisions.suffix(2) {
                text.newLine()
                text.words(decision.verdict == .approve ? "Approved by " : "Denied by ")
                text.code(decision.user.rawValue, limit: 60)
            }
            text.newLine()
            text.words("\(CardWords(card).state) Digest ")
            text.code(card.handle.digestPrefix, limit: CardHandle.digestLength)
            return text
        }

        /// Everything that the card of this approval alone says of what is asked.
        private static func ask(_ card: ApprovalCard, limit: Int) -> (text: SlackMarkdown, isWhole: Bool) {
            var text = SlackMarkdown(limit: limit)
            var isWhole = !card.isErased && !card.hasExcerptOnly
            func check(_ shown: ShownText) { if shown.isCut { isWhole = false } }
            addNames(of: card, to: &text, resource: 600) { check($0) }
            for part in card.parts {
                text.newLine()
                text.words(part.title)
                text.newLine()
                check(text.fence(part.text, limit: limit))
            }
            if let justification = card.justification {
                text.newLine()
                text.words("In the agent's own words, which nobody has checked: ")
                check(text.code(justification, limit: limit))
            }
            for gate in card.gates {
                text.newLine()
                text.words("Stopped by ")
                check(text.code(gate.policy, limit: limit))
                guard let advice = gate.advice else { continue }
                text.words(": ")
                check(text.code(advice, limit: limit))
            }
            return (text, isWhole)
        }

        private static func summary(_ card: ApprovalCard) -> SlackMarkdown {
            var text = SlackMarkdown()
            addNames(of: card, to: &text, resource: 100) { _ in }
            text.newLine()
            text.words("Not all of it is shown here, so it is not approved here: open it.")
            return text
        }

        private static func addNames(
            of card: ApprovalCard,
            to text: inout SlackMarkdown,
            resource limit: Int,
            _ check: (ShownText) -> Void,
        ) {
            check(text.code(card.action, limit: 128))
            text.words(" in ")
            text.code(card.connection.rawValue, limit: 63)
            text.words(" on ")
            check(text.code(card.resource, limit: limit))
            if let further = card.furtherOperations { text.words(" and \(further)") }
            if let human = card.onBehalfOf {
                text.words(", acting for ")
                check(text.code(human.rawValue, limit: 128))
            }
        }
    }
}
