import CountersignCore
import CountersignTestKit
import Testing

@Suite("Programs that bring humans' decisions", .timeLimit(.minutes(5)))
struct DecisionClientTests {
    private let clock = ManualClock()
    private let ledger: InMemoryLedger
    private let client = DecisionClient(
        id: ClientID(unchecked: "servicenow"),
        users: [Fixtures.alice],
        groups: [],
    )

    init() { ledger = InMemoryLedger(clock: clock) }

    private func approval(_ assurance: Assurance) throws -> Approval {
        let gate = Gate(policy: "deletes", approvers: [Fixtures.approvers], assurance: assurance)
        return try Fixtures.approval(of: Fixtures.action(path: "/x"), gates: [gate], at: clock.time())
    }

    private func refusals() async throws -> Int {
        try await ledger.entries(EntryQuery(kinds: [.channelRefused])).items.count
    }

    @Test("a gate that asks for more than a session refuses an approval and takes a denial")
    func assurance() async throws {
        let enforcement = try Fixtures.enforcement(ledger: ledger, clock: clock)
        let approval = try approval(.passkey)
        let approve = await enforcement.human(Fixtures.alice, of: client, on: approval, .approve, source: nil)
        #expect(throws: Reason.self) { try approve.get() }
        #expect(try await refusals() == 1)
        let deny = await enforcement.human(Fixtures.alice, of: client, on: approval, .deny, source: nil)
        #expect(try deny.get().via == "client:servicenow")
        #expect(try deny.get().user.id == Fixtures.alice)
        #expect(try await refusals() == 1)
    }

    @Test("only its own users count, and whoever else it names has an entry")
    func users() async throws {
        let enforcement = try Fixtures.enforcement(ledger: ledger, clock: clock)
        let approval = try approval(.session)
        for name in ["bob@example.com", "nobody@example.com", "client:servicenow", "servicenow"] {
            let user = try #require(UserID(name))
            let result = await enforcement.human(user, of: client, on: approval, .approve, source: "192.0.2.1")
            #expect(throws: Reason.self, "\(name)") { try result.get() }
        }
        #expect(try await refusals() == 4)
        let alice = await enforcement.human(Fixtures.alice, of: client, on: approval, .approve, source: nil)
        #expect(try alice.get().isLocalAdministrator == false)
    }

    @Test("of two records of one person the one that is named decides, and a name that could be either is nobody")
    func twoRecords() throws {
        let names = ["alice@example.com", "Alice@example.com"].map { UserID(unchecked: $0) }
        let bob = UserID(unchecked: "bob@example.com")
        for order in [names, names.reversed()] {
            let users = (order + [bob]).map { User(id: $0, groups: [Fixtures.approvers]) }
            let directory = try Directory(agents: [], users: users, connections: [])
            for name in names { #expect(directory.user(named: name)?.id == name) }
            #expect(directory.user(named: UserID(unchecked: "ALICE@example.com")) == nil)
            #expect(directory.user(named: UserID(unchecked: "BOB@example.com"))?.id == bob)
            #expect(directory.user(named: UserID(unchecked: "carol@example.com")) == nil)
        }
    }

    @Test("an approval concerns it where it asks one of its users")
    func concerns() throws {
        let directory = try Fixtures.directory()
        let stranger = DecisionClient(id: client.id, users: [], groups: [GroupName(unchecked: "nobody")])
        let group = DecisionClient(id: client.id, users: [], groups: [Fixtures.approvers])
        let approval = try approval(.session)
        #expect(client.isConcerned(by: approval, in: directory))
        #expect(group.isConcerned(by: approval, in: directory))
        #expect(!stranger.isConcerned(by: approval, in: directory))
    }
}
