import CanonicalJSON
import CountersignCore
import CountersignLog
import CountersignTestKit
import Crypto
import Testing

@Suite("Entries as OCSF events", .timeLimit(.minutes(10)))
struct OCSFEventTests {
    private let source = OCSFEvent.Source(origin: Fixtures.logOrigin, version: "1.2.3")
    private let time = Timestamp(microseconds: 1_767_225_600_123_456)

    private func event(_ draft: EntryDraft, about approval: Approval? = nil) throws -> JSONValue {
        let entry = Entry(sequence: 7, bytes: draft.encoded(sequence: 7), payload: nil)
        let event = OCSFEvent(ExportLeaf(entry), about: approval.map { OCSFEvent.Subject($0) }, from: source)
        #expect(!event.bytes.contains(UInt8(ascii: "\n")))
        return try JSONParser.parse(event.bytes)
    }

    private func ids(_ event: JSONValue) -> [Int64?] {
        ["class_uid", "activity_id", "type_uid", "action_id", "disposition_id", "status_id"]
            .map { event[$0]?.integerValue }
    }

    private var writer: EntryWriter { EntryWriter(chance: .deterministic()) }

    @Test(
        "every kind of entry has a class, and numbers and captions that belong together",
        arguments: EntryKind.allCases
    )
    func everyKind(kind: EntryKind) throws {
        let event = try event(Fixtures.entry(kind, at: time))
        let uid = try #require(event["class_uid"]?.integerValue)
        #expect([3002, 3003, 3004, 6003].contains(uid))
        let activity = try #require(event["activity_id"]?.integerValue)
        #expect(event["type_uid"]?.integerValue == uid * 100 + activity)
        #expect(event["category_uid"]?.integerValue == uid / 1000)
        #expect(event["time"]?.integerValue == 1_767_225_600_123)
        #expect(event["metadata"]?["original_time"]?.stringValue == "2026-01-01T00:00:00.123456Z")
        #expect(event["metadata"]?["uid"]?.stringValue == "countersign.example.com/log#7")
        #expect(event["metadata"]?["event_code"]?.stringValue == kind.rawValue)
    }

    @Test("an accepted definition of a tool is a change of that tool, by whom accepted it")
    func definition() throws {
        let by = Actor.user(Fixtures.alice, via: "dashboard")
        let listed = ListedTool(name: "counter", canonical: Array("two".utf8))
        let accepted = AcceptedTool(listed, on: Fixtures.connection, by: by, at: time)
        let old = ActionDigest(of: Array("one".utf8))
        let event = try event(writer.accepted(ToolAcceptance(accepted, previous: old)))
        #expect(event["class_uid"]?.integerValue == 3004)
        #expect(event["entity"]?["name"]?.stringValue == "orders-api/counter")
        #expect(event["entity"]?["version"]?.stringValue == old.rawValue)
        #expect(event["entity_result"]?["version"]?.stringValue == listed.digest.rawValue)
        #expect(event["message"]?.stringValue?.contains("alice@example.com accepted the definition") == true)
    }

    @Test("words on an approval are activity of its agent that decides nothing")
    func commented() throws {
        let approval = try Fixtures.approval(at: time)
        let words = try #require(ApprovalComment.Words("so \"urgent\"\n"))
        let comment = ApprovalComment(by: .agent(Fixtures.agent), words, at: time)
        let event = try event(writer.commented(approval, comment), about: approval)
        #expect(ids(event) == [6003, 99, 600_399, 0, 14, 99])
        #expect(event["activity_name"]?.stringValue == "Comment")
        #expect(event["metadata"]?["correlation_uid"]?.stringValue == approval.id.rawValue)
        #expect(event["unmapped"]?["comment"]?["text"]?.stringValue == "so \"urgent\"\n")
        #expect(event["message"]?.stringValue?.contains("urgent") == false && event["status_detail"] == nil)
        #expect(event["is_alert"]?.boolValue == false)
        let person = ApprovalComment(by: .user(Fixtures.alice, via: "slack"), words, at: time)
        let asked = try self.event(writer.commented(approval, person), about: approval)
        #expect(ids(asked) == ids(event))
        #expect(asked["actor"]?["user"]?["name"]?.stringValue == "alice@example.com")
        #expect(asked["unmapped"]?["actor"]?["via"]?.stringValue == "slack")
    }

