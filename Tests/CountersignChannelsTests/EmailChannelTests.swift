import CountersignCards
import CountersignChannels
import CountersignCore
import CountersignTestKit
import Logging
import Testing

@Suite("Mail as a channel", .timeLimit(.minutes(5)))
struct EmailChannelTests {
    @Test("an attempt takes as long as a server may that takes its time for every answer")
    func patience() throws {
        let clock = ManualClock()
        let ledger = InMemoryLedger(clock: clock)
        let enforcement = try Fixtures.enforcement(ledger: ledger, clock: clock)
        let settings = EmailSettings(
            name: ChannelName(unchecked: "mail"),
            host: "127.0.0.1",
            port: 25,
            sender: try #require(Mailbox("countersign@example.com")),
            terms: SMTPTerms(security: .none, credentials: nil, greeting: "example.com"),
            timeout: .seconds(30),
            authorities: nil,
        )
        let world = ChannelWorld(
            desk: ChannelDesk(enforcement: enforcement, identities: NobodyKnown()),
            places: ledger.places,
            publicURL: "https://countersign.example.com",
            clock: clock,
            chance: .deterministic(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        )
        let channel = try EmailChannel(settings, world: world)
        #expect(channel.pace.patience > settings.timeout * SMTPMachine.mostAnswers)
    }
}
