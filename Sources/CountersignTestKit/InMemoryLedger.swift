package import CountersignCore
import Synchronization
import TransparencyLog

/// The ledger without a disk, for tests: the same answers as the real one's, checked by the same ``LedgerContract``.
///
/// It counts what is written, can be told to fail and can be told to pause. One mutex guards all of its state.
package final class InMemoryLedger: Ledger {
    /// What was written so far.
    package struct Writes: Hashable, Sendable {
        /// Commits that were kept.
        package var commits: Int
        /// Entries in them.
        package var entries: Int

        /// Counts.
        package init(commits: Int = 0, entries: Int = 0) {
            self.commits = commits
            self.entries = entries
        }
    }

    /// Tells who waits that an approval changed.
    package let feed = ApprovalFeed()
    /// Tells who waits that the log grew.
    package let growth = LogGrowth()
    let state: Mutex<State>
    let clock: any WallClock

    /// An empty ledger.
    package init(clock: any WallClock = ManualClock()) {
        self.clock = clock
        state = Mutex(State())
    }

    /// How much was written, so that "one refusal writes one entry" is a test.
    package var writes: Writes { state.withLock { $0.writes } }

    /// Whether every call fails with `.unavailable`, as on a full disk.
    package var isBroken: Bool {
        get { state.withLock { $0.isBroken } }
        set { state.withLock { $0.isBroken = newValue } }
    }

    /// Makes the next commit fail, and that one only.
    package func failNext(_ error: LedgerError = LedgerError(.unavailable, "a test said so")) {
        state.withLock { $0.nextFailures.append(error) }
    }

    /// Makes every later commit fail with this error.
    package func halt(_ error: LedgerError) { state.withLock { $0.halt = $0.halt ?? error } }

    /// What every commit fails with, once the ledger was halted.
    package var halted: LedgerError? { state.withLock { $0.halt } }

    /// Lets commits wait until ``resume()``.
    package func pause() { state.withLock { $0.isPaused = true } }

    /// Lets commits that wait, and later ones, pass.
    package func resume() {
        let waiting = state.withLock { state in
            state.isPaused = false
            defer { state.paused = [] }
            return state.paused
        }
        for continuation in waiting { continuation.resume() }
    }

    /// How many commits wait for ``resume()``.
    package var pausedCommits: Int { state.withLock { $0.paused.count } }

    /// Writes a state change and its entries by compare-and-set.
    package func commit(_ commit: Commit) async throws(LedgerError) -> CommitResult {
        await withCheckedContinuation { continuation in
            let passes = state.withLock { state in
                if state.isPaused { state.paused.append(continuation) }
                return !state.isPaused
            }
            if passes { continuation.resume() }
        }
        let now = clock.time()
        let result = state.withLock { state in
            Result { () throws(LedgerError) in
                if let halt = state.halt { throw halt }
                if !state.nextFailures.isEmpty { throw state.nextFailures.removeFirst() }
                try state.failIfBroken()
                return try state.apply(commit, now: now)
            }
        }
        let (outcome, changed) = try result.get()
        if case .committed = outcome {
            growth.advance(to: state.withLock { UInt64($0.entries.count) })
            for approval in changed { feed.publish(approval) }
        }
        return outcome
    }

    /// Reads under the lock, unless the ledger is broken.
    func read<Value: Sendable>(_ body: (inout State) throws(LedgerError) -> Value) throws(LedgerError) -> Value {
        let result = state.withLock { state in
            Result { () throws(LedgerError) in
                try state.failIfBroken()
                return try body(&state)
            }
        }
        return try result.get()
    }
}

extension InMemoryLedger {
    /// Everything the ledger knows.
    struct State {
        var writes = Writes()
        var isBroken = false
        var nextFailures: [LedgerError] = []
        var halt: LedgerError?
        var isPaused = false
        var paused: [CheckedContinuation<Void, Never>] = []

        var drafts: [EntryDraft] = []
        var entries: [Entry] = []
        var leaves: [LogHash] = []
        var newest: Timestamp?
        var checkpoint: (note: String, size: UInt64)?
        var cosigned: (note: String, size: UInt64)?
        var cursors: [String: UInt64] = [:]

        /// In the order in which they were made.
        var approvals: [Approval] = []
        var responses: [ApprovalID: KeptResponse] = [:]
        var agents: [AgentID: Agent] = [:]
        var users: [UserID: User] = [:]
        var keys: [String: AgentKey] = [:]
        var sessions: [String: Session] = [:]
        var usedLinks: Set<String> = []
        var links: [String: ChannelLink] = [:]
        var outbox = InMemoryOutbox()
        var places: [Destination: ProvenPlace] = [:]
        var tools: [ToolName: AcceptedTool] = [:]
        var answers: [AnswerKey: (answer: RememberedAnswer, at: Timestamp)] = [:]

