package import CountersignCore

/// The outbox without a disk.
struct InMemoryOutbox {
    private struct Place: Hashable {
        let subject: String
        let destination: Destination
    }

    private(set) var notices: [Notice] = []
    /// Before when receivers want no other attempt of a notice.
    private var asked: [Int64: Timestamp] = [:]
    private var messages: [Place: ShownMessage] = [:]
    private var count: Int64 = 0

    private func place(_ notice: Notice) -> Place {
        Place(subject: notice.subject, destination: notice.destination)
    }

    mutating func post(_ commit: Commit, about approval: Approval, now: Timestamp) {
        guard let event = commit.event else { return }
        switch commit.change {
        case .insert:
            for draft in commit.notices {
                post(draft.cause, event, approval, draft.destination, draft.batch, dueAt: draft.dueAt, now)
            }
        case .replace, .none:
            var seen: [(Destination, BatchID?)] = []
            for notice in notices where notice.approval == approval.id && notice.cause != .changed {
                guard !seen.contains(where: { $0 == (notice.destination, notice.batch) }) else { continue }
                seen.append((notice.destination, notice.batch))
            }
            for (destination, batch) in seen {
                post(.changed, event, approval, destination, batch, dueAt: now, now)
            }
        }
    }

    private mutating func post(
        _ cause: Notice.Cause,
        _ event: EntryKind,
        _ approval: Approval,
        _ destination: Destination,
        _ batch: BatchID?,
        dueAt: Timestamp,
        _ now: Timestamp,
    ) {
        let id = Notice.id(approval.id, destination, cause, event, batch: batch, revision: approval.revision)
        guard !notices.contains(where: { $0.id == id }) else { return }
        count += 1
        notices.append(
            Notice(
                number: count,
                id: id,
                approval: approval.id,
                batch: batch,
                destination: destination,
                cause: cause,
                event: event,
                revision: approval.revision,
                status: approval.status,
                madeAt: now,
                dueAt: dueAt,
                tryAt: dueAt,
            )
        )
    }

    func due(
        _ channel: ChannelName,
        leavingOut addresses: [String],
        now: Timestamp,
        limit: Int,
    ) -> [Notice] {
        let found = notices.filter { notice in
            guard notice.destination.channel == channel, notice.state == .waiting, notice.tryAt <= now,
                !addresses.contains(notice.destination.address)
            else {
                return false
            }
            return !notices.contains { other in
                guard other.state.isOpen, place(other) == place(notice) else { return false }
                if other.state == .sending { return true }
                let isBefore = other.number < notice.number && other.dueAt <= now
                return isBefore && (other.approval == notice.approval || other.event != .payloadErased)
            }
        }
        func order(_ notice: Notice) -> (Int, Timestamp, Int64) {
            (notice.event == .payloadErased ? 1 : 0, notice.tryAt, notice.number)
        }
        return Array(found.sorted { order($0) < order($1) }.prefix(limit))
    }

    func next(_ channel: ChannelName, leavingOut addresses: [String]) -> Timestamp? {
        notices.filter { notice in
            notice.destination.channel == channel && notice.state == .waiting
                && !addresses.contains(notice.destination.address)
        }
        .map(\.tryAt).min()
    }

    mutating func begin(_ numbers: [Int64]) {
        for index in notices.indices where numbers.contains(notices[index].number) && notices[index].state == .waiting {
            notices[index].state = .sending
            notices[index].tries += 1
        }
    }

    mutating func end(_ notice: Notice, _ ending: NoticeEnding, at now: Timestamp) {
        if case .delivered(let message, let told) = ending {
            if let message { messages[place(notice)] = message }
            settle(notice, told, at: now)
        }
        guard let index = notices.firstIndex(where: { $0.number == notice.number && $0.state == .sending }) else {
            return
        }
        notices[index].trouble = nil
        switch ending {
        case .delivered: notices[index].state = .delivered
        case .dropped: notices[index].state = .dropped
        case .retry(let time, let notBefore, let trouble):
            asked[notice.number] = notBefore
            notices[index].state = .waiting
            notices[index].tryAt = time
            notices[index].trouble = trouble
        case .failed(let trouble):
            notices[index].state = .failed
            notices[index].trouble = trouble
        }
        notices[index].endedAt = notices[index].state.isOpen ? nil : now
    }

