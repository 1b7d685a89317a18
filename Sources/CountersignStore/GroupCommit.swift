import CountersignCore
import Dispatch
import GRDB
import Synchronization

/// Gathers the commits of all callers into as few transactions as possible: whoever waits while one transaction is
/// being made durable is in the next.
///
/// The inbox's mutex guards what waits; the head's guards the log's end as of the last durable transaction. Only
/// ``drain(_:)`` sets the head, and it runs on the pool's one writer queue, so a transaction starts from the head, works
/// on a copy, and either puts the copy in place or forgets it.
final class GroupCommit: Sendable {
    /// The end of the log, which every transaction starts from.
    struct Head: Sendable {
        var tree: LogTree
        /// The latest time of any entry; times may not run back behind it.
        var newest: Timestamp
        /// The agents of the entries that are in no full tile yet.
        var agents: Set<AgentID>
    }

    /// What waits for the writer.
    private enum Job: Sendable {
        case commit(PreparedCommit, CheckedContinuation<Result<CommitResult, LedgerError>, Never>)
        case chore(@Sendable (Database) throws -> Void, CheckedContinuation<Result<Void, LedgerError>, Never>)
    }

    /// What a job will be told, once the transaction is durable.
    private enum Answer {
        case commit(Result<CommitResult, LedgerError>, changed: Approval?)
        case chore
    }

    private struct Inbox {
        var jobs: [Job] = []
        var isDraining = false
        var isClosed = false
    }

    /// The most jobs in one transaction, so that the first of a crowd does not wait for the last.
    private static let batchLimit = 1024

    private let inbox = Mutex(Inbox())
    private let head: Mutex<Head>
    private let pool: DatabasePool
    private let feed: ApprovalFeed
    private let clock: any WallClock

    init(pool: DatabasePool, head: Head, feed: ApprovalFeed, clock: any WallClock) {
        self.pool = pool
        self.head = Mutex(head)
        self.feed = feed
        self.clock = clock
    }

    /// The tree as of the last durable transaction.
    var tree: LogTree { head.withLock { $0.tree } }

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

    /// Refuses what comes from now on.
    ///
    /// What waits is still written.
    func close() { inbox.withLock { $0.isClosed = true } }

    private func submit(_ job: Job) {
        let (isClosed, mustStart) = inbox.withLock { inbox in
            if inbox.isClosed { return (true, false) }
            inbox.jobs.append(job)
            defer { inbox.isDraining = true }
            return (false, !inbox.isDraining)
        }
        if isClosed { return resume(job, with: LedgerError(.unavailable, "the ledger is closed")) }
        if mustStart { pool.asyncWriteWithoutTransaction { [self] db in drain(db) } }
    }

    /// Runs on the pool's writer queue until nobody waits.
    private func drain(_ db: Database) {
        while true {
            let jobs = inbox.withLock { inbox in
                if inbox.jobs.isEmpty { inbox.isDraining = false }
                return exchange(&inbox.jobs, with: [])
            }
            if jobs.isEmpty { return }
            var rest = jobs[...]
            while !rest.isEmpty {
                write(rest.prefix(Self.batchLimit), db)
                rest = rest.dropFirst(Self.batchLimit)
            }
        }
    }

    /// One transaction with one sync to disk for all jobs.
    private func write(_ jobs: ArraySlice<Job>, _ db: Database) {
        var answers = [Answer]()
        answers.reserveCapacity(jobs.count)
        do {
            try db.beginTransaction(.immediate)
            var transaction = try CommitTransaction(db, head: head.withLock { $0 }, clock: clock)
            for job in jobs {
                switch job {
                case .commit(let commit, _):
                    switch try transaction.apply(commit) {
                    case .done(let result, let changed): answers.append(.commit(.success(result), changed: changed))
                    case .refused(let error): answers.append(.commit(.failure(error), changed: nil))
                    }
                case .chore(let work, _):
                    try work(db)
                    answers.append(.chore)
                }
            }
            try db.commit()
            // A crash before this line loses nothing: the commits are durable, only nobody was told.
            head.withLock { $0 = transaction.head }
        } catch {
            // Nothing of the whole batch was kept; the head is the old one, so the next batch starts as if this one had
            // never been. A rollback that fails has nothing left to undo.
            try? db.rollback()
            let failure = LedgerError(store: error)
            for job in jobs { resume(job, with: failure) }
            return
        }
        for (job, answer) in zip(jobs, answers) { resume(job, with: answer) }
        for case .commit(.success, changed: let approval?) in answers { feed.publish(approval) }
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
