import CanonicalJSON
import CountersignCore

/// What happened to an agent, a user, a key or a link.
enum IdentityVerb: String, Hashable, Sendable {
    case added
    case changed
    case removed
    case revoked
}

extension EntryDraft {
    /// `identity.changed`.
    static func identity(
        _ verb: IdentityVerb,
        _ type: String,
        _ id: String,
        _ members: [(String, JSONValue)] = [],
        agent: AgentID? = nil,
        by actor: Actor,
        at now: Timestamp,
    ) -> EntryDraft {
        let identity = JSONObject(members + [("id", .string(id)), ("type", .string(type))])
        return EntryDraft(
            .identityChanged,
            time: now,
            actor: actor,
            agent: agent,
            members: [("change", .string(verb.rawValue)), ("identity", .object(identity))],
        )
    }

    /// `session.started` and `session.ended`.
    static func session(_ kind: EntryKind, _ session: Session, at now: Timestamp) -> EntryDraft {
        let members: [(String, JSONValue)] = [
            ("digest", .string(session.digest)),
            ("expires_at", .string(session.expiresAt.rfc3339)),
            ("id", .string(String(session.id.prefix(Session.prefixLength)))),
            ("via", .string(session.via)),
        ]
        return EntryDraft(
            kind,
            time: now,
            actor: .user(session.user, via: "dashboard"),
            members: [("session", .object(JSONObject(members)))],
        )
    }
}
