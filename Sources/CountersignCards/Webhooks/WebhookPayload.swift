import CanonicalJSON
package import CountersignCore

/// What a webhook says: which approval, what happened, and where to read on; nothing of what the action does.
///
/// Whoever gets hold of it learns names and a link, for which they need an account, and can do nothing with it.
package struct WebhookPayload: Hashable, Sendable {
    /// What happened: an entry's kind, or `approval.reminder` or `approval.escalated`, which no entry tells of.
    package let type: String
    /// The body.
    package let body: [UInt8]

    /// What a notice of a kind is called.
    package static func type(_ cause: Notice.Cause, _ event: EntryKind) -> String {
        switch cause {
        case .requested, .changed: event.rawValue
        case .escalated: escalated
        case .reminder: reminder
        }
    }

    /// Everything that a webhook can be about.
    package static let types =
        [
            EntryKind.approvalRequested, .approvalDecided, .approvalCommented, .approvalSettled, .actionDispatched,
            .actionCompleted, .payloadErased,
        ]
        .map(\.rawValue) + [escalated, reminder]

    private static let escalated = "approval.escalated"
    private static let reminder = "approval.reminder"

    /// The body of a notice about an approval.
    package init(_ notice: Notice, _ approval: Approval, publicURL: String) throws(ChannelFault) {
        type = Self.type(notice.cause, notice.event)
        let link = try CardLink(publicURL: publicURL, approval: approval.id)
        var data = JSONObject([
            ("agent", .string(approval.agent.rawValue)), ("cause", .string(notice.cause.rawValue)),
            ("connection", .string(approval.connection.rawValue)),
            ("expires_at", .string(approval.expiresAt.rfc3339)), ("id", .string(approval.id.rawValue)),
            ("revision", .integer(Int64(notice.revision))), ("status", .string(notice.status.rawValue)),
            ("url", .string(link.url)),
        ])
        if let batch = notice.batch { data["batch"] = .string(batch.rawValue) }
        let payload: JSONValue = [
            "data": .object(data), "timestamp": .string(notice.madeAt.rfc3339), "type": .string(type),
        ]
        body = payload.canonicalBytes()
    }
}

/// Which approvals and events a webhook is told of; what is empty does not limit.
package struct WebhookFilter: Hashable, Sendable {
    /// Only these types.
    package let types: Set<String>
    /// Only actions on these connections.
    package let connections: Set<ConnectionName>
    /// Only approvals of which a gate asks one of these groups.
    package let groups: Set<GroupName>

    /// Limits; by itself, to nothing.
    package init(types: Set<String> = [], connections: Set<ConnectionName> = [], groups: Set<GroupName> = []) {
        self.types = types
        self.connections = connections
        self.groups = groups
    }

    /// Whether a notice passes.
    package func admits(_ type: String, _ approval: Approval) -> Bool {
        (types.isEmpty || types.contains(type))
            && (connections.isEmpty || connections.contains(approval.connection))
            && (groups.isEmpty || approval.gates.contains { !groups.isDisjoint(with: $0.approvers) })
    }
}
