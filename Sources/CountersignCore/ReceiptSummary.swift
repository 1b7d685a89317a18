package import CanonicalJSON

/// What a verified receipt proves: who asked for what, which gates stopped it, who decided and what came of it.
package struct ReceiptSummary: Hashable, Sendable {
    /// One decision, also one that did not count.
    package struct Decision: Hashable, Sendable {
        /// Who decided.
        package let user: String
        /// The groups that the user was in.
        package let groups: [String]
        /// `approve` or `deny`.
        package let decision: String
        /// Why, in the user's words.
        package let reason: String
        /// When.
        package let time: String
        /// Through what.
        package let via: String?
        /// Whether it counted.
        package let isAccepted: Bool
        /// Why it did not count.
        package let refusals: [String]
    }

    /// One witness that cosigned a checkpoint of the receipt, as a given key verifies.
    package struct Cosigned: Hashable, Sendable {
        /// The witness's name.
        package let witness: String
        /// When, as it says itself.
        package let time: String
    }

    /// The signatures beside the log's own.
    package struct Signatures: Hashable, Sendable {
        /// Those of the witnesses whose keys were given.
        package var cosigned: [Cosigned] = []
        /// The names on those that no given key is for; anybody could have written them.
        package var unchecked: [String] = []
    }

    /// One entry of the log.
    package struct Event: Hashable, Sendable {
        /// Its place in the log.
        package let sequence: UInt64
        /// When.
        package let time: String
        /// What.
        package let kind: EntryKind
        /// Who.
        package let actor: Actor
    }

    /// The log's origin.
    package let log: String
    /// The size of the tree that the receipt's checkpoint states.
    package let treeSize: UInt64
    /// The approval; `nil` for an action that needed none.
    package let approval: ApprovalID?
    /// Who asked.
    package let agent: String
    /// The agent's owner.
    package let owner: String?
    /// The human for whom the agent acted.
    package let onBehalfOf: String?
    /// The action's name, `http:delete`.
    package let action: String
    /// Where it happens.
    package let connection: String
    /// What it does it to.
    package let resource: String
    /// The action's digest.
    package let digest: String
    /// When it was asked for.
    package let requestedAt: String
    /// The gates that stopped it, as the entry shows them.
    package let gates: [Gate]
    /// What users said, in order.
    package let decisions: [Decision]
    /// What was said meanwhile, in order.
    package let comments: [ApprovalComment]
    /// `allowed`, `refused`, or where the approval stands.
    package let status: String
    /// What came of it, if it ran.
    package let outcome: Outcome?
    /// The action document, unless it was erased.
    package let document: String?
    /// Every entry.
    package let events: [Event]
    /// The policies that decided at once, without humans.
    package let policies: [String]
    /// Why it was refused, in stable codes.
    package let reasons: [String]
    /// The signatures beside the log's own.
    package let signatures: Signatures
    /// How many entries do not name the one of the approval before them.
    package let unlinked: Int

    /// The summary for programs.
    package var json: JSONValue {
        var object = JSONObject([
            ("action", .string(action)), ("agent", .string(agent)), ("connection", .string(connection)),
            ("decisions", .array(decisions.map(\.json))), ("digest", .string(digest)),
            ("entries", .array(events.map(\.json))), ("gates", .array(gates.map(EntryWriter.gate))),
            ("log", .string(log)), ("requested_at", .string(requestedAt)), ("resource", .string(resource)),
            ("status", .string(status)), ("tree_size", .integer(Int64(clamping: treeSize))), ("verified", true),
        ])
        if !comments.isEmpty { object["comments"] = .array(comments.map(\.json)) }
        if !policies.isEmpty { object["policies"] = .array(policies.map { .string($0) }) }
        if !reasons.isEmpty { object["reasons"] = .array(reasons.map { .string($0) }) }
        object["limits"] = .array(limits.map { .string($0) })
        object["unchecked_signatures"] = .array(signatures.unchecked.map { .string($0) })
        object["witnesses"] = .array(
            signatures.cosigned.map { ["name": .string($0.witness), "time": .string($0.time)] }
        )
        if let approval { object["approval"] = .string(approval.rawValue) }
        if let owner { object["owner"] = .string(owner) }
        if let onBehalfOf { object["on_behalf_of"] = .string(onBehalfOf) }
        if let document { object["document"] = StoredJSON.value(document) ?? .string(document) }
        if let outcome {
            var result = JSONObject([("result", .string(outcome.result.rawValue))])
            if let status = outcome.status { result["status"] = .integer(Int64(status)) }
            if let detail = outcome.detail { result["detail"] = .string(detail) }
            object["outcome"] = .object(result)
        }
        return .object(object)
    }
}

extension ReceiptSummary.Decision {
    fileprivate var json: JSONValue {
        var object = JSONObject([
            ("accepted", .bool(isAccepted)), ("decision", .string(decision)), ("reason", .string(reason)),
            ("time", .string(time)), ("user", .string(user)),
        ])
        if !groups.isEmpty { object["groups"] = .array(groups.map { .string($0) }) }
        if let via { object["via"] = .string(via) }
        if !refusals.isEmpty { object["reasons"] = .array(refusals.map { .string($0) }) }
        return .object(object)
    }
}

extension ApprovalComment {
    fileprivate var json: JSONValue {
        ["author": author.actor.json, "text": .string(text), "time": .string(time.rfc3339)]
    }
}

extension Actor {
    fileprivate var json: JSONValue {
        var object = JSONObject([("id", .string(id)), ("type", .string(type))])
        if let via { object["via"] = .string(via) }
        return .object(object)
    }
}

extension ReceiptSummary.Event {
    fileprivate var json: JSONValue {
        .object(
            JSONObject([
                ("actor", actor.json), ("kind", .string(kind.rawValue)),
                ("sequence", .integer(Int64(clamping: sequence))), ("time", .string(time)),
            ])
        )
    }
}
