import CountersignCore
import CountersignIdentity
import CountersignTestKit
import Crypto
import Testing

@Suite(.timeLimit(.minutes(10)))
struct IdentityRegistryTests {
    let bot = AgentID(unchecked: "new-bot")

    @Test("a configured key names its agent, and no other text does")
    func configuredKey() async throws {
        let fixture = try await IdentityFixture()
        #expect(fixture.registry.agent(key: "a-configured-key-0123", now: fixture.now) == Fixtures.agent)
        for key in ["", "a-configured-key-012", "a-configured-key-01234", "A-configured-key-0123"] {
            #expect(fixture.registry.agent(key: key, now: fixture.now) == nil)
        }
    }

    @Test("a made key works until it is revoked, and only its hash is kept, and told by the entry that binds it")
    func madeKey() async throws {
        let fixture = try await IdentityFixture()
        _ = try await fixture.registry.put(Agent(id: bot, owner: nil), by: fixture.actor).get()
        let new = try await fixture.registry.makeKey(for: bot, expires: nil, by: fixture.actor).get()
        #expect(new.secret.hasPrefix("cs_") && new.secret.utf8.count == 46)
        #expect(fixture.registry.agent(key: new.secret, now: fixture.now) == bot)
        _ = try await fixture.registry.revokeKey(new.key.id, by: fixture.actor).get()
        #expect(fixture.registry.agent(key: new.secret, now: fixture.now) == nil)
        #expect(try await fixture.kinds().allSatisfy { !$0.contains(new.secret) })
        #expect(try await fixture.kinds()[1].contains(new.key.hash))
        #expect(try await fixture.kinds().count == 3)
    }

    @Test("a key ends at its time")
    func keyExpiry() async throws {
        let fixture = try await IdentityFixture()
        let new = try await fixture.registry.makeKey(for: Fixtures.agent, expires: .seconds(60), by: fixture.actor)
            .get()
        fixture.clock.advance(by: .seconds(59))
        #expect(fixture.registry.agent(key: new.secret, now: fixture.now) == Fixtures.agent)
        fixture.clock.advance(by: .seconds(1))
        #expect(fixture.registry.agent(key: new.secret, now: fixture.now) == nil)
    }

    @Test("removing an agent ends its keys, also for an agent of the same name later")
    func removedAgent() async throws {
        let fixture = try await IdentityFixture()
        _ = try await fixture.registry.put(Agent(id: bot, owner: nil), by: fixture.actor).get()
        let new = try await fixture.registry.makeKey(for: bot, expires: nil, by: fixture.actor).get()
        try await fixture.registry.remove(bot, by: fixture.actor).get()
        _ = try await fixture.registry.put(Agent(id: bot, owner: nil), by: fixture.actor).get()
        #expect(fixture.registry.agent(key: new.secret, now: fixture.now) == nil)
    }

    @Test("what the configuration declares cannot be changed by command")
    func declared() async throws {
        let fixture = try await IdentityFixture()
        let registry = fixture.registry
        #expect(await registry.put(Agent(id: Fixtures.agent, owner: nil), by: fixture.actor).reason == .notAllowed)
        #expect(await registry.remove(Fixtures.agent, by: fixture.actor).reason == .notAllowed)
        #expect(await registry.put(User(id: Fixtures.alice), by: fixture.actor).reason == .notAllowed)
        #expect(await registry.remove(Fixtures.alice, by: fixture.actor).reason == .notAllowed)
        #expect(fixture.ledger.writes.commits == 0)
    }

    @Test("unknown agents, users and keys are not found")
    func unknown() async throws {
        let fixture = try await IdentityFixture()
        let registry = fixture.registry
        #expect(await registry.remove(bot, by: fixture.actor).reason == .notFound)
        #expect(await registry.remove(Fixtures.bob, by: fixture.actor).reason == .notFound)
        #expect(await registry.makeKey(for: bot, expires: nil, by: fixture.actor).reason == .notFound)
        #expect(await registry.revokeKey("key_x", by: fixture.actor).reason == .notFound)
    }

