import CanonicalJSON
import CountersignCore

extension LedgerContract {
    /// Writes 600 entries, more than two tiles: every third of another agent, every fiftieth a decision on an approval,
    /// one a second.
    private static func fill(_ ledger: any Ledger, _ clock: ManualClock) async throws -> [EntryDraft] {
        let approval = ApprovalID(unchecked: "apr_fill")
        var drafts = [EntryDraft]()
        for number in 0..<600 {
            let agent = AgentID(unchecked: number.isMultiple(of: 3) ? "third-bot" : "other-bot")
            let isDecision = number.isMultiple(of: 50)
            drafts.append(
                Fixtures.entry(
                    isDecision ? .approvalDecided : .actionAllowed,
                    at: clock.time().adding(.seconds(number)),
                    agent: number == 299 ? nil : agent,
                    approval: isDecision ? approval : nil,
                    text: "Number \(number)!",
                )
            )
        }
        for start in stride(from: 0, to: 600, by: 60) {
            _ = try await ledger.commit(Commit(entries: Array(drafts[start..<(start + 60)])))
        }
        return drafts
    }

    /// The numbers that a search finds over all of its pages.
    static func numbers(_ query: EntryQuery, in ledger: any Ledger) async throws -> [Int] {
        var query = query
        var numbers = [Int]()
        repeat {
            let page = try await ledger.entries(query)
            try expect(page.items.count <= query.limit)
            try expect(page.next == nil || page.items.count == query.limit)
            numbers += page.items.map { Int($0.sequence) }
            query.cursor = page.next
        } while query.cursor != nil && numbers.count < 10_000
        return numbers
    }

    static let linking: [LedgerRule] = [
        LedgerRule("each entry of an approval names the one before it, in the same commit or long before") {
            ledger,
            clock in
            func entry(_ number: Int?) -> EntryDraft {
                let id = number.map { ApprovalID(now: ManualClock().time(), random: 0, UInt64($0)) }
                return Fixtures.entry(.actionDenied, at: clock.time(), approval: id)
            }
            let commits: [[Int?]] = [[1], [2, 1], [nil, 1, 1], [2], [nil], [3, 1, 2]]
            for numbers in commits { _ = try await ledger.commit(Commit(entries: numbers.map(entry))) }
            let expected: [UInt64?] = [nil, nil, 0, nil, 2, 4, 1, nil, nil, 5, 6]
            for (sequence, before) in expected.enumerated() {
                let bytes = try require(try await ledger.entry(UInt64(sequence))).bytes
                try expect(try ToldEntry(bytes).before, is: before)
                try expect(StoredJSON.value(bytes)?["sequence_before"] == nil, is: before == nil)
            }
        }
    ]

