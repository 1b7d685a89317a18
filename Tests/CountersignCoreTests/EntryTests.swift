import CanonicalJSON
import CountersignCore
import CountersignTestKit
import Testing

/// Verifiers hash the bytes of an entry and read them as JSON; both must have one meaning.
@Suite("An entry's bytes are the canonical form of what it says")
struct EntryTests {
    private static let writer = EntryWriter(chance: .deterministic())
    private static let now = ManualClock().time()

    private static func judged(_ kind: EntryKind, isFull: Bool) -> EntryDraft {
        let long = String(repeating: "é\"\\\n", count: 600)
        let operation = Operation(
            protocol: "http",
            effect: .delete,
            resource: ResourceReference(type: "Endpoint", id: "orders-api/" + (isFull ? long : "deleteOrder")),
        )
        let action = Action(
            agent: Fixtures.agent,
            onBehalfOf: isFull ? Fixtures.alice : nil,
            protocol: "http",
            connection: Fixtures.connection,
            operations: [operation],
            details: JSONObject([("path", "/v1"), ("method", "DELETE"), ("zeal", 1), ("a", [1, .null])]),
        )
        return writer.judged(
            kind,
            action,
            isFull
                ? Circumstances(sourceAddress: "2001:db8::1", justification: long, requestID: "req\u{1}")
                : Circumstances(),
            PolicyVerdict(
                answer: .allow,
                policies: isFull ? ["one", "two"] : [],
                errors: isFull ? (0..<40).map { "p\($0): \(long)" } : [],
            ),
            version: "v",
            reasons: isFull ? [Reason(.forbidden, "m"), Reason(.policyError, "n")] : [],
            approval: isFull ? ApprovalID(unchecked: "apr_00000000000000000000000000") : nil,
            at: now,
        )
    }

    @Test("of a judged action", arguments: [EntryKind.actionAllowed, .actionDenied], [false, true])
    func judged(kind: EntryKind, isFull: Bool) throws {
        let draft = Self.judged(kind, isFull: isFull)
        for sequence in [UInt64(0), 9, 1 << 50] {
            let bytes = draft.encoded(sequence: sequence)
            let value = try JSONParser.parse(bytes)
            #expect(value.canonicalBytes() == bytes)
            #expect(value["sequence"]?.integerValue == Int64(sequence))
            #expect(value["kind"]?.stringValue == kind.rawValue)
            #expect(value["time"]?.stringValue == Self.now.rfc3339)
            #expect(value["actor"] == ["id": "reporting-bot", "type": "Agent"])
            #expect(value["payload"]?["commitment"]?.stringValue == draft.payload?.commitment)
            #expect(draft.commitment == draft.payload?.commitment)
            #expect(value["payload"]?["bytes"]?.integerValue == draft.payload.map { Int64($0.bytes.count) })
            #expect(value["policy"]?["version"] == "v")
            let names = value.objectValue?.members.map(\.key)
            let full = [
                "action", "actor", "approval", "circumstances", "kind", "on_behalf_of", "payload", "policy", "reasons",
                "sequence", "time",
            ]
            #expect(names == (isFull ? full : ["action", "actor", "kind", "payload", "policy", "sequence", "time"]))
            #expect((value["policy"]?["errors"]?.arrayValue?.count ?? 0) == (isFull ? 16 : 0))
            #expect(bytes.count < EntryDraft.maximumLength)
        }
    }

    @Test("and so are those of an action document")
    func document() throws {
        let document = try #require(Self.judged(.actionAllowed, isFull: true).payload?.bytes)
        let value = try JSONParser.parse(document)
        #expect(value.canonicalBytes() == document)
        #expect(value["context"]?.objectValue?.members.map(\.key) == ["a", "method", "operations", "path", "zeal"])
        #expect(value["subject"]?["properties"] == ["on_behalf_of": .string(Fixtures.alice.rawValue)])
        #expect(value["resource"] == ["id": "orders-api", "type": "Connection"])
    }
}
