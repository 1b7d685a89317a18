package import CanonicalJSON
import CountersignCore

/// What is held, as an Adaptive Card that only leads to pages: of one approval or of several, a line each.
///
/// It has no payload and no button to decide with, so it can go where nobody proves who reads it.
package struct TeamsDigest: Hashable, Sendable {
    /// The approvals, in the order in which they were asked.
    package let cards: [ApprovalCard]
    /// The page on which all of them can be decided.
    package let page: CardLink?

    /// Tells of these.
    package init(_ cards: [ApprovalCard], page: CardLink? = nil) {
        self.cards = cards
        self.page = page
    }

    /// The card's JSON: as many lines as fit in ``TeamsCard/maximumBytes``.
    package var json: JSONValue {
        for lines in [20, 10] {
            let json = rendered(lines)
            if json.canonicalBytes().count <= TeamsCard.maximumBytes { return json }
        }
        return rendered(5)
    }

    /// The title: our own words only.
    package var title: String {
        if cards.count == 1, let card = cards.first { return CardWords(card).title }
        let open = cards.count { $0.timeLeft != nil }
        return open == 0 ? "\(cards.count) approvals, all settled" : "\(open) of \(cards.count) approvals wanted"
    }

    private func rendered(_ lines: Int) -> JSONValue {
        var body: [JSONValue] = [
            ["size": "Large", "text": .string(title), "type": "TextBlock", "weight": "Bolder", "wrap": true]
        ]
        for card in cards.prefix(lines) { body.append(line(card)) }
        if cards.count > lines {
            body.append(["text": .string("\(cards.count - lines) more."), "type": "TextBlock", "wrap": true])
        }
        var actions: [JSONValue] = []
        if cards.count == 1, let card = cards.first {
            actions = [["title": "Open", "type": "Action.OpenUrl", "url": .string(card.link.url)]]
        } else if let page, cards.contains(where: { $0.timeLeft != nil }) {
            actions = [["title": "Open all of them", "type": "Action.OpenUrl", "url": .string(page.url)]]
        }
        return [
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "actions": .array(actions),
            "body": .array(body), "type": "AdaptiveCard", "version": "1.4",
        ]
    }

    private func line(_ card: ApprovalCard) -> JSONValue {
        let words = CardWords(card)
        let runs: [JSONValue?] = [
            plain(cards.count == 1 ? "Agent " : words.title + ": "), code(card.agent.rawValue, 128), plain(" wants "),
            code(card.action, 128), plain(" in "), code(card.connection.rawValue, 63), plain(": "),
            code(card.resource, 200), plain(card.furtherOperations.map { " and \($0)" } ?? ""),
            plain(". \(words.state) Digest \(card.handle.digestPrefix)… of "), link(card),
        ]
        return ["inlines": .array(runs.compactMap { $0 }), "type": "RichTextBlock"]
    }

    private func plain(_ words: String) -> JSONValue? {
        words.isEmpty ? nil : ["text": .string(words), "type": "TextRun"]
    }

    private func link(_ card: ApprovalCard) -> JSONValue {
        [
            "selectAction": ["type": "Action.OpenUrl", "url": .string(card.link.url)],
            "text": .string(card.handle.approval.rawValue), "type": "TextRun",
        ]
    }

    private func code(_ outside: String, _ limit: Int) -> JSONValue? {
        let shown = ShownText(outside, .adaptive, isBlock: false, limit: limit)
        guard !shown.text.isEmpty else { return nil }
        return ["fontType": "Monospace", "text": .string(shown.text + (shown.isCut ? "…" : "")), "type": "TextRun"]
    }
}
