package import CanonicalJSON
import CountersignCore

/// What the buttons of a card do in Teams; the raw values are the verbs of `Action.Execute`.
package enum TeamsVerb: String, Hashable, Sendable, CaseIterable {
    /// Approves at once.
    case approve = "countersign.approve"
    /// Denies, with the reason that was entered on the card.
    case deny = "countersign.deny"
    /// Asks what the card shows now; Teams does so by itself for those whom the card names.
    case refresh = "countersign.refresh"
}

/// An ``ApprovalCard`` as an Adaptive Card of Microsoft Teams, before and after the decision.
///
/// Texts from outside are runs of a `RichTextBlock`, in which there is no Markdown; only our own words are in
/// `TextBlock`s.
package struct TeamsCard: Hashable, Sendable {
    /// The card.
    package let card: ApprovalCard

    /// Who is shown a view of their own, as Teams knows them; at most ``maximumViewers``.
    package let viewers: [String]
    /// Whether the one who looks may decide; everybody sees the buttons in a message that is for all.
    package let mayDecide: Bool
    /// Why what somebody just did was not done.
    package let note: String?

    /// Renders that card.
    package init(_ card: ApprovalCard, viewers: [String] = [], mayDecide: Bool = true, note: String? = nil) {
        self.card = card
        self.viewers = Array(viewers.prefix(Self.maximumViewers))
        self.mayDecide = mayDecide
        self.note = note
    }

    /// The most bytes of a card; Teams takes about 28 KB a message, and an activity stands around it.
    package static let maximumBytes = 24_000
    /// The most gates, the most decisions and the most comments that are listed; the page has all.
    package static let maximumLines = 5
    /// The most people that Teams shows a view of their own.
    package static let maximumViewers = 60
    /// The name of the input for the reason.
    package static let reasonInput = "reason"
    /// The content type of the attachment.
    package static let contentType = "application/vnd.microsoft.card.adaptive"

    /// The card's JSON: texts are shortened until it keeps to ``maximumBytes``.
    ///
    /// Of texts with few bytes a character more is shown, and so is of few texts. At the last step, less than 600 units
    /// of the agent's words are left, and all that stands around them has bounds of its own.
    package var json: JSONValue {
        for divisor in [1, 2, 4, 8] {
            let json = rendered(divisor)
            if json.canonicalBytes().count <= Self.maximumBytes { return json }
        }
        return rendered(16, hasViews: false)
    }

    private var hasButtons: Bool { card.isDecidable && mayDecide }

    private func rendered(_ divisor: Int, hasViews: Bool = true) -> JSONValue {
        let words = CardWords(card)
        var body: [JSONValue] = [
            [
                "size": "Large", "text": .string(words.title), "type": "TextBlock", "weight": "Bolder", "wrap": true,
            ]
        ]
        if let note { body.append(rich([label("Not done: "), code(note, 600 / divisor)])) }
        body += [
            rich([
                label("Agent "), code(card.agent.rawValue, 128), label(card.owner == nil ? "" : ", owned by "),
                code(card.owner?.rawValue ?? "", 128), label(card.onBehalfOf == nil ? "" : ", acting for "),
                code(card.onBehalfOf?.rawValue ?? "", 128),
            ]),
            rich([label("Action "), code(card.action, 128), label(" in "), code(card.connection.rawValue, 63)]),
            rich([
                label("Resource "), code(card.resource, 600 / divisor),
                label(card.furtherOperations.map { " and \($0)" } ?? ""),
            ]),
        ]
        if let justification = card.justification {
            body += block("In the agent's own words, which nobody has checked", justification, 1200 / divisor)
        }
        for part in card.parts {
            body += block(part.title, part.text, 1600 / divisor, isExcerpt: part.isExcerpt)
        }
        if card.isErased { body.append(rich([label("The payload was erased.")])) }
        for gate in card.gates.prefix(Self.maximumLines) {
            body.append(
                rich([
                    label("Stopped by "), code(gate.policy, 200 / divisor),
                    label(gate.missing == 0 ? ", whose demand is met: " : ", which asks for "),
                    code(CardWords.demand(gate), 400 / divisor), label(gate.advice == nil ? "" : ". "),
                    code(gate.advice ?? "", 600 / divisor),
                ])
            )
        }
        for decision in card.decisions.suffix(Self.maximumLines) {
            let verdict =
                switch decision.verdict {
                case .approve: "Approved"
                case .deny: "Denied"
                }
            body.append(
                rich([
                    label(verdict + " by "), code(decision.user.rawValue, 128),
                    label(" at \(CardWords.moment(decision.time))\(decision.reason.isEmpty ? "" : ". ")"),
                    code(decision.reason, 800 / divisor),
                ])
            )
        }
        for comment in card.comments.suffix(Self.maximumLines) {
            let actor = comment.author.actor
            body.append(
                rich([
                    label(CardWords.speaker(comment.author) + ": "), code(actor.id, 128),
                    label(actor.via == nil ? "" : " through "), code(actor.via ?? "", 64),
                    label(" at \(CardWords.moment(comment.time)). "), code(comment.text, 400 / divisor),
                ])
            )
        }
        let left = [card.gates.count, card.decisions.count, card.comments.count]
            .reduce(0) { $0 + max(0, $1 - Self.maximumLines) }
        if left > 0 { body.append(rich([label("\(left) more gates, decisions or comments are on the page.")])) }
        body.append(
            rich([
                label(words.state + " "), code(card.outcome?.detail ?? "", 400 / divisor), label(" Digest "),
                code(card.handle.digestPrefix, CardHandle.digestLength), label("… of "),
                code(card.handle.approval.rawValue, 128),
            ])
        )
        if hasButtons {
            body.append([
                "id": .string(Self.reasonInput), "isMultiline": true, "maxLength": 2000,
                "placeholder": "Reason; without one, nothing is denied", "type": "Input.Text",
            ])
        }
        var json = JSONObject([
            ("$schema", "http://adaptivecards.io/schemas/adaptive-card.json"), ("actions", .array(actions)),
            ("body", .array(body)), ("type", "AdaptiveCard"), ("version", "1.4"),
        ])
        if hasViews, let refresh { json["refresh"] = refresh }
        return .object(json)
    }

    /// Teams asks for each viewer's own card when they look at it.
    private var refresh: JSONValue? {
        guard !viewers.isEmpty, card.timeLeft != nil else { return nil }
        let verb = JSONValue.string(TeamsVerb.refresh.rawValue)
        let data: JSONValue = ["handle": .string(card.handle.description), "verb": verb]
        return [
            "action": ["data": data, "title": "Refresh", "type": "Action.Execute", "verb": verb],
            "userIds": .array(viewers.map { .string($0) }),
        ]
    }

    /// A title, the text, and how much of it is missing.
    private func block(_ title: String, _ text: String, _ limit: Int, isExcerpt: Bool = false) -> [JSONValue] {
        let shown = ShownText(text, .adaptive, isBlock: true, limit: limit)
        var lines = [rich([label(title)]), rich([run(shown)])]
        if isExcerpt {
            lines.append(rich([label("Only the beginning is shown; what you approve is all of it: open the page.")]))
        } else if shown.isCut {
            lines.append(
                rich([
                    label(
                        "Cut: \(shown.shown) of \(shown.total) characters are shown, and what you approve is all of it: "
                            + "open the page."
                    )
                ])
            )
        }
        return lines
    }

    private func rich(_ runs: [JSONValue?]) -> JSONValue {
        ["inlines": .array(runs.compactMap { $0 }), "type": "RichTextBlock"]
    }

    private func label(_ words: String) -> JSONValue? {
        words.isEmpty ? nil : ["text": .string(words), "type": "TextRun", "weight": "Bolder"]
    }

    private func code(_ outside: String, _ limit: Int) -> JSONValue? {
        run(ShownText(outside, .adaptive, isBlock: false, limit: limit))
    }

    private func run(_ shown: ShownText) -> JSONValue? {
        guard !shown.text.isEmpty else { return nil }
        return ["fontType": "Monospace", "text": .string(shown.text + (shown.isCut ? "…" : "")), "type": "TextRun"]
    }

    private var actions: [JSONValue] {
        let open: JSONValue = ["title": "Open", "type": "Action.OpenUrl", "url": .string(card.link.url)]
        guard hasButtons else { return [open] }
        func button(_ verb: TeamsVerb, _ title: JSONValue, _ style: JSONValue) -> JSONValue {
            let data: JSONValue = ["handle": .string(card.handle.description), "verb": .string(verb.rawValue)]
            return [
                "data": data,
                // Clients that do not know Action.Execute send the data as a message.
                "fallback": ["data": data, "style": style, "title": title, "type": "Action.Submit"],
                "style": style, "title": title, "type": "Action.Execute", "verb": .string(verb.rawValue),
            ]
        }
        return [button(.approve, "Approve", "positive"), button(.deny, "Deny", "destructive"), open]
    }
}

