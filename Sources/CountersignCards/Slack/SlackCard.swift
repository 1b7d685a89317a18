package import CanonicalJSON
import CountersignCore

/// What the buttons of a card do; the raw values are Slack's `action_id`s.
package enum SlackCardAction: String, Hashable, Sendable, CaseIterable {
    /// Approves at once.
    case approve = "countersign.approve"
    /// Opens the modal that asks for the reason.
    case deny = "countersign.deny"
    /// Opens the page; Slack tells of it, and there is nothing to do.
    case open = "countersign.open"
}

/// An ``ApprovalCard`` as a message of Slack, before and after the decision: its buttons go when there is nothing more to
/// decide.
package struct SlackCard: Hashable, Sendable {
    /// The card.
    package let card: ApprovalCard

    /// Renders that card.
    package init(_ card: ApprovalCard) { self.card = card }

    /// The most gates, the most decisions and the most comments that are listed; the page has all.
    package static let maximumLines = 5

    /// It as a message.
    package var message: SlackMessage { SlackMessage(blocks: blocks, notification: notification) }

    /// The body of `chat.postMessage`, in a thread if one is named.
    package func posting(to channel: String, thread: String? = nil) -> JSONValue {
        message.posting(to: channel, thread: thread)
    }

    /// The body of `chat.update`.
    package func update(of reference: SlackMessageReference) -> JSONValue { message.update(of: reference) }

    /// The line that notifications and screen readers have.
    package var notification: String {
        let words = "\(CardWords(card).title): \(card.agent), \(card.action) in \(card.connection)"
        return ShownText(words, .slackPlain, isBlock: false, limit: 400).text
    }

    /// The blocks: texts are shortened until they keep to ``SlackBlock/maximumText``.
    ///
    /// At the last step, what an agent wrote has less than 600 units, and all that stands around it has bounds of its own.
    package var blocks: [JSONValue] {
        for divisor in [1, 2, 4, 8] {
            let blocks = rendered(divisor)
            if SlackBlock.length(blocks) <= SlackBlock.maximumText { return blocks }
        }
        return rendered(16)
    }

    private func rendered(_ divisor: Int) -> [JSONValue] {
        let words = CardWords(card)
        var blocks = [SlackBlock.header(words.title), SlackBlock.section(who(divisor))]
        if let justification = card.justification {
            var text = SlackMarkdown()
            text.bold("In the agent's own words, which nobody has checked")
            text.newLine()
            addCut(text.fence(justification, limit: 1200 / divisor), isExcerpt: false, to: &text)
            blocks.append(SlackBlock.section(text))
        }
        for part in card.parts {
            var text = SlackMarkdown()
            text.bold(part.title)
            text.newLine()
            addCut(text.fence(part.text, limit: 1600 / divisor), isExcerpt: part.isExcerpt, to: &text)
            blocks.append(SlackBlock.section(text))
        }
        if card.isErased {
            var text = SlackMarkdown()
            text.words("The payload was erased.")
            blocks.append(SlackBlock.section(text))
        }
        blocks += card.gates.prefix(Self.maximumLines).map { SlackBlock.section(line($0, divisor)) }
        blocks += card.decisions.suffix(Self.maximumLines).map { SlackBlock.section(line($0, divisor)) }
        blocks += card.comments.suffix(Self.maximumLines).map { SlackBlock.section(line($0, divisor)) }
        let left = [card.gates.count, card.decisions.count, card.comments.count]
            .reduce(0) { $0 + max(0, $1 - Self.maximumLines) }
        if left > 0 {
            var text = SlackMarkdown()
            text.words("\(left) more gates, decisions or comments are on the page.")
            blocks.append(SlackBlock.section(text))
        }
        blocks.append(SlackBlock.context(state(words, divisor)))
        blocks.append(SlackBlock.actions(Self.buttons(of: card)))
        return blocks
    }

    private func who(_ divisor: Int) -> SlackMarkdown {
        var text = SlackMarkdown()
        text.bold("Agent")
        text.words(" ")
        text.code(card.agent.rawValue, limit: 128)
        if let owner = card.owner {
            text.words(", owned by ")
            text.code(owner.rawValue, limit: 128)
        }
        if let human = card.onBehalfOf {
            text.words(", acting for ")
            text.code(human.rawValue, limit: 128)
        }
        text.newLine()
        text.bold("Action")
        text.words(" ")
        text.code(card.action, limit: 128)
        text.words(" in ")
        text.code(card.connection.rawValue, limit: 63)
        text.newLine()
        text.bold("Resource")
        text.words(" ")
        let shown = text.code(card.resource, limit: 600 / divisor)
        if let further = card.furtherOperations { text.words(" and \(further)") }
        addCut(shown, isExcerpt: false, to: &text)
        return text
    }

    private func line(_ gate: ApprovalCard.GateLine, _ divisor: Int) -> SlackMarkdown {
        var text = SlackMarkdown()
        text.bold("Stopped by")
        text.words(" ")
        text.code(gate.policy, limit: 200 / divisor)
        text.words(gate.missing == 0 ? ", whose demand is met: " : ", which asks for ")
        text.code(CardWords.demand(gate), limit: 400 / divisor)
        if let advice = gate.advice {
            text.newLine()
            text.code(advice, limit: 600 / divisor)
        }
        return text
    }

    private func line(_ decision: ApprovalCard.DecisionLine, _ divisor: Int) -> SlackMarkdown {
        decision.markdown(limit: 800 / divisor)
    }

    private func line(_ comment: ApprovalComment, _ divisor: Int) -> SlackMarkdown {
        let actor = comment.author.actor
        var text = SlackMarkdown()
        text.bold(CardWords.speaker(comment.author))
        text.words(": ")
        text.code(actor.id, limit: 128)
        if let via = actor.via {
            text.words(" through ")
            text.code(via, limit: 64)
        }
        text.words(" at \(CardWords.moment(comment.time))")
        text.newLine()
        text.code(comment.text, limit: 400 / divisor)
        return text
    }

    private func state(_ words: CardWords, _ divisor: Int) -> SlackMarkdown {
        var text = SlackMarkdown()
        text.words(words.state)
        if let detail = card.outcome?.detail {
            text.words(" ")
            text.code(detail, limit: 400 / divisor)
        }
        text.words(" Digest ")
        text.code(card.handle.digestPrefix, limit: CardHandle.digestLength)
        text.words("… of ")
        text.code(card.handle.approval.rawValue, limit: 128)
        return text
    }

    private func addCut(_ shown: ShownText, isExcerpt: Bool, to text: inout SlackMarkdown) {
        guard shown.isCut || isExcerpt else { return }
        text.newLine()
        text.words(
            isExcerpt
                ? "Only the beginning is shown; what you approve is all of it. "
                : "Cut: \(shown.shown) of \(shown.total) characters are shown, and what you approve is all of it. "
        )
        text.link(card.link, "Read all of it")
    }

    /// What can be done with a card: all buttons as long as it is to be decided, then only the one that opens the page.
    ///
    /// Nobody approves what they are not shown: of a card that is not, `isWhole` is false.
    static func buttons(of card: ApprovalCard, isWhole: Bool = true) -> [JSONValue] {
        let open: JSONValue = [
            "action_id": .string(SlackCardAction.open.rawValue), "text": SlackBlock.plain("Open", limit: 75),
            "type": "button", "url": .string(card.link.url),
        ]
        guard card.isDecidable else { return [open] }
        func button(_ action: SlackCardAction, _ label: String, _ style: JSONValue) -> JSONValue {
            [
                "action_id": .string(action.rawValue), "style": style, "text": SlackBlock.plain(label, limit: 75),
                "type": "button", "value": .string(card.handle.description),
            ]
        }
        let denying = [button(.deny, "Deny", "danger"), open]
        return isWhole ? [button(.approve, "Approve", "primary")] + denying : denying
    }
}