    @Test("a change is in policy's directory once it is committed, and not if the ledger fails")
    func directory() async throws {
        let fixture = try await IdentityFixture()
        fixture.ledger.isBroken = true
        let refused = await fixture.registry.put(
            User(id: Fixtures.bob, groups: [Fixtures.approvers]),
            by: fixture.actor
        )
        #expect(refused.reason == .ledgerUnavailable)
        #expect(fixture.current.snapshot.directory.users[Fixtures.bob] == nil)
        fixture.ledger.isBroken = false
        _ = try await fixture.registry.put(User(id: Fixtures.bob, groups: [Fixtures.approvers]), by: fixture.actor)
            .get()
        #expect(fixture.current.snapshot.directory.users[Fixtures.bob] != nil)
        #expect(fixture.registry.users().map(\.id) == [Fixtures.alice, Fixtures.bob])
    }

    @Test("a token is good for its user until its end, and marked as the local administrator's")
    func token() async throws {
        let fixture = try await IdentityFixture()
        let token = try fixture.token(for: Fixtures.alice, life: .seconds(600))
        let user = try #require(fixture.registry.user(token: token, now: fixture.now))
        #expect(user.user.id == Fixtures.alice)
        #expect(user.user.groups == [Fixtures.approvers])
        #expect(user.via == "local-administrator")
        #expect(!user.isLocalAdministrator)
        fixture.clock.advance(by: .seconds(600))
        #expect(fixture.registry.user(token: token, now: fixture.now) == nil)
    }

    @Test("a token lives a day at most, whatever was asked for")
    func tokenLife() async throws {
        let fixture = try await IdentityFixture()
        let token = try fixture.token(for: Fixtures.alice, life: .seconds(30 * 86_400))
        fixture.clock.advance(by: .seconds(86_400))
        #expect(fixture.registry.user(token: token, now: fixture.now) == nil)
    }

    @Test("a token of a user who is gone, of another key, or changed in any byte is refused")
    func badTokens() async throws {
        let fixture = try await IdentityFixture()
        let now = fixture.now
        #expect(fixture.registry.user(token: try fixture.token(for: Fixtures.bob), now: now) == nil)
        let other = UserTokens(key: Curve25519.Signing.PrivateKey())
        let foreign = try other.makeToken(for: Fixtures.alice, life: .seconds(60), now: now, chance: .deterministic())
        #expect(fixture.registry.user(token: foreign, now: now) == nil)
        let token = Array(try fixture.token(for: Fixtures.alice).utf8)
        for index in token.indices {
            var changed = token
            changed[index] ^= 1
            let text = String(decoding: changed, as: UTF8.self)
            #expect(fixture.registry.user(token: text, now: now) == nil)
        }
    }

    @Test("a token is no link, and a link is no token")
    func purposes() async throws {
        let fixture = try await IdentityFixture()
        let link = try fixture.registry.makeLink(for: Fixtures.alice, life: .seconds(600)).get()
        #expect(fixture.registry.user(token: link, now: fixture.now) == nil)
        #expect(fixture.registry.user(token: "cst_" + link, now: fixture.now) == nil)
        let token = try fixture.token(for: Fixtures.alice)
        #expect(await fixture.registry.signIn(link: token).reason == .invalidCredential)
        #expect(await fixture.registry.signIn(link: String(token.dropFirst(4))).reason == .invalidCredential)
    }

