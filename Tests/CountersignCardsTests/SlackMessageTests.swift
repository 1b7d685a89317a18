import CanonicalJSON
import CountersignCards
import CountersignCore
import CountersignTestKit
import Testing

@Suite("What else Slack is told", .timeLimit(.minutes(10)))
struct SlackMessageTests {
    @Test("what a message carries reads back from Slack's list, and nothing else is taken for it")
    func metadata() throws {
        let metadata = SlackMetadata(subject: "apr_1", notice: "ntc_1", told: 3)
        #expect(SlackMetadata(of: ["metadata": metadata.json, "ts": "1.2"]) == metadata)
        let others: [JSONValue] = [
            [:], ["metadata": nil], ["metadata": ["event_type": "countersign_approval"]],
            [
                "metadata": [
                    "event_type": "other", "event_payload": ["notice": "n", "subject": "apr_1", "told": 3],
                ]
            ],
            [
                "metadata": [
                    "event_type": "countersign_approval",
                    "event_payload": ["notice": "n", "subject": 1, "told": 3],
                ]
            ],
        ]
        for other in others { #expect(SlackMetadata(of: other) == nil) }
    }

    @Test("a card is found by what it carries, and a reply says so")
    func posting() {
        let metadata = SlackMetadata(subject: "apr_1", notice: "ntc_1", told: 0)
        let message = SlackMessage.sentence("Nothing <!channel> `x`")
        let posting = message.posting(to: "C1", thread: "1.2", broadcasts: true, metadata: metadata)
        #expect(posting["metadata"] == metadata.json)
        #expect(posting["thread_ts"] == "1.2")
        #expect(posting["reply_broadcast"] == true)
        #expect(posting["text"] == "Nothing &lt;!channel&gt; `x`")
        #expect(message.posting(to: "C1")["thread_ts"] == nil)
        #expect(message.ephemeral(to: "U1", in: "C1")["user"] == "U1")
        #expect(message.response["response_type"] == "ephemeral")
    }

    @Test("a batch keeps to Slack's limits, whatever it says and however many they are", arguments: [1, 22, 23, 300])
    func batchLimits(count: Int) throws {
        for text in CardFixture.hostile {
            let card = try CardFixture.card(CardFixture.approval(saying: text + String(repeating: "<`", count: 900)))
            let blocks = SlackBatchCard(Array(repeating: card, count: count)).message.blocks
            #expect(blocks.count <= 50)
            #expect(CardFixture.length(blocks) <= 9600)
            let names = blocks.compactMap { $0["block_id"]?.stringValue }
            #expect(Set(names).count == names.count)
            for block in blocks {
                let words = block["text"]?["text"]?.stringValue ?? ""
                #expect(words.utf16.count <= 3000)
                #expect(!words.contains("<!") && !words.contains("<@"))
            }
        }
    }

    @Test("a batch leads to the page of all of them, as long as several are open")
    func batchPage() throws {
        let base = "https://countersign.example.com"
        let page = try CardLink(publicURL: base, batch: BatchID(unchecked: "bat_0123456789012345678901"))
        let card = try CardFixture.card(CardFixture.approval(saying: "/orders"))
        let settled = try CardFixture.card(CardFixture.settled(saying: "/orders"))
        func links(_ cards: [ApprovalCard], _ page: CardLink?) -> Bool {
            JSONValue.array(SlackBatchCard(cards, page: page).message.blocks).canonicalText
                .contains("<\(base)/approvals/batch?batch=bat_0123456789012345678901|")
        }
        #expect(links([card, card, settled], page))
        #expect(!links([card, settled], page) && !links([settled, settled], page) && !links([card, card], nil))
    }

    @Test("a batch names every action's digest, and nothing moves when one is settled")
    func batchOrder() throws {
        let approvals = try (1...30).map {
            try Fixtures.approval($0, of: Fixtures.action(path: "/v1/customers/\($0)"), at: CardFixture.now)
        }
        let open = try approvals.map { try CardFixture.card($0) }
        var settled = open
        settled[0] = try CardFixture.card(Fixtures.next(approvals[0], .denied))
        for cards in [open, settled] {
            let text = JSONValue.array(SlackBatchCard(cards).message.blocks).canonicalText
            #expect(cards.count { text.contains($0.handle.digestPrefix) } > 20)
        }
        let shown = values(open)
        #expect(shown.count >= 20 && shown.count.isMultiple(of: 2))
        #expect(shown == open.prefix(shown.count / 2).flatMap { [$0, $0] }.map(\.handle.description))
        #expect(values(settled) == Array(shown.dropFirst(2)))
    }

    private func values(_ cards: [ApprovalCard]) -> [String] {
        SlackBatchCard(cards).message.blocks.flatMap { $0["elements"]?.arrayValue ?? [] }
            .compactMap { $0["value"]?.stringValue }
    }

    private func item(_ approval: Approval) throws -> (text: String, buttons: [String]) {
        let blocks = SlackBatchCard([try CardFixture.card(approval)]).message.blocks
        let buttons = (blocks[3]["elements"]?.arrayValue ?? []).compactMap { $0["action_id"]?.stringValue }
        return (blocks[2]["text"]?["text"]?.stringValue ?? "", buttons)
    }

    @Test("in a batch nobody approves what is not shown whole")
    func batchShowsAllOrDoesNotApprove() throws {
        let all = ["countersign.approve", "countersign.deny", "countersign.open"]
        let approval = try CardFixture.approval(saying: "orders")
        #expect(try CardFixture.card(approval).parts.map(\.title) == ["Request", "Payload", "Details"])
        let whole = try item(approval)
        #expect(whole.buttons == all)
        for words in ["DELETE /orders", #""x-note": "orders""#, "In the agent's own words", "Stopped by `deletes`"] {
            #expect(whole.text.contains(words))
        }
        var cut = approval
        cut.circumstances.justification = String(repeating: "because ", count: 200)
        let advised = try CardFixture.approval(gates: [
            Gate(policy: "p", approvers: [Fixtures.approvers], advice: String(repeating: "look ", count: 400))
        ])
        var excerpt = approval
        excerpt.document = #"{"context":{"method":"PUT","path":"/a","payload":{"bytes":9,"excerpt":"abc"}}}"#
        var digest = approval
        digest.document = #"{"context":{"method":"PUT","path":"/a","payload":{"bytes":9,"sha256":"abc"}}}"#
        var erased = approval
        erased.document = nil
        var headed = approval
        let headers = String(repeating: "x", count: 1200)
        headed.document = #"{"context":{"headers":{"x-method-override":"\#(headers)"},"method":"PUT","path":"/a"}}"#
        for hidden in [cut, advised, excerpt, digest, erased, headed, try CardFixture.approval(saying: headers)] {
            let item = try item(hidden)
            #expect(item.buttons == Array(all.dropFirst()))
            #expect(item.text.contains("Not all of it is shown here, so it is not approved here: open it."))
        }
    }

    @Test("in a batch it is said for whom the agent acts")
    func batchSaysForWhom() throws {
        let action = Action(
            agent: Fixtures.agent,
            onBehalfOf: Fixtures.alice,
            protocol: "http",
            connection: Fixtures.connection,
            operations: [
                Operation(protocol: "http", effect: .read, resource: ResourceReference(type: "Endpoint", id: "x"))
            ],
            details: [:],
        )
        let item = try item(Fixtures.approval(of: action, at: CardFixture.now))
        #expect(item.text.contains("on `x`, acting for `\(Fixtures.alice)`"))
    }

    @Test("a thread is told the newest of what a message holds")
    func longTrails() throws {
        var approval = try CardFixture.approval()
        approval.comments = try CardFixture.comments(
            (0..<40).map { "\($0)" + String(repeating: "x", count: 900) }
        )
        let trail = SlackTrail(approval)
        let blocks = try #require(trail.message(after: 0)?.blocks)
        #expect(CardFixture.length(blocks) <= 9600 && blocks.count > 5)
        #expect(blocks.last?["text"]?["text"]?.stringValue?.contains("`39x") == true)
        #expect(blocks == trail.message(after: 40 - blocks.count)?.blocks)
    }

    @Test("who asks what waits is told nothing only if all was looked at")
    func waiting() throws {
        func text(_ waiting: SlackWaiting) -> String { JSONValue.array(waiting.message.blocks).canonicalText }
        let list = try CardLink(listAt: "https://countersign.example.com")
        #expect(text(SlackWaiting([], list: list)).contains("Nothing waits for your decision."))
        let unsure = text(SlackWaiting([], isAll: false, list: list))
        #expect(!unsure.contains("Nothing waits"))
        #expect(unsure.contains("There may be more. <https://countersign.example.com/|Open the list>"))
        let card = try CardFixture.card(CardFixture.approval(saying: String(repeating: "a", count: 60)))
        #expect(text(SlackWaiting([card])).contains("1 waits for your decision."))
        let many = SlackWaiting(Array(repeating: card, count: 20), isAll: false, list: list)
        #expect(text(many).contains("At least 20 wait for your decision.") && text(many).contains("Open the list"))
        let long = try CardFixture.card(CardFixture.approval(saying: String(repeating: "<", count: 900)))
        #expect(CardFixture.length(SlackWaiting(Array(repeating: long, count: 20)).message.blocks) <= 9600)
    }

    @Test("the trail only grows, whatever becomes of an approval")
    func trail() throws {
        let approval = try CardFixture.approval()
        #expect(SlackTrail(approval).count == 0)
        #expect(SlackTrail(approval).message(after: 0) == nil)
        var decided = approval
        decided.decisions = [CardFixture.decision(.approve, "<!channel>", on: approval)]
        let ways: [[ApprovalStatus]] = [
            [.approved, .redeemed, .succeeded], [.approved, .redeemed, .failed], [.approved, .redeemed, .unknown],
            [.approved, .lapsed], [.approved, .revoked], [.expired], [.withdrawn],
        ]
        for way in ways {
            var current = decided
            var told = SlackTrail(current)
            for status in way {
                current = Fixtures.next(current, status)
                let trail = SlackTrail(current)
                #expect(trail.count >= told.count)
                // What was told stays as it was told.
                #expect(
                    trail.message(after: 0)?.blocks.prefix(told.count).elementsEqual(
                        told.message(after: 0)?.blocks ?? []
                    ) ?? false
                )
                told = trail
            }
            #expect(told.message(after: told.count) == nil)
            let text = JSONValue.array(told.message(after: 0)?.blocks ?? []).canonicalText
            #expect(text.contains("&lt;!channel&gt;") && !text.contains("<!channel>"))
        }
    }

