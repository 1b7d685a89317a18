package import CountersignCore
import GRDB
package import TransparencyLog

/// Derives everything that a ledger's file holds anew, and says what is not as it must be.
///
/// One read transaction, so that it sees one moment of a ledger that goes on being written. It takes no lock, writes
/// nothing, and reads entries one by one, so that memory does not grow with the log. A file that is damaged is reported
/// like everything else; only a file that cannot be looked at is an error.
package struct LogExamination {
    /// A head of the log that somebody outside of the database holds.
    package struct KnownHead: Hashable, Sendable {
        /// Who says so: `the receipt a.json`.
        package let source: String
        /// The number of entries.
        package let size: UInt64
        /// The root of their tree.
        package let root: LogHash

        /// Names a head whose signature was verified.
        package init(source: String, size: UInt64, root: LogHash) {
            self.source = source
            self.size = size
            self.root = root
        }
    }

    /// The entries of one approval that a receipt has.
    package struct KnownStory: Hashable, Sendable {
        /// Which receipt: `the receipt a.json`.
        package let source: String
        /// The approval.
        package let approval: ApprovalID
        /// The places of the entries.
        package let entries: Set<UInt64>

        /// Names what a receipt that verifies tells.
        package init(source: String, approval: ApprovalID, entries: Set<UInt64>) {
            self.source = source
            self.approval = approval
            self.entries = entries
        }
    }

    /// What is examined.
    enum Scope {
        /// Entries, tiles, checkpoints, payloads and the tables that follow from the entries.
        case everything
        /// Entries, tiles, checkpoints and payloads.
        case tree
    }

    private let path: String
    private var settings: Settings

    struct Settings {
        var key: NoteVerifier?
        /// What opens payloads; without it they are only counted.
        var sealer: PayloadSealer?
        var heads: [KnownHead] = []
        var stories: [KnownStory] = []
        var floor: (path: String, note: String?)?
        var published: PublishedCopy?
        var search: String?
        var limit = 1
        var scope = Scope.everything
    }

    /// Prepares to examine a ledger's file.
    ///
    /// - Parameters:
    ///   - key: The log's verifier key; without it, nothing signed can be checked.
    ///   - sealer: What opens payloads; without it they are only counted.
    ///   - heads: Heads that outsiders hold, which the log must contain.
    ///   - limit: After so many findings it ends; warnings do not count.
    package init(path: String, key: NoteVerifier?, sealer: PayloadSealer?, heads: [KnownHead] = [], limit: Int = 1) {
        self.path = path
        settings = Settings(key: key, sealer: sealer, heads: heads, limit: max(1, limit))
    }

    /// Looks at a file that remembers a checkpoint beside the database, too.
    package mutating func include(floor path: String) {
        settings.floor = (path, PublishedCopy.text(path))
    }

    /// Looks at the folder that the log is published to, too.
    package mutating func include(published path: String, hasEntries: Bool) {
        settings.published = PublishedCopy(path: path, hasEntries: hasEntries)
    }

    /// Tells what receipts have, so that what they left out is named.
    package mutating func include(receipts stories: [KnownStory]) { settings.stories = stories }

    /// Looks at the search index, too.
    package mutating func include(search path: String) { settings.search = path }

    /// Examines.
    ///
    /// What is included was read before the database is, so that the log can only be longer. Throws if the file cannot
    /// be looked at: it is not there, not readable, or of another version.
    package func run(progress: @escaping (LogProgress) -> Void = { _ in }) throws(LedgerError) -> LogReport {
        do {
            try StoreFile(path: path).inspect()
        } catch  where error.code == .corrupt {
            var report = LogReport()
            report.findings = [LogFinding(.databaseDamaged, "the file \(path)", error.message)]
            return report
        }
        do {
            let queue = try openForReading()
            defer { try? queue.close() }
            return try queue.read { db in Examiner(db, settings, progress).run() }
        } catch {
            let error = LedgerError(store: error)
            guard error.code == .corrupt else { throw error }
            var report = LogReport()
            report.findings = [LogFinding(.databaseDamaged, "the file \(path)", error.message)]
            return report
        }
    }

    private func openForReading() throws -> DatabaseQueue {
        guard StoreFile(path: path).exists else {
            throw LedgerError(.unavailable, "there is no ledger \(path)")
        }
        return try Self.openForReading(path, label: "ledger examination")
    }

    /// Opens a database that others may be writing, and writes nothing.
    static func openForReading(_ path: String, label: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = label
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.read { db in _ = try db.first("SELECT count(*) FROM sqlite_master") { $0.integer(0) } }
            return queue
        } catch let error as DatabaseError
            where [.SQLITE_CANTOPEN, .SQLITE_READONLY].contains(error.resultCode)
            && !StoreFile(path: path + "-wal").exists
        {
            // A copy on a medium that cannot be written: without a write-ahead log, nobody can be writing it.
            let escaped = path.replacing("%", with: "%25").replacing("?", with: "%3f").replacing("#", with: "%23")
            return try DatabaseQueue(path: "file:\(escaped)?immutable=1", configuration: configuration)
        }
    }
}

extension SQLiteLedger {
    /// Reads every entry and derives the tree from them; throws `.corrupt` with the first thing that does not fit.
    package func audit() async throws(LedgerError) {
        let report = try await read { [sealer] db in
            Examiner(db, LogExamination.Settings(sealer: sealer, scope: .tree), { _ in }).run()
        }
        guard let finding = report.findings.first(where: { !$0.isWarning }) else { return }
        throw LedgerError(.corrupt, "the log was cut or rewritten: \(finding.place): \(finding.message)")
    }
}
