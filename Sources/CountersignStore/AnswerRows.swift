import CountersignCore
import GRDB

extension Database {
    /// Keeps a response for its agent; a later one of the same approval takes its place.
    func keep(_ response: KeptResponse, fields: [UInt8]) throws {
        try run(
            "INSERT OR REPLACE INTO response (approval, status, fields, body, file) VALUES (?, ?, ?, ?, ?)",
            [
                .text(response.approval.rawValue), .integer(Int64(response.status)), .blob(fields),
                .blob(response.body),
                StoreValue(response.file),
            ],
        )
    }

    /// The response kept for an approval.
    func keptResponse(_ approval: ApprovalID) throws -> KeptResponse? {
        try first(
            "SELECT status, fields, body, file FROM response WHERE approval = ?",
            [.text(approval.rawValue)],
        ) { row in
            KeptResponse(
                approval: approval,
                status: Int(row.integer(0)),
                fields: try RecordCoding.decode([[String]].self, row.bytes(1)),
                body: row.bytes(2),
                file: row.isNull(3) ? nil : row.text(3),
            )
        }
    }

    /// How long an answer to a request with an idempotency key is remembered.
    private static var answerLifetime: Duration { .seconds(86_400) }

    /// The answer remembered for an idempotency key within the last day.
    func remembered(_ key: IdempotencyKey, now: Timestamp) throws -> RememberedAnswer? {
        let oldest = now.adding(.zero - Self.answerLifetime).microseconds
        return try first(
            "SELECT fingerprint, status, content_type, body FROM answer WHERE caller = ? AND key = ? AND at > ?",
            [.text(key.caller), .text(key.key), .integer(oldest)],
        ) { row in
            RememberedAnswer(
                fingerprint: row.text(0),
                status: Int(row.integer(1)),
                contentType: row.text(2),
                body: row.bytes(3),
            )
        }
    }

    /// Remembers an answer, unless there is one, and forgets what is older than a day.
    func remember(_ answer: RememberedAnswer, for key: IdempotencyKey, now: Timestamp) throws {
        try run("DELETE FROM answer WHERE at <= ?", [.integer(now.adding(.zero - Self.answerLifetime).microseconds)])
        try run(
            """
            INSERT OR IGNORE INTO answer (caller, key, fingerprint, status, content_type, body, at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(key.caller), .text(key.key), .text(answer.fingerprint), .integer(Int64(answer.status)),
                .text(answer.contentType), .blob(answer.body), .integer(now.microseconds),
            ],
        )
    }
}