    @Test("a kind that this version does not know is exported all the same")
    func unknownKind() throws {
        let entry = Entry(sequence: 3, bytes: Array(#"{"kind":"tea.served","sequence":3}"#.utf8), payload: nil)
        let event = OCSFEvent(ExportLeaf(entry), about: nil, from: source).json
        #expect(event["class_uid"]?.integerValue == 0)
        #expect(event["activity_name"]?.stringValue == "tea.served")
        let broken = Entry(sequence: 4, bytes: [0xFF, 0x0A], payload: nil)
        #expect(OCSFEvent(ExportLeaf(broken), about: nil, from: source).json["class_uid"]?.integerValue == 0)
    }

    @Test("an erasure names what it erased: the approval, the entry or the entries")
    func erased() throws {
        let user = Actor.user(Fixtures.alice, via: "dashboard")
        let id = ApprovalID(now: time, random: 0, 1)
        func check(_ draft: EntryDraft, _ name: String) throws {
            let event = try event(draft)
            #expect(ids(event) == [3004, 4, 300_404, 1, 1, 1])
            #expect(event["entity"]?["uid"]?.stringValue == name)
            #expect(event["message"]?.stringValue?.hasSuffix(" erased the payload of \(name)") == true)
        }
        let ofApproval = writer.erased([2, 5], reason: "asked to", approval: id, by: user, at: time)
        try check(ofApproval, id.rawValue)
        #expect(try event(ofApproval)["metadata"]?["correlation_uid"]?.stringValue == id.rawValue)
        try check(writer.erased([5], reason: "asked to", approval: nil, by: user, at: time), "entry 5")
        let expired = writer.expired([1, 2, 6], connection: Fixtures.connection, before: time, at: time)
        try check(expired, "3 entries from 1 to 6")
    }

    @Test("an event leads back to its leaf")
    func leaf() throws {
        let draft = Fixtures.entry(at: time)
        let event = try event(draft)
        let bytes = draft.encoded(sequence: 7)
        #expect(event["raw_data"]?.stringValue == String(decoding: bytes, as: UTF8.self))
        #expect(event["raw_data_size"]?.integerValue == Int64(bytes.count))
        let digest = SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(event["raw_data_hash"]?["value"]?.stringValue == digest)
    }

    @Test("text from outside stays text", arguments: ["\"},{\"class_uid\":1", "\n\r\u{0}", "\u{2028}😀", "\\\""])
    func injection(text: String) throws {
        let action = Fixtures.action(path: "/" + text)
        let draft = writer.rejected(
            Reason(.badRequest, ""),
            agent: Fixtures.agent,
            connection: Fixtures.connection,
            detail: text,
            circumstances: Circumstances(sourceAddress: text, requestID: text),
            at: time,
        )
        #expect(try event(draft)["status_detail"]?.stringValue == text)
        let approval = try Fixtures.approval(of: action, at: time)
        let requested = writer.requested(approval, action, at: time)
        #expect(try event(requested)["resources"]?.arrayValue?.first?["name"]?.stringValue?.hasSuffix(text) == true)
    }

    @Test(
        "an allowed action",
        arguments: [
            (Effect.read, Int64(2)), (.export, 2), (.write, 3), (.privilege, 3), (.infrastructure, 3), (.delete, 4),
            (.execute, 99), (.unknown, 0),
        ]
    )
    func allowed(effect: Effect, activity: Int64) throws {
        let action = Fixtures.action(effect: effect)
        let draft = writer.judged(
            .actionAllowed,
            action,
            Circumstances(sourceAddress: "192.0.2.1", requestID: "r-1"),
            PolicyVerdict(answer: .allow, policies: ["anything"], errors: []),
            version: "v",
            at: time,
        )
        let event = try event(draft)
        #expect(ids(event) == [6003, activity, 600_300 + activity, 1, 1, 1])
        #expect(event["actor"]?["user"]?["uid"]?.stringValue == "reporting-bot")
        #expect(event["src_endpoint"]?["ip"]?.stringValue == "192.0.2.1")
        #expect(event["api"]?["request"]?["uid"]?.stringValue == "r-1")
        #expect(event["api"]?["operation"]?.stringValue == "http:\(effect.rawValue)")
        #expect(event["http_request"]?["url"]?["path"]?.stringValue == "/v1/customers/42")
        #expect(event["is_alert"]?.boolValue == false)
    }

    @Test(
        "refusals tell a stranger, a forbidden action and an unreadable request apart",
        arguments: [
            (ReasonCode.unauthenticated, Int64(26)), (.invalidCredential, 26), (.ambiguousRequest, 25),
        ]
    )
    func rejected(code: ReasonCode, disposition: Int64) throws {
        let draft = writer.rejected(
            Reason(code, ""),
            agent: nil,
            connection: nil,
            detail: "why",
            circumstances: Circumstances(sourceAddress: "fe80::1"),
            at: time,
        )
        let event = try event(draft)
        #expect(ids(event) == [6003, 0, 600_300, 2, disposition, 2])
        #expect(event["status_code"]?.stringValue == code.rawValue)
        #expect(event["severity_id"]?.integerValue == 3)
        #expect(event["is_alert"]?.boolValue == true)
    }

    @Test("the life of an approval")
    func approval() throws {
        let action = Fixtures.action()
        let approval = try Fixtures.approval(of: action, at: time)
        let held = try event(writer.requested(approval, action, at: time))
        #expect(ids(held) == [6003, 4, 600_304, 0, 14, 99])
        #expect(held["authorizations"]?.arrayValue?.first?["policy"]?["uid"]?.stringValue == "deletes")
        for (status, expected): (ApprovalStatus, [Int64]) in [
            (.approved, [3003, 1, 300_301, 1, 8, 1]), (.denied, [6003, 99, 600_399, 2, 25, 2]),
            (.expired, [6003, 99, 600_399, 2, 25, 2]), (.revoked, [3003, 99, 300_399, 2, 24, 2]),
            (.lapsed, [3003, 99, 300_399, 2, 24, 2]),
        ] {
            let next = Fixtures.next(approval, status, grantExpiresAt: time.adding(.seconds(60)))
            let event = try event(writer.settled(next, by: .gateway, at: time), about: approval)
            #expect(ids(event) == expected, "\(status)")
            guard expected[0] == 3003 else { continue }
            #expect(event["user"]?["uid"]?.stringValue == "reporting-bot")
            #expect(event["privileges"]?.arrayValue?.count == 1)
            #expect(event["session"]?["uid"]?.stringValue == approval.id.rawValue)
        }
        let outcomes: [(Outcome.Result, Int64)] = [(.succeeded, 1), (.failed, 2), (.unknown, 0)]
        for (result, status) in outcomes {
            let draft = writer.completed(approval, Outcome(result, status: 502), by: .gateway, at: time)
            let event = try event(draft, about: approval)
            #expect(ids(event) == [6003, 4, 600_304, 1, 1, status])
            #expect(event["http_response"]?["code"]?.integerValue == 502)
        }
    }

    @Test("an entry of an approval names the agent, whom only the approval knows")
    func subject() throws {
        let approval = try Fixtures.approval(at: time)
        let draft = writer.dispatched(approval, version: "v", by: .gateway, at: time)
        let event = try event(draft, about: approval)
        #expect(event["api"]?["service"]?["name"]?.stringValue == "orders-api")
        #expect(event["resources"]?.arrayValue?.first?["name"]?.stringValue == approval.resource)
        #expect(event["metadata"]?["correlation_uid"]?.stringValue == approval.id.rawValue)
    }
}
