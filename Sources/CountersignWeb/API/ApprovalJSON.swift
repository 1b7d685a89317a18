import CanonicalJSON
import CountersignCore

extension Approval {
    /// The approval as the API shows it.
    func json(publicURL: String) -> JSONValue {
        let path = "/v1/approvals/" + id.rawValue
        var links = JSONObject([
            ("dashboard", .string(publicURL + "/approvals/" + id.rawValue)),
            ("receipt", .string(path + "/receipt")),
            ("self", .string(path)),
        ])
        if status == .succeeded || status == .failed, !delivered { links["response"] = .string(path + "/response") }
        return .object(
            JSONObject([
                // The document was canonical JSON when it was digested; it parses.
                ("action", document.flatMap { StoredJSON.value($0) } ?? .null),
                ("action_digest", .string(digest.rawValue)),
                ("agent", .string(agent.rawValue)),
                ("asynchronous", .bool(asynchronous)),
                ("comments", .array((comments ?? []).map(\.json))),
                ("connection", .string(connection.rawValue)),
                ("decisions", .array(decisions.map(\.json))),
                ("erased_by", erasedBy.map { .integer(Int64(clamping: $0)) } ?? .null),
                ("expires_at", .string(expiresAt.rfc3339)),
                ("gates", .array(gates.map { $0.json(after: decisions) })),
                ("grant_expires_at", .time(grantExpiresAt)),
                ("id", .string(id.rawValue)),
                ("justification", .text(circumstances.justification)),
                ("links", .object(links)),
                ("on_behalf_of", .text(onBehalfOf?.rawValue)),
                ("outcome", outcome?.json ?? .null),
                ("owner", .text(owner?.rawValue)),
                ("policy_version", .string(policyVersion)),
                ("preview_digest", .string(previewDigest.rawValue)),
                ("requested_at", .string(requestedAt.rfc3339)),
                ("resource", .string(resource)),
                ("revision", .integer(Int64(revision))),
                ("settled_at", .time(settledAt)),
                ("source_address", .text(circumstances.sourceAddress)),
                ("status", .string(status.rawValue)),
            ])
        )
    }
}

extension Gate {
    /// The gate as the API shows it, with how far it is met.
    func json(after decisions: [Decision]) -> JSONValue {
        let missing = missing(decisions)
        return .object(
            JSONObject([
                ("advice", .text(advice)),
                ("approvers", .array(approvers.map { .string($0.rawValue) })),
                ("assurance", .string(assurance.rawValue)),
                ("expires_seconds", expires.map { .integer($0.wholeSecondsRoundedUp) } ?? .null),
                ("grant_seconds", .integer(grant.wholeSecondsRoundedUp)),
                ("met", .bool(missing == 0)),
                ("missing", .integer(Int64(missing))),
                ("policy", .string(policy)),
                ("position", .string("\(position.file):\(position.line):\(position.column)")),
                ("quorum", .integer(Int64(quorum))),
                ("text", .string(text)),
            ])
        )
    }
}

extension Decision {
    /// The decision as the API shows it.
    var json: JSONValue {
        .object(
            JSONObject([
                ("assurance", .string(assurance.rawValue)),
                ("channel", .string(channel)),
                ("decided_at", .string(time.rfc3339)),
                ("decision", .string(verdict.rawValue)),
                ("groups", .array(groups.map { .string($0.rawValue) })),
                ("reason", .string(reason)),
                ("user", .string(user.rawValue)),
            ])
        )
    }
}

extension ApprovalComment {
    /// The comment as the API shows it.
    var json: JSONValue {
        let actor = author.actor
        return .object(
            JSONObject([
                ("author", ["id": .string(actor.id), "type": .string(actor.type), "via": .text(actor.via)]),
                ("commented_at", .string(time.rfc3339)),
                ("text", .string(text)),
            ])
        )
    }
}

extension Outcome {
    /// The outcome as the API shows it.
    var json: JSONValue {
        .object(
            JSONObject([
                ("detail", .text(detail)),
                ("result", .string(result.rawValue)),
                ("status", status.map { .integer(Int64($0)) } ?? .null),
            ])
        )
    }
}

extension JSONValue {
    /// A text, or `null`.
    static func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

    /// A moment in RFC 3339, or `null`.
    static func time(_ time: Timestamp?) -> JSONValue { text(time?.rfc3339) }
}