    @Test("only what a person wrote below a message is a reply")
    func events() throws {
        func event(_ members: [(String, JSONValue)]) throws -> SlackEvent {
            var event: JSONObject = [
                "channel": "C1", "text": "x", "thread_ts": "1.1", "ts": "1.2", "type": "message", "user": "U1",
            ]
            for (name, value) in members { event[name] = value }
            return try SlackEvent([
                "api_app_id": "A1", "event": .object(event), "event_id": "Ev1", "team_id": "T1",
                "type": "event_callback",
            ])
        }
        guard case .reply(let reply) = try event([]) else {
            Issue.record("no reply")
            return
        }
        #expect(reply.parent == SlackMessageReference(channel: "C1", timestamp: "1.1"))
        #expect(reply.user == SlackUser(id: "U1", team: "T1"))
        guard case .reply(let foreign) = try event([("user_team", "T2")]) else {
            Issue.record("no reply")
            return
        }
        #expect(foreign.user.team == "T2" && foreign.team == "T1")
        let texts: [(String, String)] = [
            ("a &lt;b&gt; &amp; c", "a <b> & c"), ("&amp;lt;", "&lt;"), ("&lt;\u{301}", "<\u{301}"), ("&", "&"),
            ("<@U1>", "<@U1>"), ("", ""),
        ]
        for (sent, typed) in texts {
            guard case .reply(let reply) = try event([("text", .string(sent))]) else {
                Issue.record("no reply")
                continue
            }
            #expect(reply.words.utf8.elementsEqual(typed.utf8))
        }
        let others: [(String, JSONValue)] = [
            ("bot_id", "B1"), ("subtype", "message_changed"), ("thread_ts", nil), ("user", nil), ("type", "reaction"),
        ]
        for other in others {
            guard case .other = try event([other]) else {
                Issue.record("\(other)")
                continue
            }
        }
        #expect(try SlackEvent(["type": "url_verification", "challenge": "c"]) == .challenge("c"))
        #expect(throws: ChannelFault.self) { try SlackEvent(body: Array("[]".utf8)) }
        #expect(throws: ChannelFault.self) { try SlackEvent(["type": "url_verification"]) }
    }
}
