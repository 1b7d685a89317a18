import CountersignCore

extension LedgerContract {
    /// What is still to be told to people.
    static let telling: [LedgerRule] = [
        LedgerRule("a new approval's notices come with it, and not when it loses") { ledger, clock in
            let approval = try Fixtures.approval(at: clock.time())
            let drafts = [NoticeDraft(.requested, to: room, dueAt: clock.time())]
            try expect(try await insert(approval, drafts, ledger, clock), is: .committed(first: 0))
            let rival = try Fixtures.approval(2, at: clock.time())
            try expect(try await insert(rival, drafts, ledger, clock), is: .conflict(approval))
            let found = try await due(ledger, clock)
            try expect(found.map(\.approval), is: [approval.id])
            let first = try require(found.first)
            try expect(first.cause, is: .requested)
            try expect(first.event, is: .approvalRequested)
            try expect(first.state, is: .waiting)
            try expect(first.id.utf8.count, is: 26)
        },
        LedgerRule("every change of an approval is told where it was told of, and nowhere else") { ledger, clock in
            let approval = try Fixtures.approval(at: clock.time())
            let drafts = [room, mail].map { NoticeDraft(.requested, to: $0, dueAt: clock.time()) }
            _ = try await insert(approval, drafts, ledger, clock)
            let other = try Fixtures.approval(2, of: Fixtures.action(path: "/other"), at: clock.time())
            _ = try await insert(other, [], ledger, clock)
            for each in [approval, other] { try await replace(Fixtures.next(each, .denied), ledger, clock) }
            let page = try await ledger.outbox.notices(NoticeQuery())
            try expect(page.items.map(\.approval), is: Array(repeating: approval.id, count: 4))
            try expect(page.items.map(\.cause), is: [.changed, .changed, .requested, .requested])
            try expect(Set(page.items.prefix(2).map(\.destination)), is: [room, mail])
            try expect(page.items.first?.status, is: .denied)
        },
        LedgerRule("a subject's notices at one place are due one after the other") { ledger, clock in
            let approval = try Fixtures.approval(at: clock.time())
            _ = try await insert(approval, [NoticeDraft(.requested, to: room, dueAt: clock.time())], ledger, clock)
            try await replace(Fixtures.next(approval, .denied), ledger, clock)
            let first = try await due(ledger, clock)
            try expect(first.map(\.cause), is: [.requested])
            try await ledger.outbox.beginNotices(first.map(\.number))
            try expect(try await due(ledger, clock), is: [])
            let retry = NoticeEnding.retry(at: clock.time().adding(.seconds(60)), trouble: "503")
            try await ledger.outbox.endNotice(first[0], retry, at: clock.time())
            try expect(try await due(ledger, clock), is: [])
            clock.advance(by: .seconds(60))
            let again = try await due(ledger, clock)
            try expect(again.map(\.tries), is: [1])
            try expect(again.map(\.trouble), is: ["503"])
            try await ledger.outbox.beginNotices(again.map(\.number))
            let message = ShownMessage(reference: "C1/17.2", revision: 1)
            try await ledger.outbox.endNotice(again[0], .delivered(message), at: clock.time())
            let second = try await due(ledger, clock)
            try expect(second.map(\.cause), is: [.changed])
            try expect(try await ledger.outbox.shownMessage(of: second[0]), is: message)
        },
        LedgerRule("what waits because it failed can be hurried, what is for later cannot") { ledger, clock in
            let approval = try Fixtures.approval(at: clock.time())
            let later = clock.time().adding(.seconds(600))
            let drafts = [
                NoticeDraft(.requested, to: room, dueAt: clock.time()), NoticeDraft(.reminder, to: room, dueAt: later),
            ]
            _ = try await insert(approval, drafts, ledger, clock)
            let first = try await due(ledger, clock)
            try await ledger.outbox.beginNotices(first.map(\.number))
            try await ledger.outbox.endNotice(first[0], .retry(at: later, trouble: "503"), at: clock.time())
            try expect(try await due(ledger, clock), is: [])
            try await ledger.outbox.hurryNotices(of: mail.channel, at: clock.time(), limit: 10)
            try expect(try await due(ledger, clock), is: [])
            try await ledger.outbox.hurryNotices(of: room.channel, at: clock.time(), limit: 10)
            try expect(try await due(ledger, clock).map(\.cause), is: [.requested])
        },
        LedgerRule("of those that wait because they failed as many are hurried as are asked for") { ledger, clock in
            let later = clock.time().adding(.seconds(600))
            for number in 1...3 {
                let approval = try Fixtures.approval(
                    number,
                    of: Fixtures.action(path: "/\(number)"),
                    at: clock.time()
                )
                _ = try await insert(approval, [NoticeDraft(.requested, to: room, dueAt: clock.time())], ledger, clock)
            }
            let found = try await due(ledger, clock)
            try await ledger.outbox.beginNotices(found.map(\.number))
            for (notice, wait) in zip(found, [Duration.seconds(20), .seconds(10), .zero]) {
                // What a receiver put off itself comes last, also if its time is the soonest.
                let asked = wait == .zero ? clock.time().adding(.seconds(5)) : nil
                let retry = NoticeEnding.retry(
                    at: wait == .zero ? clock.time().adding(.seconds(5)) : later.adding(wait),
                    notBefore: asked,
                    trouble: "503",
                )
                try await ledger.outbox.endNotice(notice, retry, at: clock.time())
            }
            try await ledger.outbox.hurryNotices(of: room.channel, at: clock.time(), limit: 1)
            try expect(try await due(ledger, clock).map(\.number), is: [found[1].number])
        },
        LedgerRule("what a receiver asked to put off is hurried to that time and no further") { ledger, clock in
            let approval = try Fixtures.approval(at: clock.time())
            _ = try await insert(approval, [NoticeDraft(.requested, to: room, dueAt: clock.time())], ledger, clock)
            let first = try require(try await due(ledger, clock).first)
            try await ledger.outbox.beginNotices([first.number])
            let (asked, later) = (clock.time().adding(.seconds(30)), clock.time().adding(.seconds(600)))
            let retry = NoticeEnding.retry(at: later, notBefore: asked, trouble: "429")
            try await ledger.outbox.endNotice(first, retry, at: clock.time())
            try await ledger.outbox.hurryNotices(of: room.channel, at: clock.time(), limit: 10)
            try expect(try await ledger.outbox.nextNotice(of: room.channel, leavingOut: []), is: asked)
        },
        LedgerRule("while one of a subject's notices is being sent no other is, earlier or later") { ledger, clock in
            let approval = try Fixtures.approval(at: clock.time())
            let later = clock.time().adding(.seconds(600))
            let drafts = [
                NoticeDraft(.requested, to: room, dueAt: clock.time()), NoticeDraft(.reminder, to: room, dueAt: later),
            ]
            _ = try await insert(approval, drafts, ledger, clock)
            let first = try require(try await due(ledger, clock).first)
            try await ledger.outbox.beginNotices([first.number])
            try await ledger.outbox.endNotice(first, .delivered(nil), at: clock.time())
            try await replace(Fixtures.next(approval, .denied), ledger, clock)
            let changed = try require(try await due(ledger, clock).first)
            try await ledger.outbox.beginNotices([changed.number])
            clock.advance(by: .seconds(600))
            try expect(try await due(ledger, clock), is: [])
            try await ledger.outbox.endNotice(changed, .delivered(nil), at: clock.time())
            try expect(try await due(ledger, clock).map(\.cause), is: [.reminder])
        },
        LedgerRule("a message of its own and one of several at one place are both told of a change") { ledger, clock in
            let approval = try Fixtures.approval(at: clock.time())
            let batch = BatchID(agent: approval.agent, destination: room, window: 1)
            let drafts = [
                NoticeDraft(.requested, to: room, dueAt: clock.time(), batch: batch),
                NoticeDraft(.reminder, to: room, dueAt: clock.time()),
            ]
            _ = try await insert(approval, drafts, ledger, clock)
            try await replace(Fixtures.next(approval, .denied), ledger, clock)
            let changed = try await ledger.outbox.notices(NoticeQuery()).items.filter { $0.cause == .changed }
            try expect(Set(changed.map(\.batch)), is: [batch, nil])
            try expect(Set(changed.map(\.id)).count, is: 2)
        },
        LedgerRule("an erasure is told wherever the question was, also of what is over, and however late") {
            ledger,
            clock in
            let approval = try Fixtures.approval(at: clock.time())
            let payload = Array(try require(approval.document).utf8)
            let entry = Fixtures.entry(.approvalRequested, at: clock.time(), approval: approval.id, payload: payload)
            let drafts = [room, mail].map { NoticeDraft(.requested, to: $0, dueAt: clock.time()) }
            _ = try await ledger.commit(
                Commit(.insert(approval, maximumPending: 10), entries: [entry], notices: drafts)
            )
            let notice = try require(try await due(ledger, clock).first)
            try await ledger.outbox.beginNotices([notice.number])
            let message = ShownMessage(reference: "C1/17.2", revision: 1)
            try await ledger.outbox.endNotice(notice, .delivered(message), at: clock.time())
            try await replace(Fixtures.next(approval, .denied), ledger, clock)
            clock.advance(by: .seconds(60))
            // Everything else about it is forgotten; where a message shows the payload is not.
            while try await ledger.outbox.forgetNotices(before: clock.time(), limit: 1) > 0 {}
            try expect(try await ledger.outbox.notices(NoticeQuery()).items.map(\.number), is: [notice.number])
            try expect(try await ledger.outbox.shownMessage(of: notice), is: message)
            guard case .committed = try await ledger.commit(Fixtures.erasure(of: [0], at: clock.time())) else {
                throw ContractViolation(description: "the erasure lost")
            }
            let told = try await due(ledger, clock)
            try expect(told.map(\.event), is: [.payloadErased])
            try expect(told.map(\.destination), is: [room])
            try await ledger.outbox.beginNotices(told.map(\.number))
            try await ledger.outbox.endNotice(told[0], .delivered(message), at: clock.time())
            clock.advance(by: .seconds(60))
            while try await ledger.outbox.forgetNotices(before: clock.time(), limit: 1) > 0 {}
            try expect(try await ledger.outbox.notices(NoticeQuery()).items.count, is: 0)
            try expect(try await ledger.outbox.shownMessage(of: notice), is: nil)
        },
        LedgerRule("a message settles the erasure of a payload only if it is without it, and erasures are told last") {
            ledger,
            clock in
            func holdAndDeny(_ number: Int) async throws -> Approval {
                let action = Fixtures.action(path: "/\(number)")
                let approval = try Fixtures.approval(number, of: action, at: clock.time())
                let payload = Array(try require(approval.document).utf8)
                let entry = Fixtures.entry(
                    .approvalRequested,
                    at: clock.time(),
                    approval: approval.id,
                    payload: payload
                )
                let draft = NoticeDraft(.requested, to: room, dueAt: clock.time())
                _ = try await ledger.commit(
                    Commit(.insert(approval, maximumPending: 10), entries: [entry], notices: [draft])
                )
                try await tell(ledger, clock, [:])
                let next = Fixtures.next(approval, .denied)
                try await replace(next, ledger, clock)
                return next
            }
            func tell(_ ledger: any Ledger, _ clock: ManualClock, _ told: [ApprovalID: ToldState]) async throws {
                let notice = try require(try await due(ledger, clock).first)
                try await ledger.outbox.beginNotices([notice.number])
                let message = ShownMessage(reference: "m\(notice.number)", revision: 2)
                try await ledger.outbox.endNotice(notice, .delivered(message, told: told), at: clock.time())
            }
            for (number, isErased) in [(1, false), (2, true)] {
                let approval = try await holdAndDeny(number)
                let sequence = UInt64((number - 1) * 3)
                guard case .committed = try await ledger.commit(Fixtures.erasure(of: [sequence], at: clock.time()))
                else { throw ContractViolation(description: "the erasure lost") }
                try await tell(ledger, clock, [approval.id: ToldState(revision: 2, isErased: isErased)])
            }
            try expect(try await due(ledger, clock).map(\.event), is: [.payloadErased])
            clock.advance(by: .seconds(1))
            let later = try Fixtures.approval(3, of: Fixtures.action(path: "/3"), at: clock.time())
            _ = try await insert(later, [NoticeDraft(.requested, to: room, dueAt: clock.time())], ledger, clock)
            try expect(try await due(ledger, clock).map(\.cause), is: [.requested, .changed])
            try expect(try await firstDue(ledger, clock).map(\.approval), is: [later.id])
        },
        LedgerRule("what changes in a batch does not wait for the erasure of another approval in it") { ledger, clock in
            let batch = BatchID(agent: Fixtures.agent, destination: room, window: 1)
            var approvals = [Approval]()
            for number in 1...2 {
                let action = Fixtures.action(path: "/\(number)")
                let approval = try Fixtures.approval(number, of: action, at: clock.time())
                let payload = Array(try require(approval.document).utf8)
                let entry = Fixtures.entry(
                    .approvalRequested,
                    at: clock.time(),
                    approval: approval.id,
                    payload: payload
                )
                let draft = NoticeDraft(.requested, to: room, dueAt: clock.time(), batch: batch)
                _ = try await ledger.commit(
                    Commit(.insert(approval, maximumPending: 10), entries: [entry], notices: [draft])
                )
                approvals.append(approval)
            }
            let told = Dictionary(approvals.map { ($0.id, ToldState(revision: 1, isErased: false)) }) { one, _ in one }
            let first = try require(try await due(ledger, clock).first)
            try await ledger.outbox.beginNotices([first.number])
            try await ledger.outbox.endNotice(first, .delivered(nil, told: told), at: clock.time())
            let denied = Fixtures.next(approvals[0], .denied)
            try await replace(denied, ledger, clock)
            let change = try require(try await due(ledger, clock).first)
            try await ledger.outbox.beginNotices([change.number])
            try await ledger.outbox.endNotice(change, .delivered(nil), at: clock.time())
            guard case .committed = try await ledger.commit(Fixtures.erasure(of: [0], at: clock.time())) else {
                throw ContractViolation(description: "the erasure lost")
            }
            try await replace(Fixtures.next(approvals[1], .denied), ledger, clock)
            try expect(try await due(ledger, clock).map(\.event), is: [.approvalSettled, .payloadErased])
        },
        LedgerRule("what was refused once does not make a channel look as if it failed") { ledger, clock in
            for number in 1...2 {
                let approval = try Fixtures.approval(
                    number,
                    of: Fixtures.action(path: "/\(number)"),
                    at: clock.time()
                )
                _ = try await insert(approval, [NoticeDraft(.requested, to: room, dueAt: clock.time())], ledger, clock)
            }
            let found = try await due(ledger, clock)
            try await ledger.outbox.beginNotices([found[0].number])
            try await ledger.outbox.endNotice(found[0], .failed(trouble: "410"), at: clock.time())
            let count = try require(try await ledger.outbox.outboxCounts(now: clock.time()).first)
            try expect(count.due, is: 1)
            try expect(count.trouble, is: nil)
            try expect(count.refusal, is: "410")
        },
        LedgerRule("a notice for later does not hold up what is due before it") { ledger, clock in
            let approval = try Fixtures.approval(at: clock.time())
            let later = clock.time().adding(.seconds(600))
            let drafts = [
                NoticeDraft(.escalated, to: room, dueAt: later), NoticeDraft(.requested, to: room, dueAt: clock.time()),
            ]
            _ = try await insert(approval, drafts, ledger, clock)
            try expect(try await due(ledger, clock).map(\.cause), is: [.requested])
            try expect(try await ledger.outbox.nextNotice(of: room.channel, leavingOut: []), is: clock.time())
            try expect(try await ledger.outbox.nextNotice(of: room.channel, leavingOut: [room.address]), is: nil)
            let counts = try await ledger.outbox.outboxCounts(now: clock.time())
            try expect(counts.map(\.due), is: [1])
            try expect(counts.map(\.scheduled), is: [1])
        },
        LedgerRule("addresses that take nothing are left out") { ledger, clock in
            let approval = try Fixtures.approval(at: clock.time())
            let other = Destination(channel: room.channel, address: "C2")
            let drafts = [room, other].map { NoticeDraft(.requested, to: $0, dueAt: clock.time()) }
            _ = try await insert(approval, drafts, ledger, clock)
            let found = try await ledger.outbox.dueNotices(
                of: room.channel,
                leavingOut: [room.address, "\"'"],
                now: clock.time(),
                limit: 10,
            )
            try expect(found.map(\.destination), is: [other])
        },
        LedgerRule("a message that shows the newest revision settles what waits to tell of it") { ledger, clock in
            let approval = try Fixtures.approval(at: clock.time())
            _ = try await insert(approval, [NoticeDraft(.requested, to: room, dueAt: clock.time())], ledger, clock)
            let second = Fixtures.next(approval, .approved, grantExpiresAt: clock.time().adding(.seconds(60)))
            try await replace(second, ledger, clock)
            let third = Fixtures.next(second, .revoked)
            try await replace(third, ledger, clock)
            let first = try require(try await due(ledger, clock).first)
            try await ledger.outbox.beginNotices([first.number])
            let told = [approval.id: ToldState(revision: second.revision, isErased: false)]
            try await ledger.outbox.endNotice(first, .delivered(nil, told: told), at: clock.time())
            let open = try await ledger.outbox.notices(NoticeQuery(state: .waiting))
            try expect(open.items.map(\.revision), is: [third.revision])
        },
        LedgerRule("what was being sent when the server stopped waits again, and counts as tried") { ledger, clock in
            let approval = try Fixtures.approval(at: clock.time())
            _ = try await insert(approval, [NoticeDraft(.requested, to: room, dueAt: clock.time())], ledger, clock)
            try await ledger.outbox.beginNotices(try await due(ledger, clock).map(\.number))
            try expect(try await ledger.outbox.recoverNotices(), is: 1)
            try expect(try await due(ledger, clock).map(\.tries), is: [1])
            try expect(try await ledger.outbox.recoverNotices(), is: 0)
        },
        LedgerRule("a notice that is over can be sent again, an open one cannot") { ledger, clock in
            let approval = try Fixtures.approval(at: clock.time())
            _ = try await insert(approval, [NoticeDraft(.requested, to: room, dueAt: clock.time())], ledger, clock)
            let notice = try require(try await due(ledger, clock).first)
            try expect(try await !ledger.outbox.replayNotice(notice.number, at: clock.time()))
            try await ledger.outbox.beginNotices([notice.number])
            try await ledger.outbox.endNotice(notice, .failed(trouble: "410"), at: clock.time())
            try expect(try await ledger.outbox.outboxCounts(now: clock.time()).map(\.failed), is: [1])
            try expect(try await ledger.outbox.replayNotice(notice.number, at: clock.time()))
            try expect(try await due(ledger, clock).map(\.id), is: [notice.id])
            try expect(try await !ledger.outbox.replayNotice(notice.number + 7, at: clock.time()))
            try expect(try await ledger.outbox.notice(notice.number)?.id, is: notice.id)
            try expect(try await ledger.outbox.notice(notice.number)?.state, is: .waiting)
            try expect(try await ledger.outbox.notice(notice.number + 7), is: nil)
        },
        LedgerRule("the approvals of a batch are told in one message, in their order") { ledger, clock in
            let batch = BatchID(agent: Fixtures.agent, destination: room, window: 1)
            var ids = [ApprovalID]()
            for number in 1...3 {
                let action = Fixtures.action(path: "/\(number)")
                let approval = try Fixtures.approval(number, of: action, at: clock.time())
                ids.append(approval.id)
                let draft = NoticeDraft(.requested, to: room, dueAt: clock.time(), batch: batch)
                _ = try await insert(approval, [draft], ledger, clock)
            }
            try expect(try await ledger.outbox.batch(batch, at: room), is: ids)
            try expect(try await ledger.outbox.approvals(of: batch, limit: 10), is: ids)
            try expect(try await ledger.outbox.approvals(of: batch, limit: 2), is: Array(ids.prefix(2)))
            let other = BatchID(agent: Fixtures.agent, destination: mail, window: 1)
            try expect(try await ledger.outbox.approvals(of: other, limit: 10), is: [])
            let found = try await due(ledger, clock)
            try expect(found.map(\.approval), is: [ids[0]])
            let told = Dictionary(ids.map { ($0, ToldState(revision: nil, isErased: false)) }) { first, _ in first }
            try await ledger.outbox.beginNotices(found.map(\.number))
            try await ledger.outbox.endNotice(found[0], .delivered(nil, told: told), at: clock.time())
            try expect(try await due(ledger, clock), is: [])
        },
        LedgerRule("notices are forgotten once they and their approval are over") { ledger, clock in
            let approval = try Fixtures.approval(at: clock.time())
            _ = try await insert(approval, [NoticeDraft(.requested, to: room, dueAt: clock.time())], ledger, clock)
            let notice = try require(try await due(ledger, clock).first)
            try await ledger.outbox.beginNotices([notice.number])
            try await ledger.outbox.endNotice(notice, .delivered(nil), at: clock.time())
            clock.advance(by: .seconds(60))
            try expect(try await ledger.outbox.forgetNotices(before: clock.time(), limit: 10), is: 0)
            try await replace(Fixtures.next(approval, .denied), ledger, clock)
            try expect(try await ledger.outbox.forgetNotices(before: clock.time(), limit: 10), is: 1)
            try expect(try await ledger.outbox.notices(NoticeQuery()).items.map(\.cause), is: [.changed])
        },
        LedgerRule("a message that shows one approval tells which, and that of a batch does not") { ledger, clock in
            let approval = try Fixtures.approval(at: clock.time())
            let batch = BatchID(agent: approval.agent, destination: mail, window: 1)
            let drafts = [
                NoticeDraft(.requested, to: room, dueAt: clock.time()),
                NoticeDraft(.requested, to: mail, dueAt: clock.time(), batch: batch),
            ]
            _ = try await insert(approval, drafts, ledger, clock)
            for notice in try await ledger.outbox.notices(NoticeQuery()).items {
                try await ledger.outbox.beginNotices([notice.number])
                let message = ShownMessage(reference: "17.2", revision: 1)
                try await ledger.outbox.endNotice(notice, .delivered(message), at: clock.time())
            }
            try expect(try await ledger.outbox.approval(shownAs: "17.2", at: room), is: approval.id)
            try expect(try await ledger.outbox.approval(shownAs: "17.2", at: mail), is: nil)
            try expect(try await ledger.outbox.approval(shownAs: "17", at: room), is: nil)
        },
        LedgerRule("an account in a chat is one user until told otherwise, and goes with them; as nobody's it stays") {
            ledger,
            clock in
            let identity = try require(ChannelIdentity("slack:T1/U1"))
            let user = User(id: UserID(unchecked: "alice@example.com"))
            let link = ChannelLink(identity: identity, user: user.id, madeAt: clock.time(), by: "administrator")
            let entry = { Fixtures.entry(.identityChanged, at: clock.time()) }
            _ = try await ledger.commit(Commit(entries: [entry()], identity: [.putUser(user), .putLink(link)]))
            try expect(try await ledger.identities().links, is: [link])
            _ = try await ledger.commit(Commit(entries: [entry()], identity: [.removeUser(user.id)]))
            try expect(try await ledger.identities().links, is: [])
            let unlinked = ChannelLink.unlinked(identity, from: user.id, at: clock.time(), by: "administrator")
            _ = try await ledger.commit(Commit(entries: [entry()], identity: [.putUser(user), .putLink(link)]))
            _ = try await ledger.commit(Commit(entries: [entry()], identity: [.putLink(unlinked)]))
            _ = try await ledger.commit(Commit(entries: [entry()], identity: [.removeUser(user.id)]))
            try expect(try await ledger.identities().links, is: [unlinked])
        },
    ]

