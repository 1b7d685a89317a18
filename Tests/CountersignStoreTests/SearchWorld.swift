import CanonicalJSON
import CountersignCore
import CountersignStore
import CountersignTestKit
import Synchronization

/// Random entries and random searches of them, the same for the same seed.
struct SearchWorld {
    private let writer = EntryWriter(chance: .deterministic(seed: 11))
    private let clock: ManualClock
    private var random: UInt64
    /// Everything that was written, read once.
    private var written: [(time: Timestamp, agent: AgentID?, connection: ConnectionName?, entry: JSONValue)] = []

    init(seed: UInt64, clock: ManualClock) {
        random = seed
        self.clock = clock
    }

    mutating func pick(_ bound: Int) -> Int {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((random >> 33) % UInt64(bound))
    }

    private static let words = [
        "alpha", "beta-carotene", "gamma/delta", "10.0.0.1", "10.0.0.10", "é", "T-1", "a b", "%",
    ]

    private mutating func agent() -> AgentID {
        AgentID(unchecked: ["a-bot", "b-bot", "c.bot", "d"][min(pick(4), pick(4))])
    }
    private mutating func user() -> UserID { UserID(unchecked: ["Ann@example.com", "bob@example.com", "cy"][pick(3)]) }
    private mutating func effect() -> CountersignCore.Effect { CountersignCore.Effect.allCases[pick(4)] }

    /// An entry.
    mutating func draft() -> EntryDraft {
        clock.advance(by: .milliseconds(pick(2000)))
        let now = clock.time()
        let action = Fixtures.action(
            effect: effect(),
            path: "/" + Self.words[pick(9)],
            agent: agent(),
            onBehalfOf: pick(3) == 0 ? user() : nil,
        )
        let circumstances = Circumstances(justification: Self.words[pick(9)] + " " + Self.words[pick(9)])
        switch pick(8) {
        case 0:
            guard let approval = try? Fixtures.approval(pick(1000), of: action, at: now) else { break }
            let status = ApprovalStatus.allCases[pick(11)]
            return writer.settled(Fixtures.next(approval, status), by: .user(user(), via: nil), at: now)
        case 1:
            let verdict = PolicyVerdict(answer: .deny([]), policies: [], errors: [])
            return writer.judged(.actionDenied, action, circumstances, verdict, version: "v", at: now)
        case 2: return Fixtures.entry(.sessionStarted, at: now, agent: nil, text: Self.words[pick(9)])
        default: break
        }
        let verdict = PolicyVerdict(answer: .allow, policies: ["p"], errors: [])
        return writer.judged(.actionAllowed, action, circumstances, verdict, version: "v", at: now)
    }

    /// A search with one to four conditions.
    mutating func query(from start: Timestamp) -> EntryQuery {
        var query = EntryQuery(ascending: pick(2) == 0, limit: [1, 7, 50, 200][pick(4)])
        let span = Int(clock.time().microseconds - start.microseconds) + 1
        for _ in 0...pick(4) {
            switch pick(8) {
            case 0: query.agent = pick(5) == 0 ? AgentID(unchecked: "nobody") : agent()
            case 1: query.user = user()
            case 2: query.connection = pick(3) == 0 ? ConnectionName(unchecked: "elsewhere") : Fixtures.connection
            case 3: query.effects = (0...pick(2)).map { _ in effect() }
            case 4: query.statuses = (0...pick(3)).map { _ in EntryStatus.allCases[pick(12)] }
            case 5: query.kinds = (0...pick(3)).map { _ in EntryKind.allCases[pick(12)] }
            case 6:
                query.from = start.adding(.microseconds(pick(span)))
                if pick(2) == 0 { query.to = query.from?.adding(.microseconds(pick(span))) }
            default:
                let word = Self.words[pick(9)]
                let end = word.index(word.startIndex, offsetBy: 1 + pick(word.count))
                query.text = (query.text ?? "") + " " + (pick(3) == 0 ? String(word[..<end]) : word)
            }
        }
        return query
    }

    /// Writes so many entries.
    mutating func write(_ count: Int, into ledger: SQLiteLedger) async throws {
        var left = count
        while left > 0 {
            let drafts = (0..<min(left, 1 + pick(120))).map { _ in draft() }
            for draft in drafts {
                let entry = try JSONParser.parse(draft.encoded(sequence: UInt64(written.count)))
                written.append((draft.time, draft.agent, draft.connection, entry))
            }
            _ = try await ledger.commit(Commit(entries: drafts))
            left -= drafts.count
        }
    }

    /// Forgets what was written after the first so many entries, as a ledger does that is restored.
    mutating func forget(after count: Int) { written.removeSubrange(count...) }

    /// How many entries were written.
    var size: UInt64 { UInt64(written.count) }

    /// The random searches whose first pages are not what reading every entry gives.
    mutating func wrong(_ ledger: SQLiteLedger, searches: Int) async throws -> [EntryQuery] {
        var wrong = [EntryQuery]()
        for _ in 0..<searches {
            var query = query(from: ManualClock().time())
            var expected = written.indices.filter { index in
                let (time, agent, connection, entry) = written[index]
                guard query.from.map({ $0 <= time }) ?? true, query.to.map({ time < $0 }) ?? true else { return false }
                return query.matches(entry, agent: agent, connection: connection)
            }
            if !query.ascending { expected.reverse() }
            for _ in 0..<3 {
                let page = try await ledger.entries(query)
                let rest = expected.dropFirst(query.limit)
                let isRight = page.items.map { Int($0.sequence) } == Array(expected.prefix(query.limit))
                if !isRight || (page.next == nil) != rest.isEmpty { wrong.append(query) }
                guard let next = page.next else { break }
                query.cursor = next
                expected = Array(rest)
            }
        }
        return wrong
    }
}

/// What a ledger reported of its search index.
final class Reports: Sendable {
    private let messages = Mutex<[String]>([])

    /// All of it.
    var all: [String] { messages.withLock { $0 } }

    /// An index at `path` that grows by steps, and reports here.
    func setting(_ path: String, isFollowing: Bool = false) -> SearchSetting {
        SearchSetting(path: path, isFollowing: isFollowing) { [self] message in messages.withLock { $0.append(message) }
        }
    }
}
