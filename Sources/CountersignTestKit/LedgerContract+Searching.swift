import CanonicalJSON
import CountersignCore

extension LedgerContract {
    private static let writer = EntryWriter(chance: .deterministic(seed: 3))
    private static let other = AgentID(unchecked: "other-bot")
    private static let orders = Fixtures.connection
    private static let warehouse = ConnectionName(unchecked: "warehouse")
    private static let allow = PolicyVerdict(answer: .allow, policies: ["reads"], errors: [])

    /// An action on another connection with two effects.
    private static let mixed = Action(
        agent: other,
        onBehalfOf: UserID(unchecked: "Alice@Example.com"),
        protocol: "postgres",
        connection: warehouse,
        operations: [
            Operation(
                protocol: "postgres",
                effect: .read,
                resource: ResourceReference(type: "Table", id: "warehouse/public.customers")
            ),
            Operation(
                protocol: "postgres",
                effect: .delete,
                resource: ResourceReference(type: "Table", id: "warehouse/public.orders")
            ),
        ],
        details: JSONObject(),
    )

    /// The whole life of an action, and what surrounds it: one entry for each thing that a search can ask for.
    private static func life(at now: Timestamp) throws -> [EntryDraft] {
        let read = Fixtures.action(effect: .read, path: "/v1/customers/7", onBehalfOf: Fixtures.owner)
        let pending = try Fixtures.approval(of: Fixtures.action(), at: now)
        let approved = Fixtures.next(pending, .approved, grantExpiresAt: now.adding(.seconds(60)))
        let decision = Decision(
            user: Fixtures.bob,
            groups: [Fixtures.approvers],
            verdict: .approve,
            reason: "Looks \"right\" to me: 100 % (see T-1000)",
            time: now,
            channel: "dashboard",
            actionDigest: pending.digest,
            previewDigest: pending.previewDigest,
            assurance: .session,
        )
        let deny = PolicyVerdict(answer: .deny([Reason(.forbidden, "")]), policies: ["no"], errors: [])
        let circumstances = Circumstances(sourceAddress: "10.0.0.7", justification: "Überprüfung für Zoë")
        let identity = JSONObject([("id", "Alice@example.com"), ("type", "User")])
        return [
            writer.judged(.actionAllowed, read, circumstances, allow, version: "v1", at: now),
            writer.judged(.actionDenied, mixed, Circumstances(), deny, version: "v1", at: now),
            writer.requested(pending, Fixtures.action(), at: now),
            writer.decided(pending, decision, refusal: nil, version: "v1"),
            writer.settled(approved, by: .user(Fixtures.bob, via: nil), at: now),
            writer.dispatched(approved, version: "v1", by: .agent(Fixtures.agent), at: now),
            writer.completed(approved, Outcome(.succeeded, status: 204), by: .gateway, at: now),
            EntryDraft(.identityChanged, time: now, actor: .gateway, members: [("identity", .object(identity))]),
            writer.rejected(
                Reason(.forbidden, ""),
                agent: nil,
                connection: warehouse,
                detail: "no key",
                circumstances: Circumstances(sourceAddress: "10.0.0.70"),
                at: now,
            ),
            writer.judged(.actionAllowed, mixed, Circumstances(), allow, version: "v1", at: now),
        ]
    }

    /// What is asked, and which entries of ``life(at:)`` answer it.
    private static let asked: [(EntryQuery, [Int])] = [
        (EntryQuery(agent: Fixtures.agent), [0, 2, 3, 4, 5, 6]),
        (EntryQuery(agent: other), [1, 9]),
        (EntryQuery(user: Fixtures.owner), [0]),
        (EntryQuery(user: Fixtures.alice), [1, 7, 9]),
        (EntryQuery(user: UserID(unchecked: "ALICE@example.COM")), [1, 7, 9]),
        (EntryQuery(user: Fixtures.bob), [3, 4]),
        (EntryQuery(user: UserID(unchecked: "bob@example")), []),
        (EntryQuery(connection: orders), [0, 2, 3, 4, 5, 6]),
        (EntryQuery(connection: warehouse), [1, 8, 9]),
        (EntryQuery(effects: [.read]), [0, 1, 9]),
        (EntryQuery(effects: [.delete]), [1, 2, 3, 4, 5, 6, 9]),
        (EntryQuery(effects: [.export]), []),
        (EntryQuery(effects: [.export, .read]), [0, 1, 9]),
        (EntryQuery(statuses: [.allowed]), [0, 9]),
        (EntryQuery(statuses: [.denied]), [1, 8]),
        (EntryQuery(statuses: [.pending]), [2]),
        (EntryQuery(statuses: [.approved]), [4]),
        (EntryQuery(statuses: [.redeemed]), [5]),
        (EntryQuery(statuses: [.succeeded]), [6]),
        (EntryQuery(statuses: [.failed, .unknown, .expired, .withdrawn, .lapsed, .revoked]), []),
        (EntryQuery(statuses: [.pending, .succeeded]), [2, 6]),
        (EntryQuery(kinds: [.approvalDecided, .identityChanged]), [3, 7]),
        (EntryQuery(agent: other, effects: [.delete], statuses: [.denied]), [1]),
        (EntryQuery(user: Fixtures.bob, connection: orders, effects: [.delete], statuses: [.approved]), [4]),
        (EntryQuery(kinds: [.actionAllowed], user: Fixtures.alice, connection: warehouse, effects: [.read]), [9]),
        (EntryQuery(user: Fixtures.bob, connection: warehouse), []),
        (EntryQuery(user: Fixtures.alice, text: "warehouse"), [1, 9]),
        (EntryQuery(text: "custom"), [0, 1, 2, 9]),
        (EntryQuery(text: "tomers"), []),
        (EntryQuery(text: "CUSTOMERS/7"), [0]),
        (EntryQuery(text: "warehouse/public.custom"), [1, 9]),
        (EntryQuery(text: "public.customers warehouse"), [1, 9]),
        (EntryQuery(text: "warehouse.public"), []),
        (EntryQuery(text: "10.0.0.7"), [0, 8]),
        (EntryQuery(text: "0.0.0.7"), []),
        (EntryQuery(text: "0.7"), [0, 8]),
        (EntryQuery(text: "10.0.0.70"), [8]),
        (EntryQuery(text: "überprüfung"), []),
        (EntryQuery(text: "Überprüfung ZOë"), [0]),
        (EntryQuery(text: "\"right\""), [3]),
        (EntryQuery(text: "100 %"), [3]),
        (EntryQuery(text: "(see"), [3]),
        (EntryQuery(text: "t-1000)"), [3]),
        (EntryQuery(text: "looks bob@example.com"), [3]),
        (EntryQuery(text: "approval.decided"), [3]),
        (EntryQuery(text: "decision"), []),
        (EntryQuery(text: "~"), []),
    ]

