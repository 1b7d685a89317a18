import CountersignCore
import CountersignIdentity
import CountersignTestKit
import Crypto

/// A registry over a ledger in memory.
struct IdentityFixture {
    let clock = ManualClock()
    let ledger: InMemoryLedger
    let tokens: UserTokens
    let current: CurrentSnapshot
    let registry: IdentityRegistry
    let actor = Actor.user(UserTokens.localAdministrator, via: UserTokens.via)

    static let declared = DeclaredIdentities(
        agents: [Agent(id: Fixtures.agent, owner: Fixtures.owner, groups: [GroupName(unchecked: "agents")])],
        users: [User(id: Fixtures.alice, groups: [Fixtures.approvers])],
        keys: [DeclaredIdentities.Key(agent: Fixtures.agent, secret: "a-configured-key-0123")],
    )

    init(
        ledger: InMemoryLedger? = nil,
        key: Curve25519.Signing.PrivateKey = Curve25519.Signing.PrivateKey(),
        declared: DeclaredIdentities = Self.declared,
    ) async throws {
        let ledger = ledger ?? InMemoryLedger(clock: clock)
        self.ledger = ledger
        tokens = UserTokens(key: key)
        let book = IdentityBook(declared: declared, records: try await ledger.identities())
        current = CurrentSnapshot(
            Snapshot(
                policy: try GatedPolicySet(parsing: [], groups: []),
                directory: try book.directory(connections: []),
                settings: EnforcementSettings(),
                configurationVersion: "1",
            )
        )
        registry = IdentityRegistry(
            book: book,
            current: current,
            ledger: ledger,
            clock: clock,
            chance: .deterministic(),
            tokens: tokens,
        )
    }

    var now: Timestamp { clock.time() }

    func kinds() async throws -> [String] {
        try await ledger.entries(EntryQuery(ascending: true, limit: 200)).items.map { entry in
            String(decoding: entry.bytes, as: UTF8.self)
        }
    }
}
