import CountersignCore
import GRDB

extension Approval {
    /// Whether an identical ask may attach to it by its status alone; deadlines are the reader's to check.
    var isActive: Bool {
        switch status {
        case .pending, .approved, .redeemed: true
        case .succeeded, .failed: !delivered
        case .unknown, .denied, .expired, .withdrawn, .lapsed, .revoked: false
        }
    }
}

extension Database {
    /// The columns that ``PayloadSealer/approval(_:)`` reads.
    private static let approvalColumns =
        "record, erased_by, (SELECT sealed FROM document WHERE document.number = approval.number)"

    /// The approval with this id.
    func approval(_ id: ApprovalID, _ sealer: PayloadSealer) throws -> Approval? {
        try first(
            "SELECT \(Self.approvalColumns) FROM approval WHERE id = ?",
            [.text(id.rawValue)],
            sealer.approval,
        )
    }

    /// What compare-and-set compares, without reading the whole record.
    func approvalState(_ id: ApprovalID) throws -> (revision: Int64, isActive: Bool)? {
        try first("SELECT revision, active FROM approval WHERE id = ?", [.text(id.rawValue)]) { row in
            (row.integer(0), row.integer(1) != 0)
        }
    }

    /// The active approval of this agent and digest; there is at most one.
    func activeApproval(agent: AgentID, digest: ActionDigest, _ sealer: PayloadSealer) throws -> Approval? {
        try first(
            "SELECT \(Self.approvalColumns) FROM approval WHERE agent = ? AND digest = ? AND active = 1",
            [.text(agent.rawValue), .text(digest.rawValue)],
            sealer.approval,
        )
    }

    /// How many approvals of an agent are pending.
    func pendingCount(of agent: AgentID) throws -> Int {
        try first(
            "SELECT count(*) FROM approval WHERE agent = ? AND status = 'pending'",
            [.text(agent.rawValue)],
        ) { Int($0.integer(0)) } ?? 0
    }

