import CountersignCore
import GRDB

extension Examiner {
    /// The accepted definitions of tools, in both directions.
    func examineTools() throws {
        let replay = replay.tools
        var missing = replay.names
        let rows = try db.rows("SELECT connection, tool, digest, record FROM tool ORDER BY connection, tool") { row in
            (Self.shown(row.bytes(0)), Self.shown(row.bytes(1)), Self.shown(row.bytes(2)), row.bytes(3))
        }
        for (connection, tool, digest, record) in rows {
            let place = "tool \(connection)/\(tool)"
            guard let stored = try? RecordCoding.decode(AcceptedTool.self, record) else {
                try add(.stateChanged, place, "its record cannot be read")
                continue
            }
            missing.remove(ToolName(stored.connection, stored.tool))
            let columns = [
                (connection, stored.connection.rawValue), (tool, stored.tool), (digest, stored.digest.rawValue),
            ]
            if columns.contains(where: { !$0.0.utf8.elementsEqual($0.1.utf8) }) {
                try add(.stateChanged, place, "a column is not its record's")
            } else if let difference = replay.difference(from: stored) {
                try add(difference, place)
            }
        }
        for name in missing.sorted() {
            let place = "tool \(name.connection)/\(name.tool)"
            try add(.stateMissing, place, "entries tell of it, and it has no row that can be read")
        }
    }
}
