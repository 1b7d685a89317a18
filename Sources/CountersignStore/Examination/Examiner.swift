import CountersignCore
import GRDB
import TransparencyLog

/// One examination of one moment of a ledger; lives for as long as its read transaction.
///
/// Every stage may end early, by the limit of findings or by damage; damage in one is a finding, and the next begins.
final class Examiner {
    /// Thrown when enough was found.
    struct Enough: Error {}

    let db: Database
    let settings: LogExamination.Settings
    let progress: (LogProgress) -> Void
    var report = LogReport()
    /// The number of entries, by the highest.
    var size: UInt64 = 0
    var tree: ExaminedTree
    var replay = StateReplay()
    /// Signed heads that the tree has not reached yet, the next one last.
    var heads: [AwaitedHead] = []
    /// The published folder, as far as the walk has come.
    var published: PublishedWalk?
    /// Approvals whose row was found wanting; once is enough.
    var faulted: Set<ApprovalID> = []
    /// The entries whose payloads are erased, as entries say.
    var erasures = EntrySet()
    /// The ids of the keys that sealed values need.
    var keys: Set<UInt32> = []

    init(_ db: Database, _ settings: LogExamination.Settings, _ progress: @escaping (LogProgress) -> Void) {
        self.db = db
        self.settings = settings
        self.progress = progress
        tree = ExaminedTree(db)
    }

    /// Runs all stages.
    func run() -> LogReport {
        do {
            guard try examineFile() else { return report }
            try stage("the table checkpoint") { try gatherHeads() }
            try stage("the entries of erasure") { try gatherErasures() }
            try stage("the table entry") { try examineEntries() }
            try stage("the table tile") { try examineSurplusTiles() }
            guard settings.scope == .everything else { return report }
            tell(.tables)
            try stage("the table approval") { try examineApprovals() }
            try stage("the tables of who is who") { try examineIdentities() }
            try stage("the table tool") { try examineTools() }
            try stage("the other tables") { try examineTheRest() }
            try stage("what is sealed") { try examineSealed() }
            try stage("the entries of receipts") { try examineReceipts() }
            examineSearch()
        } catch {
            // Only `Enough` comes this far.
        }
        return report
    }

    /// Reports something; throws when that is enough.
    func add(_ finding: LogFinding) throws {
        report.findings.append(finding)
        if report.findings.count(where: { !$0.isWarning }) >= settings.limit { throw Enough() }
    }

    /// Reports something; throws when that is enough.
    func add(
        _ code: LogFinding.Code,
        _ place: String,
        _ message: String,
        expected: String? = nil,
        found: String? = nil,
    ) throws {
        try add(LogFinding(code, place, message, expected: expected, found: found))
    }

    /// Tells where it is.
    func tell(_ stage: LogProgress.Stage) {
        progress(LogProgress(stage, done: report.entries, total: size))
    }

    /// Runs one stage; what SQLite cannot read is a finding.
    func stage(_ place: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let enough as Enough {
            throw enough
        } catch {
            try add(.databaseDamaged, place, "it cannot be read: \(LedgerError(store: error).message)")
        }
    }

    /// SQLite's own checks, and whether the tables are ours; says whether it makes sense to go on.
    private func examineFile() throws -> Bool {
        tell(.file)
        var isReadable = true
        try stage("the file") {
            let version = try number("user_version")
            guard version != 0, try number("application_id") == Schema.application else {
                isReadable = false
                return try add(
                    .databaseDamaged,
                    "the file",
                    "it has no ledger in it: it was emptied, or cut at its start"
                )
            }
            guard version == Schema.version else {
                isReadable = false
                return try add(
                    .schemaChanged,
                    "the file",
                    "its format is \(version), older than this version's \(Schema.version): start the gateway once, which "
                        + "brings it up to date, or examine it with the version that wrote it",
                )
            }
            size =
                try db.first("SELECT max(sequence) FROM entry") { row in
                    row.isNull(0) ? 0 : UInt64(clamping: row.integer(0)) + 1
                } ?? 0
            var answers = [String]()
            try db.each("PRAGMA integrity_check(10)", []) { row in
                answers.append(row.text(0))
                return true
            }
            for answer in answers where answer != "ok" {
                try add(.databaseDamaged, "the file", "SQLite says: \(answer)")
            }
            try examineSchema()
        }
        return isReadable
    }

    private func number(_ pragma: String) throws -> Int64 { try db.first("PRAGMA \(pragma)") { $0.integer(0) } ?? 0 }

    /// A trigger could change rows behind the gateway's back, so every object must be one of ours, word for word.
    private func examineSchema() throws {
        func objects(_ db: Database) throws -> [String: [String]] {
            let rows = try db.rows(
                "SELECT type || ' ' || name, tbl_name || ': ' || coalesce(sql, '') FROM sqlite_master"
            ) { row in (row.text(0), row.text(1)) }
            return Dictionary(grouping: rows) { $0.0 }.mapValues { $0.map(\.1) }
        }
        let expected = try DatabaseQueue().inDatabase { fresh in
            try Schema.migrate(fresh, try settings.sealer ?? PayloadSealer.forNothing(), path: "a new ledger")
            return try objects(fresh)
        }
        let found = try objects(db).filter { Self.statistics[$0.key].map { [$0] } != $0.value }
        for name in Set(expected.keys).union(found.keys).sorted() where expected[name] != found[name] {
            let what =
                found[name] == nil
                ? "is missing"
                : expected[name] == nil ? "is not ours" : found[name]?.count == 1 ? "was changed" : "is there twice"
            try add(.schemaChanged, "the \(name)", "it \(what)")
        }
    }

    /// What SQLite itself keeps for its query planner, in SQLite's own words.
    private static let statistics = [
        "table sqlite_stat1": "sqlite_stat1: CREATE TABLE sqlite_stat1(tbl,idx,stat)",
        "table sqlite_stat4": "sqlite_stat4: CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
    ]
}
