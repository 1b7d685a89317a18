/// Something that a channel has to tell, or a correction of what it told: one row of the outbox.
///
/// It is committed in the transaction of the state change that causes it, and it never says what to show: whoever
/// delivers it shows the approval as it then stands.
package struct Notice: Hashable, Sendable {
    /// Why somebody is told.
    package enum Cause: String, Hashable, Sendable, Codable, CaseIterable {
        /// An action is held, and people are asked.
        case requested
        /// Nobody has answered for a while, and others are asked.
        case escalated
        /// Its time is running out.
        case reminder
        /// It is not any more as it was told.
        case changed

        /// Whether it only matters as long as the approval is pending.
        package var asks: Bool {
            switch self {
            case .requested, .escalated, .reminder: true
            case .changed: false
            }
        }
    }

    /// How far it has come.
    package enum State: String, Hashable, Sendable, Codable, CaseIterable {
        /// It is to be delivered. Next: sending, dropped.
        case waiting
        /// An attempt has begun; if it is found so at the start, nobody knows whether it arrived. Next: any.
        case sending
        /// The channel has it.
        case delivered
        /// There was nothing to tell any more.
        case dropped
        /// The channel refused it for good.
        case failed

        /// Whether it is still to be delivered.
        package var isOpen: Bool { self == .waiting || self == .sending }
    }

    /// The order in which notices were made; consecutive within one ledger, with gaps.
    package let number: Int64
    /// What the receiver knows a repetition by: `ntc_` and 22 characters, the same in every attempt.
    package let id: String
    /// What it is about.
    package let approval: ApprovalID
    /// Several approvals that are told of in one message; `nil` for a message of its own.
    package let batch: BatchID?
    /// Where it goes.
    package let destination: Destination
    /// Why.
    package let cause: Cause
    /// The kind of the entry that was committed with it.
    package let event: EntryKind
    /// The approval's revision that it tells of.
    package let revision: Int
    /// The approval's status at that revision.
    package let status: ApprovalStatus
    /// When it was made.
    package let madeAt: Timestamp
    /// When it is to be delivered.
    package let dueAt: Timestamp
    /// When the next attempt may be made.
    package var tryAt: Timestamp
    /// How many attempts were begun.
    package var tries: Int
    /// How far it has come.
    package var state: State
    /// When it was over.
    package var endedAt: Timestamp?
    /// Why the latest attempt failed, for operators; of our own words and the receiver's status, cut short.
    package var trouble: String?

    /// What one message is about: the batch, or the approval.
    package var subject: String { batch?.rawValue ?? approval.rawValue }

    /// Describes a notice.
    package init(
        number: Int64,
        id: String,
        approval: ApprovalID,
        batch: BatchID?,
        destination: Destination,
        cause: Cause,
        event: EntryKind,
        revision: Int,
        status: ApprovalStatus,
        madeAt: Timestamp,
        dueAt: Timestamp,
        tryAt: Timestamp,
        tries: Int = 0,
        state: State = .waiting,
        endedAt: Timestamp? = nil,
        trouble: String? = nil,
    ) {
        self.number = number
        self.id = id
        self.approval = approval
        self.batch = batch
        self.destination = destination
        self.cause = cause
        self.event = event
        self.revision = revision
        self.status = status
        self.madeAt = madeAt
        self.dueAt = dueAt
        self.tryAt = tryAt
        self.tries = tries
        self.state = state
        self.endedAt = endedAt
        self.trouble = trouble
    }

    /// The id of a notice: made of what it is about, so that the same one cannot be made twice.
    package static func id(
        _ approval: ApprovalID,
        _ destination: Destination,
        _ cause: Cause,
        _ event: EntryKind,
        batch: BatchID? = nil,
        revision: Int,
    ) -> String {
        var parts = [
            approval.rawValue, destination.channel.rawValue, destination.address, cause.rawValue, event.rawValue,
            "\(revision)",
        ]
        if let batch { parts.append(batch.rawValue) }
        let digest = ActionDigest(of: Array(parts.joined(separator: "\n").utf8))
        return "ntc_" + String(digest.rawValue.prefix(22))
    }
}

/// Several approvals that one message tells of.
package struct BatchID: Identifier {
    /// The checked text.
    package let rawValue: String
    /// Makes an id from text that is known to be valid.
    package init(unchecked rawValue: String) { self.rawValue = rawValue }

    /// How many approvals one message tells of at most: all of them have room on its card and on its page.
    package static let most = 50

    /// A batch of what one agent asks at one place within a window of time; `earlier` says how much it asked before in
    /// that window, and every ``most`` make a batch of their own.
    package init(agent: AgentID, destination: Destination, window: Int64, earlier: Int = 0) {
        let part = earlier / Self.most
        let parts = [agent.rawValue, destination.channel.rawValue, destination.address, "\(window)", "\(part)"]
        let digest = ActionDigest(of: Array(parts.joined(separator: "\n").utf8))
        rawValue = "bat_" + String(digest.rawValue.prefix(22))
    }
}

/// A notice that a new approval causes; the ledger makes the ``Notice`` of it.
package struct NoticeDraft: Hashable, Sendable {
    /// Where it goes.
    package let destination: Destination
    /// Why.
    package let cause: Notice.Cause
    /// When.
    package let dueAt: Timestamp
    /// Told together with others.
    package let batch: BatchID?

    /// Drafts a notice.
    package init(_ cause: Notice.Cause, to destination: Destination, dueAt: Timestamp, batch: BatchID? = nil) {
        self.cause = cause
        self.destination = destination
        self.dueAt = dueAt
        self.batch = batch
    }
}

extension Commit {
    /// The kind of entry that says best what happened to the approval: its end, if it ended.
    package var event: EntryKind? {
        entries.contains { $0.kind == .approvalSettled } ? .approvalSettled : entries.last?.kind
    }
}
