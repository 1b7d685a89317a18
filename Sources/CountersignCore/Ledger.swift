/// What went wrong in the ledger.
package struct LedgerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    package enum Code: String, Hashable, Sendable {
        /// It cannot write or read now: full disk, lost file, broken database.
        case unavailable
        /// What is stored does not fit together.
        case corrupt
        /// It was written by a newer version.
        case newer
        /// Another process has it open.
        case locked
        /// An entry is longer than the log can hold.
        case entryTooLarge = "entry-too-large"
        /// The clock went back.
        case clock
        /// The newest entries are written, and no checkpoint that covers them can be shown now.
        case unsigned
    }

    /// The kind.
    package let code: Code
    /// What is wrong and how to mend it; for operators.
    package let message: String

    /// Makes an error.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Safe for a stranger.
    package var description: String { "the ledger is \(code.rawValue)" }

    /// Why an action is refused because of it.
    package var reason: Reason {
        switch code {
        case .clock: Reason(.clockUnreliable, "The gateway's clock went back; nothing runs until it is right again.")
        case .unsigned: Reason(.checkpointUnavailable, ReasonCode.checkpointUnavailable.explanation)
        case .unavailable, .corrupt, .newer, .locked, .entryTooLarge:
            Reason(.ledgerUnavailable, "The gateway cannot write its log now, so nothing may run. Try again later.")
        }
    }
}

/// One state change and its entries; all of it is committed, or none.
package struct Commit: Hashable, Sendable {
    /// What happens to an approval.
    package enum Change: Hashable, Sendable {
        /// No approval changes.
        case none
        /// A new approval, unless one with the same agent and digest is active or the agent has too many pending.
        case insert(Approval, maximumPending: Int)
        /// The next revision; loses if the ledger's revision is not one less.
        case replace(Approval)
    }

    /// The approval's change.
    package var change: Change
    /// The entries, in order.
    package var entries: [EntryDraft]
    /// Changes of agents, users, keys and sessions.
    package var identity: [IdentityChange]
    /// A response to keep, in the same transaction as its `action.completed`.
    package var response: KeptResponse?
    /// The entries whose payloads are removed for good, and with them all else that holds the same documents.
    package var erasures: [UInt64]
    /// Definitions of tools that become the accepted ones; all of the commit loses if one of them does.
    package var tools: [ToolAcceptance]
    /// Who is told of a new approval, and when; later changes are told where this was, without being asked for.
    package var notices: [NoticeDraft]

    /// Collects a commit.
    package init(
        _ change: Change = .none,
        entries: [EntryDraft],
        identity: [IdentityChange] = [],
        response: KeptResponse? = nil,
        erasures: [UInt64] = [],
        tools: [ToolAcceptance] = [],
        notices: [NoticeDraft] = [],
    ) {
        self.notices = notices
        self.change = change
        self.entries = entries
        self.identity = identity
        self.response = response
        self.erasures = erasures
        self.tools = tools
    }
}

/// What became of a commit.
package enum CommitResult: Hashable, Sendable {
    /// It is on disk; the first entry has this sequence number.
    case committed(first: UInt64)
    /// Compare-and-set lost: the ledger has this approval instead (the active one, for an insert; the one that is not
    /// over, for an erasure), or has no such payload to erase, or another accepted definition.
    case conflict(Approval?)
    /// The agent has as many pending approvals as it may have.
    case tooManyPending
}

/// A response that waits for its agent.
package struct KeptResponse: Hashable, Sendable, Codable {
    /// The approval whose action it answers.
    package let approval: ApprovalID
    /// The HTTP status.
    package let status: Int
    /// The end-to-end header fields, in order, as name and value.
    package let fields: [[String]]
    /// The body, unless it is in ``file``.
    package let body: [UInt8]
    /// The name of the spool file that has the body.
    package let file: String?

    /// Keeps a response.
    package init(approval: ApprovalID, status: Int, fields: [[String]], body: [UInt8], file: String? = nil) {
        self.approval = approval
        self.status = status
        self.fields = fields
        self.body = body
        self.file = file
    }
}

/// A page of a list, newest first.
package struct Page<Item: Sendable>: Sendable {
    /// The items.
    package let items: [Item]
    /// Where the next page starts; `nil` at the end.
    package let next: String?

    /// Makes a page.
    package init(items: [Item], next: String?) {
        self.items = items
        self.next = next
    }
}

extension Page: Equatable where Item: Equatable {}

/// Which approvals a list shows.
package struct ApprovalQuery: Hashable, Sendable {
    /// Only with this status.
    package var status: ApprovalStatus?
    /// Only of this agent.
    package var agent: AgentID?
    /// Only on this connection.
    package var connection: ConnectionName?
    /// The cursor that the page before gave.
    package var cursor: String?
    /// How many; 1 to 200.
    package var limit: Int
    /// A page ends before it weighs more (``Approval/weight``), but not before its first approval.
    package var bytes: Int

    /// What a page weighs at most, unless a query says otherwise.
    package static let pageBytes = 4 << 20

    /// Makes a query.
    package init(
        status: ApprovalStatus? = nil,
        agent: AgentID? = nil,
        connection: ConnectionName? = nil,
        cursor: String? = nil,
        limit: Int = 50,
        bytes: Int = Self.pageBytes,
    ) {
        self.status = status
        self.agent = agent
        self.connection = connection
        self.cursor = cursor
        self.limit = limit
        self.bytes = bytes
    }
}

