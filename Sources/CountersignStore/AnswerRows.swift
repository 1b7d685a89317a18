import CountersignCore
import GRDB

extension Database {
    /// Keeps a response for its agent; a later one of the same approval takes its place.
    func keep(_ response: KeptResponse, sealed: [UInt8]) throws {
        try run(
            "INSERT OR REPLACE INTO response (approval, status, sealed, file) VALUES (?, ?, ?, ?)",
            [
                .text(response.approval.rawValue), .integer(Int64(response.status)), .blob(sealed),
                StoreValue(response.file),
            ],
        )
    }

    /// The response kept for an approval.
    func keptResponse(_ approval: ApprovalID, _ sealer: PayloadSealer) throws -> KeptResponse? {
        try first(
            "SELECT status, sealed, file FROM response WHERE approval = ?",
            [.text(approval.rawValue)],
        ) { row in
            let (fields, body) = try sealer.response(row.bytes(1), of: approval)
            return KeptResponse(
                approval: approval,
                status: Int(row.integer(0)),
                fields: fields,
                body: body,
                file: row.isNull(2) ? nil : row.text(2),
            )
        }
    }

    /// How long an answer to a request with an idempotency key is remembered.
    private static var answerLifetime: Duration { .seconds(86_400) }

    /// The answer remembered for an idempotency key within the last day.
    func remembered(_ key: IdempotencyKey, now: Timestamp, _ sealer: PayloadSealer) throws -> RememberedAnswer? {
        let oldest = now.adding(.zero - Self.answerLifetime).microseconds
        return try first(
            "SELECT fingerprint, status, content_type, sealed, approval FROM answer WHERE caller = ? AND key = ? AND at > ?",
            [.text(key.caller), .text(key.key), .integer(oldest)],
        ) { row in
            RememberedAnswer(
                fingerprint: row.text(0),
                status: Int(row.integer(1)),
                contentType: row.text(2),
                body: try sealer.open(row.bytes(3), .answer(key)),
                approval: row.isNull(4) ? nil : ApprovalID(unchecked: row.text(4)),
            )
        }
    }

    /// Remembers an answer, unless there is one, and forgets what is older than a day.
    ///
    /// One that shows a document that was erased meanwhile is not remembered.
    func remember(_ answer: RememberedAnswer, sealed: [UInt8], for key: IdempotencyKey, now: Timestamp) throws {
        try run("DELETE FROM answer WHERE at <= ?", [.integer(now.adding(.zero - Self.answerLifetime).microseconds)])
        try run(
            """
            INSERT OR IGNORE INTO answer (caller, key, fingerprint, status, content_type, sealed, at, approval)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
            WHERE NOT EXISTS (SELECT 1 FROM approval WHERE id = ?8 AND erased_by IS NOT NULL)
            """,
            [
                .text(key.caller), .text(key.key), .text(answer.fingerprint), .integer(Int64(answer.status)),
                .text(answer.contentType), .blob(sealed), .integer(now.microseconds),
                StoreValue(answer.approval?.rawValue),
            ],
        )
    }
}

extension PayloadSealer {
    /// Seals a kept response's header fields and body as one value.
    func seal(_ response: KeptResponse) throws(LedgerError) -> [UInt8] {
        let fields = try RecordCoding.encode(response.fields)
        var bytes = UInt32(fields.count).bigEndianBytes
        bytes.reserveCapacity(4 + fields.count + response.body.count)
        bytes += fields
        bytes += response.body
        return try seal(bytes, .response(response.approval))
    }

    /// Opens a kept response's header fields and body.
    func response(
        _ sealed: [UInt8],
        of approval: ApprovalID,
    ) throws(LedgerError) -> (fields: [[String]], body: [UInt8]) {
        let bytes = try open(sealed, .response(approval))
        let count = bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count >= 4 + count else {
            throw LedgerError(.corrupt, "the response kept for \(approval.rawValue) is cut off")
        }
        let fields = try RecordCoding.decode([[String]].self, Array(bytes[4..<(4 + count)]))
        return (fields, Array(bytes[(4 + count)...]))
    }
}
