import CanonicalJSON

/// What an approver is shown, as a document with a digest of its own: a decision names what was seen (DESIGN 4).
package enum Preview {
    /// The digest of who asks, what it will do and which gates stop it.
    package static func digest(_ action: Action, owner: UserID?, gates: [Gate]) -> ActionDigest {
        let document = JSONObject([
            ("action_digest", .string(action.digest.rawValue)),
            ("agent", .string(action.agent.rawValue)),
            (
                "gates",
                .array(
                    gates.map { gate in
                        .object(JSONObject([("gate", EntryWriter.gate(gate)), ("text", .string(gate.text))]))
                    }
                )
            ),
            ("on_behalf_of", action.onBehalfOf.map { .string($0.rawValue) } ?? .null),
            ("owner", owner.map { .string($0.rawValue) } ?? .null),
        ])
        return ActionDigest(of: JSONValue.object(document).canonicalBytes())
    }
}
