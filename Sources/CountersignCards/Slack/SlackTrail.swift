package import CountersignCore

/// What happened to an approval, line by line and in order, as the thread below its card tells it.
///
/// Lines are only ever added, so that a number says how far the thread has come: times, by which comments stand among
/// decisions, are taken in the order of the commits. Only a clock that is set back breaks that, and then a line is told
/// twice. What was said in a conversation of Slack stands in its own thread there, and nowhere else but on the card.
package struct SlackTrail: Hashable, Sendable {
    private let lines: [SlackMarkdown]

    /// How many lines there are.
    package var count: Int { lines.count }

    /// The trail of an approval as it stands.
    package init(_ approval: Approval) {
        var lines = Self.words(of: approval)
        func add(_ words: String, at time: Timestamp? = nil) {
            var text = SlackMarkdown()
            text.words(words + (time.map { " at \(CardWords.moment($0))." } ?? "."))
            lines.append(text)
        }
        switch approval.status {
        case .pending, .approved, .denied, .redeemed: break
        case .expired: add("Expired: nobody decided in time. The action did not run", at: approval.settledAt)
        case .withdrawn: add("Withdrawn by the agent. The action did not run", at: approval.settledAt)
        case .lapsed: add("Never used in time. The action did not run", at: approval.settledAt)
        case .revoked: add("Revoked. The action did not run", at: approval.settledAt)
        case .succeeded: lines.append(Self.line(approval.outcome, "Done", approval.settledAt))
        case .failed: lines.append(Self.line(approval.outcome, "Failed", approval.settledAt))
        case .unknown:
            lines.append(Self.line(approval.outcome, "Sent, and nobody knows what came of it", approval.settledAt))
        }
        self.lines = lines
    }

    /// The message that tells what the thread has not; `nil` if it has told all.
    package func message(after told: Int) -> SlackMessage? {
        let new = lines.dropFirst(told)
        guard let last = new.last else { return nil }
        // Of more than a message holds, the newest are told.
        var length = 0
        let fitting = new.suffix(SlackBlock.maximumInMessage).reversed().prefix { line in
            length += line.text.utf16.count
            return length <= SlackBlock.maximumText
        }
        return SlackMessage(
            blocks: fitting.reversed().map { SlackBlock.section($0) },
            notification: last.text.cut(to: 400),
        )
    }

    /// What people decided and what was said elsewhere than in Slack, in order.
    private static func words(of approval: Approval) -> [SlackMarkdown] {
        var words = approval.decisions.map { (time: $0.time, lines: [line($0)]) }
        if wasApproved(approval.status), !words.isEmpty {
            var text = SlackMarkdown()
            text.words("Every gate is met: the action may run, once.")
            words[words.count - 1].lines.append(text)
        }
        for comment in approval.comments ?? [] where comment.author.actor.via != ChannelKind.slack.rawValue {
            let place = words.firstIndex { comment.time < $0.time } ?? words.endIndex
            words.insert((comment.time, [line(comment)]), at: place)
        }
        return words.flatMap(\.lines)
    }

    private static func line(_ comment: ApprovalComment) -> SlackMarkdown {
        var text = SlackMarkdown()
        text.bold(CardWords.speaker(comment.author))
        text.words(": ")
        text.code(comment.author.actor.id, limit: 128)
        text.newLine()
        text.code(comment.text, limit: 1200)
        return text
    }

    private static func wasApproved(_ status: ApprovalStatus) -> Bool {
        switch status {
        case .approved, .redeemed, .succeeded, .failed, .unknown, .lapsed, .revoked: true
        case .pending, .denied, .expired, .withdrawn: false
        }
    }

    private static func line(_ decision: Decision) -> SlackMarkdown {
        ApprovalCard.DecisionLine(decision).markdown(limit: 800)
    }

    private static func line(_ outcome: Outcome?, _ words: String, _ time: Timestamp?) -> SlackMarkdown {
        var text = SlackMarkdown()
        let status = outcome?.status.map { ", status \($0)" } ?? ""
        text.words("\(words)\(status)" + (time.map { " at \(CardWords.moment($0))." } ?? "."))
        if let detail = outcome?.detail {
            text.words(" ")
            text.code(detail, limit: 400)
        }
        return text
    }
}