        func failIfBroken() throws(LedgerError) {
            if isBroken { throw LedgerError(.unavailable, "the ledger in memory was told to be broken") }
        }

        /// Applies a commit; what became of it, and the approvals that changed.
        mutating func apply(
            _ commit: Commit,
            now: Timestamp,
        ) throws(LedgerError) -> (CommitResult, changed: [Approval]) {
            let first = UInt64(entries.count)
            var latest = newest
            var bodies = [[UInt8]]()
            for (index, draft) in commit.entries.enumerated() {
                let before = draft.approval.flatMap { id in
                    commit.entries[..<index].lastIndex { $0.approval == id }.map { first + UInt64($0) }
                        ?? drafts.lastIndex { $0.approval == id }.map { UInt64($0) }
                }
                let body = draft.encoded(sequence: first + UInt64(index), before: before)
                guard body.count <= EntryDraft.maximumLength else {
                    throw LedgerError(.entryTooLarge, "an entry has \(body.count) bytes")
                }
                if let latest, draft.time < latest.adding(.seconds(-5)) {
                    throw LedgerError(.clock, "an entry of \(draft.time.rfc3339) after one of \(latest.rfc3339)")
                }
                latest = max(latest ?? draft.time, draft.time)
                bodies.append(body)
            }
            if hasUsedLink(among: commit.identity) { return (.conflict(nil), []) }
            for change in commit.tools where tools[change.name]?.digest != change.previous {
                return (.conflict(nil), [])
            }
            if !commit.erasures.isEmpty, commit.entries.isEmpty {
                throw LedgerError(.corrupt, "an erasure has no entry that tells of it")
            }
            if let lost = losesErasure(commit.erasures) ?? change(commit.change) { return (lost, []) }
            var changed = [Approval]()
            switch commit.change {
            case .none: break
            case .insert(let approval, _), .replace(let approval): changed.append(approval)
            }
            for (draft, body) in zip(commit.entries, bodies) {
                entries.append(Entry(sequence: UInt64(entries.count), bytes: body, payload: draft.payload))
                drafts.append(draft)
                leaves.append(.leaf(body))
            }
            newest = latest
            for approval in changed { outbox.post(commit, about: approval, now: now) }
            for change in commit.identity { apply(change) }
            for change in commit.tools { tools[change.name] = change.accepted }
            if let response = commit.response { responses[response.approval] = response }
            let erased = erase(commit.erasures, entry: first)
            for approval in erased.map(\.approval) { outbox.post(commit, about: approval, now: now) }
            changed += erased.filter(\.isChanged).map(\.approval)
            writes.commits += 1
            writes.entries += bodies.count
            return (.committed(first: first), changed)
        }

        /// Changes an approval, or says what it loses to.
        private mutating func change(_ change: Commit.Change) -> CommitResult? {
            switch change {
            case .none: return nil
            case .insert(let approval, let maximumPending):
                if let rival = active(approval.agent, approval.digest)
                    ?? approvals.first(where: { $0.id == approval.id })
                {
                    return .conflict(rival)
                }
                let pending = approvals.count { $0.agent == approval.agent && $0.status == .pending }
                guard pending < maximumPending else { return .tooManyPending }
                approvals.append(approval)
            case .replace(let approval):
                guard let index = approvals.firstIndex(where: { $0.id == approval.id }) else { return .conflict(nil) }
                guard approvals[index].revision == approval.revision - 1 else { return .conflict(approvals[index]) }
                if Self.isActive(approval), !Self.isActive(approvals[index]),
                    let rival = active(approval.agent, approval.digest)
                {
                    return .conflict(rival)
                }
                // The document is written once; whoever read it before its erasure does not bring it back.
                let old = approvals[index]
                approvals[index] = approval
                approvals[index].document = old.document
                approvals[index].erasedBy = old.erasedBy
            }
            return nil
        }

        func active(_ agent: AgentID, _ digest: ActionDigest) -> Approval? {
            approvals.last { $0.agent == agent && $0.digest == digest && Self.isActive($0) }
        }

        static func isActive(_ approval: Approval) -> Bool {
            switch approval.status {
            case .pending, .approved, .redeemed: true
            case .succeeded, .failed: !approval.delivered
            case .unknown, .denied, .expired, .withdrawn, .lapsed, .revoked: false
            }
        }
    }

    /// An idempotency key by its bytes, because Swift takes canonically equivalent strings for equal.
    struct AnswerKey: Hashable {
        let caller: [UInt8]
        let key: [UInt8]

        init(_ key: IdempotencyKey) {
            caller = Array(key.caller.utf8)
            self.key = Array(key.key.utf8)
        }
    }
}
