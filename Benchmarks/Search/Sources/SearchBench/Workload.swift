import CanonicalJSON
import CountersignCore
import CountersignTestKit

/// Entries like those of a busy gateway: fifteen agents of very different zeal, four connections, 96 % passed at once,
/// 2 % refused, and 2 % of the life of approvals.
struct Workload {
    /// The agents; the first is busiest, the last acts about once in 50,000 entries.
    static let agents = (0..<14).map { "agent-\($0)" } + ["quarterly-audit-bot"]
    /// The connections.
    static let connections = ["orders-api", "billing-api", "crm", "warehouse"]
    /// The humans whom agents act for and who decide.
    static let users = (0..<40).map { "user\($0)@example.com" } + ["Rare.Person@example.com"]

    private let writer = EntryWriter(chance: .deterministic(seed: 7))
    private var random: UInt64 = 1
    private var now: Timestamp
    private let step: Duration
    private var number = 0
    private var pending: [EntryDraft] = []

    /// Begins at a moment; each entry is `step` later than the one before.
    init(from start: Timestamp, step: Duration = .milliseconds(20)) {
        now = start
        self.step = step
    }

    /// The moment of the latest entry.
    var time: Timestamp { now }

    private mutating func pick(_ bound: Int) -> Int {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((random >> 33) % UInt64(bound))
    }

    private static let words = [
        "invoice", "customer", "refund", "shipment", "quote", "contract", "ticket", "report", "ledger", "coupon",
    ]

    /// The next entry.
    mutating func next() -> EntryDraft {
        now = now.adding(step)
        number += 1
        if !pending.isEmpty { return pending.removeFirst() }
        let action = action()
        let circumstances = Circumstances(
            sourceAddress: "10.\(pick(4)).\(pick(200)).\(pick(250))",
            justification: number % 10 == 0 ? "\(Self.words[pick(10)]) asked for in ticket T-\(pick(90_000))" : nil,
            requestID: "\(hex())-\(hex())",
        )
        let version = "Zt0ZJ8hNJx0cAaR1q4kqK0o0o2T1gq1Ee9bZ7m3fP1s"
        switch pick(1000) {
        case 0..<4: return approve(action)
        case 4..<24:
            let reasons = [Reason(.forbidden, "")]
            let verdict = PolicyVerdict(answer: .deny(reasons), policies: ["no-deletes-in-\(pick(8))"], errors: [])
            return writer.judged(
                .actionDenied,
                action,
                circumstances,
                verdict,
                version: version,
                reasons: reasons,
                at: now
            )
        default:
            let verdict = PolicyVerdict(answer: .allow, policies: ["reads-\(pick(8))"], errors: [])
            return writer.judged(.actionAllowed, action, circumstances, verdict, version: version, at: now)
        }
    }

    private mutating func hex() -> String { String(UInt64(pick(1 << 30)) << 8 | 1, radix: 16) }

    private mutating func action() -> Action {
        var agent = Self.agents[min(pick(14), pick(14))]
        if number % 50_000 == 49_999 { agent = Self.agents[14] }
        let connection = Self.connections[min(pick(4), pick(4))]
        let effect: CountersignCore.Effect = [.read, .read, .read, .read, .write, .write, .export, .delete][pick(8)]
        let path = "/v1/\(Self.words[pick(10)])s/\(pick(500_000))"
        let method = effect == .read ? "GET" : effect == .delete ? "DELETE" : "POST"
        let user = number % 70_000 == 1 ? Self.users[40] : Self.users[pick(40)]
        return Action(
            agent: AgentID(unchecked: agent),
            onBehalfOf: number % 2 == 0 || number % 70_000 == 1 ? UserID(unchecked: user) : nil,
            protocol: "http",
            connection: ConnectionName(unchecked: connection),
            operations: [
                Operation(
                    protocol: "http",
                    effect: effect,
                    resource: ResourceReference(type: "Endpoint", id: "\(connection)/\(method) \(path)"),
                )
            ],
            details: JSONObject([("method", .string(method)), ("path", .string(path))]),
        )
    }

    /// An approval's whole life; the entries after the first come next.
    private mutating func approve(_ action: Action) -> EntryDraft {
        guard let pending = try? Fixtures.approval(number, of: action, at: now) else {
            preconditionFailure("a fixture")
        }
        let verdict: Decision.Verdict = pick(4) == 0 ? .deny : .approve
        let user = UserID(unchecked: Self.users[pick(40)])
        let decision = Decision(
            user: user,
            groups: [Fixtures.approvers],
            verdict: verdict,
            reason: "\(Self.words[pick(10)]) looks right",
            time: now,
            channel: "dashboard",
            actionDigest: action.digest,
            previewDigest: pending.previewDigest,
            assurance: .session,
        )
        self.pending.append(writer.decided(pending, decision, refusal: nil, version: "v"))
        let settled = Fixtures.next(pending, verdict == .deny ? .denied : .approved, grantExpiresAt: now)
        self.pending.append(writer.settled(settled, by: .user(user, via: "dashboard"), at: now))
        if verdict == .approve {
            let outcome = Outcome(pick(10) == 0 ? .failed : .succeeded, status: 200)
            self.pending.append(writer.dispatched(settled, version: "v", by: .agent(action.agent), at: now))
            self.pending.append(writer.completed(settled, outcome, by: .gateway, at: now))
        }
        return writer.requested(pending, action, at: now)
    }
}
