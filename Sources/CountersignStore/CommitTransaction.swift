import CountersignCore
import GRDB
import TransparencyLog

/// A commit with what can be encoded before the writer's turn, in the caller's time.
final class PreparedCommit: Sendable {
    let commit: Commit
    /// The approval's record, if the commit changes one.
    let record: [UInt8]
    /// The entries' sealed payloads, in the entries' order.
    let payloads: [[UInt8]?]
    /// The new approval's sealed document.
    let document: [UInt8]?
    /// The kept response, sealed, if there is one.
    let response: [UInt8]?
    /// The records of accepted definitions, in the commit's order.
    let tools: [[UInt8]]

    /// Encodes and seals a commit.
    init(_ commit: Commit, _ sealer: PayloadSealer) throws(LedgerError) {
        self.commit = commit
        // SQLite holds no larger value; refused here, it cannot spoil the transaction of others.
        for draft in commit.entries where (draft.payload?.bytes.count ?? 0) > Self.maximumBlob {
            throw LedgerError(.entryTooLarge, "a payload is longer than \(Self.maximumBlob) bytes")
        }
        switch commit.change {
        case .none: (record, document) = ([], nil)
        case .insert(let approval, _):
            record = try RecordCoding.encode(approval)
            document = try approval.document.map { text throws(LedgerError) in
                try sealer.seal(Array(text.utf8), .document(approval.id))
            }
        case .replace(let approval): (record, document) = (try RecordCoding.encode(approval), nil)
        }
        payloads = try commit.entries.map { draft throws(LedgerError) in
            guard let payload = draft.payload, let commitment = draft.commitment else { return nil }
            return try sealer.seal(payload, commitment: commitment)
        }
        guard record.count <= Self.maximumBlob, commit.response?.body.count ?? 0 <= Self.maximumBlob else {
            throw LedgerError(.entryTooLarge, "a record is longer than \(Self.maximumBlob) bytes")
        }
        tools = try commit.tools.map { change throws(LedgerError) in try RecordCoding.encode(change.accepted) }
        response = try commit.response.map { response throws(LedgerError) in try sealer.seal(response) }
    }

    private static let maximumBlob = 512 * 1024 * 1024
}

/// Applies commits, one after the other, within one transaction.
///
/// Each is checked in full before its first write, so one that loses has written nothing and needs no savepoint.
struct CommitTransaction {
    /// How far back of the newest entry the clock may go: what time servers may correct.
    static let clockTolerance: Int64 = 5_000_000

    /// The log's end with what was applied so far.
    private(set) var head: GroupCommit.Head
    private let db: Database
    /// Whether anything was erased, so that old copies of it must go, too.
    private(set) var hasErased = false
    private let insertion: Statement
    private let payloadInsertion: Statement
    private let sealer: PayloadSealer
    private let clock: any WallClock

