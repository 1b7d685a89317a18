import CanonicalJSON
import CountersignCore
import CountersignTestKit
import Testing

@Suite("A notice is sent again by those who may, with an entry", .timeLimit(.minutes(10)))
struct NoticeReplayTests {
    private let place = Destination(channel: ChannelName(unchecked: "slack"), address: "C1")

    private func stage(_ ending: NoticeEnding?) async throws -> (Stage, Notice) {
        let stage = try Stage(settings: EnforcementSettings(replayers: [GroupName(unchecked: "sre")]))
        let approval = try Fixtures.approval(at: stage.clock.time())
        let draft = NoticeDraft(.requested, to: place, dueAt: stage.clock.time())
        let entry = Fixtures.entry(.approvalRequested, at: stage.clock.time())
        let commit = Commit(.insert(approval, maximumPending: 10), entries: [entry], notices: [draft])
        _ = try await stage.ledger.commit(commit)
        let notice = try #require(try await stage.ledger.outbox.notices(NoticeQuery()).items.first)
        if let ending {
            try await stage.ledger.outbox.beginNotices([notice.number])
            try await stage.ledger.outbox.endNotice(notice, ending, at: stage.clock.time())
        }
        return (stage, notice)
    }

    private func reason(_ result: Result<Notice, Reason>) -> ReasonCode? {
        switch result {
        case .success: nil
        case .failure(let reason): reason.code
        }
    }

    @Test(
        "what has failed or was delivered waits again, and the entry says who wanted it",
        arguments: [NoticeEnding.failed(trouble: "410"), .delivered(nil)]
    )
    func replays(_ ending: NoticeEnding) async throws {
        let (stage, notice) = try await stage(ending)
        stage.clock.advance(by: .seconds(60))
        let again = try await stage.enforcement.replay(notice.number, by: Stage.signedIn("carol@example.com")).get()
        #expect(again.state == .waiting && again.id == notice.id && again.tryAt == stage.clock.time())
        let entry = try #require(try await stage.entries(since: 1).first)
        #expect(entry["kind"]?.stringValue == "notice.replayed")
        #expect(entry["actor"]?["id"]?.stringValue == "carol@example.com")
        #expect(entry["notice"]?["number"]?.integerValue == notice.number)
        #expect(entry["notice"]?["approval"]?.stringValue == notice.approval.rawValue)
        #expect(entry["approval"] == nil)
    }

    @Test("nobody else may, and nothing is written of it")
    func mayNot() async throws {
        let (stage, notice) = try await stage(.failed(trouble: "410"))
        let writes = stage.ledger.writes
        for user in ["alice@example.com", "eve@example.com", "unknown@example.com"] {
            let result = await stage.enforcement.replay(notice.number, by: Stage.signedIn(user))
            #expect(reason(result) == .notAllowed)
        }
        #expect(stage.ledger.writes == writes)
        #expect(try await stage.ledger.outbox.notice(notice.number)?.state == .failed)
    }

    @Test("what waits, was dropped or is not there is not sent again, and nothing is written of it")
    func notReplayable() async throws {
        for ending in [nil, NoticeEnding.dropped] {
            let (stage, notice) = try await stage(ending)
            let writes = stage.ledger.writes
            let user = Stage.signedIn("carol@example.com")
            #expect(reason(await stage.enforcement.replay(notice.number, by: user)) == .wrongState)
            #expect(reason(await stage.enforcement.replay(notice.number + 7, by: user)) == .notFound)
            #expect(stage.ledger.writes == writes)
        }
    }

    @Test("a channel stands as its attempts and its outbox say")
    func standings() throws {
        let slack = ChannelName(unchecked: "slack")
        func count(_ channel: ChannelName, due: Int = 0, failed: Int = 0, trouble: String? = nil) -> OutboxCount {
            OutboxCount(channel: channel, due: due, scheduled: 0, failed: failed, oldestDue: nil, trouble: trouble)
        }
        func state(_ trouble: String?, _ counts: [OutboxCount]) -> ChannelStanding.State? {
            let activity = ChannelActivity(name: slack, kind: .slack, trouble: trouble)
            return ChannelStanding.all([activity], counts).first?.state
        }
        #expect(state(nil, []) == .ok)
        #expect(state(nil, [count(slack, due: 1)]) == .waiting)
        #expect(state("503", []) == .failing)
        // Remembered with the notice that it left open, also after a start.
        #expect(state(nil, [count(slack, due: 1, trouble: "503")]) == .failing)
        #expect(state(nil, [count(slack, failed: 1, trouble: "410")]) == .ok)
        let gone = ChannelStanding.all([], [count(slack, failed: 1, trouble: "410")])
        #expect(gone.map(\.state) == [.unconfigured] && gone.first?.trouble == "410")
    }
}
