import CanonicalJSON
import CountersignCore
import GRDB

extension Database {
    private static let noticeColumns = """
        number, id, approval, batch, channel, address, cause, event, revision, status, made_at, due_at, try_at, tries,
        state, ended_at, trouble
        """

    /// Puts into the outbox what a commit has to tell of an approval: the drafts of a new one; of a changed one, a
    /// correction for every place that was or will be told of it.
    func post(_ commit: Commit, about approval: Approval, now: Timestamp) throws {
        guard let event = commit.event else { return }
        switch commit.change {
        case .insert:
            for draft in commit.notices {
                try post(draft.cause, event, approval, to: draft.destination, draft.batch, dueAt: draft.dueAt, now: now)
            }
        case .replace, .none:
            let places = try rows(
                """
                SELECT channel, address, batch, min(number) FROM notice WHERE approval = ? AND cause <> 'changed'
                GROUP BY channel, address, batch ORDER BY 4
                """,
                [.text(approval.id.rawValue)],
            ) { row in
                (
                    Destination(channel: ChannelName(unchecked: row.text(0)), address: row.text(1)),
                    row.isNull(2) ? nil : BatchID(unchecked: row.text(2))
                )
            }
            for (destination, batch) in places {
                try post(.changed, event, approval, to: destination, batch, dueAt: now, now: now)
            }
        }
    }

    private func post(
        _ cause: Notice.Cause,
        _ event: EntryKind,
        _ approval: Approval,
        to destination: Destination,
        _ batch: BatchID?,
        dueAt: Timestamp,
        now: Timestamp,
    ) throws {
        // The id is made of what the notice is about, so that nothing is told twice.
        try run(
            """
            INSERT OR IGNORE INTO notice (
                id, approval, batch, subject, channel, address, cause, event, revision, status, made_at, due_at, try_at,
                tries, state
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 'waiting')
            """,
            [
                .text(Notice.id(approval.id, destination, cause, event, batch: batch, revision: approval.revision)),
                .text(approval.id.rawValue), StoreValue(batch?.rawValue),
                .text(batch?.rawValue ?? approval.id.rawValue), .text(destination.channel.rawValue),
                .text(destination.address), .text(cause.rawValue), .text(event.rawValue),
                .integer(Int64(approval.revision)), .text(approval.status.rawValue), .integer(now.microseconds),
                .integer(dueAt.microseconds), .integer(dueAt.microseconds),
            ],
        )
    }

    /// Notices that may be tried: of each subject and place the first that is due and open, if none is being sent.
    ///
    /// Erasures, of which a sweep can make thousands at once, have what nobody else needs: people wait for the others.
    func dueNotices(
        of channel: ChannelName,
        leavingOut addresses: [String],
        now: Timestamp,
        limit: Int,
    ) throws -> [Notice] {
        let pressing = try dueNotices(
            of: channel,
            in: "notice_pressing",
            where: "event <> '\(EntryKind.payloadErased.rawValue)'",
            leavingOut: addresses,
            now: now,
            limit: limit,
        )
        guard pressing.count < limit else { return pressing }
        return try pressing
            + dueNotices(
                of: channel,
                in: "notice_waiting",
                where: "event = '\(EntryKind.payloadErased.rawValue)'",
                leavingOut: addresses,
                now: now,
                limit: limit - pressing.count,
            )
    }

    private func dueNotices(
        of channel: ChannelName,
        in index: String,
        where event: String,
        leavingOut addresses: [String],
        now: Timestamp,
        limit: Int,
    ) throws -> [Notice] {
        try rows(
            """
            SELECT \(Self.noticeColumns) FROM notice AS mine INDEXED BY \(index)
            WHERE channel = ?1 AND state = 'waiting' AND try_at <= ?2 AND \(event)
                AND address NOT IN (SELECT value FROM json_each(?4)) AND NOT EXISTS (
                SELECT 1 FROM notice AS other
                WHERE other.subject = mine.subject AND other.channel = mine.channel
                    AND other.address = mine.address AND (other.state = 'sending'
                        OR (other.number < mine.number AND other.state = 'waiting' AND other.due_at <= ?2
                            AND (other.approval = mine.approval OR other.event <> 'payload.erased')))
            )
            ORDER BY try_at, number LIMIT ?3
            """,
            [
                .text(channel.rawValue), .integer(now.microseconds), .integer(Int64(limit)), Self.list(addresses),
            ],
            Self.notice,
        )
    }

