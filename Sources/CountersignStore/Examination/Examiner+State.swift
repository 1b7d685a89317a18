import CountersignCore
import GRDB

extension Examiner {
    /// Compares the row of an approval with its entries, and its columns with its record.
    func examineRow(of replay: ApprovalReplay) throws {
        let id = replay.id
        guard !faulted.contains(id) else { return }
        let place = "approval \(id)"
        let found = try db.first(
            """
            SELECT agent, digest, connection, status, active, asynchronous, expires_at, grant_expires_at, revision, record
            FROM approval WHERE id = ?
            """,
            [.text(id.rawValue)],
        ) { ApprovalColumns($0) }
        guard let found else {
            faulted.insert(id)
            return try add(.stateMissing, place, "entries tell of it, and it has no row")
        }
        let stored: Approval
        do {
            stored = try RecordCoding.decode(Approval.self, found.record)
        } catch {
            faulted.insert(id)
            return try add(.stateChanged, place, "its record cannot be read")
        }
        let difference =
            try replay.difference(from: stored) ?? found.difference(from: stored) ?? differenceOfDocument(of: replay)
        guard let difference else {
            report.approvals += 1
            return
        }
        faulted.insert(id)
        try add(difference, place)
    }

    /// Reports a field that is not what the entries say.
    func add(_ difference: ReplayDifference, _ place: String) throws {
        let isSurplus = difference.field == "row"
        try add(
            isSurplus ? .stateSurplus : .stateChanged,
            place,
            isSurplus ? "no entry tells of it" : "\(difference.field) is not what the entries say",
            expected: difference.expected,
            found: difference.found,
        )
    }

    /// The approvals that have not ended, and rows that no entry asked for.
    func examineApprovals() throws {
        for replay in replay.open.values.sorted(by: { $0.request.sequence < $1.request.sequence }) {
            try examineRow(of: replay)
        }
        let surplus = try db.rows(
            "SELECT id FROM approval WHERE number > ? OR number < 1 ORDER BY number LIMIT 1000",
            [.integer(replay.requested)],
        ) { ApprovalID(unchecked: Self.shown($0.bytes(0))) }
        for id in surplus where !faulted.contains(id) {
            try add(.stateSurplus, "approval \(id)", "no entry asked for it")
        }
        let last = try db.first("SELECT seq FROM sqlite_sequence WHERE name = 'approval'") { $0.integer(0) } ?? 0
        guard last == replay.requested || !faulted.isEmpty else {
            return try add(
                .stateChanged,
                "the table sqlite_sequence",
                "the number of the newest approval is not how many were asked for",
                expected: "\(replay.requested)",
                found: "\(last)",
            )
        }
    }

    /// Agents, users, keys and sessions, in both directions.
    func examineIdentities() throws {
        let identity = replay.identity
        var missing = (
            agents: Set(identity.agents.keys), users: Set(identity.users.keys), keys: Set(identity.keys.keys),
            sessions: Set(identity.sessions.keys), links: Set(identity.links.keys)
        )
        try each("agent", "id", Agent.self) { agent in
            missing.agents.remove(agent.id)
            return ([agent.id.rawValue], identity.difference(from: agent))
        }
        try each("user", "id", User.self) { user in
            missing.users.remove(user.id)
            return ([user.id.rawValue], identity.difference(from: user))
        }
        try each("agent_key", "id, agent", AgentKey.self) { key in
            missing.keys.remove(key.id)
            return ([key.id, key.agent.rawValue], identity.difference(from: key))
        }
        try each("session", "id, user", Session.self) { session in
            if let name = identity.name(of: session) { missing.sessions.remove(name) }
            return ([session.id, session.user.rawValue], identity.difference(from: session))
        }
        try each("channel_link", "id, user", ChannelLink.self) { link in
            missing.links.remove(link.identity.description)
            return ([link.identity.description, link.user?.rawValue ?? ""], identity.difference(from: link))
        }
        let gone =
            missing.agents.map { "agent \($0)" } + missing.users.map { "user \($0)" }
            + missing.keys.map { "agent_key \($0)" }
            + missing.sessions.map { "session \($0)" } + missing.links.map { "channel_link \($0)" }
        for place in gone.sorted() {
            try add(.stateMissing, place, "entries tell of it, and it has no row that can be read")
        }
    }

    /// Visits the rows of a table of records; `compare` says what the columns must be, and what is wrong.
    private func each<Record: Decodable>(
        _ table: String,
        _ columns: String,
        _ type: Record.Type,
        _ compare: (Record) -> ([String], ReplayDifference?),
    ) throws {
        let count = Int32(columns.split(separator: ",").count)
        try db.each("SELECT record, \(columns) FROM \(table) ORDER BY id", []) { row in
            let found = (1...count).map { row.bytes($0) }
            let place = "\(table) \(table == "session" ? Self.shown(Array(found[0].prefix(8))) : Self.shown(found[0]))"
            guard let record = try? RecordCoding.decode(type, row.bytes(0)) else {
                try add(.stateChanged, place, "its record cannot be read")
                return true
            }
            let (expected, difference) = compare(record)
            let names = columns.split(separator: ",").map { $0.filter { $0 != " " } }
            let wrong = names.indices.first { !expected[$0].utf8.elementsEqual(found[$0]) }
            if let wrong {
                try add(.stateChanged, place, "the column \(names[wrong]) is not its record's")
            } else if let difference {
                try add(difference, place)
            } else {
                report.identities += 1
            }
            return true
        }
    }
}

/// The columns of an approval's row, which repeat its record for SQLite's indexes.
private struct ApprovalColumns {
    let texts: [(String, [UInt8])]
    let numbers: [(String, Int64?)]
    let record: [UInt8]

    init(_ row: StoreRow) {
        texts = [
            ("agent", row.bytes(0)), ("digest", row.bytes(1)), ("connection", row.bytes(2)), ("status", row.bytes(3)),
        ]
        numbers = [
            ("active", row.integer(4)), ("asynchronous", row.integer(5)), ("expires_at", row.integer(6)),
            ("grant_expires_at", row.isNull(7) ? nil : row.integer(7)), ("revision", row.integer(8)),
        ]
        record = row.bytes(9)
    }

    /// The first column that is not its record's.
    func difference(from stored: Approval) -> ReplayDifference? {
        let expectedTexts = [
            stored.agent.rawValue, stored.digest.rawValue, stored.connection.rawValue, stored.status.rawValue,
        ]
        for ((name, found), expected) in zip(texts, expectedTexts) where !expected.utf8.elementsEqual(found) {
            return ReplayDifference("the column \(name)", expected: expected, found: Examiner.shown(found))
        }
        let expectedNumbers: [Int64?] = [
            stored.isActive ? 1 : 0, stored.asynchronous ? 1 : 0, stored.expiresAt.microseconds,
            stored.grantExpiresAt?.microseconds, Int64(stored.revision),
        ]
        for ((name, found), expected) in zip(numbers, expectedNumbers) where found != expected {
            return ReplayDifference(
                "the column \(name)",
                expected: expected.map { "\($0)" } ?? "nothing",
                found: found.map { "\($0)" } ?? "nothing",
            )
        }
        return nil
    }
}
