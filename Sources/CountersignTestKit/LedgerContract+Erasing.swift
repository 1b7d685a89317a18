import CountersignCore
import TransparencyLog

extension LedgerContract {
    private static func erasure(_ sequences: [UInt64], at now: Timestamp) -> Commit {
        Fixtures.erasure(of: sequences, at: now)
    }

    /// Commits an approval with the entry that its document stands beside.
    private static func request(_ approval: Approval, in ledger: any Ledger) async throws {
        let document = try require(approval.document)
        let entry = Fixtures.entry(
            .approvalRequested,
            at: approval.requestedAt,
            approval: approval.id,
            payload: Array(document.utf8),
        )
        _ = try await ledger.commit(Commit(.insert(approval, maximumPending: 99), entries: [entry]))
    }

    static let erasing: [LedgerRule] = [
        LedgerRule("an erasure removes payloads, and its entry and every leaf stay") { ledger, clock in
            let drafts = (0..<4).map { Fixtures.entry(at: clock.time(), text: "\($0)") }
            _ = try await ledger.commit(Commit(entries: drafts))
            let before = try await ledger.treeHead()
            try expect(try await ledger.commit(erasure([2, 0], at: clock.time())), is: .committed(first: 4))
            for (index, draft) in drafts.enumerated() {
                let entry = try require(try await ledger.entry(UInt64(index)))
                try expect(entry.bytes, is: draft.encoded(sequence: UInt64(index)))
                try expect(entry.payload, is: [0, 2].contains(index) ? nil : draft.payload)
            }
            let after = try await ledger.treeHead()
            try expect(after.size, is: 5)
            let proof = try await ledger.consistencyProof(from: 4, to: 5)
            try expect(
                ConsistencyProof.verify(from: 4, to: 5, oldRoot: before.root, newRoot: after.root, proof: proof)
            )
        },
        LedgerRule("an erasure of what is not there loses, and nothing of its commit is kept") { ledger, clock in
            let drafts = [Fixtures.entry(at: clock.time()), Fixtures.entry(at: clock.time(), payload: nil)]
            _ = try await ledger.commit(Commit(entries: drafts))
            for sequences: [UInt64] in [[1], [2], [0, 1], [0, 0], [UInt64.max], [0, UInt64(Int64.max)]] {
                try expect(try await ledger.commit(erasure(sequences, at: clock.time())), is: .conflict(nil))
            }
            try expect(try await ledger.entry(0)?.payload, is: drafts[0].payload)
            try expect(try await ledger.treeHead().size, is: 2)
            try expect(try await ledger.commit(erasure([0], at: clock.time())), is: .committed(first: 2))
            try expect(try await ledger.commit(erasure([0], at: clock.time())), is: .conflict(nil))
            try expect(try await ledger.treeHead().size, is: 3)
        },
        LedgerRule("an erasure without an entry is refused") { ledger, clock in
            _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: clock.time())]))
            try await expectRefusal(.corrupt, of: Commit(entries: [], erasures: [0]), by: ledger)
            try expect(try await ledger.entry(0)?.payload != nil)
        },
        LedgerRule("what belongs to an approval under way is not erased") { ledger, clock in
            let pending = try Fixtures.approval(at: clock.time())
            try await request(pending, in: ledger)
            var approval = pending
            for status in [ApprovalStatus.approved, .redeemed] {
                try expect(try await ledger.commit(erasure([0], at: clock.time())), is: .conflict(approval))
                approval = Fixtures.next(approval, status)
                _ = try await ledger.commit(Commit(.replace(approval), entries: []))
            }
            try expect(try await ledger.commit(erasure([0], at: clock.time())), is: .conflict(approval))
            try expect(try await ledger.approval(pending.id)?.document, is: pending.document)
        },
        LedgerRule("everything that shows an erased document goes with it, and does not come back") { ledger, clock in
            let pending = try Fixtures.approval(at: clock.time())
            try await request(pending, in: ledger)
            let redeemed = Fixtures.next(Fixtures.next(pending, .approved), .redeemed)
            _ = try await ledger.commit(Commit(.replace(Fixtures.next(pending, .approved)), entries: []))
            _ = try await ledger.commit(Commit(.replace(redeemed), entries: []))
            let settled = Fixtures.next(redeemed, .succeeded)
            let response = KeptResponse(approval: pending.id, status: 200, fields: [], body: [1])
            _ = try await ledger.commit(Commit(.replace(settled), entries: [], response: response))
            let answer = RememberedAnswer(
                fingerprint: "f",
                status: 200,
                contentType: "",
                body: [1],
                approval: pending.id
            )
            let (early, late) = (IdempotencyKey(caller: "a", key: "1"), IdempotencyKey(caller: "a", key: "2"))
            try await ledger.remember(answer, for: early, now: clock.time())
            try expect(try await ledger.commit(erasure([0], at: clock.time())), is: .committed(first: 1))
            var erased = try require(try await ledger.approval(pending.id))
            try expect(erased.document == nil && erased.erasedBy == 1)
            // The result is gone, so the next identical ask is a new action.
            try expect(erased.delivered && erased.revision == settled.revision + 1)
            try expect(try await ledger.activeApproval(agent: pending.agent, digest: pending.digest) == nil)
            try expect(try await ledger.keptResponse(pending.id) == nil)
            try expect(try await ledger.remembered(early) == nil)
            try await ledger.remember(answer, for: late, now: clock.time())
            try expect(try await ledger.remembered(late) == nil)
            // Whoever read the approval before does not write its document back.
            erased.document = pending.document
            erased.revision += 1
            _ = try await ledger.commit(Commit(.replace(erased), entries: []))
            try expect(try await ledger.approval(pending.id)?.document == nil)
        },
        LedgerRule("payloads past their time are found once, by connection, and those under way are left out") {
            ledger,
            clock in
            let start = clock.time()
            let pending = try Fixtures.approval(at: start)
            try await request(pending, in: ledger)
            _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: start), Fixtures.entry(at: start)]))
            _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: start, payload: nil)]))
            _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: start.adding(.seconds(60)))]))
            func find(_ scope: ErasableQuery.Scope, from: UInt64 = 0, limit: Int = 9) async throws -> ErasablePage {
                let before = start.adding(.seconds(60))
                return try await ledger.erasable(ErasableQuery(scope, from: from, before: before, limit: limit))
            }
            func item(_ sequence: UInt64) -> ErasablePage.Item {
                ErasablePage.Item(sequence: sequence, connection: Fixtures.connection)
            }
            let other = ConnectionName(unchecked: "other")
            for scope in [ErasableQuery.Scope.connection(Fixtures.connection), .allExcept([]), .allExcept([other])] {
                try expect(
                    try await find(scope),
                    is: ErasablePage(items: [item(1), item(2)], skipped: 0, next: 3, isLast: true)
                )
            }
            for scope in [ErasableQuery.Scope.connection(other), .allExcept([Fixtures.connection])] {
                try expect(try await find(scope), is: ErasablePage(items: [], skipped: nil, next: 3, isLast: true))
            }
            let first = try await find(.allExcept([]), from: 1, limit: 1)
            try expect(first, is: ErasablePage(items: [item(1)], skipped: nil, next: 2, isLast: false))
            let second = try await find(.allExcept([]), from: first.next, limit: 1)
            try expect(second, is: ErasablePage(items: [item(2)], skipped: nil, next: 3, isLast: true))
            _ = try await ledger.commit(erasure([1], at: start.adding(.seconds(60))))
            _ = try await ledger.commit(Commit(.replace(Fixtures.next(pending, .denied)), entries: []))
            try expect(try await find(.allExcept([])).items, is: [item(0), item(2)])
        },
    ]
}
