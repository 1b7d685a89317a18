import CountersignCore

/// What people have said on a held action since its agent spoke last, for the agent: a question that it may answer, and
/// never a decision.
struct UnansweredWords {
    private let comments: [ApprovalComment]

    /// How many characters of the words are shown; all of them are in the approval.
    private static let excerpt = 300

    /// What there is on an approval.
    init(_ approval: Approval) { comments = approval.unanswered }

    /// The newest of it in a sentence that says how to answer; `nil` if there is nothing.
    ///
    /// The words stand in quotes that they cannot end, with what is hidden in them written out.
    func sentence(answering way: String) -> String? {
        guard let last = comments.last, case .user(let user, _) = last.author else { return nil }
        let excerpt = String(String.UnicodeScalarView(last.text.unicodeScalars.prefix(Self.excerpt)))
        var words = ""
        VisibleScalar.each(of: excerpt, isBlock: false) { visible in
            switch visible {
            case .plain("\""): words += "\\\""
            case .plain("\\"): words += "\\\\"
            case .plain(let scalar): words.unicodeScalars.append(scalar)
            case .escaped(let shown, _): words += shown
            }
        }
        if last.text.unicodeScalars.count > Self.excerpt { words += "…" }
        let more = comments.count > 1 ? " (the newest of \(comments.count) comments)" : ""
        return "\(user) says, and has decided nothing by it\(more): \"\(words)\". You may answer with \(way)."
    }

    /// The same for clients of MCP.
    var mcpSentence: String? { sentence(answering: "add_justification of the gateway's own server, /countersign/") }
}
