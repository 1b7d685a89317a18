import CanonicalJSON

/// What an approver is shown, as a document with a digest of its own: a decision names what was seen (DESIGN 4).
package enum Preview {
    /// The digest of who asks, what it will do and which gates stop it.
    package static func digest(_ action: Action, owner: UserID?, gates: [Gate]) -> ActionDigest {
        digest(action.digest, agent: action.agent, onBehalfOf: action.onBehalfOf, owner: owner, gates: gates)
    }

    /// The same, where the action is known by its digest only.
    static func digest(
        _ action: ActionDigest,
        agent: AgentID,
        onBehalfOf: UserID?,
        owner: UserID?,
        gates: [Gate],
    ) -> ActionDigest {
        let document = JSONObject([
            ("action_digest", .string(action.rawValue)),
            ("agent", .string(agent.rawValue)),
            (
                "gates",
                .array(
                    gates.map { gate in
                        .object(JSONObject([("gate", EntryWriter.gate(gate)), ("text", .string(gate.text))]))
                    }
                )
            ),
            ("on_behalf_of", onBehalfOf.map { .string($0.rawValue) } ?? .null),
            ("owner", owner.map { .string($0.rawValue) } ?? .null),
        ])
        return ActionDigest(of: JSONValue.object(document).canonicalBytes())
    }
}