    static let searching: [LedgerRule] = [
        LedgerRule("entries are found by kind, agent, approval, time and text, in both directions, page by page") {
            ledger,
            clock in
            let start = clock.time()
            let drafts = try await fill(ledger, clock)
            func expect(_ query: EntryQuery, _ matches: (Int) -> Bool, line: Int = #line) async throws {
                for ascending in [true, false] {
                    for limit in [7, 50, 200] {
                        var query = query
                        query.ascending = ascending
                        query.limit = limit
                        let expected = (0..<600).filter(matches)
                        try LedgerContract.expect(
                            try await numbers(query, in: ledger),
                            is: ascending ? expected : expected.reversed(),
                            line: line
                        )
                    }
                }
            }
            let third = AgentID(unchecked: "third-bot")
            try await expect(EntryQuery()) { _ in true }
            try await expect(EntryQuery(kinds: [.approvalDecided])) { $0 % 50 == 0 }
            try await expect(EntryQuery(kinds: [.approvalDecided, .actionAllowed])) { _ in true }
            try await expect(EntryQuery(kinds: [.policyChanged])) { _ in false }
            try await expect(EntryQuery(agent: third)) { $0 % 3 == 0 }
            try await expect(EntryQuery(agent: AgentID(unchecked: "no-bot"))) { _ in false }
            try await expect(EntryQuery(kinds: [.approvalDecided], agent: third)) { $0 % 150 == 0 }
            try await expect(EntryQuery(approval: ApprovalID(unchecked: "apr_fill"))) { $0 % 50 == 0 }
            try await expect(EntryQuery(agent: third, approval: ApprovalID(unchecked: "apr_fill"))) { $0 % 150 == 0 }
            let from = start.adding(.seconds(100))
            let to = start.adding(.seconds(301))
            try await expect(EntryQuery(from: from)) { $0 >= 100 }
            try await expect(EntryQuery(to: to)) { $0 < 301 }
            try await expect(EntryQuery(agent: third, from: from, to: to)) { (100..<301).contains($0) && $0 % 3 == 0 }
            try await expect(EntryQuery(from: to, to: from)) { _ in false }
            try await expect(EntryQuery(text: "nUMBER 59")) { $0 == 59 || $0 / 10 == 59 }
            try await expect(EntryQuery(agent: third, text: "number 33!")) { $0 == 33 }
            try await expect(EntryQuery(text: "%")) { _ in false }
            try LedgerContract.expect(drafts.count, is: 600)
        },
        LedgerRule("a cursor that is not ours ends the list") { ledger, clock in
            _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: clock.time())]))
            for cursor in ["", "-1", "x", "1;", "9223372036854775808", "9223372036854775807"] {
                let page = try await ledger.entries(EntryQuery(cursor: cursor, ascending: true))
                try expect(page, is: Page(items: [], next: nil))
            }
            try expect(try await ledger.entries(EntryQuery(limit: 0)).items.count, is: 1)
            try expect(try await ledger.entries(EntryQuery(limit: .max)).items.count, is: 1)
        },
    ]

    static let remembering: [LedgerRule] = [
        LedgerRule("a response is kept with its commit, byte for byte, until it is dropped") { ledger, clock in
            let approval = try Fixtures.approval(at: clock.time())
            let fields = [["Content-Type", "text/plain"], ["Set-Cookie", "a=1"], ["Set-Cookie", "e\u{301}"]]
            let kept = KeptResponse(approval: approval.id, status: 200, fields: fields, body: [0, 255, 10], file: "f")
            _ = try await ledger.commit(Commit(.insert(approval, maximumPending: 9), entries: [], response: kept))
            try expect(try await ledger.keptResponse(approval.id), is: kept)
            let lost = KeptResponse(approval: approval.id, status: 500, fields: [], body: [])
            _ = try await ledger.commit(Commit(.replace(approval), entries: [], response: lost))
            try expect(try await ledger.keptResponse(approval.id), is: kept)
            let next = Fixtures.next(approval, .denied)
            _ = try await ledger.commit(Commit(.replace(next), entries: [], response: lost))
            try expect(try await ledger.keptResponse(approval.id), is: lost)
            try await ledger.dropResponse(approval.id)
            try expect(try await ledger.keptResponse(approval.id) == nil)
            try await ledger.dropResponse(approval.id)
        },
        LedgerRule("agents, users, keys and sessions come and go, and what belongs to them with them") {
            ledger,
            clock in
            let now = clock.time()
            func commit(_ changes: IdentityChange...) async throws {
                _ = try await ledger.commit(Commit(entries: [], identity: changes))
            }
            let agent = Agent(id: Fixtures.agent, owner: Fixtures.owner, groups: [GroupName(unchecked: "agents")])
            let other = Agent(id: AgentID(unchecked: "a-bot"), owner: nil, actsFor: [])
            let user = User(id: Fixtures.alice, groups: [Fixtures.approvers])
            var key = AgentKey(id: "key_1", agent: agent.id, hash: "h", prefix: "cs_x", createdAt: now, expiresAt: now)
            let session = Session(
                id: "s",
                user: user.id,
                csrfToken: "t",
                startedAt: now,
                expiresAt: now,
                via: "link"
            )
            try await commit(.putAgent(agent), .putAgent(other), .putUser(user), .putKey(key), .putSession(session))
            try expect(
                try await ledger.identities(),
                is: IdentityRecords(agents: [other, agent], users: [user], keys: [key], sessions: [session])
            )
            key.revokedAt = now
            try await commit(.revokeKey(id: "key_1", at: now), .revokeKey(id: "none", at: now), .endSession(id: "none"))
            try await commit(.revokeKey(id: "key_1", at: now.adding(.seconds(1))))
            try expect(try await ledger.identities().keys, is: [key])
            let changed = Agent(id: agent.id, owner: nil)
            try await commit(.putAgent(changed), .removeAgent(other.id))
            try expect(try await ledger.identities().agents, is: [changed])
            try expect(try await ledger.identities().keys, is: [key])
            try await commit(.removeAgent(agent.id), .removeUser(user.id))
            try expect(try await ledger.identities(), is: IdentityRecords())
        },
        LedgerRule("a one-time link is used once, and a commit that uses it again writes nothing") { ledger, clock in
            let expires = clock.time().adding(.seconds(60))
            let entry = Fixtures.entry(.sessionStarted, at: clock.time())
            let user = User(id: Fixtures.alice)
            let use = IdentityChange.useLink(id: "link", expires: expires)
            try expect(
                try await ledger.commit(Commit(entries: [entry], identity: [use])),
                is: .committed(first: 0)
            )
            let again = Commit(entries: [entry], identity: [.putUser(user), use])
            try expect(try await ledger.commit(again), is: .conflict(nil))
            let twice = IdentityChange.useLink(id: "new", expires: expires)
            try expect(
                try await ledger.commit(Commit(entries: [entry], identity: [twice, .putUser(user), twice])),
                is: .conflict(nil)
            )
            try expect(try await ledger.identities(), is: IdentityRecords())
            try expect(try await ledger.treeHead().size, is: 1)
            try expect(try await ledger.commit(Commit(entries: [], identity: [twice])), is: .committed(first: 1))
        },
        LedgerRule("the first answer to an idempotency key stays, for a day") { ledger, clock in
            let composed = IdempotencyKey(caller: "Agent:a", key: "\u{e9}")
            let decomposed = IdempotencyKey(caller: "Agent:a", key: "e\u{301}")
            let first = RememberedAnswer(fingerprint: "1", status: 202, contentType: "application/json", body: [1, 0])
            let second = RememberedAnswer(fingerprint: "2", status: 200, contentType: "", body: [])
            try await ledger.remember(first, for: composed, now: clock.time())
            try await ledger.remember(second, for: composed, now: clock.time())
            try expect(try await ledger.remembered(composed), is: first)
            try expect(try await ledger.remembered(decomposed) == nil)
            try await ledger.remember(second, for: decomposed, now: clock.time())
            try expect(try await ledger.remembered(decomposed), is: second)
            try expect(try await ledger.remembered(IdempotencyKey(caller: "Agent:b", key: "\u{e9}")) == nil)
            clock.advance(by: .seconds(86_400))
            try expect(try await ledger.remembered(composed) == nil)
            try await ledger.remember(second, for: composed, now: clock.time())
            try expect(try await ledger.remembered(composed), is: second)
        },
    ]
}