    /// Writes a new approval.
    func insert(_ approval: Approval, record: [UInt8], document: [UInt8]?) throws {
        try run(
            """
            INSERT INTO approval (
                id, agent, digest, connection, status, active, asynchronous, expires_at, grant_expires_at, revision, record
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(approval.id.rawValue), .text(approval.agent.rawValue), .text(approval.digest.rawValue),
                .text(approval.connection.rawValue), .text(approval.status.rawValue),
                .integer(approval.isActive ? 1 : 0), .integer(approval.asynchronous ? 1 : 0),
                .integer(approval.expiresAt.microseconds),
                StoreValue(microseconds: approval.grantExpiresAt?.microseconds), .integer(Int64(approval.revision)),
                .blob(record),
            ],
        )
        guard let document else { return }
        try run("INSERT INTO document (number, sealed) VALUES (last_insert_rowid(), ?)", [.blob(document)])
    }

    /// Writes the next revision of an approval, which the caller has compared.
    func replace(_ approval: Approval, record: [UInt8]) throws {
        let count = try run(
            """
            UPDATE approval SET status = ?, active = ?, asynchronous = ?, expires_at = ?, grant_expires_at = ?,
                revision = ?, record = ?
            WHERE id = ? AND revision = ?
            """,
            [
                .text(approval.status.rawValue), .integer(approval.isActive ? 1 : 0),
                .integer(approval.asynchronous ? 1 : 0), .integer(approval.expiresAt.microseconds),
                StoreValue(microseconds: approval.grantExpiresAt?.microseconds), .integer(Int64(approval.revision)),
                .blob(record), .text(approval.id.rawValue), .integer(Int64(approval.revision) - 1),
            ],
        )
        guard count == 1 else { throw DatabaseError(message: "the revision of \(approval.id) is not its record's") }
    }

    /// A page of approvals, newest first; the cursor is the number of the last one.
    func approvals(_ query: ApprovalQuery, _ sealer: PayloadSealer) throws -> Page<Approval> {
        guard let before = PageCursor.position(query.cursor, first: .max) else { return Page(items: [], next: nil) }
        let condition = PageCondition(
            before: before,
            [
                ("status", query.status?.rawValue), ("agent", query.agent?.rawValue),
                ("connection", query.connection?.rawValue),
            ],
        )
        let limit = PageCursor.limit(query.limit)
        var items = [Approval]()
        var last: Int64?
        var weight = 0
        var isMore = false
        try each(
            """
            SELECT \(Self.approvalColumns), number FROM approval WHERE \(condition.sql) ORDER BY number DESC LIMIT ?
            """,
            condition.values + [.integer(Int64(limit) + 1)],
        ) { row in
            // Opened one by one, so that no more of them than a page has is ever in memory.
            let approval = items.count < limit ? try sealer.approval(row) : nil
            weight += approval?.weight ?? 0
            guard let approval, items.isEmpty || weight <= query.bytes else {
                isMore = true
                return false
            }
            items.append(approval)
            last = row.integer(3)
            return true
        }
        return Page(items: items, next: isMore ? last.map { "\($0)" } : nil)
    }

    /// Approvals whose deadline has come, the longest overdue first.
    func due(now: Timestamp, limit: Int) throws -> [ApprovalID] {
        try rows(
            """
            SELECT id, number, expires_at AS due FROM approval WHERE status = 'pending' AND expires_at <= ?1
            UNION ALL
            SELECT id, number, grant_expires_at AS due FROM approval WHERE status = 'approved' AND grant_expires_at <= ?1
            ORDER BY due, number LIMIT ?2
            """,
            [.integer(now.microseconds), .integer(Int64(max(0, limit)))],
        ) { ApprovalID(unchecked: $0.text(0)) }
    }

    /// Dispatched approvals without an outcome, oldest first.
    func unfinished(_ sealer: PayloadSealer) throws -> [Approval] {
        try rows(
            "SELECT \(Self.approvalColumns) FROM approval WHERE status = 'redeemed' ORDER BY number",
            [],
            sealer.approval,
        )
    }

    /// Approved approvals that the gateway shall run by itself, oldest first.
    func awaitingDispatch(_ sealer: PayloadSealer) throws -> [Approval] {
        try rows(
            """
            SELECT \(Self.approvalColumns) FROM approval WHERE status = 'approved' AND asynchronous = 1
            ORDER BY number
            """,
            [],
            sealer.approval,
        )
    }

    /// How many approvals have each status.
    func approvalCounts() throws -> [ApprovalStatus: Int] {
        let rows = try rows("SELECT status, count(*) FROM approval GROUP BY status") { row in
            (ApprovalStatus(rawValue: row.text(0)), Int(row.integer(1)))
        }
        var counts = [ApprovalStatus: Int]()
        for (status, count) in rows {
            if let status { counts[status] = count }
        }
        return counts
    }
}

extension PayloadSealer {
    /// Reads an approval; its document stands apart and may be erased.
    fileprivate func approval(_ row: StoreRow) throws -> Approval {
        var approval = try RecordCoding.decode(Approval.self, row.bytes(0))
        guard (0..<1 << 53).contains(approval.revision) else {
            throw LedgerError(.corrupt, "the revision of \(approval.id.rawValue) is \(approval.revision)")
        }
        if !row.isNull(1) { approval.erasedBy = try row.count(1, "the entry of an erasure") }
        guard !row.isNull(2) else { return approval }
        let document = try open(row.bytes(2), .document(approval.id))
        guard let text = String(validating: document, as: UTF8.self) else {
            throw LedgerError(.corrupt, "the document of \(approval.id.rawValue) is not text")
        }
        approval.document = text
        return approval
    }
}

/// Which rows a page is taken from, newest first: those before a number that have what is asked for.
struct PageCondition {
    /// For `WHERE`.
    let sql: String
    /// The values of its question marks, in order.
    let values: [StoreValue]

    /// Of columns, those matter for which a text is given.
    init(before number: Int64, _ columns: [(name: String, text: String?)]) {
        let asked = columns.compactMap { column in column.text.map { (column.name, $0) } }
        sql = (["number < ?"] + asked.map { "\($0.0) = ?" }).joined(separator: " AND ")
        values = [.integer(number)] + asked.map { .text($0.1) }
    }
}

/// Cursors: the position of the last item of the page before, in decimal digits.
enum PageCursor {
    /// The position that a cursor names, or `first` without one; `nil` for a text that is no cursor of ours.
    static func position(_ cursor: String?, first: Int64) -> Int64? {
        guard let cursor else { return first }
        guard cursor.utf8.count <= 19, cursor.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
        return Int64(cursor)
    }

    /// The number of items asked for, within what a page may have.
    static func limit(_ asked: Int) -> Int { min(max(asked, 1), 200) }
}
