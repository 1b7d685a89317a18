import CountersignCore

extension LedgerContract {
    /// Definitions of tools.
    static let accepting: [LedgerRule] = [
        LedgerRule("an accepted definition is kept with its entry, and the next one takes its place") { ledger, clock in
            try expect(try await ledger.acceptedTools(), is: [])
            let first = tool("counter", "one", at: clock.time())
            let other = tool("adder", "one", at: clock.time())
            try expect(
                try await ledger.commit(commit([(first, nil), (other, nil)], at: clock.time())),
                is: .committed(first: 0),
            )
            try expect(try await ledger.acceptedTools(), is: [other, first])
            let next = tool("counter", "two", at: clock.time())
            try expect(
                try await ledger.commit(commit([(next, first.digest)], at: clock.time())),
                is: .committed(first: 1),
            )
            try expect(try await ledger.acceptedTools(), is: [other, next])
        },
        LedgerRule("an acceptance loses to another one, and nothing of its commit is kept") { ledger, clock in
            let first = tool("counter", "one", at: clock.time())
            let next = tool("counter", "two", at: clock.time())
            let other = tool("adder", "one", at: clock.time())
            _ = try await ledger.commit(commit([(first, nil)], at: clock.time()))
            for previous in [nil, next.digest] {
                let late = commit([(other, nil), (next, previous)], at: clock.time())
                try expect(try await ledger.commit(late), is: .conflict(nil))
            }
            try expect(try await ledger.acceptedTools(), is: [first])
            try expect(try await ledger.treeHead().size, is: 1)
        },
        LedgerRule("two connections have tools of one name, and names are told apart by their bytes") { ledger, clock in
            let names = ["caf\u{E9}", "cafe\u{301}"]
            let connections = [ConnectionName(unchecked: "a"), ConnectionName(unchecked: "b")]
            let tools = connections.flatMap { connection in
                names.map { tool($0, "text of \(connection)", on: connection, at: clock.time()) }
            }
            _ = try await ledger.commit(commit(tools.map { ($0, nil) }, at: clock.time()))
            let found = try await ledger.acceptedTools()
            try expect(found.count, is: 4)
            try expect(Set(found.map { ToolName($0.connection, $0.tool) }).count, is: 4)
        },
    ]

    private static func tool(
        _ name: String,
        _ text: String,
        on connection: ConnectionName = Fixtures.connection,
        at time: Timestamp,
    ) -> AcceptedTool {
        AcceptedTool(ListedTool(name: name, canonical: Array(text.utf8)), on: connection, by: .gateway, at: time)
    }

    private static func commit(_ changes: [(AcceptedTool, ActionDigest?)], at time: Timestamp) -> Commit {
        Commit(
            entries: [Fixtures.entry(.configurationChanged, at: time)],
            tools: changes.map { ToolAcceptance($0.0, previous: $0.1) },
        )
    }
}
