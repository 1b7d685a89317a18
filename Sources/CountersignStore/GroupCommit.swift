import CountersignCore
import Dispatch
import GRDB
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Gathers the commits of all callers into as few transactions as possible: whoever waits while one transaction is
/// being made durable is in the next.
///
/// The inbox's mutex guards what waits; the head's guards the log's end as of the last durable transaction. Only
/// ``serve(_:)`` sets the head, and it has the pool's one writer queue, and with it a thread, for as long as the ledger
/// is open. A transaction starts from the head, works on a copy, and either puts the copy in place or forgets it.
final class GroupCommit: Sendable {
    /// The end of the log, which every transaction starts from.
    struct Head: Sendable {
        var tree: LogTree
        /// The latest time of any entry; times may not run back behind it.
        var newest: Timestamp
    }

    /// What waits for the writer.
    private enum Job: Sendable {
        case commit(PreparedCommit, CheckedContinuation<Result<CommitResult, LedgerError>, Never>)
        case chore(@Sendable (Database) throws -> Void, CheckedContinuation<Result<Void, LedgerError>, Never>)
    }

    /// What a job will be told, once the transaction is durable.
    private enum Answer {
        case commit(Result<CommitResult, LedgerError>, changed: [Approval])
        case chore
    }

    private struct Inbox {
        var jobs: [Job] = []
        /// Whether the writer waits for ``wake``.
        var isAsleep = false
        var isClosed = false
        /// What every commit is refused with, once it is set; chores still run.
        var halt: LedgerError?
    }

    /// The most jobs in one transaction, so that the first of a crowd does not wait for the last.
    private static let batchLimit = 1024

    private let inbox = Mutex(Inbox())
    private let wake = DispatchSemaphore(value: 0)
    private let head: Mutex<Head>
    /// When a transaction failed and none has succeeded since.
    private let failure = Mutex<Timestamp?>(nil)
    private let feed: ApprovalFeed
    private let growth: LogGrowth
    private let search: SearchIndex?
    private let clock: any WallClock
    private let sealer: PayloadSealer
    private let checkpointer: Checkpointer
    /// Whether the write-ahead log may still have copies of what was erased.
    private let truncation = Mutex(false)

    /// Starts the writer, which works until ``close()``.
    init(
        pool: DatabasePool,
        checkpointer: Checkpointer,
        head: Head,
        feed: ApprovalFeed,
        growth: LogGrowth,
        sealer: PayloadSealer,
        search: SearchIndex?,
        clock: any WallClock,
    ) {
        self.sealer = sealer
        self.checkpointer = checkpointer
        self.growth = growth
        self.search = search
        self.head = Mutex(head)
        self.feed = feed
        self.clock = clock
        pool.asyncWriteWithoutTransaction { [self] db in serve(db) }
    }

    /// The tree as of the last durable transaction.
    var tree: LogTree { head.withLock { $0.tree } }

    /// Whether the write-ahead log may still have copies of what was erased.
    var owesTruncation: Bool { truncation.withLock { $0 } }

    /// Whether the latest transaction failed, ten seconds ago at most: without traffic nobody would ever find out that
    /// the ledger writes again.
    func isFailing(now: Timestamp) -> Bool {
        failure.withLock { $0 }.map { now < $0.adding(.seconds(10)) } ?? false
    }

    /// Writes a commit; returns when it is on disk.
    ///
    /// Not ended by the cancellation of its task: what a caller began to write is written.
    func commit(_ commit: PreparedCommit) async -> Result<CommitResult, LedgerError> {
        await withCheckedContinuation { submit(.commit(commit, $0)) }
    }

    /// Runs small writes that belong to no entry in the next transaction.
    func chore(_ work: @escaping @Sendable (Database) throws -> Void) async -> Result<Void, LedgerError> {
        await withCheckedContinuation { submit(.chore(work, $0)) }
    }

    /// Refuses what comes from now on, and lets the writer end.
    ///
    /// What waits is still written.
    func close() {
        let isAsleep = inbox.withLock { inbox in
            inbox.isClosed = true
            return exchange(&inbox.isAsleep, with: false)
        }
        if isAsleep { wake.signal() }
    }

    /// Refuses every commit from now on.
    ///
    /// What waits is still written, because it was taken on before.
    func halt(_ error: LedgerError) { inbox.withLock { $0.halt = $0.halt ?? error } }

