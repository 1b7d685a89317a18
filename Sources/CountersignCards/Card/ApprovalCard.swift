import CanonicalJSON
package import CountersignCore

/// What every channel shows of an approval: who asks, what exactly it will do, which policy stopped it, and how it
/// stands.
///
/// It is made once and rendered by each channel in its own form, so that all say the same. Texts in it are as they came,
/// and a renderer escapes them: ``ShownText``.
package struct ApprovalCard: Hashable, Sendable {
    /// A text of the action, with what it is.
    package struct Part: Hashable, Sendable {
        /// Our word for it: `Request`, `Payload`, `Operations`, `Details`.
        package let title: String
        /// The text, from the agent.
        package let text: String
        /// Whether more belongs to it that is kept elsewhere.
        package let isExcerpt: Bool
    }

    /// One gate.
    package struct GateLine: Hashable, Sendable {
        /// The policy's id.
        package let policy: String
        /// The groups that are asked.
        package let approvers: [GroupName]
        /// How many of each.
        package let quorum: Int
        /// How many approvals are still missing.
        package let missing: Int
        /// The policy's sentence for the approver.
        package let advice: String?
    }

    /// A user's decision.
    package struct DecisionLine: Hashable, Sendable {
        /// Who.
        package let user: UserID
        /// What.
        package let verdict: Decision.Verdict
        /// Why, in the user's words.
        package let reason: String
        /// When.
        package let time: Timestamp

        /// The line of a decision.
        init(_ decision: Decision) {
            user = decision.user
            verdict = decision.verdict
            reason = decision.reason
            time = decision.time
        }
    }

    /// What buttons carry.
    package let handle: CardHandle
    /// The page with everything.
    package let link: CardLink
    /// Who asks.
    package let agent: AgentID
    /// The agent's owner.
    package let owner: UserID?
    /// The human for whom the agent acts.
    package let onBehalfOf: UserID?
    /// The action's name, `http:delete`.
    package let action: String
    /// Where it happens.
    package let connection: ConnectionName
    /// What it is done to, or its first operation.
    package let resource: String
    /// `2 more operations`: those that ``resource`` does not tell of, if there are any.
    package let furtherOperations: String?
    /// Why, in the agent's own words.
    package let justification: String?
    /// What exactly; empty once it was erased.
    package let parts: [Part]
    /// Whether ``parts`` have only the payload's beginning or its digest.
    package let hasExcerptOnly: Bool
    /// Whether the payload was erased.
    package let isErased: Bool
    /// What stopped it.
    package let gates: [GateLine]
    /// What users said.
    package let decisions: [DecisionLine]
    /// What the agent and people have said since, in order.
    package let comments: [ApprovalComment]
    /// How it stands.
    package let status: ApprovalStatus
    /// How long there is still to decide; `nil` if there is nothing to decide.
    package let timeLeft: Duration?
    /// When the time to decide is over.
    package let expiresAt: Timestamp
    /// When it reached its last state.
    package let settledAt: Timestamp?
    /// What came of it.
    package let outcome: Outcome?
    /// Whether a gate asks for more than a chat can prove, so that the card only leads to the page.
    package let isDecidedOnPage: Bool

    /// Whether the card has buttons to decide with.
    package var isDecidable: Bool { timeLeft != nil && !isDecidedOnPage }

    /// The card of an approval as it stands at `now`.
    package init(_ approval: Approval, publicURL: String, now: Timestamp) throws(ChannelFault) {
        handle = CardHandle(approval.id, approval.digest)
        link = try CardLink(publicURL: publicURL, approval: approval.id)
        agent = approval.agent
        owner = approval.owner
        onBehalfOf = approval.onBehalfOf
        action = approval.action
        connection = approval.connection
        resource = approval.resource
        justification = approval.circumstances.justification
        let context = ApprovalContext(approval)
        parts = approval.document.map { Self.parts($0, context) } ?? []
        furtherOperations = context.furtherOperations
        hasExcerptOnly = context.hasExcerptOnly
        isErased = approval.document == nil
        gates = approval.gates.map { gate in
            GateLine(
                policy: gate.policy,
                approvers: gate.approvers,
                quorum: gate.quorum,
                missing: gate.missing(approval.decisions),
                advice: gate.advice,
            )
        }
        decisions = approval.decisions.map { DecisionLine($0) }
        comments = approval.comments ?? []
        let isOpen = approval.status == .pending && now < approval.expiresAt
        // What nobody has settled yet, but is over, is shown as over: its buttons would do nothing.
        status = approval.status == .pending && !isOpen ? .expired : approval.status
        timeLeft = isOpen ? approval.expiresAt.since(now) : nil
        expiresAt = approval.expiresAt
        settledAt = approval.settledAt
        outcome = approval.outcome
        isDecidedOnPage = approval.gates.contains { gate in
            switch gate.assurance {
            case .session: false
            case .passkey: true
            }
        }
    }

    /// The action's document in pieces; nothing of it is left out but its operation, which the card names, if
    /// there is only one.
    private static func parts(_ document: String, _ read: ApprovalContext) -> [Part] {
        var context = read.members
        guard !context.isEmpty else { return [Part(title: "Action", text: document, isExcerpt: false)] }
        var parts: [Part] = []
        // They stand by themselves, one to a line, because among the details other words could leave them no room.
        let operations = context["operations"]?.arrayValue ?? []
        context["operations"] = nil
        if let method = context["method"]?.stringValue, let path = context["path"]?.stringValue {
            let query = context["query"]?.stringValue
            parts.append(
                Part(title: "Request", text: "\(method) \(path)\(query.map { "?\($0)" } ?? "")", isExcerpt: false)
            )
            context["method"] = nil
            context["path"] = nil
            if query != nil { context["query"] = nil }
        }
        if var payload = context["payload"]?.objectValue {
            if let text = payload["text"]?.stringValue {
                parts.append(Part(title: "Payload", text: text, isExcerpt: false))
                payload["text"] = nil
            } else if let excerpt = payload["excerpt"]?.stringValue {
                parts.append(Part(title: "Payload", text: excerpt, isExcerpt: true))
                payload["excerpt"] = nil
            }
            context["payload"] = payload.isEmpty ? nil : .object(payload)
        }
        if read.furtherOperations != nil {
            let lines = operations.map(\.canonicalText).joined(separator: "\n")
            parts.append(Part(title: "Operations", text: lines, isExcerpt: false))
        }
        // That no header field counts is nothing to read at night.
        if context["headers"]?.objectValue?.isEmpty ?? false { context["headers"] = nil }
        if !context.isEmpty {
            parts.append(Part(title: "Details", text: JSONValue.object(context).prettyText(), isExcerpt: false))
        }
        return parts
    }
}
