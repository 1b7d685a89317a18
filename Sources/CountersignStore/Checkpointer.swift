import GRDB
import GRDBSQLite
import Synchronization

/// Brings the pages of the write-ahead log into the ledger's file while commits go on.
///
/// SQLite would do it inside a commit, and whoever waits for that commit would wait for thousands of pages as well. Here
/// a connection of its own copies nearly all of them; the writer copies only what has come meanwhile, after which SQLite
/// begins the write-ahead log anew instead of letting it grow.
///
/// The mutex guards the phase, which the writer and the copying connection hand to each other.
final class Checkpointer: Sendable {
    private enum Phase {
        /// Nothing is to be done before the log has this many pages.
        case resting(until: Int)
        /// The other connection copies, for the n-th time in a row.
        case copying(round: Int)
        /// It has copied up to this page.
        case copied(Int, round: Int)
    }

    /// What the writer does after a transaction.
    private enum Duty {
        case nothing
        case copyInBackground
        case finish
    }

    /// How many pages the log has before it is worth while to copy them: 16 MB.
    private static let enough = 4000
    /// The most pages that the writer copies itself, which takes about as long as a few commits.
    private static let remainder = 500
    /// After so many rounds the writer finishes however many pages are left, so that the log does not grow for ever.
    private static let maximumRounds = 8

    private let phase = Mutex(Phase.resting(until: enough))
    private let queue: DatabaseQueue

    /// Opens a connection of its own to the ledger's file.
    init(path: String, configuration: Configuration) throws {
        queue = try DatabaseQueue(path: path, configuration: configuration)
        // Both files are synced in the order that survives a loss of power.
        try queue.inDatabase { db -> Void in try db.run("PRAGMA synchronous = FULL") }
    }

    /// Waits for a copy that is under way, and closes the connection.
    func close() throws { try queue.close() }

    /// Called by the writer between two transactions, with the length that the write-ahead log has now.
    func look(at pages: Int, _ db: Database) {
        let duty = phase.withLock { phase -> Duty in
            switch phase {
            case .resting(let limit):
                guard pages >= limit else { return .nothing }
                phase = .copying(round: 1)
                return .copyInBackground
            case .copying: return .nothing
            case .copied(let copied, let round):
                if pages - copied > Self.remainder, round < Self.maximumRounds {
                    phase = .copying(round: round + 1)
                    return .copyInBackground
                }
                phase = .resting(until: Self.enough)
                return .finish
            }
        }
        switch duty {
        case .nothing: break
        case .copyInBackground: queue.asyncWriteWithoutTransaction { [self] db in copy(db) }
        case .finish:
            let result = try? db.checkpoint(.passive)
            // A reader in a long transaction, or a failing disk, keeps the log from being begun anew: not at once again.
            if result.map({ $0.checkpointedFrameCount < $0.walFrameCount }) ?? true { rest(after: pages) }
        }
    }

    /// Brings all pages into the file and cuts the write-ahead log off, so that nothing old stays in it; whether it could.
    ///
    /// Called by the writer between two transactions. It waits for nobody: a reader of older pages, or the other
    /// connection, keeps it from succeeding, and it is tried again.
    func truncate(_ db: Database) -> Bool {
        _ = try? db.first("PRAGMA busy_timeout = 0") { $0.integer(0) }
        defer { _ = try? db.first("PRAGMA busy_timeout = 5000") { $0.integer(0) } }
        return (try? db.checkpoint(.truncate)) != nil
    }

    private func copy(_ db: Database) {
        let result = try? db.checkpoint(.passive)
        phase.withLock { phase in
            guard case .copying(let round) = phase else { return }
            phase = result.map { .copied($0.checkpointedFrameCount, round: round) } ?? .resting(until: 2 * Self.enough)
        }
    }

    private func rest(after pages: Int) {
        phase.withLock { $0 = .resting(until: pages + Self.enough) }
    }
}

/// The length of the write-ahead log as SQLite tells it after each commit of one connection.
///
/// Belongs to the thread that commits. It replaces SQLite's own checkpoints, which go by the same hook.
final class WriteAheadLog {
    /// How many pages were in the log after the last commit.
    private(set) var pages = 0

    /// Listens to a connection; ``stop(_:)`` must be called before this goes away.
    init(_ db: Database) {
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        _ = unsafe sqlite3_wal_hook(
            db.sqliteConnection,
            { context, _, _, pages in
                if let context = unsafe context {
                    unsafe Unmanaged<WriteAheadLog>.fromOpaque(context).takeUnretainedValue().pages = Int(pages)
                }
                return SQLITE_OK
            },
            context,
        )
    }

    /// Listens no more.
    func stop(_ db: Database) { _ = unsafe sqlite3_wal_hook(db.sqliteConnection, nil, nil) }
}