/// What somebody answered on a card in Teams: the data of `Action.Execute` and of `Action.Submit` alike.
package struct TeamsAnswer: Hashable, Sendable {
    /// Which button.
    package let verb: TeamsVerb
    /// On what.
    package let handle: CardHandle
    /// What was entered as the reason.
    package let reason: String

    /// Reads an activity whose sender was authenticated: an `adaptiveCard/action` invoke, or a message with a value.
    package init(activity: JSONValue) throws(ChannelFault) {
        let isInvoke = activity["type"] == "invoke" && activity["name"] == "adaptiveCard/action"
        guard isInvoke || activity["type"] == "message", let value = activity["value"] else {
            throw ChannelFault(
                .payloadMalformed,
                "The activity is neither `adaptiveCard/action` nor a message with a value."
            )
        }
        let data = (isInvoke ? value["action"]?["data"] : value) ?? .null
        guard let verb = data["verb"]?.stringValue.flatMap({ TeamsVerb(rawValue: $0) }),
            !isInvoke || value["action"]?["verb"] == .string(verb.rawValue)
        else {
            throw ChannelFault(
                .payloadMalformed,
                "The action's `verb` is none of ours, or differs from that of its data."
            )
        }
        guard let handle = data["handle"]?.stringValue.flatMap({ CardHandle($0) }) else {
            throw ChannelFault(.payloadMalformed, "The action's `data.handle` is missing or is none.")
        }
        let reason: String
        switch data[TeamsCard.reasonInput] {
        case nil, .null: reason = ""
        case .string(let text) where text.utf16.count <= 2000: reason = text
        case .string, .bool, .integer, .number, .array, .object:
            throw ChannelFault(.payloadMalformed, "The reason is not a text of at most 2000 characters.")
        }
        self.verb = verb
        self.handle = handle
        self.reason = reason
    }
}
