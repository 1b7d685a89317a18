package import CountersignCore
import Dispatch
import GRDB

/// The ledger in one SQLite file with a write-ahead log.
///
/// One writer gathers the commits of all callers into one transaction and one sync to disk (``GroupCommit``); reads go
/// through connections of their own and never wait for it. A lock file keeps other processes out.
package final class SQLiteLedger: Ledger {
    /// Tells who waits that an approval changed, after its commit is durable.
    package let feed = ApprovalFeed()
    /// Tells who waits that the log grew, after the commit is durable.
    package let growth: LogGrowth
    let pool: DatabasePool
    let writer: GroupCommit
    let clock: any WallClock
    let sealer: PayloadSealer
    /// Proposes entries to searches; `nil` where searches are rare enough to read every entry.
    let search: SearchIndex?
    private let checkpointer: Checkpointer
    private let lock: FolderLock

    /// Opens the ledger at `path`, and makes it, with its folder, if there is none.
    ///
    /// Throws `.locked`, `.newer` or `.corrupt` with what to do about it; a file that is refused is not changed.
    ///
    /// - Parameters:
    ///   - sealer: Seals what stands beside the log.
    ///   - search: Where the search index is; without one, searches read the entries themselves.
    ///   - maximumSize: The most bytes that the file may have; for tests of full disks.
    package init(
        path: String,
        clock: any WallClock,
        sealer: PayloadSealer,
        search: SearchSetting? = nil,
        maximumSize: Int? = nil,
    ) throws(LedgerError) {
        let file = StoreFile(path: path)
        try file.makeFolder()
        let lock = try FolderLock(path: path + ".lock")
        try file.inspect()
        let pool: DatabasePool
        let checkpointer: Checkpointer
        let head: GroupCommit.Head
        do {
            try Self.bringUpToDate(file, sealer)
            pool = try DatabasePool(path: path, configuration: Self.configuration)
            head = try pool.writeWithoutTransaction { db in
                try Self.setUpWriter(db, maximumSize: maximumSize)
                return try db.logHead()
            }
            checkpointer = try Checkpointer(path: path, configuration: Self.configuration)
        } catch {
            throw LedgerError(store: error)
        }
        self.lock = lock
        self.pool = pool
        self.clock = clock
        self.sealer = sealer
        self.checkpointer = checkpointer
        growth = LogGrowth(size: head.tree.size)
        let index = search.map { SearchIndex($0, ledger: pool, tree: head.tree) }
        self.search = index
        writer = GroupCommit(
            pool: pool,
            checkpointer: checkpointer,
            head: head,
            feed: feed,
            growth: growth,
            sealer: sealer,
            search: index,
            clock: clock,
        )
    }

    /// Lets the writer end where nobody has called ``close()``.
    deinit {
        writer.close()
        search?.close()
    }

    /// Writes what waits, closes the file and gives the lock back.
    ///
    /// Every later call fails with `.unavailable`.
    package func close() async throws(LedgerError) {
        writer.close()
        let result: Result<Void, LedgerError> = await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [pool, checkpointer, search] in
                search?.close()
                // Waits for the writer's queue and for the readers.
                let result = Result {
                    try pool.close()
                    try checkpointer.close()
                }
                continuation.resume(returning: result.mapError { LedgerError(store: $0) })
            }
        }
        try result.get()
        lock.release()
    }

    /// Takes the search index a step further, a bundle or a merge; false if it is as far as the log, or there is none.
    package func indexForSearch() throws -> Bool { try search?.advance() ?? false }

    /// Whether it could not write when it last tried, a moment ago, or was halted.
    package func isFailing(now: Timestamp) -> Bool { writer.halted != nil || writer.isFailing(now: now) }

    /// Makes every later commit fail with this error.
    package func halt(_ error: LedgerError) { writer.halt(error) }

    /// What every commit fails with, once the ledger was halted.
    package var halted: LedgerError? { writer.halted }

    /// Writes a state change and its entries, durably, by compare-and-set.
    package func commit(_ commit: Commit) async throws(LedgerError) -> CommitResult {
        let result = try await writer.commit(PreparedCommit(commit, sealer)).get()
        if !commit.erasures.isEmpty, case .committed = result { await forgetOldPages() }
        return result
    }

    /// Waits until the write-ahead log has no copies of what was erased.
    ///
    /// A reader that has been reading since before the erasure keeps it from being cut off; after a while we no longer
    /// wait, and the writer goes on trying after every transaction.
    private func forgetOldPages() async {
        for _ in 0..<100 where writer.owesTruncation {
            _ = await writer.chore { _ in }
            if writer.owesTruncation { try? await Task.sleep(for: .milliseconds(20)) }
        }
    }

    /// Reads in a transaction of its own, which sees everything that was committed before.
    ///
    /// Like commits, reads are not ended by the cancellation of their task, because what a disconnected agent's action
    /// came to must still be recorded.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(LedgerError) -> Value {
        let result: Result<Value, LedgerError> = await withCheckedContinuation { continuation in
            pool.asyncRead { access in
                continuation.resume(
                    returning: Result { try body(access.get()) }.mapError { LedgerError(store: $0) }
                )
            }
        }
        return try result.get()
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "ledger"
        configuration.busyMode = .timeout(5)
        configuration.foreignKeysEnabled = true
        configuration.maximumReaderCount = 4
        return configuration
    }

    /// Checks and migrates under SQLite's older journal, so that the version is in the file itself, not only in a
    /// write-ahead log beside it, when another version looks at it.
    private static func bringUpToDate(_ file: StoreFile, _ sealer: PayloadSealer) throws {
        try file.makePrivate()
        let queue = try DatabaseQueue(path: file.path, configuration: configuration)
        do {
            try queue.inDatabase { db in
                try Schema.migrate(db, sealer, path: file.path)
                try Schema.check(db)
                try SealingKeys.check(db, sealer)
            }
        } catch {
            try? queue.close()
            throw error
        }
        try queue.close()
    }

    private static func setUpWriter(_ db: Database, maximumSize: Int?) throws {
        // GRDB sets NORMAL, which may lose the latest commits when the power fails; ours must be on disk.
        try db.run("PRAGMA synchronous = FULL")
        // What is deleted is overwritten with zeros.
        _ = try db.first("PRAGMA secure_delete = ON") { $0.integer(0) }
        // A write-ahead log that a long reader made grow gives its space back.
        _ = try db.first("PRAGMA journal_size_limit = \(64 << 20)") { $0.integer(0) }
        guard let maximumSize else { return }
        let pageSize = try db.first("PRAGMA page_size") { Int($0.integer(0)) } ?? 4096
        _ = try db.first("PRAGMA max_page_count = \(maximumSize / pageSize)") { $0.integer(0) }
    }
}
