/// What people have said on a held action since its agent spoke last, for the agent: a question that it may answer, and
/// never a decision.
package struct UnansweredWords: Hashable, Sendable {
    /// Who said the newest of it.
    private let user: String
    private let text: String
    /// How many comments there are.
    private let count: Int

    /// How many characters of the words are shown; all of them are in the approval.
    private static let excerpt = 300

    /// What there is on an approval; `nil` if there is nothing.
    package init?(_ approval: Approval) {
        self.init(approval.unanswered.map { ($0.author.actor.id, $0.text) })
    }

    /// What there is, in order, as users' names and words; `nil` if there is nothing.
    package init?(_ comments: [(user: String, text: String)]) {
        guard let last = comments.last else { return nil }
        (user, text, count) = (last.user, last.text, comments.count)
    }

    /// The newest of it in a sentence that says how to answer.
    ///
    /// The words stand in quotes that they cannot end, with what is hidden in them written out.
    package func sentence(answering way: String) -> String {
        var words = ""
        let excerpt = text.cut(to: Self.excerpt)
        VisibleScalar.each(of: excerpt, isBlock: false) { visible in
            switch visible {
            case .plain("\""): words += "\\\""
            case .plain("\\"): words += "\\\\"
            case .plain(let scalar): words.unicodeScalars.append(scalar)
            case .escaped(let shown, _): words += shown
            }
        }
        if text.unicodeScalars.count > Self.excerpt { words += "…" }
        let more = count > 1 ? " (the newest of \(count) comments)" : ""
        return "\(user) says, and has decided nothing by it\(more): \"\(words)\". You may answer with \(way)."
    }

    /// The same for clients of MCP.
    package var mcpSentence: String {
        sentence(answering: "add_justification of the gateway's own server, /countersign/")
    }
}
