import CountersignCore
import GRDB

extension Examiner {
    /// Tiles that stand where the log does not reach.
    func examineSurplusTiles() throws {
        guard !tree.isBroken else { return }
        let surplus = try db.rows(
            """
            SELECT level, position FROM tile
            WHERE level < 0 OR level > 7 OR position < 0 OR position >= (? >> (8 * (level + 1)))
            ORDER BY level, position LIMIT 1000
            """,
            [.integer(Int64(clamping: size))],
        ) { row in "tile \(row.integer(0))/\(row.integer(1))" }
        for place in surplus {
            try add(.tileSurplus, place, "the log has \(size) entries and does not reach it")
        }
    }

    /// Kept responses and the places of the log's readers.
    func examineTheRest() throws {
        let cursors = try db.rows("SELECT reader, next FROM cursor ORDER BY reader") { row in
            (Self.shown(row.bytes(0)), row.integer(1))
        }
        for (reader, next) in cursors where next < 0 || UInt64(clamping: next) > size {
            try add(
                .stateChanged,
                "cursor \(reader)",
                "it stands where the log does not reach",
                expected: "0 to \(size)",
                found: "\(next)",
            )
        }
        let responses = try db.rows(
            """
            SELECT response.approval, response.status, approval.record FROM response
            LEFT JOIN approval ON approval.id = response.approval ORDER BY response.approval
            """
        ) { row in (Self.shown(row.bytes(0)), row.integer(1), row.isNull(2) ? nil : row.bytes(2)) }
        for (id, status, record) in responses {
            let approval = record.flatMap { try? RecordCoding.decode(Approval.self, $0) }
            guard let outcome = approval?.outcome else {
                try add(.stateSurplus, "response \(id)", "no action with an outcome has it")
                continue
            }
            guard let expected = outcome.status, Int64(expected) != status else { continue }
            try add(
                .stateChanged,
                "response \(id)",
                "its status is not what its action.completed says",
                expected: "\(expected)",
                found: "\(status)",
            )
        }
    }
}
