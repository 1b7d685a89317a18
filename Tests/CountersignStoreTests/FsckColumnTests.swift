import CountersignCore
import CountersignStore
import Foundation
import GRDB
import Testing

/// Every column of every table, changed by SQL.
@Suite("No column can be changed unnoticed", .timeLimit(.minutes(10)))
struct FsckColumnTests {
    /// One change.
    struct Change: Sendable, CustomTestStringConvertible {
        let column: String
        let sql: String
        let code: LogFinding.Code
        let place: String
        /// What the message names.
        let says: String

        init(_ column: String, _ sql: String, _ code: LogFinding.Code, _ place: String, _ says: String = "") {
            self.column = column
            self.sql = sql
            self.code = code
            self.place = place
            self.says = says
        }

        var testDescription: String { "\(column): \(says)" }
    }

    /// Columns that no entry and no other column covers, and why that is so (docs/decisions/0023).
    static let uncovered: [String: String] = [
        "answer.fingerprint": "answers remembered for a day, which only spare a repeated request",
        "answer.status": "as answer.fingerprint", "answer.content_type": "as answer.fingerprint",
        "answer.approval": "as answer.fingerprint", "answer.at": "as answer.fingerprint",
        "used_link.id": "links are used within a day, and are nowhere else",
        "used_link.expires_at": "as used_link.id", "response.file": "what an upstream answered is in no entry",
        "notice.number": "notices tell people; what they tell of is in entries, and they decide nothing",
        "notice.id": "as notice.number", "notice.approval": "as notice.number", "notice.batch": "as notice.number",
        "notice.subject": "as notice.number", "notice.channel": "as notice.number",
        "notice.address": "as notice.number", "notice.cause": "as notice.number", "notice.event": "as notice.number",
        "notice.revision": "as notice.number", "notice.status": "as notice.number",
        "notice.made_at": "as notice.number", "notice.due_at": "as notice.number", "notice.try_at": "as notice.number",
        "notice.tries": "as notice.number", "notice.state": "as notice.number", "notice.ended_at": "as notice.number",
        "notice.not_before": "as notice.number", "notice.is_kept": "as notice.number",
        "notice.trouble": "as notice.number", "message.subject": "where a chat shows a card is in no entry",
        "message.channel": "as message.subject", "message.address": "as message.subject",
        "message.reference": "as message.subject", "message.revision": "as message.subject",
        "place.channel": "where a chat is reached decides nothing, and is in no entry",
        "place.address": "as place.channel", "place.service": "as place.channel", "place.tenant": "as place.channel",
        "place.learned_at": "as place.channel",
        "cursor.reader": "the names of the log's readers are in no entry",
    ]

    private static func entry(_ column: String, _ value: String, _ code: LogFinding.Code, _ says: String) -> Change {
        Change("entry.\(column)", "UPDATE entry SET \(column) = \(value) WHERE sequence = 300", code, "entry 300", says)
    }

    private static func approval(_ column: String, _ value: String, _ says: String? = nil) -> Change {
        Change(
            "approval.\(column)",
            "UPDATE approval SET \(column) = \(value) WHERE status = 'denied'",
            column == "id" ? .stateMissing : .stateChanged,
            "approval apr_",
            says ?? (column == "id" ? "no row" : "the column \(column)"),
        )
    }

    /// A member of an approval's record.
    private static func record(_ path: String, _ value: String, _ says: String, of status: String = "denied") -> Change
    {
        Change(
            "approval.record",
            "UPDATE approval SET record = CAST(json_set(CAST(record AS TEXT), '$.\(path)', \(value)) AS BLOB) "
                + "WHERE status = '\(status)'",
            .stateChanged,
            "approval apr_",
            says,
        )
    }

    private static func member(_ table: String, _ path: String, _ value: String, _ says: String) -> Change {
        Change(
            "\(table).record",
            "UPDATE \(table) SET record = CAST(json_set(CAST(record AS TEXT), '$.\(path)', \(value)) AS BLOB)",
            says == "no entry" ? .stateSurplus : .stateChanged,
            table,
            says,
        )
    }

