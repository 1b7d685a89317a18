import CountersignCore
import CountersignTestKit
import Testing

@testable import CountersignServer

@Suite("What is in force is read from the log", .timeLimit(.minutes(10)))
struct ChangeTests {
    @Test("the versions are found whatever the configuration file is called", arguments: ["c.yaml", "\u{FFFF}.yaml"])
    func versions(file: String) async throws {
        let clock = ManualClock()
        let ledger = InMemoryLedger(clock: clock)
        let snapshot = try Fixtures.snapshot()
        let drafts = Change.entries(from: (nil, nil), to: snapshot, file: file, at: clock.time())
        _ = try await ledger.commit(Commit(entries: drafts))
        let found = try await Change.versions(in: ledger)
        #expect(found.policy == snapshot.policy.version)
        #expect(found.configuration == snapshot.configurationVersion)
    }
}