    private mutating func settle(_ notice: Notice, _ told: [ApprovalID: ToldState], at now: Timestamp) {
        for index in notices.indices {
            let other = notices[index]
            guard place(other) == place(notice), other.state == .waiting, let told = told[other.approval] else {
                continue
            }
            let isTold = told.revision.map { other.revision <= $0 } ?? false
            switch other.cause {
            case .requested where other.batch != nil: notices[index].state = .delivered
            case .changed where isTold && (other.event != .payloadErased || told.isErased):
                notices[index].state = .dropped
            default: continue
            }
            notices[index].endedAt = now
        }
    }

    mutating func hurry(_ channel: ChannelName, at now: Timestamp, limit: Int) {
        let waiting = notices.filter { notice in
            notice.destination.channel == channel && notice.state == .waiting && notice.tryAt > now
                && notice.dueAt <= now && notice.tries > 0
        }
        let soonest = waiting.sorted { first, second in
            let times = [first, second].map { max(now, asked[$0.number] ?? now) }
            return (times[0], first.tryAt, first.number) < (times[1], second.tryAt, second.number)
        }
        let numbers = Set(soonest.prefix(limit).map(\.number))
        for index in notices.indices where numbers.contains(notices[index].number) {
            notices[index].tryAt = max(now, asked[notices[index].number] ?? now)
        }
    }

    mutating func recover() -> Int {
        let found = notices.indices.filter { notices[$0].state == .sending }
        for index in found { notices[index].state = .waiting }
        return found.count
    }

    func message(_ notice: Notice) -> ShownMessage? { messages[place(notice)] }

    func approval(shownAs reference: String, at destination: Destination) -> ApprovalID? {
        let place = messages.first { $0.key.destination == destination && $0.value.reference == reference }?.key
        return notices.first { $0.approval.rawValue == place?.subject }?.approval
    }

    func batch(_ batch: BatchID, at destination: Destination) -> [ApprovalID] {
        var ids: [ApprovalID] = []
        for notice in notices where notice.batch == batch && notice.destination == destination {
            if !ids.contains(notice.approval) { ids.append(notice.approval) }
        }
        return ids
    }

    func approvals(of batch: BatchID, limit: Int) -> [ApprovalID] {
        var ids: [ApprovalID] = []
        for notice in notices where notice.batch == batch && !ids.contains(notice.approval) {
            ids.append(notice.approval)
        }
        return Array(ids.prefix(limit))
    }

    func page(_ query: NoticeQuery) -> Page<Notice> {
        let before = query.cursor.map { Int64($0) ?? 0 } ?? .max
        let found = notices.reversed().filter { notice in
            notice.number < before && (query.channel.map { notice.destination.channel == $0 } ?? true)
                && (query.approval.map { notice.approval == $0 } ?? true)
                && (query.state.map { notice.state == $0 } ?? true)
        }
        let limit = min(max(query.limit, 1), 200)
        let items = Array(found.prefix(limit))
        return Page(items: items, next: found.count > limit ? items.last.map { "\($0.number)" } : nil)
    }

    mutating func replay(_ number: Int64, at now: Timestamp) -> Bool {
        guard let index = notices.firstIndex(where: { $0.number == number }),
            notices[index].state == .delivered || notices[index].state == .failed
        else { return false }
        let old = notices[index]
        notices[index] = Notice(
            number: old.number,
            id: old.id,
            approval: old.approval,
            batch: old.batch,
            destination: old.destination,
            cause: old.cause,
            event: old.event,
            revision: old.revision,
            status: old.status,
            madeAt: old.madeAt,
            dueAt: now,
            tryAt: now,
            tries: old.tries,
        )
        return true
    }

    func counts(now: Timestamp) -> [OutboxCount] {
        let channels = Set(notices.filter { $0.state.isOpen || $0.state == .failed }.map(\.destination.channel))
        return channels.sorted().map { channel in
            let mine = notices.filter { $0.destination.channel == channel }
            let due = mine.filter { $0.state.isOpen && $0.dueAt <= now }
            return OutboxCount(
                channel: channel,
                due: due.count,
                scheduled: mine.count { $0.state.isOpen && $0.dueAt > now },
                failed: mine.count { $0.state == .failed },
                oldestDue: due.map(\.dueAt).min(),
                trouble: mine.last { $0.trouble != nil && $0.state.isOpen }?.trouble,
                refusal: mine.last { $0.trouble != nil && $0.state == .failed }?.trouble,
            )
        }
    }