    /// When the channel's next waiting notice may be tried, at other addresses than those.
    func nextNotice(of channel: ChannelName, leavingOut addresses: [String]) throws -> Timestamp? {
        try first(
            """
            SELECT min(try_at) FROM notice WHERE channel = ? AND state = 'waiting'
                AND address NOT IN (SELECT value FROM json_each(?))
            """,
            [.text(channel.rawValue), Self.list(addresses)],
        ) { row in row.isNull(0) ? nil : Timestamp(microseconds: row.integer(0)) } ?? nil
    }

    private static func list(_ texts: [String]) -> StoreValue {
        .text(String(decoding: JSONValue.array(texts.map { .string($0) }).canonicalBytes(), as: UTF8.self))
    }

    /// Attempts begin.
    func beginNotices(_ numbers: [Int64]) throws {
        for number in numbers {
            try run(
                "UPDATE notice SET state = 'sending', tries = tries + 1 WHERE number = ? AND state = 'waiting'",
                [.integer(number)],
            )
        }
    }

    /// An attempt ended.
    func endNotice(_ notice: Notice, _ ending: NoticeEnding, at now: Timestamp) throws {
        var state = Notice.State.waiting
        var tryAt = notice.tryAt
        var notBefore: Timestamp?
        var trouble: String?
        switch ending {
        case .delivered(let message, let told):
            state = .delivered
            if let message { try show(message, of: notice) }
            for (approval, told) in told { try settle(approval, told, by: notice, at: now) }
        case .dropped: state = .dropped
        case .retry(let time, let asked, let words): (tryAt, notBefore, trouble) = (time, asked, words)
        case .failed(let words): (state, trouble) = (.failed, words)
        }
        try run(
            """
            UPDATE notice SET state = ?, try_at = ?, not_before = ?, trouble = ?, ended_at = ?
            WHERE number = ? AND state = 'sending'
            """,
            [
                .text(state.rawValue), .integer(tryAt.microseconds), StoreValue(microseconds: notBefore?.microseconds),
                StoreValue(trouble.map { Self.cut($0) }),
                StoreValue(microseconds: state.isOpen ? nil : now.microseconds), .integer(notice.number),
            ],
        )
    }

    private func show(_ message: ShownMessage, of notice: Notice) throws {
        try run(
            "INSERT OR REPLACE INTO message (subject, channel, address, reference, revision) VALUES (?, ?, ?, ?, ?)",
            [
                .text(notice.subject), .text(notice.destination.channel.rawValue), .text(notice.destination.address),
                .text(message.reference), .integer(Int64(message.revision)),
            ],
        )
    }

    /// What the message just sent has in it needs no message of its own any more.
    private func settle(_ approval: ApprovalID, _ told: ToldState, by notice: Notice, at now: Timestamp) throws {
        // By the approval's index: a batch's subject has the notices of all of its approvals.
        try run(
            """
            UPDATE notice SET state = CASE cause WHEN 'changed' THEN 'dropped' ELSE 'delivered' END, ended_at = ?1
            WHERE +subject = ?2 AND channel = ?3 AND address = ?4 AND approval = ?5 AND state = 'waiting' AND (
                (cause = 'requested' AND batch IS NOT NULL)
                OR (cause = 'changed' AND revision <= ?6 AND (event <> ?7 OR ?8))
            )
            """,
            [
                .integer(now.microseconds), .text(notice.subject), .text(notice.destination.channel.rawValue),
                .text(notice.destination.address), .text(approval.rawValue),
                StoreValue(microseconds: told.revision.map(Int64.init)), .text(EntryKind.payloadErased.rawValue),
                .integer(told.isErased ? 1 : 0),
            ],
        )
    }

    /// What waits because an attempt failed may be tried now.
    func hurryNotices(of channel: ChannelName, at now: Timestamp, limit: Int) throws {
        try run(
            """
            UPDATE notice SET try_at = max(?2, coalesce(not_before, ?2)) WHERE number IN (
                SELECT number FROM notice
                WHERE channel = ?1 AND state = 'waiting' AND try_at > ?2 AND due_at <= ?2 AND tries > 0
                ORDER BY coalesce(not_before, 0) > ?2, try_at, number LIMIT ?3
            )
            """,
            [.text(channel.rawValue), .integer(now.microseconds), .integer(Int64(limit))],
        )
    }