    /// A search's text that means something elsewhere, and finds nothing here.
    private static let hostile = [
        "\"", "\"\"\"", "*", "cust*", "NEAR(customers, 7)", "customers NEAR orders", "-customers", "^customers", "+",
        "customers OR nothing", "NOT customers", "{col}: x", "kind:action.allowed AND", "';--", "\\", "%", "_",
        "\u{0}zzyzx\u{0}x", "\u{FFFD}", "\u{301}",
        String(repeating: "customers", count: 5_000), String(repeating: "a-", count: 5_000),
        (0..<200).map { "word\($0)" }.joined(separator: " "),
        (0..<200).map { _ in "customers" }.joined(separator: "x "),
    ]

    static let searchingFacets: [LedgerRule] = [
        LedgerRule("entries are found by every facet and word, alone and together, wherever they stand") {
            ledger,
            clock in
            // Twice, far enough apart that an index has the first and perhaps not the second.
            let filler = Fixtures.entry(.policyChanged, at: clock.time(), agent: nil, text: "filler")
            let life = try life(at: clock.time())
            var commits = [life]
            for _ in 0..<6 { commits.append([EntryDraft](repeating: filler, count: 100)) }
            commits.append(life)
            for drafts in commits { _ = try await ledger.commit(Commit(entries: drafts)) }
            for (query, numbers) in asked {
                for ascending in [true, false] {
                    for limit in [1, 3, 200] {
                        var query = query
                        (query.ascending, query.limit) = (ascending, limit)
                        // The fillers are on the connection, too, and theirs is no part of the table.
                        if query.kinds.isEmpty { query.kinds = EntryKind.allCases.filter { $0 != .policyChanged } }
                        let expected = numbers + numbers.map { $0 + 610 }
                        let found = try await LedgerContract.numbers(query, in: ledger)
                        try expect(
                            found == (ascending ? expected : expected.reversed()),
                            "\(query) finds \(found), not \(expected)"
                        )
                    }
                }
            }
        },
        LedgerRule("no text from outside hides an entry from a search, in the index or out of it") { ledger, clock in
            let filler = Fixtures.entry(.policyChanged, at: clock.time(), agent: nil, text: "filler")
            // RFC 8259 lets JSON have noncharacters, and so does whoever writes an entry.
            let hidden = Circumstances(justification: "\u{FFFF}\u{FFFE} overhaul \u{10FFFE}")
            let entry = writer.judged(.actionAllowed, mixed, hidden, allow, version: "v1", at: clock.time())
            var commits = [[entry]]
            for _ in 0..<6 { commits.append([EntryDraft](repeating: filler, count: 100)) }
            commits.append([entry])
            for drafts in commits { _ = try await ledger.commit(Commit(entries: drafts)) }
            let asked = [
                EntryQuery(agent: other), EntryQuery(user: Fixtures.alice), EntryQuery(connection: warehouse),
                EntryQuery(effects: [.delete]), EntryQuery(statuses: [.allowed]), EntryQuery(kinds: [.actionAllowed]),
                EntryQuery(text: "overhaul"), EntryQuery(text: "\u{FFFF}\u{FFFE}"), EntryQuery(text: "warehouse"),
            ]
            // Before the index has it and after; where there is none, that is once more the same.
            for _ in 0..<2 {
                for query in asked {
                    let found = try await LedgerContract.numbers(query, in: ledger)
                    try expect(found == [601, 0], "\(query) finds \(found)")
                }
                while let covered = try await ledger.statistics().searchable, covered < 512 { await Task.yield() }
            }
        },
        LedgerRule("a text's marks and words have no meaning but themselves") { ledger, clock in
            let life = try life(at: clock.time())
            for _ in 0..<60 { _ = try await ledger.commit(Commit(entries: life)) }
            for text in hostile {
                let page = try await ledger.entries(EntryQuery(text: text, limit: 200))
                let words = EntryWords.words(of: text)
                for entry in page.items {
                    let json = try JSONParser.parse(entry.bytes)
                    try expect(EntryWords.occur(words, in: json), "\(text.prefix(40)) is not in \(entry.sequence)")
                }
                // Only these stand in an entry.
                let isThere = ["\"", "%", "_"].contains(text)
                try expect(page.items.isEmpty || isThere, "\(text.prefix(40)) finds something")
            }
            for text in [" \t\n", "\u{0}", "\u{1}\u{7F}"] {
                try expect(try await ledger.entries(EntryQuery(text: text, limit: 200)).items.count, is: 200)
            }
        },
    ]
}
