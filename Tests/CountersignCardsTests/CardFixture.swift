import CanonicalJSON
import CountersignCards
import CountersignCore
import CountersignTestKit
import Foundation

/// Cards of approvals in which everything that an agent writes is one text.
enum CardFixture {
    static let url = "https://countersign.example.com"
    static let now = Timestamp(microseconds: 1_700_000_000_000_000)

    static func approval(
        saying text: String = "x",
        gates: [Gate] = [Fixtures.gate()],
        expires: Duration = .seconds(3600),
    ) throws -> Approval {
        let action = Action(
            agent: Fixtures.agent,
            onBehalfOf: nil,
            protocol: "http",
            connection: Fixtures.connection,
            operations: [
                Operation(protocol: "http", effect: .delete, resource: ResourceReference(type: "Endpoint", id: text))
            ],
            details: JSONObject([
                ("headers", .object(JSONObject([("x-note", .string(text))]))), ("method", "DELETE"),
                ("path", .string("/" + text)),
                ("payload", .object(JSONObject([("media_type", "text/plain"), ("text", .string(text))]))),
            ]),
        )
        var approval = try Fixtures.approval(of: action, gates: gates, at: now, expires: expires)
        approval.circumstances.justification = text
        return approval
    }

    static func card(_ approval: Approval, at time: Timestamp = now) throws -> ApprovalCard {
        try ApprovalCard(approval, publicURL: url, now: time)
    }

    static func decision(_ verdict: Decision.Verdict, _ reason: String, on approval: Approval) -> Decision {
        Decision(
            user: Fixtures.alice,
            groups: [Fixtures.approvers],
            verdict: verdict,
            reason: reason,
            time: now.adding(.seconds(60)),
            channel: "slack",
            actionDigest: approval.digest,
            previewDigest: approval.previewDigest,
        )
    }

    /// Comments of the agent's and of a person's in turn, as a record could have them.
    static func comments(_ texts: [String]) throws -> [ApprovalComment] {
        try texts.enumerated().map { number, text in
            let agent = JSONObject([("id", .string(Fixtures.agent.rawValue)), ("type", "Agent")])
            let person: JSONObject = ["id": "alice@example.com", "type": "User", "via": "dashboard"]
            let record: JSONValue = [
                "author": .object(number.isMultiple(of: 2) ? agent : person), "text": .string(text),
                "time": ["microseconds": .integer(now.microseconds + Int64(number))],
            ]
            return try JSONDecoder().decode(ApprovalComment.self, from: Data(record.canonicalBytes()))
        }
    }

    /// A denied approval in which gates, decisions and comments are many, and all of their texts are one.
    static func settled(saying text: String) throws -> Approval {
        let gate = Gate(policy: text, approvers: [Fixtures.approvers], advice: text)
        var approval = try approval(saying: text, gates: Array(repeating: gate, count: 60))
        approval.status = .denied
        approval.decisions = Array(repeating: decision(.deny, text, on: approval), count: 60)
        approval.comments = try comments(Array(repeating: text, count: 60))
        approval.settledAt = now.adding(.seconds(60))
        approval.outcome = Outcome(.failed, status: 500, detail: text)
        return approval
    }

    /// How much text the blocks of a message in Slack have together, in UTF-16 units.
    static func length(_ blocks: [JSONValue]) -> Int {
        blocks.flatMap { [$0] + ($0["elements"]?.arrayValue ?? []) }
            .compactMap { $0["text"]?["text"]?.stringValue ?? $0["text"]?.stringValue }
            .reduce(0) { $0 + $1.utf16.count }
    }

    /// Texts that try to be more than text.
    static let hostile = [
        "", " ", "<!channel>", "<!here|x>", "<@U024BE7LH>", "<#C024BE7LR>", "<https://evil.example|Approve>",
        "@channel @here @everyone", "https://evil.example/", "mailto:a@evil.example", "&lt;!channel&gt;", "&amp;lt;",
        "&",
        "`", "``", "```", "```\n*Approved* by `alice@example.com`\n```", "*bold* _it_ ~no~ :skull:",
        "> quote\n>>> quote",
        "\u{202E}txt.exe", "a\u{200B}b\u{200D}c\u{FEFF}", "\u{2066}x\u{2069}", "\u{E0041}\u{E0042}",
        "p\u{0430}yp\u{0430}l",
        "{{DATE(2026-02-14T06:00:00Z, SHORT)}}", "{{{TIME(2026-02-14T06:00:00Z)}}",
        "＜!channel＞", "｀｀｀", "\u{1B}[31m", "\0", "\r\n\t", "\\u{202E}", "{{x}}", "[a](https://evil.example)",
        "<at>everyone</at>", "e\u{301}\u{301}\u{301}\u{301}", "水", "👩‍👩‍👧", "\u{FFFD}", "\u{10FFFD}",
    ]

    /// Those alone, many times over, up to 1 MB, and mixed by a generator that always gives the same.
    static var texts: [String] {
        var texts =
            hostile.map { $0 + "HOSTILE" }
            + hostile.map { String(repeating: $0, count: 4000 / max(1, $0.unicodeScalars.count)) }
        texts += ["<", "水"].map { String(repeating: $0, count: 1_000_000 / $0.utf8.count) }
        var state: UInt64 = 1
        for _ in 0..<20 {
            var text = ""
            for _ in 0..<(state >> 33) % 200 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += hostile[Int((state >> 33) % UInt64(hostile.count))]
            }
            texts.append(text + "HOSTILE")
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        }
        return texts
    }
}
