import CanonicalJSON

extension ToldEntry {
    /// What an entry of this kind must have and this one lacks; `nil` if it lacks nothing.
    package var lack: String? {
        switch kind {
        case .actionAllowed: lackOfJudgment ?? require(approval == nil, "no approval")
        case .actionDenied:
            require(members["reasons"]?.arrayValue?.isEmpty == false, "reasons")
                ?? (members["action"] == nil ? require(text("detail") != nil, "detail") : lackOfJudgment)
        case .approvalRequested:
            lackOfApproval ?? lackOfAction ?? require(commitment != nil, "payload.commitment")
                ?? require(actor.type == "Agent", "an agent as actor")
                ?? require(members["gates"]?.arrayValue?.isEmpty == false, "gates")
                ?? require(moment("expires_at") != nil, "expires_at")
                ?? require(text("preview_digest").flatMap { ActionDigest($0) } != nil, "preview_digest")
                ?? require(text("policy", "version") != nil, "policy.version")
        case .approvalDecided:
            lackOfApproval ?? require(actor.type == "User", "a user as actor")
                ?? require(members["accepted"]?.boolValue != nil, "accepted")
                ?? require(text("decision").flatMap { Decision.Verdict(rawValue: $0) } != nil, "decision")
                ?? require(text("preview_digest").flatMap { ActionDigest($0) } != nil, "preview_digest")
                ?? require(
                    members["accepted"]?.boolValue == true || members["reasons"]?.arrayValue?.isEmpty == false,
                    "reasons",
                )
        case .approvalCommented:
            lackOfApproval ?? require(ApprovalComment.Author(actor) != nil, "an agent or a user as actor")
                ?? require(text("comment", "text").flatMap { ApprovalComment.Words($0) } != nil, "comment.text")
        case .approvalSettled:
            lackOfApproval ?? require(text("status").flatMap { ApprovalStatus(rawValue: $0) } != nil, "status")
        case .actionDispatched: lackOfApproval
        case .actionCompleted:
            lackOfApproval
                ?? require(text("outcome", "result").flatMap { Outcome.Result(rawValue: $0) } != nil, "outcome.result")
        case .policyChanged: require(text("policy", "version") != nil, "policy.version")
        case .configurationChanged:
            members["tool_definition"] == nil
                ? require(text("configuration", "version") != nil, "configuration.version") : lackOfDefinition
        case .identityChanged:
            require(text("change") != nil, "change") ?? require(text("identity", "id") != nil, "identity.id")
                ?? require(text("identity", "type") != nil, "identity.type")
        case .sessionStarted, .sessionEnded:
            require(actor.type == "User", "a user as actor") ?? require(text("session", "id") != nil, "session.id")
                ?? require(moment("session", "expires_at") != nil, "session.expires_at")
                ?? require(text("session", "via") != nil, "session.via")
        case .payloadErased:
            require(!(erasedSequences?.isEmpty ?? true), "erased.sequences")
                ?? require(["request", "retention"].contains(text("erased", "reason")), "erased.reason")
                ?? require(
                    members["erased"]?["count"]?.integerValue == erasedSequences.map { Int64($0.count) },
                    "erased.count"
                )
                ?? require(text("erased", "reason") == "retention" || text("reason") != nil, "reason")
                ?? require(approval == nil, "no approval of its own")
        case .channelRefused:
            require(!(members["reasons"]?.arrayValue ?? []).isEmpty, "reasons")
                ?? require(approval == nil, "no approval of its own")
        case .noticeReplayed:
            require(members["notice"]?["number"]?.integerValue != nil, "notice.number")
                ?? require(text("notice", "channel") != nil, "notice.channel")
                ?? require(approval == nil, "no approval of its own")
        case .channelChanged:
            require(text("channel") != nil, "channel")
                ?? require(text("state").flatMap { ChannelSwitch.State(rawValue: $0) } != nil, "state")
                ?? require(text("setup") != nil, "setup") ?? require(approval == nil, "no approval of its own")
        }
    }

    /// The salted commitment to what stands beside the entry.
    package var commitment: String? { text("payload", "commitment") }

    /// The entries whose payloads it says are erased, all of them older than itself; `nil` if it does not say.
    package var erasedSequences: [UInt64]? {
        guard kind == .payloadErased, let values = members["erased"]?["sequences"]?.arrayValue else { return nil }
        let sequences = values.compactMap { $0.integerValue.flatMap { UInt64(exactly: $0) } }
        return sequences.count == values.count && sequences.allSatisfy { $0 < sequence } ? sequences : nil
    }

    /// The length of what stands beside the entry.
    package var payloadLength: Int64? { members["payload"]?["bytes"]?.integerValue }

    /// The agent and the connection that the entry itself is about; for the later entries of an approval, its request's.
    package var subject: (agent: String?, connection: String?) {
        switch kind {
        case .actionAllowed, .approvalRequested: (actor.id, text("action", "connection"))
        case .actionDenied: (actor.id, text("action", "connection") ?? text("connection"))
        case .identityChanged:
            (text("identity", text("identity", "type") == "Agent" ? "id" : "agent"), nil)
        case .payloadErased: (nil, text("erased", "connection"))
        case .configurationChanged: (nil, text("tool_definition", "connection"))
        case .approvalDecided, .approvalCommented, .approvalSettled, .actionDispatched, .actionCompleted,
            .policyChanged, .sessionStarted, .sessionEnded, .channelRefused, .noticeReplayed,
            .channelChanged:
            (nil, nil)
        }
    }

    private var lackOfDefinition: String? {
        require(text("tool_definition", "connection") != nil, "tool_definition.connection")
            ?? require(text("tool_definition", "tool") != nil, "tool_definition.tool")
            ?? require(
                text("tool_definition", "digest").flatMap { ActionDigest($0) } != nil,
                "tool_definition.digest",
            )
    }

    private var lackOfJudgment: String? {
        lackOfAction ?? require(commitment != nil, "payload.commitment")
            ?? require(actor.type == "Agent", "an agent as actor")
            ?? require(text("policy", "version") != nil, "policy.version")
    }

    private var lackOfAction: String? {
        require(digest != nil, "action.digest") ?? require(text("action", "name") != nil, "action.name")
            ?? require(text("action", "connection") != nil, "action.connection")
    }

    private var lackOfApproval: String? {
        require(approval != nil, "approval") ?? require(digest != nil, "action.digest")
    }

    private func require(_ isThere: Bool, _ what: String) -> String? { isThere ? nil : what }
}
