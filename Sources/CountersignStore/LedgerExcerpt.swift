package import CountersignCore
import GRDB

/// Reads a ledger's file beside the process that writes it, or without one, and changes nothing.
package struct LedgerExcerpt {
    private let queue: DatabaseQueue
    private let sealer: PayloadSealer

    /// Opens the file; throws if it is none of ours, or of a newer version.
    package init(path: String, sealer: PayloadSealer) throws(LedgerError) {
        self.sealer = sealer
        queue = try Self.open(path, since: 3)
    }

    /// The accepted definitions of tools in a ledger's file, which are not sealed; ordered by connection and name.
    package static func acceptedTools(path: String) throws(LedgerError) -> [AcceptedTool] {
        let queue = try open(path, since: 5)
        do {
            return try queue.read { try $0.acceptedTools() }
        } catch {
            throw LedgerError(store: error)
        }
    }

    /// Opens a file of at least that version.
    private static func open(_ path: String, since oldest: Int64) throws(LedgerError) -> DatabaseQueue {
        try StoreFile(path: path).inspect()
        var configuration = Configuration()
        configuration.label = "ledger excerpt"
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let version = try queue.read { db in try db.first("PRAGMA user_version") { $0.integer(0) } ?? 0 }
            guard version >= oldest else {
                throw LedgerError(
                    .unavailable,
                    "\(path) was written by an older version of Countersign: start the server once, which brings it up to "
                        + "date",
                )
            }
            return queue
        } catch {
            throw LedgerError(store: error)
        }
    }

    /// Who was made by command.
    package func identities() throws(LedgerError) -> IdentityRecords {
        do {
            return try queue.read { try $0.identities() }
        } catch {
            throw LedgerError(store: error)
        }
    }

    /// The approval with this id.
    package func approval(_ id: ApprovalID) throws(LedgerError) -> Approval? {
        do {
            return try queue.read { [sealer] in try $0.approval(id, sealer) }
        } catch {
            throw LedgerError(store: error)
        }
    }

    /// Visits the entries of some kinds, oldest first, with their payloads.
    ///
    /// They are read in portions, so that the writer's log need not wait for the last one.
    package func each(
        kinds: [EntryKind],
        agent: AgentID?,
        from: Timestamp?,
        to: Timestamp?,
        _ visit: (Entry) throws -> Void,
    ) throws {
        var next: Int64 = 0
        while true {
            let start = next
            let page: [Entry]
            do {
                page = try queue.read { [sealer] db in
                    try Self.page(db, sealer, from: start, kinds: kinds, agent: agent, since: from, until: to)
                }
            } catch {
                throw LedgerError(store: error)
            }
            for entry in page { try visit(entry) }
            guard let last = page.last else { return }
            next = Int64(last.sequence) + 1
        }
    }

    private static func page(
        _ db: Database,
        _ sealer: PayloadSealer,
        from start: Int64,
        kinds: [EntryKind],
        agent: AgentID?,
        since: Timestamp?,
        until: Timestamp?,
    ) throws -> [Entry] {
        var conditions = ["sequence >= ?", "kind IN (\(kinds.map { _ in "?" }.joined(separator: ", ")))"]
        var values: [StoreValue] = [.integer(start)] + kinds.map { .text($0.rawValue) }
        if let agent {
            conditions.append("agent = ?")
            values.append(.text(agent.rawValue))
        }
        if let since {
            conditions.append("time >= ?")
            values.append(.integer(since.microseconds))
        }
        if let until {
            conditions.append("time < ?")
            values.append(.integer(until.microseconds))
        }
        return try db.rows(
            """
            SELECT \(Database.entryColumns) FROM entry WHERE \(conditions.joined(separator: " AND "))
            ORDER BY sequence LIMIT 256
            """,
            values,
        ) { row in try sealer.entry(row) }
    }
}
