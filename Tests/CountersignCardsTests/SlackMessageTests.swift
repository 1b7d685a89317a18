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
            for card in cards { #expect(text.contains(card.handle.digestPrefix)) }
        }
        func values(_ cards: [ApprovalCard]) -> [String] {
            SlackBatchCard(cards).message.blocks.flatMap { $0["elements"]?.arrayValue ?? [] }
                .compactMap { $0["value"]?.stringValue }
        }
        #expect(values(open).count == 44)
        #expect(values(settled) == Array(values(open).dropFirst(2)))
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