/// Where every state change and every entry is kept; the product's one source of truth.
///
/// A commit is one transaction and is on disk when ``commit(_:)`` returns. Commits of many callers are gathered into one
/// transaction of the store. Entries get consecutive sequence numbers in commit order and are the leaves of the Merkle
/// tree. An erasure is part of the commit that has its entry: the payload goes when the entry is on disk, not before,
/// and takes the approval's document, its kept response and the remembered answers that show it along; the entries
/// stay. An error means that nothing of the commit was kept, and that the caller must say no. Reads see every commit
/// that returned before them.
package protocol Ledger: LogLedger {
    /// Tells who waits that an approval changed, after its commit is durable.
    var feed: ApprovalFeed { get }
    /// What is still to be told to people.
    var outbox: any Outbox { get }
    /// The places that chats proved.
    var places: any PlaceBook { get }

    /// Writes a state change and its entries, durably, by compare-and-set.
    func commit(_ commit: Commit) async throws(LedgerError) -> CommitResult

    /// The approval, as of the latest commit.
    func approval(_ id: ApprovalID) async throws(LedgerError) -> Approval?
    /// The approval of this agent and digest that an identical ask may attach to, newest first.
    func activeApproval(agent: AgentID, digest: ActionDigest) async throws(LedgerError) -> Approval?
    /// A page of approvals, newest first.
    func approvals(_ query: ApprovalQuery) async throws(LedgerError) -> Page<Approval>
    /// Pending approvals past their deadline and approved ones past their grant's, oldest first.
    func due(now: Timestamp, limit: Int) async throws(LedgerError) -> [ApprovalID]
    /// Approvals that were dispatched and have no outcome.
    func unfinished() async throws(LedgerError) -> [Approval]
    /// Approved approvals whose action the gateway shall run by itself.
    func awaitingDispatch() async throws(LedgerError) -> [Approval]
    /// Counts of pending approvals and log size, for metrics.
    func statistics() async throws(LedgerError) -> LedgerStatistics

    /// A page of entries; with their payloads if they are of one approval, without otherwise.
    func entries(_ query: EntryQuery) async throws(LedgerError) -> Page<Entry>
    /// One entry.
    func entry(_ sequence: UInt64) async throws(LedgerError) -> Entry?

    /// Payloads that may be erased, oldest first: of entries from `query.from` on that are as old as it says, and of no
    /// approval that is still under way.
    func erasable(_ query: ErasableQuery) async throws(LedgerError) -> ErasablePage

    /// The response kept for an approval.
    func keptResponse(_ approval: ApprovalID) async throws(LedgerError) -> KeptResponse?
    /// Forgets a kept response; its action's entries stay.
    func dropResponse(_ approval: ApprovalID) async throws(LedgerError)

    /// The accepted definitions of tools, ordered by connection and name.
    func acceptedTools() async throws(LedgerError) -> [AcceptedTool]

    /// Everything known of agents, users, keys and sessions.
    func identities() async throws(LedgerError) -> IdentityRecords
    /// The answer remembered for an idempotency key, if any.
    func remembered(_ key: IdempotencyKey) async throws(LedgerError) -> RememberedAnswer?
    /// Remembers an answer for a day; the first one stays.
    func remember(_ answer: RememberedAnswer, for key: IdempotencyKey, now: Timestamp) async throws(LedgerError)
}

/// Numbers for `/metrics`.
package struct LedgerStatistics: Hashable, Sendable {
    /// Approvals by status.
    package let approvals: [ApprovalStatus: Int]
    /// Entries in the log.
    package let entries: UInt64
    /// How many of its first entries are in the search index; `nil` where there is none.
    package let searchable: UInt64?

    /// Collects numbers.
    package init(approvals: [ApprovalStatus: Int], entries: UInt64, searchable: UInt64? = nil) {
        self.approvals = approvals
        self.entries = entries
        self.searchable = searchable
    }
}

/// Who sent which `Idempotency-Key` to what.
package struct IdempotencyKey: Hashable, Sendable {
    /// The caller: `Agent:…` or `User:…`.
    package let caller: String
    /// The header's value.
    package let key: String

    /// Joins caller and key.
    package init(caller: String, key: String) {
        self.caller = caller
        self.key = key
    }
}

/// The answer to a request with an idempotency key.
package struct RememberedAnswer: Hashable, Sendable, Codable {
    /// The digest of method, path and body; another one under the same key is a conflict.
    package let fingerprint: String
    /// The HTTP status.
    package let status: Int
    /// The content type.
    package let contentType: String
    /// The body.
    package let body: [UInt8]
    /// The approval whose document the body holds; its erasure forgets the answer.
    package let approval: ApprovalID?

    /// Keeps an answer.
    package init(
        fingerprint: String,
        status: Int,
        contentType: String,
        body: [UInt8],
        approval: ApprovalID? = nil,
    ) {
        self.approval = approval
        self.fingerprint = fingerprint
        self.status = status
        self.contentType = contentType
        self.body = body
    }
}
