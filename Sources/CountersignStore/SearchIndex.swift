import CountersignCore
import Dispatch
import Foundation
import GRDB
import Synchronization
import TransparencyLog

#if canImport(Musl)
    import Musl
#elseif canImport(Glibc)
    import Glibc
#endif

/// Where the search index is, and who is told of it.
package struct SearchSetting: Sendable {
    let path: String
    let isFollowing: Bool
    let report: @Sendable (String) -> Void

    /// Names the file; one that does not follow the log grows by ``SQLiteLedger/indexForSearch()`` alone, for tests.
    package init(path: String, isFollowing: Bool = true, report: @escaping @Sendable (String) -> Void) {
        self.path = path
        self.isFollowing = isFollowing
        self.report = report
    }
}

/// The search index beside the ledger: made from the entries alone, behind the commits, and never in their way.
///
/// A thread of its own, of low priority, follows the log in bundles of 256 entries. Whatever is wrong with the index, it
/// is thrown away and made anew, and searches read the entries themselves meanwhile; so the file may be deleted, be
/// damaged or belong to another log, and searches are right all the same. The mutex guards the open file, how far it
/// reaches and what the thread is to do.
final class SearchIndex: Sendable {
    fileprivate struct State {
        var file: DatabasePool?
        /// How many entries the file covers.
        var covered: UInt64 = 0
        /// A file in which damage was found, and what; it is no longer read.
        var damaged: (file: DatabasePool, error: any Error)?
        /// The log as of the last full bundle.
        var tree: LogTree
        /// What was reported last.
        var reported: String?
        /// Whether the thread waits for ``wake``.
        var isAsleep = false
        var isClosing = false
    }

    /// Ends what is under way when the ledger is closed.
    private struct Closing: Error {}

    private let setting: SearchSetting
    private let ledger: DatabasePool
    private let state: Mutex<State>
    private let wake = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    /// Opens the index of the ledger, whose log is this tree now.
    ///
    /// Never fails: without a file, searches read the entries.
    init(_ setting: SearchSetting, ledger: DatabasePool, tree: LogTree) {
        self.setting = setting
        self.ledger = ledger
        state = Mutex(State(tree: tree))
        open()
        guard setting.isFollowing else { return }
        let thread = Thread { [self] in follow() }
        thread.name = "search"
        thread.start()
    }

    /// How many of the log's first entries are found through the index.
    var covered: UInt64 { state.withLock { $0.covered } }

    /// Tells that the log has grown; called after every transaction.
    func grown(to tree: LogTree) {
        let wakes = state.withLock { state in
            guard tree.size >> 8 > state.tree.size >> 8 else { return false }
            state.tree = tree
            return state.wakes()
        }
        if wakes { wake.signal() }
    }

    /// Ends the thread and closes the file.
    func close() {
        let isFirst = state.withLock { state in
            defer { state.isClosing = true }
            return !state.isClosing
        }
        guard isFirst else { return }
        wake.signal()
        if setting.isFollowing { ended.wait() }
        let files = state.withLock { state in
            defer { (state.file, state.damaged, state.covered) = (nil, nil, 0) }
            return [state.file, state.damaged?.file]
        }
        for case let file? in files {
            // The closed index is one file; SQLite's last connection, a reader, would leave its log beside it.
            _ = try? file.writeWithoutTransaction { try $0.checkpoint(.truncate) }
            try? file.close()
        }
    }

    /// Lends a consistent view of the index with its segments; `nil` if there is none, or if it turns out to be damaged.
    ///
    /// A `LedgerError` of `body` is passed on.
    func read<Value>(_ body: (Database, [SearchSegment]) throws -> Value) throws -> Value? {
        guard let file = state.withLock({ $0.file }) else { return nil }
        do {
            return try file.read { db in try body(db, try db.searchSegments()) }
        } catch let error as LedgerError {
            throw error
        } catch {
            suspect(file, error)
            return nil
        }
    }

    /// Makes, merges or opens what is next; false if there is nothing to do.
    func advance() throws -> Bool {
        if let damaged = state.withLock({ $0.damaged }) {
            // SQLite removes files by their names when it closes them, so this one goes before the next one comes.
            try? damaged.file.close()
            SearchFile.remove(setting.path)
            report("the search index is made anew: \(Self.describe(damaged.error))")
            state.withLock { $0.damaged = nil }
        }
        let (file, tree, isClosing) = state.withLock { ($0.file, $0.tree, $0.isClosing) }
        guard !isClosing else { return false }
        guard let file else {
            open()
            return state.withLock { $0.file != nil }
        }
        do {
            let segments = try file.read { try $0.searchSegments() }
            if try merge(segments, in: file, tree) { return true }
            let covered = segments.last?.end ?? 0
            let level = covered & 4095 == 0 && tree.size >= covered + 4096 ? 1 : 0
            guard tree.size >= covered + UInt64(SearchSegment.width(of: level)) else { return false }
            try make(level, from: covered, in: file, tree)
            return true
        } catch {
            if !(error is Closing || error is LedgerError) { suspect(file, error) }
            if !(error is Closing) { report("the search index does not grow: \(Self.describe(error))") }
            throw error
        }
    }

