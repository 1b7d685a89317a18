import CountersignCore

extension LedgerContract {
    static let changing: [LedgerRule] = [
        LedgerRule("a new approval is found by its id and by agent and digest, as it was") { ledger, clock in
            let action = Fixtures.action(path: "/e\u{301}/\u{e9}/\"\\/\u{0}\u{1F600}")
            let approval = try Fixtures.approval(of: action, at: clock.time())
            let commit = Commit(
                .insert(approval, maximumPending: 1),
                entries: [Fixtures.entry(.approvalRequested, at: clock.time())]
            )
            try expect(try await ledger.commit(commit), is: .committed(first: 0))
            let found = try require(try await ledger.approval(approval.id))
            try expect(found, is: approval)
            // Swift's equality of strings would not see that é was composed.
            try expect(found.document.map { Array($0.utf8) }, is: action.canonical)
            try expect(
                try await ledger.activeApproval(agent: approval.agent, digest: approval.digest),
                is: approval
            )
            try expect(try await ledger.approval(ApprovalID(unchecked: "apr_none")) == nil)
        },
        LedgerRule("an insert loses to the active approval of the same agent and digest, and writes nothing") {
            ledger,
            clock in
            let first = try Fixtures.approval(1, at: clock.time())
            let second = try Fixtures.approval(2, at: clock.time())
            let entry = Fixtures.entry(.approvalRequested, at: clock.time())
            _ = try await ledger.commit(Commit(.insert(first, maximumPending: 9), entries: [entry]))
            let commit = Commit(.insert(second, maximumPending: 9), entries: [entry])
            try expect(try await ledger.commit(commit), is: .conflict(first))
            try expect(try await ledger.approval(second.id) == nil)
            try expect(try await ledger.treeHead().size, is: 1)
            let other = try Fixtures.approval(3, of: Fixtures.action(path: "/other"), at: clock.time())
            try expect(
                try await ledger.commit(Commit(.insert(other, maximumPending: 9), entries: [])),
                is: .committed(first: 1)
            )
            let stranger = try Fixtures.approval(
                4,
                of: Fixtures.action(agent: AgentID(unchecked: "other-bot")),
                at: clock.time()
            )
            try expect(
                try await ledger.commit(Commit(.insert(stranger, maximumPending: 1), entries: [])),
                is: .committed(first: 1),
            )
        },
        LedgerRule("an approval with a known id is not inserted again") { ledger, clock in
            let approval = try Fixtures.approval(at: clock.time())
            _ = try await ledger.commit(Commit(.insert(approval, maximumPending: 9), entries: []))
            let denied = Fixtures.next(approval, .denied)
            _ = try await ledger.commit(Commit(.replace(denied), entries: []))
            try expect(
                try await ledger.commit(Commit(.insert(approval, maximumPending: 9), entries: [])),
                is: .conflict(denied)
            )
        },
        LedgerRule("what is active by its status takes identical asks, and what is not makes room") { ledger, clock in
            let active: [(ApprovalStatus, Bool)] = [
                (.pending, false), (.approved, false), (.redeemed, false), (.succeeded, false), (.failed, false),
            ]
            let over: [(ApprovalStatus, Bool)] = [
                (.succeeded, true), (.failed, true), (.unknown, false), (.denied, false), (.expired, false),
                (.withdrawn, false), (.lapsed, false), (.revoked, false),
            ]
            for (number, (status, delivered)) in (active + over).enumerated() {
                let action = Fixtures.action(path: "/\(number)")
                let approval = try Fixtures.approval(2 * number, of: action, at: clock.time())
                _ = try await ledger.commit(Commit(.insert(approval, maximumPending: 99), entries: []))
                let next = Fixtures.next(approval, status, delivered: delivered)
                _ = try await ledger.commit(Commit(.replace(next), entries: []))
                let isActive = number < active.count
                let found = try await ledger.activeApproval(agent: approval.agent, digest: approval.digest)
                try expect(found, is: isActive ? next : nil)
                let again = try Fixtures.approval(2 * number + 1, of: action, at: clock.time())
                try expect(
                    try await ledger.commit(Commit(.insert(again, maximumPending: 99), entries: [])),
                    is: isActive ? .conflict(next) : .committed(first: 0),
                )
            }
        },
        LedgerRule("an agent has no more pending approvals than it may") { ledger, clock in
            var pending = [Approval]()
            for number in 0..<3 {
                let action = Fixtures.action(path: "/\(number)")
                pending.append(try Fixtures.approval(number, of: action, at: clock.time()))
            }
            let entry = Fixtures.entry(.approvalRequested, at: clock.time())
            func insert(_ approval: Approval) -> Commit {
                Commit(.insert(approval, maximumPending: 2), entries: [entry])
            }
            try expect(try await ledger.commit(insert(pending[0])), is: .committed(first: 0))
            try expect(try await ledger.commit(insert(pending[1])), is: .committed(first: 1))
            try expect(try await ledger.commit(insert(pending[2])), is: .tooManyPending)
            try expect(try await ledger.treeHead().size, is: 2)
            _ = try await ledger.commit(Commit(.replace(Fixtures.next(pending[0], .denied)), entries: []))
            try expect(try await ledger.commit(insert(pending[2])), is: .committed(first: 2))
        },
        LedgerRule("a replacement wins only over the revision before it") { ledger, clock in
            let first = try Fixtures.approval(at: clock.time())
            let entry = Fixtures.entry(.approvalSettled, at: clock.time(), approval: first.id)
            try expect(
                try await ledger.commit(Commit(.replace(Fixtures.next(first, .denied)), entries: [entry])),
                is: .conflict(nil),
            )
            _ = try await ledger.commit(Commit(.insert(first, maximumPending: 9), entries: []))
            let approved = Fixtures.next(first, .approved, grantExpiresAt: clock.time().adding(.seconds(300)))
            try expect(
                try await ledger.commit(Commit(.replace(approved), entries: [entry])),
                is: .committed(first: 0)
            )
            let late = Commit(.replace(Fixtures.next(first, .denied)), entries: [entry])
            try expect(try await ledger.commit(late), is: .conflict(approved))
            let early = Commit(.replace(Fixtures.next(Fixtures.next(approved, .redeemed), .failed)), entries: [entry])
            try expect(try await ledger.commit(early), is: .conflict(approved))
            try expect(try await ledger.approval(first.id), is: approved)
            try expect(try await ledger.treeHead().size, is: 1)
        },
        LedgerRule("of a hundred concurrent replacements exactly one wins") { ledger, clock in
            let first = try Fixtures.approval(at: clock.time())
            _ = try await ledger.commit(Commit(.insert(first, maximumPending: 9), entries: []))
            let entry = Fixtures.entry(.approvalSettled, at: clock.time(), approval: first.id)
            let results = try await withThrowingTaskGroup(of: CommitResult.self) { group in
                for number in 0..<100 {
                    let next = Fixtures.next(first, number.isMultiple(of: 2) ? .approved : .denied)
                    group.addTask { try await ledger.commit(Commit(.replace(next), entries: [entry])) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let winner = try require(try await ledger.approval(first.id))
            try expect(results.count { $0 == .committed(first: 0) }, is: 1)
            try expect(results.count { $0 == .conflict(winner) }, is: 99)
            try expect(try await ledger.treeHead().size, is: 1)
        },
        LedgerRule("the feed tells of a change after it can be read, and of none that lost") { ledger, clock in
            let first = try Fixtures.approval(at: clock.time())
            let watch = ledger.feed.watch(first.id)
            _ = try await ledger.commit(Commit(.insert(first, maximumPending: 9), entries: []))
            try expect(await ledger.feed.wait(watch, until: clock.time()), is: first)
            _ = try await ledger.commit(Commit(.replace(first), entries: []))
            let next = Fixtures.next(first, .denied)
            _ = try await ledger.commit(Commit(.replace(next), entries: []))
            try expect(await ledger.feed.wait(watch, until: clock.time()), is: next)
            try expect(try await ledger.approval(first.id), is: next)
            ledger.feed.end(watch)
        },
    ]

    static let listing: [LedgerRule] = [
        LedgerRule("approvals are listed newest first, page by page, by status, agent and connection") {
            ledger,
            clock in
            var all = [Approval]()
            for number in 0..<7 {
                let agent = AgentID(unchecked: number < 3 ? "one-bot" : "two-bot")
                let action = Fixtures.action(path: "/\(number)", agent: agent)
                let approval = try Fixtures.approval(number, of: action, at: clock.time())
                _ = try await ledger.commit(Commit(.insert(approval, maximumPending: 99), entries: []))
                all.append(approval)
            }
            all[5] = Fixtures.next(all[5], .denied)
            _ = try await ledger.commit(Commit(.replace(all[5]), entries: []))
            var listed = [Approval]()
            var query = ApprovalQuery(limit: 3)
            repeat {
                let page = try await ledger.approvals(query)
                try expect(page.items.count <= 3)
                listed += page.items
                query.cursor = page.next
            } while query.cursor != nil
            try expect(listed, is: all.reversed())
            let two = try await ledger.approvals(ApprovalQuery(status: .pending, agent: AgentID(unchecked: "two-bot")))
            try expect(two.items, is: [all[6], all[4], all[3]])
            try expect(two.next == nil)
            try expect(try await ledger.approvals(ApprovalQuery(connection: Fixtures.connection)).items.count, is: 7)
            let elsewhere = ApprovalQuery(connection: ConnectionName(unchecked: "elsewhere"))
            try expect(try await ledger.approvals(elsewhere).items, is: [])
            for cursor in ["", "-1", "x", "1 OR 1=1", "99999999999999999999999"] {
                try expect(try await ledger.approvals(ApprovalQuery(cursor: cursor)), is: Page(items: [], next: nil))
            }
            try expect(try await ledger.statistics().approvals, is: [.pending: 6, .denied: 1])
        },
        LedgerRule("a page of approvals ends before it is heavy, and the next one goes on from there") {
            ledger,
            clock in
            var all = [Approval]()
            for number in 0..<12 {
                let path = "/\(number)/" + String(repeating: "x", count: number == 5 ? 900_000 : 200_000)
                let approval = try Fixtures.approval(number, of: Fixtures.action(path: path), at: clock.time())
                _ = try await ledger.commit(Commit(.insert(approval, maximumPending: 99), entries: []))
                all.append(approval)
            }
            for bytes in [1, 500_000, 2_000_000, ApprovalQuery.pageBytes] {
                var listed = [Approval]()
                var query = ApprovalQuery(limit: 200, bytes: bytes)
                repeat {
                    let page = try await ledger.approvals(query)
                    let weight = page.items.reduce(0) { $0 + $1.weight }
                    try expect(page.items.count == 1 || weight <= bytes, "\(page.items.count) weigh \(weight)")
                    try expect(!page.items.isEmpty)
                    listed += page.items
                    query.cursor = page.next
                } while query.cursor != nil
                try expect(listed, is: all.reversed())
            }
        },
        LedgerRule("what is overdue, under way or to be dispatched is found") { ledger, clock in
            let now = clock.time()
            func add(_ number: Int, expires: Int, asynchronous: Bool = false) async throws -> Approval {
                let approval = try Fixtures.approval(
                    number,
                    of: Fixtures.action(path: "/\(number)"),
                    at: now,
                    expires: .seconds(expires),
                    asynchronous: asynchronous,
                )
                _ = try await ledger.commit(Commit(.insert(approval, maximumPending: 99), entries: []))
                return approval
            }
            func move(_ approval: Approval, _ status: ApprovalStatus, grant: Int? = nil) async throws -> Approval {
                let next = Fixtures.next(
                    approval,
                    status,
                    grantExpiresAt: grant.map { now.adding(.seconds($0)) }
                )
                _ = try await ledger.commit(Commit(.replace(next), entries: []))
                return next
            }
            let late = try await add(1, expires: 30)
            let early = try await add(2, expires: 10)
            _ = try await add(3, expires: 60)
            let approved = try await move(try await add(4, expires: 5), .approved, grant: 20)
            let waiting = try await move(try await add(5, expires: 5, asynchronous: true), .approved, grant: 90)
            let redeemed = try await move(try await move(try await add(6, expires: 5), .approved, grant: 1), .redeemed)
            _ = try await move(try await add(7, expires: 5), .denied)
            try expect(try await ledger.due(now: now, limit: 9), is: [])
            let then = now.adding(.seconds(30))
            try expect(try await ledger.due(now: then, limit: 9), is: [early.id, approved.id, late.id])
            try expect(try await ledger.due(now: then, limit: 1), is: [early.id])
            try expect(try await ledger.unfinished(), is: [redeemed])
            try expect(try await ledger.awaitingDispatch(), is: [waiting])
        },
    ]
}
