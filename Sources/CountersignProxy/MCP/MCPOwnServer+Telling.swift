import CanonicalJSON
import CountersignCore

/// How the server tells an agent of its approvals, and of what people said on them.
extension MCPOwnServer {
    /// Whether a person has said something that the agent has not read, or where it does not say, not answered.
    static func hasNews(_ approval: Approval, after seen: Int?) -> Bool {
        guard let seen else { return !approval.unanswered.isEmpty }
        return (approval.comments ?? []).dropFirst(seen).contains(where: \.author.isPerson)
    }

    /// An approval as its agent reads it.
    static func describe(_ approval: Approval, hasNews: Bool = false) -> JSONValue {
        var object: [(String, JSONValue)] = [
            ("action", .string(approval.action)), ("connection", .string(approval.connection.rawValue)),
            ("decisions", .array(approval.decisions.map(describe))),
            ("expires_at", .string((approval.grantExpiresAt ?? approval.expiresAt).rfc3339)),
            ("gates", .array(approval.gates.map { .string($0.policy) })), ("id", .string(approval.id.rawValue)),
            ("requested_at", .string(approval.requestedAt.rfc3339)), ("resource", .string(approval.resource)),
            ("status", .string(approval.status.rawValue)),
        ]
        if let comments = approval.comments { object.append(("comments", .array(comments.map(describe)))) }
        if let text = approval.circumstances.justification { object.append(("justification", .string(text))) }
        if hasNews, !approval.status.isFinal {
            let note =
                "People have said something on this request: read comments. It is no decision; status says how the request "
                + "stands. Answer with add_justification if you can, or go on waiting with wait_for_approval and "
                + "comments_seen \(approval.comments?.count ?? 0)."
            object.append(("note", .string(note)))
        }
        return .object(JSONObject(object))
    }

    private static func describe(_ decision: Decision) -> JSONValue {
        [
            "decision": .string(decision.verdict.rawValue), "reason": .string(decision.reason),
            "user": .string(decision.user.rawValue),
        ]
    }

    private static func describe(_ comment: ApprovalComment) -> JSONValue {
        [
            "by": .string(comment.author.actor.id), "from": comment.author.isPerson ? "person" : "agent",
            "text": .string(comment.text), "time": .string(comment.time.rfc3339),
        ]
    }
}
