package import CountersignCore
import Synchronization

extension SQLiteLedger: Outbox {
    /// The ledger itself.
    package var outbox: any Outbox { self }

    /// Notices of a channel that may be tried now.
    package func dueNotices(
        of channel: ChannelName,
        leavingOut addresses: [String],
        now: Timestamp,
        limit: Int,
    ) async throws(LedgerError) -> [Notice] {
        try await read {
            try $0.dueNotices(of: channel, leavingOut: addresses, now: now, limit: limit)
        }
    }

    /// When the channel's next waiting notice may be tried.
    package func nextNotice(
        of channel: ChannelName,
        leavingOut addresses: [String],
    ) async throws(LedgerError) -> Timestamp? {
        try await read { try $0.nextNotice(of: channel, leavingOut: addresses) }
    }

    /// Attempts begin.
    package func beginNotices(_ numbers: [Int64]) async throws(LedgerError) {
        try await writer.chore { try $0.beginNotices(numbers) }.get()
    }

    /// An attempt ended.
    package func endNotice(
        _ notice: Notice,
        _ ending: NoticeEnding,
        at now: Timestamp,
    ) async throws(LedgerError) {
        try await writer.chore { try $0.endNotice(notice, ending, at: now) }.get()
    }

    /// What waits because an attempt failed may be tried now.
    package func hurryNotices(of channel: ChannelName, at now: Timestamp, limit: Int) async throws(LedgerError) {
        try await writer.chore { try $0.hurryNotices(of: channel, at: now, limit: limit) }.get()
    }

    /// What was being sent waits again.
    package func recoverNotices() async throws(LedgerError) -> Int {
        let count = Mutex(0)
        try await writer.chore { db in
            let recovered = try db.recoverNotices()
            count.withLock { $0 = recovered }
        }.get()
        return count.withLock { $0 }
    }

    /// What a place shows of a notice's subject.
    package func shownMessage(of notice: Notice) async throws(LedgerError) -> ShownMessage? {
        try await read { try $0.shownMessage(of: notice) }
    }

    /// A notice by its number.
    package func notice(_ number: Int64) async throws(LedgerError) -> Notice? {
        try await read { try $0.notice(number) }
    }

    /// The approvals of a batch.
    package func approvals(of batch: BatchID, limit: Int) async throws(LedgerError) -> [ApprovalID] {
        try await read { try $0.approvals(of: batch, limit: limit) }
    }

    /// The one approval that a message shows.
    package func approval(
        shownAs reference: String,
        at destination: Destination,
    ) async throws(LedgerError) -> ApprovalID? {
        try await read { try $0.approval(shownAs: reference, at: destination) }
    }

    /// The approvals of a batch at a place.
    package func batch(
        _ batch: BatchID,
        at destination: Destination,
    ) async throws(LedgerError) -> [ApprovalID] {
        try await read { try $0.batch(batch, at: destination) }
    }

    /// A page of notices, newest first.
    package func notices(_ query: NoticeQuery) async throws(LedgerError) -> Page<Notice> {
        try await read { try $0.notices(query) }
    }

    /// Lets a notice that is over wait again.
    package func replayNotice(_ number: Int64, at now: Timestamp) async throws(LedgerError) -> Bool {
        let found = Mutex(false)
        try await writer.chore { db in
            let isThere = try db.replayNotice(number, at: now)
            found.withLock { $0 = isThere }
        }.get()
        return found.withLock { $0 }
    }

    /// Counts, by channel.
    package func outboxCounts(now: Timestamp) async throws(LedgerError) -> [OutboxCount] {
        try await read { try $0.outboxCounts(now: now) }
    }

    /// Forgets notices that were over before that time.
    package func forgetNotices(before: Timestamp, limit: Int) async throws(LedgerError) -> Int {
        let count = Mutex(0)
        try await writer.chore { db in
            let forgotten = try db.forgetNotices(before: before, limit: limit)
            count.withLock { $0 = forgotten }
        }.get()
        return count.withLock { $0 }
    }
}