    /// What commits are refused with.
    var halted: LedgerError? { inbox.withLock { $0.halt } }

    private func submit(_ job: Job) {
        let (refusal, isAsleep) = inbox.withLock { inbox -> (LedgerError?, Bool) in
            if inbox.isClosed { return (LedgerError(.unavailable, "the ledger is closed"), false) }
            if case .commit = job, let halt = inbox.halt { return (halt, false) }
            inbox.jobs.append(job)
            return (nil, exchange(&inbox.isAsleep, with: false))
        }
        if let refusal { resume(job, with: refusal) }
        if isAsleep { wake.signal() }
    }

    /// Runs on the pool's writer queue until the ledger is closed.
    private func serve(_ db: Database) {
        let log = WriteAheadLog(db)
        defer { log.stop(db) }
        while true {
            // On a busy machine this lets those run who are about to commit, too, so that one sync serves more of them;
            // on an idle one it returns at once.
            sched_yield()
            let (jobs, isClosed) = inbox.withLock { inbox in
                inbox.isAsleep = inbox.jobs.isEmpty && !inbox.isClosed
                return (exchange(&inbox.jobs, with: []), inbox.isClosed)
            }
            if jobs.isEmpty {
                if isClosed { break }
                wake.wait()
            }
            var rest = jobs[...]
            while !rest.isEmpty {
                write(rest.prefix(Self.batchLimit), db)
                rest = rest.dropFirst(Self.batchLimit)
                checkpointer.look(at: log.pages, db)
                if owesTruncation, checkpointer.truncate(db) { truncation.withLock { $0 = false } }
            }
        }
        // Whoever copies the closed ledger's one file has all of it.
        _ = try? db.checkpoint(.truncate)
    }

    /// One transaction with one sync to disk for all jobs.
    private func write(_ jobs: ArraySlice<Job>, _ db: Database) {
        var answers = [Answer]()
        answers.reserveCapacity(jobs.count)
        do {
            try db.cachedStatement(sql: "BEGIN IMMEDIATE").execute()
            var transaction = try CommitTransaction(db, head: head.withLock { $0 }, sealer: sealer, clock: clock)
            for job in jobs {
                switch job {
                case .commit(let commit, _):
                    switch try transaction.apply(commit) {
                    case .done(let result, let changed): answers.append(.commit(.success(result), changed: changed))
                    case .refused(let error): answers.append(.commit(.failure(error), changed: []))
                    }
                case .chore(let work, _):
                    try work(db)
                    answers.append(.chore)
                }
            }
            try db.cachedStatement(sql: "COMMIT").execute()
            // A crash before this line loses nothing: the commits are durable, only nobody was told.
            head.withLock { $0 = transaction.head }
            failure.withLock { $0 = nil }
            if transaction.hasErased { truncation.withLock { $0 = true } }
        } catch {
            // Nothing of the whole batch was kept; the head is the old one, so the next batch starts as if this one had
            // never been. A rollback that fails has nothing left to undo.
            try? db.rollback()
            self.failure.withLock { $0 = clock.time() }
            let failure = LedgerError(store: error)
            for job in jobs { resume(job, with: failure) }
            return
        }
        for (job, answer) in zip(jobs, answers) { resume(job, with: answer) }
        let tree = tree
        growth.advance(to: tree.size)
        search?.grown(to: tree)
        for case .commit(.success, let changed) in answers {
            for approval in changed { feed.publish(approval) }
        }
    }

    private func resume(_ job: Job, with answer: Answer) {
        switch (job, answer) {
        case (.commit(_, let continuation), .commit(let result, _)): continuation.resume(returning: result)
        case (.chore(_, let continuation), .chore): continuation.resume(returning: .success(()))
        case (.commit, .chore), (.chore, .commit): preconditionFailure("answers are in the order of their jobs")
        }
    }

    private func resume(_ job: Job, with error: LedgerError) {
        switch job {
        case .commit(_, let continuation): continuation.resume(returning: .failure(error))
        case .chore(_, let continuation): continuation.resume(returning: .failure(error))
        }
    }
}

/// Puts a new value in place and returns the old one.
private func exchange<Value>(_ place: inout Value, with value: Value) -> Value {
    let old = place
    place = value
    return old
}
