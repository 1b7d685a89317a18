package import CountersignCore
import GRDB
package import TransparencyLog

/// What a witness knows of the logs that it cosigns: the latest checkpoint of each, in one small SQLite file.
///
/// A witness that forgets protects nobody, so a step is durable before its cosignature leaves, one process at a time has
/// the file (a lock beside it), and a file that is damaged, foreign or newer is refused and not changed. The file uses
/// SQLite's rollback journal, not a write-ahead log: between two steps it is complete by itself.
package final class WitnessStore: Sendable {
    /// The latest checkpoint of a log that was cosigned.
    package struct Memory: Hashable, Sendable {
        /// What was cosigned: the log's origin, size and root.
        package let checkpoint: Checkpoint
        /// The time of the cosignature, in seconds since 1970.
        package let time: UInt64
        /// The signed note with the log's signature and the witness's own.
        package let note: String

        /// Joins a checkpoint, the time of its cosignature and its note.
        package init(checkpoint: Checkpoint, time: UInt64, note: String) {
            self.checkpoint = checkpoint
            self.time = time
            self.note = note
        }

        /// Its tree.
        package var tree: WitnessedTree { WitnessedTree(size: checkpoint.size, root: checkpoint.root) }
    }

    /// What came of a step.
    package enum Step: Hashable, Sendable {
        /// It is durable.
        case taken
        /// Another step came before; this is what is stored now.
        case overtaken(Memory?)
        /// The stored cosignature is younger than the new one; this is its time.
        case clockWentBack(UInt64)
    }

    private let path: String
    private let queue: DatabaseQueue
    private let lock: FolderLock

    /// Opens the file at `path`, and makes it, with its folder, if there is none.
    ///
    /// - Parameter maximumSize: The most bytes that the file may have; for tests of full disks.
    package init(path: String, maximumSize: Int? = nil) throws(LedgerError) {
        self.path = path
        let file = StoreFile(path: path)
        try file.makeFolder()
        lock = try FolderLock(path: path + ".lock", of: "witness's state")
        try WitnessSchema.inspect(file)
        try file.makePrivate()
        do {
            var configuration = Configuration()
            configuration.label = "witness"
            configuration.busyMode = .timeout(5)
            queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.inDatabase { db in
                // EXTRA also syncs the folder once the journal is gone, so that no power failure brings it back.
                try db.run("PRAGMA synchronous = EXTRA")
                try WitnessSchema.migrate(db, path: path)
                try WitnessSchema.check(db, path: path)
                guard let maximumSize else { return }
                let pageSize = try db.first("PRAGMA page_size") { Int($0.integer(0)) } ?? 4096
                _ = try db.first("PRAGMA max_page_count = \(maximumSize / pageSize)") { $0.integer(0) }
            }
        } catch {
            throw LedgerError(witness: error, path: path)
        }
    }

    /// Whether there is a file at `path`; it may be anything.
    package static func exists(_ path: String) throws(LedgerError) -> Bool {
        try StoreFile(path: path).header() != nil
    }

    /// Everything that was cosigned last, by log.
    package func all() async throws(LedgerError) -> [Memory] {
        try await access { [path] db in try WitnessSchema.memories(db, path: path) }
    }

    /// What was cosigned last of a log; `nil` if nothing was.
    package func memory(of origin: String) async throws(LedgerError) -> Memory? {
        try await access { [path] db in try WitnessSchema.memory(db, origin: origin, path: path) }
    }

    /// Puts a newer cosigned checkpoint in the place of `old`, in one transaction, if that is still what is stored.
    ///
    /// It is on disk when this returns `.taken`. After an error the old one, or the new one, is stored: whoever asks
    /// again finds out which, and no cosignature may leave.
    package func step(from old: WitnessedTree, to new: Memory) async throws(LedgerError) -> Step {
        guard let size = Int64(exactly: new.checkpoint.size), let time = Int64(exactly: new.time) else {
            throw LedgerError(.unavailable, "a checkpoint of \(new.checkpoint.size) entries cannot be stored")
        }
        return try await access { [path] db in
            var step = Step.taken
            try db.inTransaction(.immediate) {
                let stored = try WitnessSchema.memory(db, origin: new.checkpoint.origin, path: path)
                guard stored?.tree ?? .none == old else {
                    step = .overtaken(stored)
                    return .rollback
                }
                if let stored, stored.time > new.time {
                    step = .clockWentBack(stored.time)
                    return .rollback
                }
                try db.run(
                    "INSERT OR REPLACE INTO log (origin, size, root, time, note) VALUES (?, ?, ?, ?, ?)",
                    [
                        .blob(Array(new.checkpoint.origin.utf8)), .integer(size), .blob(new.checkpoint.root.bytes),
                        .integer(time), .text(new.note),
                    ],
                )
                return .commit
            }
            return step
        }
    }

    /// Closes the file and gives the lock back; every later call fails with `.unavailable`.
    package func close() async throws(LedgerError) {
        do { try queue.close() } catch { throw LedgerError(witness: error, path: path) }
        lock.release()
    }

    /// Runs alone on the file; not ended by the cancellation of the task.
    private func access<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(LedgerError) -> Value {
        let path = path
        let result: Result<Value, LedgerError> = await withCheckedContinuation { continuation in
            queue.asyncWriteWithoutTransaction { db in
                continuation.resume(
                    returning: Result { try body(db) }.mapError { LedgerError(witness: $0, path: path) }
                )
            }
        }
        return try result.get()
    }
}