    @Test("a link works once, also when it is used by many at a time")
    func linkOnce() async throws {
        let fixture = try await IdentityFixture()
        let link = try fixture.registry.makeLink(for: Fixtures.alice, life: .seconds(600)).get()
        let results = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 { group.addTask { await (try? fixture.registry.signIn(link: link).get()) != nil } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(results == 1)
        #expect(await fixture.registry.signIn(link: link).reason == .invalidCredential)
        #expect(try await fixture.kinds().count == 1)
    }

    @Test("a session lasts twelve hours and survives a restart; a used link does not work after one")
    func session() async throws {
        let key = Curve25519.Signing.PrivateKey()
        let fixture = try await IdentityFixture(key: key)
        let link = try fixture.registry.makeLink(for: Fixtures.alice, life: .seconds(600)).get()
        let new = try await fixture.registry.signIn(link: link).get()
        let again = try await IdentityFixture(ledger: fixture.ledger, key: key)
        let user = try #require(again.registry.user(cookie: new.cookie, now: fixture.now))
        #expect(user.session?.csrfToken == new.session.csrfToken)
        #expect(user.via == "dashboard")
        #expect(await again.registry.signIn(link: link).reason == .invalidCredential)
        fixture.clock.advance(by: .seconds(12 * 3600))
        #expect(again.registry.user(cookie: new.cookie, now: fixture.now) == nil)
    }

    @Test("signing out ends the session, with an entry")
    func signOut() async throws {
        let fixture = try await IdentityFixture()
        let link = try fixture.registry.makeLink(for: Fixtures.alice, life: .seconds(600)).get()
        let new = try await fixture.registry.signIn(link: link).get()
        try await fixture.registry.signOut(new.session).get()
        #expect(fixture.registry.user(cookie: new.cookie, now: fixture.now) == nil)
        let entries = try await fixture.kinds()
        #expect(entries.last?.contains("session.ended") == true)
        #expect(entries.allSatisfy { !$0.contains(new.session.id) && !$0.contains(new.cookie) })
    }

    @Test("the local administrator needs no user, and is none")
    func localAdministrator() async throws {
        let fixture = try await IdentityFixture()
        let token = try fixture.tokens.makeToken(
            for: UserTokens.localAdministrator,
            isLocalAdministrator: true,
            life: .seconds(60),
            now: fixture.now,
            chance: .deterministic(),
        )
        #expect(fixture.registry.user(token: token, now: fixture.now)?.isLocalAdministrator == true)
        #expect(fixture.current.snapshot.directory.users[UserTokens.localAdministrator] == nil)
        let plain = try fixture.token(for: UserTokens.localAdministrator)
        #expect(fixture.registry.user(token: plain, now: fixture.now) == nil)
    }

    @Test("another configuration is in force only when its entries are committed")
    func reconfigure() async throws {
        let fixture = try await IdentityFixture()
        let next = DeclaredIdentities(agents: [], users: [User(id: Fixtures.bob, groups: [])])
        func reconfigure() async throws {
            let old = fixture.current.snapshot
            try await fixture.registry.reconfigure(
                next,
                connections: [],
                prepare: { directory in
                    let snapshot = Snapshot(
                        policy: old.policy,
                        directory: directory,
                        settings: old.settings,
                        configurationVersion: "2",
                    )
                    return (snapshot, [Fixtures.entry(.configurationChanged, at: fixture.now)])
                },
                activate: {},
            )
        }
        fixture.ledger.isBroken = true
        await #expect(throws: LedgerError.self) { try await reconfigure() }
        #expect(fixture.registry.agent(key: "a-configured-key-0123", now: fixture.now) == Fixtures.agent)
        fixture.ledger.isBroken = false
        try await reconfigure()
        #expect(fixture.registry.agent(key: "a-configured-key-0123", now: fixture.now) == nil)
        #expect(fixture.current.snapshot.configurationVersion == "2")
        #expect(fixture.registry.users().map(\.id) == [Fixtures.bob])
    }
}

extension IdentityFixture {
    func token(for user: UserID, life: Duration = .seconds(60)) throws -> String {
        try tokens.makeToken(for: user, life: life, now: now, chance: .deterministic(seed: 9))
    }
}

extension Result where Failure == Reason {
    /// The code of the refusal.
    var reason: ReasonCode? {
        switch self {
        case .success: nil
        case .failure(let reason): reason.code
        }
    }
}
