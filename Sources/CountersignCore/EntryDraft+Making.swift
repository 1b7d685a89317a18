package import CanonicalJSON

/// Writes the entries of the life of an action; what each kind has beyond the common members stands here.
package struct EntryWriter: Sendable {
    /// Where salts come from.
    package let chance: Chance

    /// Makes a writer.
    package init(chance: Chance) { self.chance = chance }

    /// `action.allowed` and `action.denied`.
    package func judged(
        _ kind: EntryKind,
        _ action: Action,
        _ circumstances: Circumstances,
        _ verdict: PolicyVerdict,
        version: String,
        reasons: [Reason] = [],
        approval: ApprovalID? = nil,
        at now: Timestamp,
    ) -> EntryDraft {
        // One for every request that passes, so it is written without a tree in between.
        let payload = EntryDraft.Payload(salt: chance.salt(), bytes: action.canonical)
        let commitment = payload.commitment
        var entry = CanonicalWriter(capacity: 1024)
        entry.open()
        entry.member("action") { Self.write(action, to: &$0) }
        entry.member("actor") { object in
            object.member("id", action.agent.rawValue)
            object.member("type", "Agent")
        }
        if let approval { entry.member("approval", approval.rawValue) }
        if !circumstances.isEmpty { entry.member("circumstances") { Self.write(circumstances, to: &$0) } }
        entry.member("kind", kind.rawValue)
        if let human = action.onBehalfOf { entry.member("on_behalf_of", human.rawValue) }
        entry.member("payload") { object in
            object.member("bytes", Int64(payload.bytes.count))
            object.member("commitment", commitment)
        }
        entry.member("policy") { object in
            if !verdict.errors.isEmpty {
                object.member("errors", strings: verdict.errors.prefix(16).lazy.map(Self.shortened))
            }
            object.member("ids", strings: verdict.policies)
            object.member("version", version)
        }
        if !reasons.isEmpty { entry.member("reasons", strings: reasons.lazy.map(\.code.rawValue)) }
        return EntryDraft(
            kind,
            time: now,
            approval: approval,
            agent: action.agent,
            connection: action.connection,
            payload: payload,
            commitment: commitment,
            beforeSequence: entry,
        )
    }

    /// `action.denied` for bytes that never became an action: no identity, no single meaning, no such connection.
    package func rejected(
        _ reason: Reason,
        agent: AgentID?,
        connection: ConnectionName?,
        detail: String,
        circumstances: Circumstances,
        suppressed: Int64 = 0,
        at now: Timestamp,
    ) -> EntryDraft {
        var members: [(String, JSONValue)] = [
            ("detail", .string(Self.shortened(detail))), ("reasons", Self.codes([reason])),
        ]
        if let circumstances = Self.circumstances(circumstances) { members.append(("circumstances", circumstances)) }
        if let connection { members.append(("connection", .string(connection.rawValue))) }
        if suppressed > 0 { members.append(("suppressed", .integer(suppressed))) }
        return EntryDraft(
            .actionDenied,
            time: now,
            actor: agent.map { .agent($0) } ?? Actor(type: "Agent", id: "unauthenticated"),
            agent: agent,
            connection: connection,
            members: members,
        )
    }

    /// `approval.requested`.
    package func requested(_ approval: Approval, _ action: Action, at now: Timestamp) -> EntryDraft {
        var members: [(String, JSONValue)] = [
            ("action", Self.action(action)),
            ("expires_at", .string(approval.expiresAt.rfc3339)),
            ("gates", .array(approval.gates.map(Self.gate))),
            ("policy", Self.policy(approval.gates.map(\.policy), [], approval.policyVersion)),
            ("preview_digest", .string(approval.previewDigest.rawValue)),
            ("reasons", [.string(ReasonCode.approvalRequired.rawValue)]),
        ]
        if let owner = approval.owner { members.append(("owner", .string(owner.rawValue))) }
        if let human = approval.onBehalfOf { members.append(("on_behalf_of", .string(human.rawValue))) }
        if let circumstances = Self.circumstances(approval.circumstances) {
            members.append(("circumstances", circumstances))
        }
        return EntryDraft(
            .approvalRequested,
            time: now,
            actor: .agent(approval.agent),
            approval: approval.id,
            agent: approval.agent,
            connection: approval.connection,
            members: members,
            payload: EntryDraft.Payload(salt: chance.salt(), bytes: action.canonical),
        )
    }

    /// `approval.decided`: a decision that counts, or with `refusal` one that does not.
    package func decided(
        _ approval: Approval,
        _ decision: Decision,
        refusal: ReasonCode?,
        version: String,
    ) -> EntryDraft {
        var members: [(String, JSONValue)] = [
            ("accepted", .bool(refusal == nil)),
            ("action", Self.action(approval, digest: decision.actionDigest)),
            ("assurance", .string(decision.assurance.rawValue)),
            ("decision", .string(decision.verdict.rawValue)),
            ("groups", .array(decision.groups.map { .string($0.rawValue) })),
            ("policy", .object(JSONObject([("version", .string(version))]))),
            ("preview_digest", .string(decision.previewDigest.rawValue)),
            ("reason", .string(Self.shortened(decision.reason))),
        ]
        if let refusal { members.append(("reasons", [.string(refusal.rawValue)])) }
        return EntryDraft(
            .approvalDecided,
            time: decision.time,
            actor: .user(decision.user, via: decision.channel),
            approval: approval.id,
            agent: approval.agent,
            connection: approval.connection,
            members: members,
        )
    }

    /// `approval.commented`.
    package func commented(_ approval: Approval, _ comment: ApprovalComment) -> EntryDraft {
        let members: [(String, JSONValue)] = [
            ("action", Self.action(approval, digest: approval.digest)),
            ("comment", ["text": .string(comment.text)]),
            ("policy", .object(JSONObject([("version", .string(approval.policyVersion))]))),
        ]
        return draft(.approvalCommented, approval, comment.author.actor, members, comment.time)
    }

    /// `approval.settled`.
    package func settled(
        _ approval: Approval,
        by actor: Actor,
        reasons: [ReasonCode] = [],
        at now: Timestamp,
    ) -> EntryDraft {
        var members: [(String, JSONValue)] = [
            ("action", Self.action(approval, digest: approval.digest)),
            ("policy", .object(JSONObject([("version", .string(approval.policyVersion))]))),
            ("status", .string(approval.status.rawValue)),
        ]
        if let until = approval.grantExpiresAt, approval.status == .approved {
            members.append(("grant_expires_at", .string(until.rfc3339)))
        }
        if !reasons.isEmpty { members.append(("reasons", .array(reasons.map { .string($0.rawValue) }))) }
        return draft(.approvalSettled, approval, actor, members, now)
    }

    /// `action.dispatched`.
    package func dispatched(_ approval: Approval, version: String, by actor: Actor, at now: Timestamp) -> EntryDraft {
        draft(
            .actionDispatched,
            approval,
            actor,
            [
                ("action", Self.action(approval, digest: approval.digest)),
                ("policy", .object(JSONObject([("version", .string(version))]))),
            ],
            now,
        )
    }

    /// `action.completed`.
    package func completed(_ approval: Approval, _ outcome: Outcome, by actor: Actor, at now: Timestamp) -> EntryDraft {
        var result = JSONObject([("result", .string(outcome.result.rawValue))])
        if let status = outcome.status { result["status"] = .integer(Int64(status)) }
        if let detail = outcome.detail { result["detail"] = .string(Self.shortened(detail)) }
        let members: [(String, JSONValue)] = [
            ("action", Self.action(approval, digest: approval.digest)),
            ("outcome", .object(result)),
            ("policy", .object(JSONObject([("version", .string(approval.policyVersion))]))),
        ]
        return draft(.actionCompleted, approval, actor, members, now)
    }

    private func draft(
        _ kind: EntryKind,
        _ approval: Approval,
        _ actor: Actor,
        _ members: [(String, JSONValue)],
        _ now: Timestamp,
    ) -> EntryDraft {
        EntryDraft(
            kind,
            time: now,
            actor: actor,
            approval: approval.id,
            agent: approval.agent,
            connection: approval.connection,
            members: members,
        )
    }

    /// A gate as entries and the API show it.
    package static func gate(_ gate: Gate) -> JSONValue {
        var object = JSONObject([
            ("approvers", .array(gate.approvers.map { .string($0.rawValue) })),
            ("assurance", .string(gate.assurance.rawValue)),
            ("grant_seconds", .integer(gate.grant.wholeSecondsRoundedUp)),
            ("policy", .string(gate.policy)),
            ("position", .string("\(gate.position.file):\(gate.position.line):\(gate.position.column)")),
            ("quorum", .integer(Int64(gate.quorum))),
        ])
        if let advice = gate.advice { object["advice"] = .string(shortened(advice)) }
        return .object(object)
    }

    private static func action(_ action: Action) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("connection", .string(action.connection.rawValue)),
            ("digest", .string(action.digest.rawValue)),
            ("name", .string(action.name)),
        ]
        if let first = action.operations.first { members.append(("resource", .string(shortened(first.resource.id)))) }
        if let effects = action.severalEffects { members.append(("effects", strings(effects))) }
        return .object(JSONObject(members))
    }

    /// What entries say that belong to an approval: enough to find them by what they are about.
    ///
    /// The digest is the one that was acted on, which a refused decision may have taken from elsewhere.
    private static func action(_ approval: Approval, digest: ActionDigest) -> JSONValue {
        var object = JSONObject([
            ("connection", .string(approval.connection.rawValue)),
            ("digest", .string(digest.rawValue)),
            ("name", .string(approval.action)),
        ])
        if let effects = approval.effects { object["effects"] = strings(effects) }
        return .object(object)
    }

    private static func strings(_ effects: [Effect]) -> JSONValue { .array(effects.map { .string($0.rawValue) }) }

    private static func write(_ action: Action, to object: inout CanonicalWriter) {
        object.member("connection", action.connection.rawValue)
        object.member("digest", action.digest.rawValue)
        if let effects = action.severalEffects { object.member("effects", strings: effects.lazy.map(\.rawValue)) }
        object.member("name", action.name)
        if let first = action.operations.first { object.member("resource", shortened(first.resource.id)) }
    }

    private static func write(_ circumstances: Circumstances, to object: inout CanonicalWriter) {
        if let text = circumstances.justification { object.member("justification", shortened(text)) }
        if let id = circumstances.requestID { object.member("request_id", id) }
        if let address = circumstances.sourceAddress { object.member("source_address", address) }
    }

    private static func policy(_ ids: [String], _ errors: [String], _ version: String) -> JSONValue {
        var object = JSONObject([("ids", .array(ids.map { .string($0) })), ("version", .string(version))])
        if !errors.isEmpty { object["errors"] = .array(errors.prefix(16).map { .string(shortened($0)) }) }
        return .object(object)
    }

    private static func circumstances(_ circumstances: Circumstances) -> JSONValue? {
        var object = JSONObject()
        if let address = circumstances.sourceAddress { object["source_address"] = .string(address) }
        if let text = circumstances.justification { object["justification"] = .string(shortened(text)) }
        if let id = circumstances.requestID { object["request_id"] = .string(id) }
        return object.isEmpty ? nil : .object(object)
    }

    private static func codes(_ reasons: [Reason]) -> JSONValue { .array(reasons.map { .string($0.code.rawValue) }) }

    /// Text from outside is cut at 1,024 scalars, so that no entry outgrows the log's 65,535 bytes.
    static func shortened(_ text: String) -> String {
        text.utf8.count <= 1024 ? text : text.cut(to: 1023) + "…"
    }
}
