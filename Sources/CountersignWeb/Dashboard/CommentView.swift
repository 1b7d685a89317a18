import CountersignCore

/// A comment on a page: whose words they are stands outside of them, in words and colours of the page's own.
struct CommentView {
    /// `agent` or `person`.
    let kind: Pill
    /// Who.
    let author: Markup
    /// Through what a person spoke.
    let via: Markup
    /// What a person has to do with the agent; none of most.
    let part: Markup
    /// Whether they are the agent's.
    let isAgents: Bool
    /// The words.
    let text: Markup
    /// When.
    let time: Moment
    /// How many had decided before it, as a sentence; none if nobody had.
    let before: Markup

    /// Describes a comment on an approval.
    init(_ comment: ApprovalComment, on approval: Approval, now: Timestamp) {
        switch comment.author {
        case .agent(let id):
            (kind, author, via, part) = (Pill("agent", tone: "wait"), Markup(id.rawValue), .none, .none)
            isAgents = true
        case .user(let id, let channel):
            (kind, author, via) = (Pill("person", tone: "info"), Markup(id.rawValue), Markup(channel))
            part =
                id.isSamePerson(as: approval.owner)
                ? Markup("owns the agent")
                : id.isSamePerson(as: approval.onBehalfOf) ? Markup("the agent acts for them") : .none
            isAgents = false
        }
        text = VisibleText.block(comment.text)
        time = Moment(comment.time, now: now)
        let earlier = approval.decisions.count { $0.time <= comment.time }
        before =
            switch earlier {
            case 0: .none
            case 1: Markup("1 person had decided before it")
            default: Markup("\(earlier) people had decided before it")
            }
    }
}