    /// What was being sent waits again.
    func recoverNotices() throws -> Int {
        try run("UPDATE notice SET state = 'waiting' WHERE state = 'sending'")
    }

    /// What a place shows of a notice's subject.
    func shownMessage(of notice: Notice) throws -> ShownMessage? {
        try first(
            "SELECT reference, revision FROM message WHERE subject = ? AND channel = ? AND address = ?",
            [
                .text(notice.subject), .text(notice.destination.channel.rawValue), .text(notice.destination.address),
            ],
        ) { ShownMessage(reference: $0.text(0), revision: Int($0.integer(1))) }
    }

    /// A notice by its number.
    func notice(_ number: Int64) throws -> Notice? {
        try first(
            "SELECT \(Self.noticeColumns) FROM notice WHERE number = ?",
            [.integer(number)],
            Self.notice,
        )
    }

    /// The approvals of a batch, whose place is part of its id.
    func approvals(of batch: BatchID, limit: Int) throws -> [ApprovalID] {
        try rows(
            "SELECT approval, min(number) FROM notice WHERE subject = ? GROUP BY approval ORDER BY 2 LIMIT ?",
            [.text(batch.rawValue), .integer(Int64(limit))],
        ) { ApprovalID(unchecked: $0.text(0)) }
    }

    /// The one approval that a message shows.
    func approval(shownAs reference: String, at destination: Destination) throws -> ApprovalID? {
        try first(
            """
            SELECT subject FROM message WHERE channel = ? AND address = ? AND reference = ?
                AND EXISTS (SELECT 1 FROM approval WHERE approval.id = message.subject)
            """,
            [.text(destination.channel.rawValue), .text(destination.address), .text(reference)],
        ) { ApprovalID($0.text(0)) } ?? nil
    }

    /// The approvals of a batch at a place.
    func batch(_ batch: BatchID, at destination: Destination) throws -> [ApprovalID] {
        try rows(
            """
            SELECT approval, min(number) FROM notice WHERE subject = ? AND channel = ? AND address = ?
            GROUP BY approval ORDER BY 2
            """,
            [.text(batch.rawValue), .text(destination.channel.rawValue), .text(destination.address)],
        ) { ApprovalID(unchecked: $0.text(0)) }
    }

    /// A page of notices, newest first.
    func notices(_ query: NoticeQuery) throws -> Page<Notice> {
        guard let before = PageCursor.position(query.cursor, first: .max) else { return Page(items: [], next: nil) }
        let condition = PageCondition(
            before: before,
            [
                ("channel", query.channel?.rawValue), ("approval", query.approval?.rawValue),
                ("state", query.state?.rawValue),
            ],
        )
        let limit = PageCursor.limit(query.limit)
        let items = try rows(
            """
            SELECT \(Self.noticeColumns) FROM notice WHERE \(condition.sql) ORDER BY number DESC LIMIT ?
            """,
            condition.values + [.integer(Int64(limit) + 1)],
            Self.notice,
        )
        let page = Array(items.prefix(limit))
        return Page(items: page, next: items.count > limit ? page.last.map { "\($0.number)" } : nil)
    }

    /// Lets a notice that is over wait again.
    func replayNotice(_ number: Int64, at now: Timestamp) throws -> Bool {
        try run(
            """
            UPDATE notice SET state = 'waiting', try_at = ?, due_at = ?, not_before = NULL, ended_at = NULL,
                trouble = NULL, is_kept = 0
            WHERE number = ? AND state IN ('delivered', 'failed')
            """,
            [.integer(now.microseconds), .integer(now.microseconds), .integer(number)],
        ) == 1
    }

