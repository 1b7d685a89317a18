/// A message that a channel shows, as the channel itself knows it.
package struct ShownMessage: Hashable, Sendable {
    /// What the channel finds it by; its own text, at most 2,048 bytes.
    package let reference: String
    /// The approval's revision that it shows; of a batch, the sum of them.
    package let revision: Int

    /// Describes a message.
    package init(reference: String, revision: Int) {
        self.reference = reference
        self.revision = revision
    }
}

/// What a message that was just sent has in it of an approval: what waits to tell of nothing newer is over with it.
package struct ToldState: Hashable, Sendable {
    /// Up to which revision it shows the approval; `nil` if it only asks, so that changes are told all the same.
    package let revision: Int?
    /// Whether it shows the approval without its payload.
    package let isErased: Bool

    /// Describes what was told.
    package init(revision: Int?, isErased: Bool) {
        self.revision = revision
        self.isErased = isErased
    }
}

/// How an attempt to deliver a notice ended, as the outbox keeps it.
package enum NoticeEnding: Hashable, Sendable {
    /// The channel has it; what it shows now, if it can be corrected later, and what the place was told by it.
    ///
    /// What waits for the same place to say no more than that is over: requests of a batch, and changes.
    case delivered(ShownMessage?, told: [ApprovalID: ToldState] = [:])
    /// There was nothing to tell any more.
    case dropped
    /// To be tried again at that time, and whatever happens not before what the receiver itself asked for.
    case retry(at: Timestamp, notBefore: Timestamp? = nil, trouble: String)
    /// The channel refused it for good.
    case failed(trouble: String)
}

/// How much waits in a channel.
package struct OutboxCount: Hashable, Sendable {
    /// The channel.
    package let channel: ChannelName
    /// Notices that are due and not delivered.
    package let due: Int
    /// Notices that are to be delivered later: reminders, escalations, what waits for a quiet night to end.
    package let scheduled: Int
    /// Notices that the channel refused for good and that are still remembered.
    package let failed: Int
    /// When the longest overdue one was due.
    package let oldestDue: Timestamp?
    /// What the latest failed attempt of an open notice said.
    package let trouble: String?
    /// Why the latest of those that failed for good was refused.
    package let refusal: String?

    /// Counts.
    package init(
        channel: ChannelName,
        due: Int,
        scheduled: Int,
        failed: Int,
        oldestDue: Timestamp?,
        trouble: String?,
        refusal: String? = nil,
    ) {
        self.channel = channel
        self.due = due
        self.scheduled = scheduled
        self.failed = failed
        self.oldestDue = oldestDue
        self.trouble = trouble
        self.refusal = refusal
    }
}

/// Which notices a list shows.
package struct NoticeQuery: Hashable, Sendable {
    /// Only of this channel.
    package var channel: ChannelName?
    /// Only about this approval.
    package var approval: ApprovalID?
    /// Only in this state.
    package var state: Notice.State?
    /// The cursor that the page before gave.
    package var cursor: String?
    /// How many; 1 to 200.
    package var limit: Int

    /// Makes a query.
    package init(
        channel: ChannelName? = nil,
        approval: ApprovalID? = nil,
        state: Notice.State? = nil,
        cursor: String? = nil,
        limit: Int = 50,
    ) {
        self.channel = channel
        self.approval = approval
        self.state = state
        self.cursor = cursor
        self.limit = limit
    }
}

/// What is still to be told to people, kept in the ledger.
///
/// Notices come in with ``Ledger/commit(_:)``: those that a new approval's commit names, and with every later change of
/// an approval, and the erasure of its payload, one for each place that was told of it. Within one subject and place they
/// are delivered in the order in which they were made. All writes are on disk when they return.
package protocol Outbox: Sendable {
    /// Notices of a channel that may be tried at `now`, the longest waiting first, but erasures last: of each subject and
    /// place only the first that is due, and none while any of them is being sent. Nothing waits for the erasure of
    /// another approval of its batch. `leavingOut` names addresses that take nothing now.
    func dueNotices(
        of channel: ChannelName,
        leavingOut addresses: [String],
        now: Timestamp,
        limit: Int,
    ) async throws(LedgerError) -> [Notice]
    /// When the channel's next waiting notice may be tried, at other addresses than those; `nil` where none waits.
    func nextNotice(
        of channel: ChannelName,
        leavingOut addresses: [String],
    ) async throws(LedgerError) -> Timestamp?
    /// Attempts begin: each becomes `sending`, and counts one more try.
    func beginNotices(_ numbers: [Int64]) async throws(LedgerError)
    /// An attempt ended; with a message, the place of the notice's subject shows it from now on.
    func endNotice(_ notice: Notice, _ ending: NoticeEnding, at now: Timestamp) async throws(LedgerError)
    /// The channel takes notices again, or `limit` of them are to find out whether it does: what waits because an attempt
    /// failed may be tried now, or as soon as the receiver said; the soonest first.
    func hurryNotices(of channel: ChannelName, at now: Timestamp, limit: Int) async throws(LedgerError)
    /// What was being sent when the server last stopped waits again; how many they were.
    func recoverNotices() async throws(LedgerError) -> Int
    /// What a place shows of a subject.
    func shownMessage(of notice: Notice) async throws(LedgerError) -> ShownMessage?
    /// A notice by its number.
    func notice(_ number: Int64) async throws(LedgerError) -> Notice?
    /// The approvals of a batch, in the order in which they were asked, at most `limit`: a batch has one place only.
    func approvals(of batch: BatchID, limit: Int) async throws(LedgerError) -> [ApprovalID]
    /// The one approval that a message of a place shows, by its reference; `nil` of a batch, and of other messages.
    func approval(shownAs reference: String, at destination: Destination) async throws(LedgerError) -> ApprovalID?
    /// The approvals of a batch at a place, in the order in which they were asked.
    func batch(_ batch: BatchID, at destination: Destination) async throws(LedgerError) -> [ApprovalID]
    /// A page of notices, newest first.
    func notices(_ query: NoticeQuery) async throws(LedgerError) -> Page<Notice>
    /// Sends a notice again that was delivered or refused; false if there is none such.
    func replayNotice(_ number: Int64, at now: Timestamp) async throws(LedgerError) -> Bool
    /// Counts, by channel; also channels that are not configured any more.
    func outboxCounts(now: Timestamp) async throws(LedgerError) -> [OutboxCount]
    /// Forgets notices of approvals that are over: those that were over before that time, and those that were due
    /// before it to a channel that takes none; how many. Where a message shows a payload is kept until the payload goes.
    func forgetNotices(before: Timestamp, limit: Int) async throws(LedgerError) -> Int
}
