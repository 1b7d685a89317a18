import CanonicalJSON
import Cedar
import CountersignCore
import CountersignTestKit

/// One gateway over a ledger in memory, with a cast: what most tests of the pipeline begin with.
struct Stage {
    /// Two groups of approvers; `olga` owns the agent and is in one of them.
    static let users = [
        Stage.user("alice@example.com", "dba"), Stage.user("bob@example.com", "dba"),
        Stage.user("carol@example.com", "sre"), Stage.user("dave@example.com", "dba", "sre"),
        Stage.user("olga@example.com", "dba", "sre"), Stage.user("eve@example.com"),
    ]

    let clock = ManualClock()
    let ledger: InMemoryLedger
    let current: CurrentSnapshot
    let enforcement: Enforcement

    init(
        _ policies: String = Fixtures.policies,
        settings: EnforcementSettings = EnforcementSettings(),
        users: [User] = Stage.users,
    ) throws {
        ledger = InMemoryLedger(clock: clock)
        current = CurrentSnapshot(try Stage.snapshot(policies, settings: settings, users: users))
        enforcement = Enforcement(current: current, ledger: ledger, clock: clock, chance: .deterministic())
    }

    static func user(_ id: String, _ groups: String...) -> User {
        User(id: UserID(unchecked: id), groups: groups.map { GroupName(unchecked: $0) })
    }

    static func snapshot(
        _ policies: String,
        settings: EnforcementSettings = EnforcementSettings(),
        users: [User] = Stage.users,
        owner: UserID = Fixtures.owner,
        agents: [AgentID] = [Fixtures.agent],
        connections: [Connection] = [Connection(name: Fixtures.connection, kind: "http", labels: ["env": "prod"])],
        ownVocabulary: Bool = true,
    ) throws -> Snapshot {
        let directory = try Directory(
            agents: agents.map { Agent(id: $0, owner: owner, groups: [GroupName(unchecked: "agents")]) },
            users: users,
            connections: connections,
        )
        let groups: Set<GroupName> = [GroupName(unchecked: "dba"), GroupName(unchecked: "sre")]
        return Snapshot(
            policy: try GatedPolicySet(
                parsing: [PolicySource(name: "test.cedar", text: policies)],
                groups: groups,
                ownVocabulary: ownVocabulary,
            ),
            directory: directory,
            settings: settings,
            configurationVersion: "configuration",
        )
    }

    /// Puts other policies, users or things in force.
    func install(
        _ policies: String = Fixtures.policies,
        users: [User] = Stage.users,
        owner: UserID = Fixtures.owner,
        agents: [AgentID] = [Fixtures.agent],
        connections: [Connection] = [Connection(name: Fixtures.connection, kind: "http", labels: ["env": "prod"])],
    ) throws {
        current.replace(
            with: try Stage.snapshot(policies, users: users, owner: owner, agents: agents, connections: connections)
        )
    }

    func admit(_ action: Action = Fixtures.action(), asynchronous: Bool = false) async -> String {
        Stage.name(await enforcement.admit(action, Circumstances(), asynchronous: asynchronous))
    }

    /// Asks for an action that policy gates.
    func hold(_ action: Action = Fixtures.action(), asynchronous: Bool = false) async throws -> Approval {
        let admission = await enforcement.admit(action, Circumstances(), asynchronous: asynchronous)
        guard case .held(let approval) = admission else { throw Unexpected(Stage.name(admission)) }
        return approval
    }

    /// Asks for an action and has it approved by `users`.
    func approved(_ action: Action = Fixtures.action(), by users: String...) async throws -> Approval {
        let approval = try await hold(action)
        for user in users.isEmpty ? ["alice@example.com"] : users {
            let answer = await decide(approval, user)
            guard answer == "approved" || answer == "pending" else { throw Unexpected(answer) }
        }
        return try await now(approval)
    }

    /// The approval's new status, or the code of the refusal.
    func decide(
        _ approval: Approval,
        _ user: String,
        _ verdict: CountersignCore.Decision.Verdict = .approve,
        digest: ActionDigest? = nil,
        preview: ActionDigest? = nil,
    ) async -> String {
        let ballot = Ballot(
            verdict,
            reason: "because",
            actionDigest: digest ?? approval.digest,
            previewDigest: preview,
        )
        return Stage.name(await enforcement.decide(approval.id, by: Stage.signedIn(user), ballot))
    }

    func redeem(_ approval: Approval, _ action: Action = Fixtures.action()) async -> String {
        Stage.name(await enforcement.redeem(approval.id, action, Circumstances(), by: .agent(action.agent)))
    }

    func complete(_ approval: Approval, _ result: Outcome.Result = .succeeded, keep: Bool = false) async throws
        -> String
    {
        let response = keep ? KeptResponse(approval: approval.id, status: 200, fields: [], body: [1]) : nil
        let next = try await enforcement.complete(approval.id, Outcome(result), response: response, by: .gateway)
        return next?.status.rawValue ?? "ignored"
    }

    func now(_ approval: Approval) async throws -> Approval {
        guard let found = try await ledger.approval(approval.id) else { throw Unexpected("no approval") }
        return found
    }

    /// The kinds of all entries since the one with this number.
    func kinds(since first: Int = 0) async throws -> [String] {
        try await entries(since: first).map { $0["kind"]?.stringValue ?? "?" }
    }

    func entries(since first: Int = 0) async throws -> [JSONValue] {
        var all = [JSONValue]()
        for sequence in first..<max(first, ledger.writes.entries) {
            guard let entry = try await ledger.entry(UInt64(sequence)) else { throw Unexpected("no entry") }
            all.append(try JSONParser.parse(entry.bytes))
        }
        return all
    }

    static func signedIn(_ user: String) -> SignedInUser {
        SignedInUser(user: User(id: UserID(unchecked: user)), via: "dashboard", isLocalAdministrator: false)
    }

    static func name(_ admission: Enforcement.Admission) -> String {
        switch admission {
        case .allowed: "allowed"
        case .refused(let reasons): "refused " + codes(reasons)
        case .held(let approval): "held \(approval.status)"
        case .approved: "approved"
        case .running: "running"
        case .finished: "finished"
        }
    }

    static func name(_ redemption: Enforcement.Redemption) -> String {
        switch redemption {
        case .dispatch: "dispatch"
        case .taken: "taken"
        case .refused(let reasons): "refused " + codes(reasons)
        }
    }

    static func name(_ result: Result<Approval, Reason>) -> String {
        switch result {
        case .success(let approval): approval.status.rawValue
        case .failure(let reason): "refused " + reason.code.rawValue
        }
    }

    static func name(_ answer: PolicyVerdict.Answer) -> String {
        switch answer {
        case .allow: "allow"
        case .deny(let reasons): "deny " + codes(reasons)
        case .gated(let gates): "gated " + gates.map(\.policy).joined(separator: "+")
        }
    }

    static func codes(_ reasons: [Reason]) -> String { reasons.map(\.code.rawValue).joined(separator: "+") }
}

/// A step before the one under test went another way.
struct Unexpected: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A small generator of reproducible chance (xorshift64*).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }

    mutating func chance(_ part: Int, of whole: Int) -> Bool { Int.random(in: 0..<whole, using: &self) < part }
}