    /// Counts, by channel.
    func outboxCounts(now: Timestamp) throws -> [OutboxCount] {
        let open = try rows(
            """
            SELECT channel, sum(due_at <= ?1), sum(due_at > ?1), min(due_at) FROM notice WHERE ended_at IS NULL
            GROUP BY channel
            """,
            [.integer(now.microseconds)],
        ) { row in
            (
                row.text(0),
                (Int(row.integer(1)), Int(row.integer(2)), Timestamp(microseconds: row.integer(3)))
            )
        }
        let failed = try rows("SELECT channel, count(*) FROM notice WHERE state = 'failed' GROUP BY channel") { row in
            (row.text(0), Int(row.integer(1)))
        }
        let waiting = Dictionary(open) { first, _ in first }
        let failures = Dictionary(failed) { first, _ in first }
        return try Set(waiting.keys).union(failures.keys).sorted().map { channel in
            func words(_ which: String) throws -> String? {
                try first(
                    """
                    SELECT trouble FROM notice WHERE channel = ?1 AND trouble IS NOT NULL AND \(which)
                    ORDER BY number DESC LIMIT 1
                    """,
                    [.text(channel)],
                ) { $0.text(0) }
            }
            let (due, scheduled, oldest) = waiting[channel] ?? (0, 0, now)
            return OutboxCount(
                channel: ChannelName(unchecked: channel),
                due: due,
                scheduled: scheduled,
                failed: failures[channel] ?? 0,
                oldestDue: due > 0 ? oldest : nil,
                trouble: try words("ended_at IS NULL"),
                refusal: try words("state = 'failed'"),
            )
        }
    }

    /// Forgets notices that were over before that time, or due to a channel that has taken none since, and messages that
    /// nothing is told at any more; how many it looked at.
    ///
    /// The request that a message came from stays for as long as the message shows a payload, which may be erased.
    func forgetNotices(before: Timestamp, limit: Int) throws -> Int {
        let old = try ["is_kept = 0 AND ended_at < ?1", "ended_at IS NULL AND due_at < ?1"].flatMap { age in
            try rows(
                """
                SELECT number, subject, channel, address, cause <> 'changed' AND state = 'delivered' AND EXISTS (
                    SELECT 1 FROM approval JOIN message ON message.subject = notice.subject
                        AND message.channel = notice.channel AND message.address = notice.address
                    WHERE approval.id = notice.approval AND approval.erased_by IS NULL
                ) FROM notice WHERE \(age) AND NOT EXISTS (
                    SELECT 1 FROM approval WHERE approval.id = notice.approval AND approval.status IN
                        ('pending', 'approved', 'redeemed')
                ) LIMIT ?2
                """,
                [.integer(before.microseconds), .integer(Int64(limit))],
            ) { row in
                let place = (1...3).map { StoreValue.text(row.text($0)) }
                return (number: row.integer(0), place: place, isKept: row.integer(4) != 0)
            }
        }
        .prefix(limit)
        for notice in old {
            guard !notice.isKept else {
                try run("UPDATE notice SET is_kept = 1 WHERE number = ?", [.integer(notice.number)])
                continue
            }
            try run("DELETE FROM notice WHERE number = ?", [.integer(notice.number)])
            try run(
                """
                DELETE FROM message WHERE subject = ?1 AND channel = ?2 AND address = ?3 AND NOT EXISTS (
                    SELECT 1 FROM notice WHERE subject = ?1 AND channel = ?2 AND address = ?3
                )
                """,
                notice.place,
            )
        }
        return old.count
    }

    /// Words of a receiver are cut at 512 scalars.
    private static func cut(_ text: String) -> String {
        text.utf8.count <= 512 ? text : text.cut(to: 511) + "…"
    }

    private static func notice(_ row: StoreRow) throws -> Notice {
        let number = row.integer(0)
        guard let cause = Notice.Cause(rawValue: row.text(6)), let event = EntryKind(rawValue: row.text(7)),
            let status = ApprovalStatus(rawValue: row.text(9)), let state = Notice.State(rawValue: row.text(14)),
            let approval = ApprovalID(row.text(2)), let channel = ChannelName(row.text(4))
        else { throw LedgerError(.corrupt, "the notice \(number) cannot be read") }
        return Notice(
            number: number,
            id: row.text(1),
            approval: approval,
            batch: row.isNull(3) ? nil : BatchID(unchecked: row.text(3)),
            destination: Destination(channel: channel, address: row.text(5)),
            cause: cause,
            event: event,
            revision: Int(row.integer(8)),
            status: status,
            madeAt: Timestamp(microseconds: row.integer(10)),
            dueAt: Timestamp(microseconds: row.integer(11)),
            tryAt: Timestamp(microseconds: row.integer(12)),
            tries: Int(row.integer(13)),
            state: state,
            endedAt: row.isNull(15) ? nil : Timestamp(microseconds: row.integer(15)),
            trouble: row.isNull(16) ? nil : row.text(16),
        )
    }
}
