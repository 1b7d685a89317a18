import CountersignCore
import GRDB

extension Database {
    /// The digest of the definition that is accepted of the same tool.
    func acceptedDigest(of tool: AcceptedTool) throws -> String? {
        try first(
            "SELECT digest FROM tool WHERE connection = ? AND tool = ?",
            [.text(tool.connection.rawValue), .text(tool.tool)],
        ) { $0.text(0) }
    }

    /// Makes a definition the accepted one.
    func put(_ tool: AcceptedTool, record: [UInt8]) throws {
        try run(
            "INSERT OR REPLACE INTO tool (connection, tool, digest, record) VALUES (?, ?, ?, ?)",
            [.text(tool.connection.rawValue), .text(tool.tool), .text(tool.digest.rawValue), .blob(record)],
        )
    }

    /// The accepted definitions, ordered by connection and name.
    func acceptedTools() throws -> [AcceptedTool] {
        try rows("SELECT record FROM tool ORDER BY connection, tool") {
            try RecordCoding.decode(AcceptedTool.self, $0.bytes(0))
        }
    }
}
