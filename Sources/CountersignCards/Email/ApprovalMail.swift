package import CountersignCore

/// What a mail says of one approval, or of several that were gathered: it tells and leads to the page, and decides
/// nothing by itself.
package struct ApprovalMail: Hashable, Sendable {
    /// Our own words, and names that somebody configured; never the agent's words.
    package let subject: String
    /// The content as text.
    package let text: String
    /// The content as HTML.
    package let html: String

    /// The most actions of a batch that are listed.
    package static let maximumListed = 50

    /// Writes about cards, of which there is at least one; `nil` without any.
    ///
    /// `page` is where all of several can be decided.
    package init?(_ cards: [ApprovalCard], _ cause: Notice.Cause, page: CardLink? = nil) {
        guard let first = cards.first else { return nil }
        if cards.count == 1 {
            self.init(first, cause)
        } else {
            self.init(first, batch: cards, page)
        }
    }

    private init(_ card: ApprovalCard, _ cause: Notice.Cause) {
        let words = CardWords(card)
        let title =
            switch cause {
            case .requested, .changed: words.title
            case .escalated: "\(words.title), and nobody has answered"
            case .reminder: "Reminder: \(words.title)"
            }
        subject = "\(title): \(card.action) in \(card.connection), asked by \(card.agent)"
        var content = MailContent()
        content.title(MailContent.StaticTitle(words: title))
        content.words(words.state)
        content.table(Self.rows(card))
        if let justification = card.justification {
            content.box("In the agent's own words, which nobody has checked", justification, isExcerpt: false)
        }
        for part in card.parts { content.box(part.title, part.text, isExcerpt: part.isExcerpt) }
        if card.isErased { content.words("The payload was erased.") }
        for decision in card.decisions.suffix(10) {
            let verdict =
                switch decision.verdict {
                case .approve: "Approved"
                case .deny: "Denied"
                }
            content.table([(verdict, "\(decision.user) at \(CardWords.moment(decision.time))")])
            if !decision.reason.isEmpty { content.box("Their reason", decision.reason, isExcerpt: false) }
        }
        for comment in card.comments.suffix(10) {
            let actor = comment.author.actor
            let through = actor.via.map { " through \($0)" } ?? ""
            content.table([("Comment", "\(actor.id)\(through) at \(CardWords.moment(comment.time))")])
            content.box(CardWords.speaker(comment.author), comment.text, isExcerpt: false)
        }
        content.link(card.link, card.timeLeft == nil ? "Open the approval" : "Open the approval to decide")
        content.words("This mail decides nothing, and opening the link does not: whoever decides signs in and says so.")
        text = content.text
        html = content.html(title: MailContent.StaticTitle(words: title))
    }

    private init(_ first: ApprovalCard, batch cards: [ApprovalCard], _ page: CardLink?) {
        let open = cards.count { $0.timeLeft != nil }
        let title = open > 0 ? "\(open) approvals wanted" : "\(cards.count) approvals are settled"
        subject = "\(title): asked by \(first.agent) within a short time"
        var content = MailContent()
        content.title(MailContent.StaticTitle(words: title))
        content.words("They were gathered because one agent asked for so many. Each is an approval of its own.")
        if let page, open > 1 { content.link(page, "Open all of them on one page") }
        for card in cards.prefix(Self.maximumListed) {
            content.table(
                [("Action", "\(card.action) in \(card.connection)")] + Self.resources(card) + [
                    ("State", CardWords(card).title), ("Digest", "\(card.handle.digestPrefix)…"),
                ]
            )
            content.link(card.link, card.timeLeft == nil ? "Open the approval" : "Open the approval to decide")
        }
        if cards.count > Self.maximumListed {
            content.words("\(cards.count - Self.maximumListed) more are in the dashboard's inbox.")
        }
        content.words("This mail decides nothing, and opening a link does not: whoever decides signs in and says so.")
        text = content.text
        html = content.html(title: MailContent.StaticTitle(words: title))
    }

    private static func rows(_ card: ApprovalCard) -> [(name: String, value: String)] {
        var rows: [(name: String, value: String)] = [("Agent", card.agent.rawValue)]
        if let owner = card.owner { rows.append(("Owner", owner.rawValue)) }
        if let human = card.onBehalfOf { rows.append(("Acting for", human.rawValue)) }
        rows += [("Action", card.action), ("Connection", card.connection.rawValue)] + resources(card)
        for gate in card.gates.prefix(10) {
            rows.append(("Stopped by", "\(gate.policy), which asks for \(CardWords.demand(gate))"))
            if let advice = gate.advice { rows.append(("Advice", advice)) }
        }
        rows.append(("Approval", card.handle.approval.rawValue))
        rows.append(("Digest", "\(card.handle.digestPrefix)…"))
        return rows
    }

    /// How many operations there are beside the first has a row of its own: a long resource is cut.
    private static func resources(_ card: ApprovalCard) -> [(name: String, value: String)] {
        [("Resource", card.resource)] + (card.furtherOperations.map { [("And", $0)] } ?? [])
    }
}

/// The ids of mails: made of what they are about, so that the same mail has the same id in every attempt.
package enum MailThread {
    /// The id of the mail that begins the thread of a subject at a place.
    package static func root(_ notice: Notice) -> String {
        let parts = [notice.subject, notice.destination.channel.rawValue, notice.destination.address]
        let digest = ActionDigest(of: Array(parts.joined(separator: "\n").utf8))
        return "thr_" + String(digest.rawValue.prefix(22))
    }

    /// The id of a notice's mail, after one that began the thread if there `isThread`.
    package static func id(_ notice: Notice, isThread: Bool) -> String {
        notice.cause == .requested && !isThread ? root(notice) : notice.id
    }
}