    private func make(_ level: Int, from first: UInt64, in file: DatabasePool, _ tree: LogTree) throws {
        let width = SearchSegment.width(of: level)
        let position = first / UInt64(width)
        var gathering = SearchGathering(width: width)
        let root = try ledger.read { db in
            var next = Int64(first)
            try db.each(
                "SELECT sequence, body, agent, connection FROM entry WHERE sequence >= ? AND sequence < ? ORDER BY sequence",
                [.integer(next), .integer(next + Int64(width))],
            ) { row in
                guard row.integer(0) == next else { return false }
                gathering.add(
                    row.bytes(1),
                    agent: row.isNull(2) ? nil : AgentID(unchecked: row.text(2)),
                    connection: row.isNull(3) ? nil : ConnectionName(unchecked: row.text(3)),
                    at: Int(next) - Int(first),
                )
                next += 1
                return !isClosing
            }
            if isClosing { throw Closing() }
            guard next == Int64(first) + Int64(width) else {
                throw LedgerError(.corrupt, "the log was cut: entry \(next) is missing")
            }
            return try Self.root(level, position, of: tree, db)
        }
        let segment = SearchSegment(level: level, position: position, root: root)
        let next = gathering.inOrder()
        try file.write { db in try db.insertSegment(segment) { next(&$0, &$1) } }
        state.withLock { state in
            state.covered = segment.end
            state.reported = nil
        }
    }

    /// Merges the last sixteen segments if they make one of the next level.
    private func merge(_ segments: [SearchSegment], in file: DatabasePool, _ tree: LogTree) throws -> Bool {
        let parts = Array(segments.suffix(SearchSegment.fanOut))
        guard let first = parts.first, parts.count == SearchSegment.fanOut, first.level < SearchSegment.maximumLevel,
            parts.allSatisfy({ $0.level == first.level }), first.position % UInt64(SearchSegment.fanOut) == 0
        else { return false }
        let level = first.level + 1
        let position = first.position / UInt64(SearchSegment.fanOut)
        let root = try ledger.read { try Self.root(level, position, of: tree, $0) }
        let merged = SearchSegment(level: level, position: position, root: root)
        try file.write { db in
            var merging = try SearchMerging(parts, db)
            try db.insertSegment(merged, replacing: parts) {
                if isClosing { throw Closing() }
                return try merging.next(&$0, &$1, db)
            }
        }
        return true
    }

    private static func root(_ level: Int, _ position: UInt64, of tree: LogTree, _ db: Database) throws -> LogHash {
        var tiles = db.tileReader()
        return try tree.hash(level: SearchSegment.treeLevel(of: level), index: position, &tiles)
    }

    private var isClosing: Bool { state.withLock { $0.isClosing } }

    /// Opens the file, and begins a new one if it is damaged or not of this log.
    private func open() {
        do {
            do {
                try openOnce()
            } catch  where Self.isDamage(error) {
                report("the search index is made anew: \(Self.describe(error))")
                SearchFile.remove(setting.path)
                try openOnce()
            }
        } catch {
            report("there is no search index, so searches read every entry: \(Self.describe(error))")
        }
    }

    private func openOnce() throws {
        let file = try SearchFile.open(setting.path)
        do {
            let tree = state.withLock { $0.tree }
            let segments = try file.read { try $0.searchSegments() }
            try ledger.read { db in
                for segment in segments {
                    guard segment.end <= tree.size,
                        try Self.root(segment.level, segment.position, of: tree, db) == segment.root
                    else { throw SearchDamage("it is of another log, or of a later state of this one") }
                }
            }
            state.withLock { state in
                state.file = file
                state.covered = segments.last?.end ?? 0
            }
        } catch {
            try? file.close()
            throw error
        }
    }

    /// Takes a file that may be damaged out of use; the thread makes a new one.
    private func suspect(_ file: DatabasePool, _ error: any Error) {
        guard Self.isDamage(error) else { return }
        let wakes = state.withLock { state in
            guard state.file === file else { return false }
            state.damaged = (file, error)
            (state.file, state.covered) = (nil, 0)
            return state.wakes()
        }
        if wakes { wake.signal() }
    }

    /// Whether a new file would help; not where the disk is full, or the file is closed or none of ours to write.
    private static func isDamage(_ error: any Error) -> Bool {
        if error is SearchDamage { return true }
        switch (error as? DatabaseError)?.resultCode {
        case nil, .SQLITE_FULL, .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY,
            .SQLITE_AUTH, .SQLITE_NOMEM, .SQLITE_INTERRUPT, .SQLITE_ABORT, .SQLITE_MISUSE:
            return false
        default: return true
        }
    }

    private static func describe(_ error: any Error) -> String {
        if let damage = error as? SearchDamage { return damage.message }
        if let error = error as? DatabaseError { return error.message ?? "SQLite \(error.resultCode.rawValue)" }
        return (error as? LedgerError)?.message ?? "\(error)"
    }

    /// Tells the operator, once.
    private func report(_ message: String) {
        let isNew = state.withLock { state in
            defer { state.reported = message }
            return state.reported != message
        }
        if isNew { setting.report(message) }
    }

    /// The thread: works while there is something to do, and sleeps.
    private func follow() {
        defer { ended.signal() }
        #if os(Linux)
            // Whoever acts goes first; on Linux a priority is that of the calling thread alone.
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
        #endif
        while true {
            let didWork = try? advance()
            let next = state.withLock { state -> DispatchTime? in
                if state.isClosing { return nil }
                let isBehind = state.damaged != nil || state.tree.size >= state.covered + 256
                // A full disk is not tried again at once.
                if didWork == true || (didWork == false && isBehind && state.file != nil) { return .now() }
                state.isAsleep = true
                return didWork == false && state.file != nil ? .distantFuture : .now() + 30
            }
            guard let next else { return }
            if next > .now() {
                _ = wake.wait(timeout: next)
                state.withLock { $0.isAsleep = false }
            }
        }
    }
}

extension SearchIndex.State {
    /// Whether the thread is to be woken, which it is once.
    fileprivate mutating func wakes() -> Bool {
        defer { isAsleep = false }
        return isAsleep
    }
}