    private static let room = Destination(channel: ChannelName(unchecked: "slack"), address: "C1")
    private static let mail = Destination(channel: ChannelName(unchecked: "mail"), address: "dba@example.com")

    private static func due(_ ledger: any Ledger, _ clock: ManualClock) async throws -> [Notice] {
        try await ledger.outbox.dueNotices(of: room.channel, leavingOut: [], now: clock.time(), limit: 10)
    }

    private static func firstDue(_ ledger: any Ledger, _ clock: ManualClock) async throws -> [Notice] {
        try await ledger.outbox.dueNotices(of: room.channel, leavingOut: [], now: clock.time(), limit: 1)
    }

    private static func insert(
        _ approval: Approval,
        _ notices: [NoticeDraft],
        _ ledger: any Ledger,
        _ clock: ManualClock,
    ) async throws -> CommitResult {
        try await ledger.commit(
            Commit(
                .insert(approval, maximumPending: 10),
                entries: [Fixtures.entry(.approvalRequested, at: clock.time())],
                notices: notices,
            )
        )
    }

    private static func replace(_ next: Approval, _ ledger: any Ledger, _ clock: ManualClock) async throws {
        let entry = Fixtures.entry(.approvalSettled, at: clock.time())
        guard case .committed = try await ledger.commit(Commit(.replace(next), entries: [entry])) else {
            throw ContractViolation(description: "the change lost")
        }
    }
}
