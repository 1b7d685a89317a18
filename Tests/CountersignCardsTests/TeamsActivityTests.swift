import CanonicalJSON
import CountersignCards
import CountersignCore
import Testing

@Suite("Activities of Teams", .timeLimit(.minutes(5)))
struct TeamsActivityTests {
    private static let base: JSONObject = [
        "channelData": ["tenant": ["id": "AAAA-1"]], "channelId": "msteams",
        "conversation": ["id": "19:ops@thread.tacv2;messageid=1700", "tenantId": "aaaa-1"],
        "from": ["aadObjectId": "BBBB-2", "id": "29:1x"], "id": "f:1", "recipient": ["id": "28:bot"],
        "serviceUrl": "https://smba.example.com/emea/", "text": "hello", "type": "message",
    ]

    private static func activity(_ changes: JSONObject) throws -> TeamsActivity {
        var json = base
        for member in changes { json[member.key] = member.value }
        return try TeamsActivity(JSONValue.object(json).canonicalBytes())
    }

    @Test("conversation, thread, tenant and person are read in their one form")
    func reads() throws {
        let activity = try Self.activity([:])
        #expect(activity.conversation == "19:ops@thread.tacv2")
        #expect(activity.answered == "1700")
        #expect(activity.tenant == "aaaa-1")
        #expect(activity.account == "bbbb-2")
        #expect(activity.kind == .words("hello"))
        #expect(try Self.activity(["replyToId": "1800"]).answered == "1800")
    }

    @Test("what somebody wrote is read without the bot's name")
    func words() throws {
        let mention: JSONValue = [
            "mentioned": ["id": "28:bot"], "text": "<at>Countersign</at>", "type": "mention",
        ]
        let other: JSONValue = ["mentioned": ["id": "29:2"], "text": "<at>Bob</at>", "type": "mention"]
        let text = " <at>Countersign</at> why?\nAsk <at>Bob</at>. <at>Countersign</at>\u{A0}"
        let activity = try Self.activity(["entities": [mention, other], "text": .string(text)])
        #expect(activity.kind == .words("why?\nAsk <at>Bob</at>."))
        #expect(try Self.activity(["text": ""]).kind == .words(""))
    }

    private static let kinds: [(changes: JSONObject, kind: TeamsActivity.Kind)] = [
        (["value": ["verb": "x"]], .submission),
        (["name": "adaptiveCard/action", "type": "invoke"], .action),
        (["name": "composeExtension/query", "type": "invoke"], .otherInvoke),
        (["membersAdded": [["id": "28:bot"]], "type": "conversationUpdate"], .arrived),
        (["membersAdded": [["id": "29:1x"]], "type": "conversationUpdate"], .other),
        (["membersRemoved": [["id": "28:bot"]], "type": "conversationUpdate"], .left),
        (["action": "add", "type": "installationUpdate"], .arrived),
        (["action": "remove", "type": "installationUpdate"], .left),
        (["type": "typing"], .other),
    ]

    @Test("what happened is one of few things", arguments: kinds)
    func knows(_ each: (changes: JSONObject, kind: TeamsActivity.Kind)) throws {
        #expect(try Self.activity(each.changes).kind == each.kind)
    }

    @Test(
        "what is not whole, or says two things, is refused",
        arguments: [
            ["serviceUrl": .null], ["serviceUrl": "http://smba.example.com/"], ["channelId": .null],
            ["conversation": ["id": "19:x", "tenantId": "other"]], ["conversation": ["tenantId": "aaaa-1"]],
            ["conversation": ["id": "19: x", "tenantId": "aaaa-1"]], ["channelData": ["tenant": ["id": "other"]]],
            ["from": .null], ["id": .null], ["id": .string(String(repeating: "x", count: 513))],
            ["id": "f:\u{202E}1"],
        ] as [JSONObject],
    )
    func refused(changes: JSONObject) {
        let fault = #expect(throws: ChannelFault.self) { try Self.activity(changes) }
        #expect(fault?.code == .payloadMalformed)
    }

    @Test("bytes that are no activity, or too many, are refused")
    func bounds() {
        let long = JSONValue.object(Self.base).canonicalBytes() + Array(repeating: 0x20, count: 256 * 1024)
        let deep = Array((String(repeating: "[", count: 40) + String(repeating: "]", count: 40)).utf8)
        for bytes in [[], Array("[]".utf8), Array(#"{"id":1,"id":2}"#.utf8), deep, long] {
            #expect(throws: ChannelFault.self) { try TeamsActivity(bytes) }
        }
    }

    @Test("a connector's address leaves no doubt which host is meant")
    func addresses() {
        for good in [
            "https://smba.trafficmanager.net/emea/", "https://smba.example.com:8443", "http://127.0.0.1:9/x",
            "http://localhost/",
        ] { #expect(TeamsServiceURL(good) != nil, "\(good)") }
        for bad in [
            "", "https://", "https:///x", "https://a@b/", "https://a?b", "https://a#b", "https://a\\b", "https://a:0/",
            "https://a:b/", "https://a:1:2/", "https://a%2eb/", "http://smba.example.com/", "http://127.0.0.1.evil/",
            "ftp://a/", "https://[::1]/", "https://\u{0430}.example.com/", "https://a b/",
            "https://" + String(repeating: "a", count: 600),
        ] { #expect(TeamsServiceURL(bad) == nil, "\(bad)") }
        let url = TeamsServiceURL("https://a.example.com/x/")
        #expect(url?.appending("v3", "19:o@t;b/../c") == "https://a.example.com/x/v3/19%3Ao%40t%3Bb%2F..%2Fc")
    }
}
