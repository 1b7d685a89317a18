import CountersignCore
import GRDB

extension Database {
    /// Whether a one-time link in these changes was used before, or is used twice among them.
    func hasUsedLink(among changes: [IdentityChange]) throws -> Bool {
        var seen = Set<[UInt8]>()
        for case .useLink(let id, _) in changes {
            if !seen.insert(Array(id.utf8)).inserted { return true }
            if try first("SELECT 1 FROM used_link WHERE id = ?", [.text(id)], { _ in true }) != nil { return true }
        }
        return false
    }

    /// Applies a change of agents, users, keys or sessions.
    func apply(_ change: IdentityChange, now: Timestamp) throws {
        switch change {
        case .putAgent(let agent): try put("agent", agent.id.rawValue, agent)
        case .removeAgent(let id):
            try run("DELETE FROM agent WHERE id = ?", [.text(id.rawValue)])
            try run("DELETE FROM agent_key WHERE agent = ?", [.text(id.rawValue)])
        case .putUser(let user): try put("user", user.id.rawValue, user)
        case .removeUser(let id):
            try run("DELETE FROM user WHERE id = ?", [.text(id.rawValue)])
            try run("DELETE FROM session WHERE user = ?", [.text(id.rawValue)])
            try run("DELETE FROM channel_link WHERE user = ?", [.text(id.rawValue)])
        case .putLink(let link):
            try run(
                "INSERT OR REPLACE INTO channel_link (id, user, record) VALUES (?, ?, ?)",
                [
                    .text(link.identity.description), .text(link.user?.rawValue ?? ""),
                    .blob(try RecordCoding.encode(link)),
                ],
            )
        case .putKey(let key):
            try run(
                "INSERT OR REPLACE INTO agent_key (id, agent, record) VALUES (?, ?, ?)",
                [.text(key.id), .text(key.agent.rawValue), .blob(try RecordCoding.encode(key))],
            )
        case .revokeKey(let id, let time):
            let record = try first("SELECT record FROM agent_key WHERE id = ?", [.text(id)]) { $0.bytes(0) }
            guard let record else { return }
            var key = try RecordCoding.decode(AgentKey.self, record)
            key.revokedAt = key.revokedAt ?? time
            try run(
                "UPDATE agent_key SET record = ? WHERE id = ?",
                [.blob(try RecordCoding.encode(key)), .text(id)]
            )
        case .putSession(let session):
            try run(
                "INSERT OR REPLACE INTO session (id, user, record) VALUES (?, ?, ?)",
                [.text(session.id), .text(session.user.rawValue), .blob(try RecordCoding.encode(session))],
            )
        case .endSession(let id): try run("DELETE FROM session WHERE id = ?", [.text(id)])
        case .useLink(let id, let expires):
            // A used link is remembered for a day longer than it could be used, in case the clock goes back.
            let past = now.adding(.seconds(-86_400)).microseconds
            try run("DELETE FROM used_link WHERE expires_at < ?", [.integer(past)])
            try run(
                "INSERT OR REPLACE INTO used_link (id, expires_at) VALUES (?, ?)",
                [.text(id), .integer(expires.microseconds)],
            )
        }
    }

    private func put(_ table: String, _ id: String, _ record: some Encodable) throws {
        try run(
            "INSERT OR REPLACE INTO \(table) (id, record) VALUES (?, ?)",
            [.text(id), .blob(try RecordCoding.encode(record))],
        )
    }

    /// Everything known of agents, users, keys and sessions, each ordered by id.
    func identities() throws -> IdentityRecords {
        IdentityRecords(
            agents: try records("agent"),
            users: try records("user"),
            keys: try records("agent_key"),
            sessions: try records("session"),
            links: try records("channel_link"),
        )
    }

    private func records<Record: Decodable>(_ table: String) throws -> [Record] {
        try rows("SELECT record FROM \(table) ORDER BY id") { try RecordCoding.decode(Record.self, $0.bytes(0)) }
    }
}