    init(_ db: Database, head: GroupCommit.Head, sealer: PayloadSealer, clock: any WallClock) throws {
        self.db = db
        self.sealer = sealer
        self.head = head
        self.clock = clock
        insertion = try db.cachedStatement(
            sql: """
                INSERT INTO entry (sequence, time, kind, agent, connection, approval, body)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        )
        payloadInsertion = try db.cachedStatement(sql: "INSERT INTO payload (sequence, sealed) VALUES (?, ?)")
    }

    /// What became of one commit within the transaction.
    enum Applied {
        /// It is written, or loses; the approvals that it changed are to be published once the transaction is durable.
        case done(CommitResult, changed: [Approval])
        /// It alone is refused, and has written nothing.
        case refused(LedgerError)
    }

    /// What the checks of a commit found out, which its writes need.
    private struct Passed {
        var bodies: [[UInt8]] = []
        var newest: Timestamp
        var changed: [Approval] = []
        var erasure: Database.Erasure?
    }

    /// Applies a commit.
    ///
    /// What is thrown spoils the whole transaction.
    mutating func apply(_ prepared: PreparedCommit) throws -> Applied {
        let commit = prepared.commit
        let first = head.tree.size
        var passed = Passed(newest: head.newest)
        do {
            if let lost = try check(commit, &passed) { return .done(lost, changed: []) }
        } catch let error as LedgerError {
            return .refused(error)
        }
        // From here on there are only writes.
        switch commit.change {
        case .none: break
        case .insert(let approval, _):
            try db.insert(approval, record: prepared.record, document: prepared.document)
            try db.post(commit, about: approval, now: clock.time())
        case .replace(let approval):
            try db.replace(approval, record: prepared.record)
            try db.post(commit, about: approval, now: clock.time())
        }
        for (index, draft) in commit.entries.enumerated() {
            try insert(draft, passed.bodies[index], prepared.payloads[index])
        }
        head.newest = passed.newest
        if !commit.identity.isEmpty {
            let now = clock.time()
            for change in commit.identity { try db.apply(change, now: now) }
        }
        for (change, record) in zip(commit.tools, prepared.tools) { try db.put(change.accepted, record: record) }
        if let response = commit.response, let sealed = prepared.response { try db.keep(response, sealed: sealed) }
        if let erasure = passed.erasure {
            let erased = try db.erase(erasure, entry: first, sealer)
            for approval in erased.map(\.approval) { try db.post(commit, about: approval, now: clock.time()) }
            passed.changed += erased.filter(\.isChanged).map(\.approval)
            hasErased = true
        }
        return .done(.committed(first: first), changed: passed.changed)
    }

    /// Checks a commit; what it loses to, or `nil` if it may be written.
    ///
    /// Writes nothing.
    private func check(_ commit: Commit, _ passed: inout Passed) throws -> CommitResult? {
        let first = head.tree.size
        passed.bodies.reserveCapacity(commit.entries.count)
        var last = [ApprovalID: UInt64]()
        for (index, draft) in commit.entries.enumerated() {
            let sequence = first + UInt64(index)
            // Within the transaction that writes it, so that no other entry of the approval can come in between.
            let before = try draft.approval.flatMap { id in try last[id] ?? db.lastEntry(of: id) }
            let body = draft.encoded(sequence: sequence, before: before)
            if let id = draft.approval { last[id] = sequence }
            try Self.admit(draft, length: body.count, newest: &passed.newest)
            passed.bodies.append(body)
        }
        if !commit.identity.isEmpty, try db.hasUsedLink(among: commit.identity) { return .conflict(nil) }
        for change in commit.tools where try db.acceptedDigest(of: change.accepted) != change.previous?.rawValue {
            return .conflict(nil)
        }
        if !commit.erasures.isEmpty {
            guard !commit.entries.isEmpty else {
                throw LedgerError(.corrupt, "an erasure has no entry that tells of it")
            }
            let (found, lost) = try db.erasure(of: commit.erasures, sealer)
            if let lost { return lost }
            passed.erasure = found
        }
        switch commit.change {
        case .none: return nil
        case .insert(let approval, let maximumPending):
            let active = try db.activeApproval(agent: approval.agent, digest: approval.digest, sealer)
            if let rival = try active ?? db.approval(approval.id, sealer) { return .conflict(rival) }
            guard try db.pendingCount(of: approval.agent) < maximumPending else { return .tooManyPending }
            passed.changed = [approval]
            return nil
        case .replace(let approval):
            let current = try db.approvalState(approval.id)
            guard let current, current.revision == Int64(approval.revision) - 1 else {
                return .conflict(try db.approval(approval.id, sealer))
            }
            // Nothing in the domain brings an approval back to life; were it so, there must still be one active only.
            if approval.isActive, !current.isActive,
                let active = try db.activeApproval(agent: approval.agent, digest: approval.digest, sealer)
            {
                return .conflict(active)
            }
            passed.changed = [approval]
            return nil
        }
    }

    /// Refuses an entry that is too long or whose time runs backwards.
    private static func admit(_ draft: EntryDraft, length: Int, newest: inout Timestamp) throws(LedgerError) {
        guard length <= EntryDraft.maximumLength else {
            throw LedgerError(
                .entryTooLarge,
                "an entry \(draft.kind.rawValue) has \(length) bytes, more than the log's \(EntryDraft.maximumLength)",
            )
        }
        guard draft.time.microseconds >= newest.microseconds - clockTolerance else {
            throw LedgerError(
                .clock,
                "the clock went back: an entry of \(draft.time.rfc3339) cannot follow one of \(newest.rfc3339). Set the "
                    + "system's clock right; nothing runs until it has passed that time",
            )
        }
        newest = max(newest, draft.time)
    }

    /// Writes an entry, and the tiles that it fills.
    private mutating func insert(_ draft: EntryDraft, _ body: [UInt8], _ payload: [UInt8]?) throws {
        let sequence = head.tree.size
        try insertion.insert(sequence: Int64(sequence), draft, body: body)
        if let payload { try payloadInsertion.insert(sequence: Int64(sequence), sealed: payload) }
        let db = db
        try head.tree.append(.leaf(body)) { tile in
            try db.run(
                "INSERT INTO tile (level, position, hashes) VALUES (?, ?, ?)",
                [.integer(Int64(tile.level)), .integer(Int64(tile.index)), .blob(tile.bytes)],
            )
        }
    }
}