/// The modal that asks why an action is denied.
package struct SlackDenial: Hashable, Sendable {
    /// Which approval.
    package let handle: CardHandle
    /// Why, in the user's words.
    package let reason: String

    /// The modal's `callback_id`.
    package static let callbackID = "countersign.denial"
    /// The longest reason.
    package static let maximumReason = 2000
    private static let block = "reason"
    private static let element = "text"

    /// The body of `views.open`.
    package static func opening(_ card: ApprovalCard, trigger: String) -> JSONValue {
        ["trigger_id": .string(trigger), "view": view(card)]
    }

    /// The modal.
    package static func view(_ card: ApprovalCard) -> JSONValue {
        var text = SlackMarkdown()
        text.code(card.agent.rawValue, limit: 128)
        text.words(" asks for ")
        text.code(card.action, limit: 128)
        text.words(" on ")
        text.code(card.resource, limit: 600)
        if let further = card.furtherOperations { text.words(" and \(further)") }
        text.words(" in ")
        text.code(card.connection.rawValue, limit: 63)
        text.words(". The agent will read your reason.")
        let input: JSONValue = [
            "action_id": .string(element), "max_length": .integer(Int64(maximumReason)), "multiline": true,
            "type": "plain_text_input",
        ]
        return [
            "blocks": [
                SlackBlock.section(text),
                [
                    "block_id": .string(block), "element": input, "label": SlackBlock.plain("Reason", limit: 2000),
                    "type": "input",
                ],
            ],
            "callback_id": .string(callbackID),
            "close": SlackBlock.plain("Cancel", limit: 24),
            "private_metadata": .string(card.handle.description),
            "submit": SlackBlock.plain("Deny", limit: 24),
            "title": SlackBlock.plain("Deny the action", limit: 24),
            "type": "modal",
        ]
    }

    /// Reads what was sent; `nil` if it is not this modal, or somebody filled it with what Slack would not have let pass.
    package init?(_ submission: SlackViewSubmission) {
        guard submission.callbackID == Self.callbackID, let handle = CardHandle(submission.metadata),
            let reason = submission.values[Self.block]?[Self.element],
            reason.utf16.count <= Self.maximumReason
        else { return nil }
        self.handle = handle
        self.reason = reason
    }

    /// The answer that leaves the modal open and says below the reason what is wrong.
    package static func refusal(_ words: String) -> JSONValue {
        ["errors": ["reason": SlackBlock.plain(words, limit: 150)["text"] ?? ""], "response_action": "errors"]
    }
}

extension ApprovalCard.DecisionLine {
    /// Who decided what, when and why, with so much of the reason.
    func markdown(limit: Int) -> SlackMarkdown {
        var text = SlackMarkdown()
        switch verdict {
        case .approve: text.bold("Approved")
        case .deny: text.bold("Denied")
        }
        text.words(" by ")
        text.code(user.rawValue, limit: 128)
        text.words(" at \(CardWords.moment(time))")
        if !reason.isEmpty {
            text.newLine()
            text.code(reason, limit: limit)
        }
        return text
    }
}
