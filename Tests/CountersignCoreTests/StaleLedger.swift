import CountersignCore
import CountersignTestKit
import Synchronization
import TransparencyLog

/// A ledger whose readers are sometimes a few revisions behind, as on another node or before another's commit.
///
/// Only compare-and-set stands between such a reader and a second dispatch. The mutex guards what readers have seen, and
/// what happens next.
final class StaleLedger: Ledger {
    private struct State {
        var random: SeededGenerator?
        var meanwhile: (@Sendable () async -> Void)?
        var seen: [ApprovalID: [Approval]] = [:]
    }

    let base: InMemoryLedger
    private let state: Mutex<State>

    init(_ base: InMemoryLedger, seed: UInt64) {
        self.base = base
        state = Mutex(State(random: SeededGenerator(seed: seed)))
    }

    /// One whose readers are behind once: by what happens between the first look at an approval and what comes of it.
    init(_ base: InMemoryLedger, meanwhile: @escaping @Sendable () async -> Void) {
        self.base = base
        state = Mutex(State(meanwhile: meanwhile))
    }

    var feed: ApprovalFeed { base.feed }
    var outbox: any Outbox { base.outbox }
    var places: any PlaceBook { base.places }

    func approval(_ id: ApprovalID) async throws(LedgerError) -> Approval? {
        guard let truth = try await base.approval(id) else { return nil }
        if let meanwhile = state.withLock({ $0.meanwhile.take() }) { await meanwhile() }
        return state.withLock { state in
            guard var random = state.random else { return truth }
            defer { state.random = random }
            if state.seen[id]?.last?.revision != truth.revision { state.seen[id, default: []].append(truth) }
            guard random.chance(1, of: 4), let seen = state.seen[id] else { return truth }
            return seen[Int.random(in: max(0, seen.count - 3)..<seen.count, using: &random)]
        }
    }

    func commit(_ commit: Commit) async throws(LedgerError) -> CommitResult { try await base.commit(commit) }
    func activeApproval(agent: AgentID, digest: ActionDigest) async throws(LedgerError) -> Approval? {
        try await base.activeApproval(agent: agent, digest: digest)
    }
    func approvals(_ query: ApprovalQuery) async throws(LedgerError) -> Page<Approval> {
        try await base.approvals(query)
    }
    func due(now: Timestamp, limit: Int) async throws(LedgerError) -> [ApprovalID] {
        try await base.due(now: now, limit: limit)
    }
    func unfinished() async throws(LedgerError) -> [Approval] { try await base.unfinished() }
    func awaitingDispatch() async throws(LedgerError) -> [Approval] { try await base.awaitingDispatch() }
    func statistics() async throws(LedgerError) -> LedgerStatistics { try await base.statistics() }
    func entries(_ query: EntryQuery) async throws(LedgerError) -> Page<Entry> { try await base.entries(query) }
    func entry(_ sequence: UInt64) async throws(LedgerError) -> Entry? { try await base.entry(sequence) }
    func erasable(_ query: ErasableQuery) async throws(LedgerError) -> ErasablePage {
        try await base.erasable(query)
    }
    func keptResponse(_ approval: ApprovalID) async throws(LedgerError) -> KeptResponse? {
        try await base.keptResponse(approval)
    }
    func dropResponse(_ approval: ApprovalID) async throws(LedgerError) { try await base.dropResponse(approval) }
    func acceptedTools() async throws(LedgerError) -> [AcceptedTool] { try await base.acceptedTools() }
    func identities() async throws(LedgerError) -> IdentityRecords { try await base.identities() }
    func remembered(_ key: IdempotencyKey) async throws(LedgerError) -> RememberedAnswer? {
        try await base.remembered(key)
    }
    func remember(_ answer: RememberedAnswer, for key: IdempotencyKey, now: Timestamp) async throws(LedgerError) {
        try await base.remember(answer, for: key, now: now)
    }
}

/// The log's side never lags.
extension StaleLedger {
    func halt(_ error: LedgerError) { base.halt(error) }
    var halted: LedgerError? { base.halted }
    var growth: LogGrowth { base.growth }

    func treeHead() async throws(LedgerError) -> TreeHead { try await base.treeHead() }
    func inclusionProof(index: UInt64, size: UInt64) async throws(LedgerError) -> [LogHash] {
        try await base.inclusionProof(index: index, size: size)
    }
    func consistencyProof(from: UInt64, to: UInt64) async throws(LedgerError) -> [LogHash] {
        try await base.consistencyProof(from: from, to: to)
    }
    func hashTile(level: Int, index: UInt64, width: Int) async throws(LedgerError) -> [UInt8]? {
        try await base.hashTile(level: level, index: index, width: width)
    }
    func leaves(from start: UInt64, count: Int) async throws(LedgerError) -> [Entry] {
        try await base.leaves(from: start, count: count)
    }
    func rememberCheckpoint(_ note: String, size: UInt64) async throws(LedgerError) {
        try await base.rememberCheckpoint(note, size: size)
    }
    func latestCheckpoint() async throws(LedgerError) -> String? { try await base.latestCheckpoint() }
    func rememberCosigned(_ note: String, size: UInt64) async throws(LedgerError) {
        try await base.rememberCosigned(note, size: size)
    }
    func latestCosigned() async throws(LedgerError) -> String? { try await base.latestCosigned() }
    func cursor(_ reader: String) async throws(LedgerError) -> UInt64? { try await base.cursor(reader) }
    func moveCursor(_ reader: String, to next: UInt64) async throws(LedgerError) {
        try await base.moveCursor(reader, to: next)
    }
}