    mutating func forget(
        before: Timestamp,
        limit: Int,
        isOver: (ApprovalID) -> Bool,
        hasPayload: (ApprovalID) -> Bool,
    ) -> Int {
        let old = notices.filter { notice in
            let isKept =
                notice.cause != .changed && notice.state == .delivered && messages[place(notice)] != nil
                && hasPayload(notice.approval)
            return !isKept && (notice.endedAt ?? notice.dueAt) < before && isOver(notice.approval)
        }
        .prefix(limit).map(\.number)
        notices.removeAll { old.contains($0.number) }
        let places = Set(notices.map(place))
        messages = messages.filter { places.contains($0.key) }
        return old.count
    }
}

extension InMemoryLedger: Outbox {
    /// The ledger itself.
    package var outbox: any Outbox { self }

    /// Notices of a channel that may be tried now.
    package func dueNotices(
        of channel: ChannelName,
        leavingOut addresses: [String],
        now: Timestamp,
        limit: Int,
    ) async throws(LedgerError) -> [Notice] {
        try read { $0.outbox.due(channel, leavingOut: addresses, now: now, limit: limit) }
    }

    /// When the channel's next waiting notice may be tried.
    package func nextNotice(
        of channel: ChannelName,
        leavingOut addresses: [String],
    ) async throws(LedgerError) -> Timestamp? {
        try read { $0.outbox.next(channel, leavingOut: addresses) }
    }

    /// Attempts begin.
    package func beginNotices(_ numbers: [Int64]) async throws(LedgerError) {
        try read { $0.outbox.begin(numbers) }
    }

    /// An attempt ended.
    package func endNotice(
        _ notice: Notice,
        _ ending: NoticeEnding,
        at now: Timestamp,
    ) async throws(LedgerError) {
        try read { $0.outbox.end(notice, ending, at: now) }
    }

    /// What waits because an attempt failed may be tried now.
    package func hurryNotices(of channel: ChannelName, at now: Timestamp, limit: Int) async throws(LedgerError) {
        try read { $0.outbox.hurry(channel, at: now, limit: limit) }
    }

    /// What was being sent waits again.
    package func recoverNotices() async throws(LedgerError) -> Int { try read { $0.outbox.recover() } }

    /// What a place shows of a notice's subject.
    package func shownMessage(of notice: Notice) async throws(LedgerError) -> ShownMessage? {
        try read { $0.outbox.message(notice) }
    }

    /// A notice by its number.
    package func notice(_ number: Int64) async throws(LedgerError) -> Notice? {
        try read { $0.outbox.notices.first { $0.number == number } }
    }

    /// The approvals of a batch.
    package func approvals(of batch: BatchID, limit: Int) async throws(LedgerError) -> [ApprovalID] {
        try read { $0.outbox.approvals(of: batch, limit: limit) }
    }

    /// The one approval that a message shows.
    package func approval(
        shownAs reference: String,
        at destination: Destination,
    ) async throws(LedgerError) -> ApprovalID? {
        try read { $0.outbox.approval(shownAs: reference, at: destination) }
    }

    /// The approvals of a batch at a place.
    package func batch(
        _ batch: BatchID,
        at destination: Destination,
    ) async throws(LedgerError) -> [ApprovalID] {
        try read { $0.outbox.batch(batch, at: destination) }
    }

    /// A page of notices, newest first.
    package func notices(_ query: NoticeQuery) async throws(LedgerError) -> Page<Notice> {
        try read { $0.outbox.page(query) }
    }

    /// Lets a notice that is over wait again.
    package func replayNotice(_ number: Int64, at now: Timestamp) async throws(LedgerError) -> Bool {
        try read { $0.outbox.replay(number, at: now) }
    }

    /// Counts, by channel.
    package func outboxCounts(now: Timestamp) async throws(LedgerError) -> [OutboxCount] {
        try read { $0.outbox.counts(now: now) }
    }

    /// Forgets notices that were over before that time.
    package func forgetNotices(before: Timestamp, limit: Int) async throws(LedgerError) -> Int {
        try read { state in
            let over = Set(state.approvals.filter(\.status.isFinal).map(\.id))
            let whole = Set(state.approvals.filter { $0.erasedBy == nil }.map(\.id))
            return state.outbox.forget(before: before, limit: limit) {
                over.contains($0)
            } hasPayload: {
                whole.contains($0)
            }
        }
    }
}
