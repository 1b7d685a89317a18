import CanonicalJSON
import CountersignTestKit
import Testing

@testable import CountersignCore

@Suite("Who is who, as the entries tell it", .timeLimit(.minutes(5)))
struct IdentityReplayTests {
    private func take(_ changes: [(change: String, user: String)]) throws -> IdentityReplay {
        var replay = IdentityReplay()
        for (number, step) in changes.enumerated() {
            let draft = EntryDraft(
                .identityChanged,
                time: Timestamp(microseconds: Int64(number)),
                actor: .gateway,
                members: [
                    ("change", .string(step.change)),
                    (
                        "identity",
                        ["by": "administrator", "id": "slack:T1/U1", "type": "ChannelLink", "user": .string(step.user)]
                    ),
                ],
            )
            try replay.take(ToldEntry(draft.encoded(sequence: UInt64(number))))
        }
        return replay
    }

    @Test("an account that was unlinked stays nobody's until it is linked; the first versions forgot it")
    func unlinked() throws {
        let link = try take([("added", "alice@example.com"), ("revoked", "alice@example.com")]).links["slack:T1/U1"]
        #expect(link?.user == nil && link?.unlinkedFrom == Fixtures.alice)
        let again = try take([
            ("added", "alice@example.com"), ("revoked", "alice@example.com"), ("changed", "bob@example.com"),
        ])
        #expect(again.links["slack:T1/U1"]?.user == Fixtures.bob)
        #expect(try take([("added", "alice@example.com"), ("removed", "alice@example.com")]).links.isEmpty)
    }

    @Test("only a user's own account is unlinked, and once")
    func refused() throws {
        for steps in [
            [("revoked", "alice@example.com")], [("added", "bob@example.com"), ("revoked", "alice@example.com")],
            [("added", "bob@example.com"), ("revoked", "bob@example.com"), ("revoked", "bob@example.com")],
        ] {
            #expect(throws: ReplayError.self) { try take(steps) }
        }
    }
}