    static let changes: [Change] = [
        Change("entry.sequence", "UPDATE entry SET sequence = 9000 WHERE sequence = 300", .entryMissing, "entry 300"),
        entry("time", "time + 1", .entryColumn, "column time"),
        entry("kind", "'action.denied'", .entryColumn, "column kind"),
        entry("agent", "'other-bot'", .entryColumn, "column agent"),
        entry("connection", "NULL", .entryColumn, "column connection"),
        entry("approval", "'apr_none'", .entryColumn, "column approval"),
        entry(
            "body",
            "CAST(replace(CAST(body AS TEXT), 'reporting', 'reportinG') AS BLOB)",
            .entryColumn,
            "column agent"
        ),
        Change("payload.sequence", "UPDATE payload SET sequence = 0 WHERE sequence = 300", .payloadSurplus, "entry 0"),
        Change(
            "payload.sealed",
            "UPDATE payload SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'00' AS BLOB) WHERE sequence = 300",
            .payloadChanged,
            "entry 300",
            "commits to",
        ),
        Change(
            "document.number",
            "UPDATE document SET number = number + 500",
            .stateChanged,
            "approval apr_",
            "document"
        ),
        Change(
            "document.sealed",
            "UPDATE document SET sealed = (SELECT b.sealed FROM document b WHERE b.number = 2) WHERE number = 1",
            .stateChanged,
            "approval apr_",
            "document",
        ),
        approval("erased_by", "3"),
        Change("response.sealed", "UPDATE response SET sealed = zeroblob(99)", .stateChanged, "response", "sealed"),
        Change("answer.sealed", "UPDATE answer SET sealed = zeroblob(99)", .stateChanged, "answer", "sealed"),
        Change("answer.caller", "UPDATE answer SET caller = 'User:x'", .stateChanged, "answer", "sealed"),
        Change("answer.key", "UPDATE answer SET key = 'x'", .stateChanged, "answer", "sealed"),
        Change("sealing_key.id", "UPDATE sealing_key SET id = 1", .stateMissing, "sealing_key", "not listed"),
        Change("tile.level", "UPDATE tile SET level = 3 WHERE position = 1", .tileMissing, "tile 0/1"),
        Change("tile.position", "UPDATE tile SET position = 7 WHERE position = 1", .tileMissing, "tile 0/1"),
        Change(
            "tile.hashes",
            "UPDATE tile SET hashes = CAST(substr(hashes, 1, 8160) || zeroblob(32) AS BLOB) WHERE position = 1",
            .tileChanged,
            "tile 0/1",
            "its hash of entry 511",
        ),
        Change("tile.hashes", "UPDATE tile SET hashes = x'00'", .tileChanged, "tile 0/0", "1 bytes"),
        Change(
            "checkpoint.size",
            "UPDATE checkpoint SET size = size - 1",
            .checkpointInvalid,
            "checkpoint",
            "column size"
        ),
        Change(
            "checkpoint.root",
            "UPDATE checkpoint SET root = zeroblob(32)",
            .checkpointInvalid,
            "checkpoint",
            "column root"
        ),
        Change(
            "checkpoint.note",
            "UPDATE checkpoint SET note = (SELECT note FROM cosigned)",
            .checkpointInvalid,
            "checkpoint",
        ),
        Change(
            "checkpoint.note",
            "UPDATE checkpoint SET note = replace(note, 'countersign', 'countersigm')",
            .checkpointInvalid,
            "checkpoint",
            "note",
        ),
        Change("cosigned.size", "UPDATE cosigned SET size = size - 1", .checkpointInvalid, "cosigned", "column size"),
        Change(
            "cosigned.root",
            "UPDATE cosigned SET root = zeroblob(32)",
            .checkpointInvalid,
            "cosigned",
            "column root"
        ),
        Change("cosigned.note", "UPDATE cosigned SET note = note || 'x'", .checkpointInvalid, "cosigned", "note"),
        Change("cursor.next", "UPDATE cursor SET next = 100000", .stateChanged, "cursor export"),
        approval("number", "number + 50"), approval("id", "'apr_other'"), approval("agent", "'other-bot'"),
        approval("digest", "'x'"), approval("connection", "'other'"), approval("status", "'expired'"),
        approval("active", "1"), approval("asynchronous", "1"), approval("expires_at", "expires_at + 1"),
        approval("grant_expires_at", "1"), approval("revision", "revision + 1"),
        record("id", "'apr_other'", "id"), record("agent", "'other-bot'", "agent"),
        record("owner", "'bob@example.com'", "owner"),
        record("onBehalfOf", "'bob@example.com'", "on_behalf_of"), record("connection", "'other'", "connection"),
        record("action", "'http:read'", "action"), record("resource", "'orders-api/x'", "resource"),
        record("digest", "'\(digest)'", "action_digest"),
        record("previewDigest", "'\(digest)'", "preview_digest"), record("gates[0].quorum", "0", "gates[0]"),
        record("gates[0].approvers[0]", "'guests'", "gates[0]"), record("gates[0].policy", "'other'", "gates[0]"),
        record("gates[0].assurance", "'passkey'", "gates[0]"), record("gates[0].advice", "'fine'", "gates[0]"),
        record("gates[0].text", "'permit'", "the gates' text"), record("gates[0].position.line", "99", "gates[0]"),
        record("policyVersion", "'other'", "policy_version"),
        record("circumstances.sourceAddress", "'203.0.113.1'", "source_address"),
        record("circumstances.justification", "'other'", "justification"),
        record("circumstances.requestID", "'other'", "request_id"),
        record("circumstances.justification", "'other'", "justification", of: "succeeded"),
        record("requestedAt.microseconds", "1", "requested_at"), record("expiresAt.microseconds", "1", "expires_at"),
        record("asynchronous", "json('true')", "asynchronous"), record("status", "'expired'", "status"),
        record("decisions", "json('[]')", "decisions"),
        record("decisions[0].user", "'eve@example.com'", "decisions[0].user"),
        record("decisions[0].verdict", "'approve'", "decisions[0].decision"),
        record("decisions[0].reason", "'because'", "decisions[0].reason"),
        record("decisions[0].groups", "json('[]')", "decisions[0].groups"),
        record("decisions[0].time.microseconds", "1", "decisions[0].time"),
        record("decisions[0].channel", "'api'", "decisions[0].via"),
        record("decisions[0].actionDigest", "'\(digest)'", "decisions[0].action_digest"),
        record("decisions[0].previewDigest", "'\(digest)'", "decisions[0].preview_digest"),
        record("decisions[0].assurance", "'passkey'", "decisions[0].assurance"),
        record("comments", "json('[]')", "comments", of: "withdrawn"),
        record("comments[0].text", "'other'", "comments[0].text", of: "withdrawn"),
        record("comments[0].time.microseconds", "1", "comments[0].time", of: "withdrawn"),
        record("comments[0].author.id", "'other-bot'", "comments[0].author", of: "withdrawn"),
        record(
            "comments",
            "json('[{\"author\":{\"id\":\"a\",\"type\":\"Agent\"},\"text\":\"x\",\"time\":{\"microseconds\":1}}]')",
            "comments",
        ),
        record("comments[0].author.id", "'alice@example.com'", "comments[0].author", of: "approved"),
        record("comments[0].author.via", "'slack'", "comments[0].author", of: "approved"),
        record("comments[0].author.type", "'System'", "cannot be read", of: "approved"),
        record("grantExpiresAt.microseconds", "1", "grant_expires_at", of: "redeemed"),
        record("grantDuration[1]", "1", "grant_duration", of: "redeemed"),
        record("settledAt.microseconds", "1", "settled_at"),
        record("outcome.result", "'unknown'", "outcome", of: "succeeded"),
        record("outcome.status", "201", "outcome.status", of: "succeeded"),
        record("outcome.detail", "'other'", "outcome.detail", of: "succeeded"),
        record("delivered", "json('true')", "delivered"), record("revision", "9", "revision"),
        record("revision", "1", "revision", of: "redeemed"), record("decisions", "'x'", "cannot be read"),
        Change("response.approval", "UPDATE response SET approval = 'apr_none'", .stateSurplus, "response apr_none"),
        Change("response.status", "UPDATE response SET status = 500", .stateChanged, "response", "status"),
        Change("agent.id", "UPDATE agent SET id = 'x'", .stateChanged, "agent x", "column id"),
        Change("user.id", "UPDATE user SET id = 'x'", .stateChanged, "user x", "column id"),
        Change("agent_key.id", "UPDATE agent_key SET id = id || 'x'", .stateChanged, "agent_key", "column id"),
        Change("agent_key.agent", "UPDATE agent_key SET agent = 'x'", .stateChanged, "agent_key", "column agent"),
        Change("session.id", "UPDATE session SET id = substr(id, 2)", .stateChanged, "session", "column id"),
        Change("session.user", "UPDATE session SET user = 'x'", .stateChanged, "session", "column user"),
        member("agent", "id", "'other'", "column id"), member("agent", "owner", "'eve@example.com'", "owner"),
        member("agent", "groups[0]", "'dba'", "groups"), member("agent", "actsFor", "json('[]')", "acts_for"),
        member("user", "groups[0]", "'dba'", "groups"), member("agent_key", "hash", "'x'", "hash"),
        member("agent_key", "agent", "'other'", "column agent"), member("agent_key", "prefix", "'cs_'", "prefix"),
        member("agent_key", "createdAt.microseconds", "1", "created_at"),
        member("agent_key", "expiresAt.microseconds", "1", "expires_at"),
        member("agent_key", "revokedAt.microseconds", "1", "revoked_at"),
        member("session", "csrfToken", "'x'", "no entry"),
        member("session", "startedAt.microseconds", "1", "started_at"),
        member("session", "expiresAt.microseconds", "1", "expires_at"), member("session", "via", "'x'", "via"),
        member("session", "user", "'eve@example.com'", "column user"),
        Change(
            "channel_link.id",
            "UPDATE channel_link SET id = 'x' WHERE user != ''",
            .stateChanged,
            "channel_link x",
            "column id"
        ),
        Change(
            "channel_link.user",
            "UPDATE channel_link SET user = 'eve@example.com'",
            .stateChanged,
            "channel_link slack:T1/U1",
            "column user"
        ),
        member("channel_link", "identity.account", "'U9'", "column id"),
        member("channel_link", "user", "'eve@example.com'", "column user"),
        member("channel_link", "unlinkedFrom", "'eve@example.com'", "unlinked_from"),
        member("channel_link", "madeAt.microseconds", "1", "made_at"), member("channel_link", "by", "'email'", "by"),
        Change("tool.connection", "UPDATE tool SET connection = 'other'", .stateChanged, "tool other", "column"),
        Change("tool.tool", "UPDATE tool SET tool = 'other'", .stateChanged, "tool", "column"),
        Change("tool.digest", "UPDATE tool SET digest = '\(digest)'", .stateChanged, "tool", "column"),
        member("tool", "text", "'three'", "text"), member("tool", "tool", "'other'", "column"),
        member("tool", "by.id", "'alice@example.com'", "by"), member("tool", "at.microseconds", "1", "at"),
    ]

    private static var digest: String { String(repeating: "A", count: 43) }

    @Test("a changed column is named", arguments: changes)
    func changed(_ change: Change) async throws {
        try await withRichLedger { path, _ in
            try tamper(path, change.sql)
            let first = try examine(path).findings.first { !$0.isWarning }
            #expect(first?.code == change.code, "\(first.map { "\($0)" } ?? "nothing")")
            #expect(first?.place.contains(change.place) ?? false, "\(first?.place ?? "")")
            #expect(change.says.isEmpty || first?.message.contains(change.says) == true, "\(first?.message ?? "")")
        }
    }

    @Test("every column is in the table of changes, or is listed with a reason")
    func complete() async throws {
        try await withRichLedger { path, _ in
            let queue = try DatabaseQueue(path: path)
            let columns = try await queue.read { db in
                try String.fetchAll(
                    db,
                    sql: """
                        SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
                        WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'
                        """
                )
            }
            let covered = Set(Self.changes.map(\.column))
            #expect(covered.isDisjoint(with: Self.uncovered.keys))
            #expect(Set(columns) == covered.union(Self.uncovered.keys))
        }
    }
}
