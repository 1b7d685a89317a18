import CanonicalJSON
import CountersignCore
import CountersignIdentity
import CountersignTestKit
import Testing

@Suite(
    "An account in a chat is one user, as the configuration, a link or its first e-mail says",
    .timeLimit(.minutes(10))
)
struct ChannelLinkTests {
    private static func account(_ text: String) throws -> ChannelIdentity { try #require(ChannelIdentity(text)) }

    /// A registry whose configuration declares Alice's account `slack:T1/U1`, and with Bob made by command.
    private func fixture() async throws -> IdentityFixture {
        let declared = DeclaredIdentities(
            users: [User(id: Fixtures.alice, groups: [Fixtures.approvers])],
            links: [.declared(try Self.account("slack:T1/U1"), Fixtures.alice)],
        )
        let fixture = try await IdentityFixture(declared: declared)
        _ = try await fixture.registry.put(User(id: Fixtures.bob), by: fixture.actor).get()
        return fixture
    }

    @Test("a linked account is its user; a second link takes the place of the first, and without one it is nobody")
    func links() async throws {
        let fixture = try await fixture()
        let account = try Self.account("slack:T1/U2")
        #expect(await fixture.registry.linkedUser(account, email: nil).reason == .accountUnknown)
        _ = try await fixture.registry.link(account, to: Fixtures.bob, by: fixture.actor).get()
        #expect(try await fixture.registry.linkedUser(account, email: nil).get().id == Fixtures.bob)
        _ = try await fixture.registry.link(account, to: Fixtures.alice, by: fixture.actor).get()
        #expect(try await fixture.registry.linkedUser(account, email: nil).get().id == Fixtures.alice)
        _ = try await fixture.registry.unlink(account, by: fixture.actor).get()
        #expect(await fixture.registry.linkedUser(account, email: nil).reason == .accountUnknown)
        #expect(await fixture.registry.unlink(account, by: fixture.actor).reason == .notFound)
        let nobody = UserID(unchecked: "nobody@example.com")
        #expect(await fixture.registry.link(account, to: nobody, by: fixture.actor).reason == .notFound)
    }

    @Test("what the configuration declares goes before what commands made, and no command changes it")
    func declared() async throws {
        let account = try Self.account("slack:T1/U1")
        // Made before it was declared.
        let before = try await IdentityFixture()
        _ = try await before.registry.put(User(id: Fixtures.bob), by: before.actor).get()
        _ = try await before.registry.link(account, to: Fixtures.bob, by: before.actor).get()
        let declared = DeclaredIdentities(
            users: [User(id: Fixtures.alice)],
            links: [.declared(account, Fixtures.alice)],
        )
        let after = try await IdentityFixture(ledger: before.ledger, declared: declared)
        #expect(try await after.registry.linkedUser(account, email: nil).get().id == Fixtures.alice)
        #expect(after.registry.links().map(\.user) == [Fixtures.alice])
        #expect(after.registry.links().allSatisfy { $0.isDeclared })
        let writes = after.ledger.writes
        #expect(await after.registry.link(account, to: Fixtures.bob, by: after.actor).reason == .notAllowed)
        #expect(await after.registry.unlink(account, by: after.actor).reason == .notAllowed)
        #expect(after.ledger.writes == writes)
        // Not declared any more, the link that the command made counts again.
        let again = try await IdentityFixture(ledger: before.ledger)
        #expect(try await again.registry.linkedUser(account, email: nil).get().id == Fixtures.bob)
    }

    @Test("an e-mail address makes a link once, and no second account of somebody who has one in that workspace")
    func email() async throws {
        let fixture = try await fixture()
        let first = try Self.account("slack:T1/U7")
        #expect(try await fixture.registry.linkedUser(first, email: "BOB@example.com").get().id == Fixtures.bob)
        #expect(fixture.registry.links().map(\.by) == ["configuration", "email"])
        // From now on only the link counts, whatever the address becomes.
        #expect(try await fixture.registry.linkedUser(first, email: "alice@example.com").get().id == Fixtures.bob)
        let second = try Self.account("slack:T1/U8")
        #expect(await fixture.registry.linkedUser(second, email: "bob@example.com").reason == .accountUnknown)
        // Alice's account is declared, which is as good as linked.
        #expect(await fixture.registry.linkedUser(second, email: "alice@example.com").reason == .accountUnknown)
        let elsewhere = try Self.account("slack:T2/U8")
        #expect(try await fixture.registry.linkedUser(elsewhere, email: "alice@example.com").get().id == Fixtures.alice)
        #expect(await fixture.registry.linkedUser(second, email: "nobody@example.com").reason == .accountUnknown)
    }

    @Test("an account that was unlinked is linked by no address again, nor another of the user in that workspace")
    func unlinked() async throws {
        let fixture = try await fixture()
        let account = try Self.account("slack:T1/U7")
        let email = "bob@example.com"
        _ = try await fixture.registry.linkedUser(account, email: email).get()
        _ = try await fixture.registry.unlink(account, by: fixture.actor).get()
        let writes = fixture.ledger.writes
        let second = try Self.account("slack:T1/U8")
        for registry in [fixture.registry, try await IdentityFixture(ledger: fixture.ledger).registry] {
            #expect(await registry.linkedUser(account, email: email).reason == .accountUnknown)
            #expect(await registry.linkedUser(account, email: "alice@example.com").reason == .accountUnknown)
            #expect(await registry.linkedUser(second, email: email).reason == .accountUnknown)
            let shown = registry.links().filter { $0.identity == account }
            #expect(shown.map(\.user) == [nil] && shown.map(\.unlinkedFrom) == [Fixtures.bob])
            #expect(shown.map(\.by) == ["administrator"])
        }
        #expect(fixture.ledger.writes == writes)
        let elsewhere = try Self.account("slack:T2/U8")
        #expect(try await fixture.registry.linkedUser(elsewhere, email: email).get().id == Fixtures.bob)
        _ = try await fixture.registry.link(account, to: Fixtures.bob, by: fixture.actor).get()
        #expect(try await fixture.registry.linkedUser(account, email: nil).get().id == Fixtures.bob)
    }

    @Test("an account ends with its user, and is nobody's when another of the name comes, whatever its address")
    func removedUser() async throws {
        let fixture = try await fixture()
        let accounts = [try Self.account("teams:11-22/33-44"), try Self.account("slack:T1/U7")]
        for account in accounts {
            _ = try await fixture.registry.link(account, to: Fixtures.bob, by: fixture.actor).get()
        }
        _ = try await fixture.registry.unlink(accounts[1], by: fixture.actor).get()
        try await fixture.registry.remove(Fixtures.bob, by: fixture.actor).get()
        _ = try await fixture.registry.put(User(id: Fixtures.bob), by: fixture.actor).get()
        for registry in [fixture.registry, try await IdentityFixture(ledger: fixture.ledger).registry] {
            for account in accounts {
                #expect(await registry.linkedUser(account, email: nil).reason == .accountUnknown)
                #expect(await registry.linkedUser(account, email: "bob@example.com").reason == .accountUnknown)
            }
        }
        // One entry says of each that it was unlinked, before the user's end.
        let told = try await fixture.kinds().suffix(4).map { try JSONParser.parse(Array($0.utf8)) }
        #expect(told.map { $0["change"]?.stringValue } == ["revoked", "revoked", "removed", "added"])
        #expect(told[1]["identity"]?["user"]?.stringValue == "bob@example.com")
    }
}
