import CanonicalJSON
import CountersignCore
import HTTPTypes

/// Searching the log, and receipts of single entries.
enum EntryEndpoints {
    /// The endpoints.
    static let all = [
        Endpoint(
            .get,
            "/v1/entries",
            .user,
            name: "listEntries",
            "Searches the log, newest first; all conditions must hold. An item in RFC 8785 form is, byte for byte, the log's leaf.",
            parameters: [
                .query("kind", .choices(EntryKind.allCases.map(\.rawValue)), "Only these kinds."),
                .query("agent", .identifier(128), "Only about this agent."),
                .query("user", .identifier(128), "Only what this user did, was done for them or to their record."),
                .query("connection", .identifier(63), "Only about this connection."),
                .query("effect", .choices(Effect.allCases.map(\.rawValue)), "Only with one of these effects."),
                .query(
                    "status",
                    .choices(EntryStatus.allCases.map(\.rawValue)),
                    "Only where this became of the action."
                ),
                .query("approval", .approval, "Only of this approval."),
                .query("from", .time, "Not before this moment, RFC 3339."),
                .query("to", .time, "Before this moment, RFC 3339."),
                .query(
                    "q",
                    .text(200),
                    "Words that all occur in the entry's values, each where a word begins; letters' case does not matter."
                ),
                .query("cursor", .sequence, "The next_cursor of the page before."),
                .query("limit", .integer(1...200), "How many, 1 to 200; 50 if not given."),
            ],
            answers: [.json("EntryList", "A page of entries.")],
            run: list,
        ),
        Endpoint(
            .get,
            "/v1/entries/{sequence}/receipt",
            .user,
            name: "getEntryReceipt",
            "The receipt of one entry, for actions that passed without an approval.",
            parameters: [.path("sequence", .sequence, "The entry's sequence number.")],
            answers: [.json("Receipt", "The receipt.")],
            run: receipt,
        ),
    ]

    @Sendable private static func list(_ exchange: Exchange) async throws -> Reply {
        let parameters = exchange.parameters
        func words(_ name: String) -> [String] { (parameters[name] ?? "").split(separator: ",").map { String($0) } }
        let text = parameters["q"].flatMap { $0.isEmpty ? nil : $0 }
        var connection: ConnectionName?
        if let name = parameters["connection"] {
            connection = ConnectionName(name)
            // No connection has such a name, so no entry is about it.
            if connection == nil { return .list([]) }
        }
        let query = EntryQuery(
            kinds: words("kind").compactMap { EntryKind(rawValue: $0) },
            agent: parameters["agent"].flatMap { AgentID($0) },
            user: parameters["user"].flatMap { UserID($0) },
            connection: connection,
            effects: words("effect").compactMap { Effect(rawValue: $0) },
            statuses: words("status").compactMap { EntryStatus(rawValue: $0) },
            approval: parameters["approval"].flatMap { ApprovalID(checking: $0) },
            from: parameters["from"].flatMap { Timestamp(lenient: $0) },
            to: parameters["to"].flatMap { Timestamp(lenient: $0) },
            text: text,
            cursor: parameters["cursor"],
            limit: exchange.integer("limit") ?? 50,
        )
        let page = try await exchange.parts.ledger.entries(query)
        return .list(page.items.map(\.json), next: page.next)
    }

    @Sendable private static func receipt(_ exchange: Exchange) async throws -> Reply {
        guard let sequence = exchange.parameters["sequence"].flatMap({ UInt64(strict: $0) }),
            let receipt = try await exchange.parts.dependencies.log.receipt(forEntry: sequence)
        else { throw Problem(.notFound) }
        return ApprovalEndpoints.attachment(receipt, name: "entry-\(sequence).receipt.json")
    }
}

extension Entry {
    /// The entry as the log has it.
    var json: JSONValue { StoredJSON.value(bytes) ?? .null }
}
