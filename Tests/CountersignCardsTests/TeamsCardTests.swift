import CanonicalJSON
import CountersignCards
import CountersignCore
import CountersignTestKit
import Testing

@Suite("Cards in Teams", .timeLimit(.minutes(10)))
struct TeamsCardTests {
    private func runs(_ json: JSONValue) -> [String] {
        (json["body"]?.arrayValue ?? []).flatMap { block in
            block["inlines"]?.arrayValue?.compactMap { $0["text"]?.stringValue } ?? []
        }
    }

    @Test("a card in Teams says the same as in Slack, and carries the same handle")
    func pending() throws {
        let approval = try CardFixture.approval(saying: "orders")
        let card = try CardFixture.card(approval)
        let json = TeamsCard(card).json
        let text = runs(json).joined()
        for words in [
            "reporting-bot", "olga@example.com", "http:delete", "orders-api", "DELETE /orders", "1 person of dba",
            "1 approval is missing. Time left: 1 h, until 2023-11-14 23:13:20 UTC.",
            "In the agent's own words, which nobody has checked",
        ] { #expect(text.contains(words)) }
        let actions = try #require(json["actions"]?.arrayValue)
        #expect(actions.map { $0["type"] } == ["Action.Execute", "Action.Execute", "Action.OpenUrl"])
        for action in actions.dropLast() {
            #expect(action["fallback"]?["type"] == "Action.Submit")
            #expect(action["fallback"]?["data"] == action["data"])
            #expect(action["data"] == ["handle": .string(card.handle.description), "verb": action["verb"] ?? nil])
        }
    }

    @Test("a settled card has no button but the link, and no input")
    func settled() throws {
        let json = try TeamsCard(CardFixture.card(CardFixture.settled(saying: "x"))).json
        #expect(json["actions"]?.arrayValue?.map { $0["type"] } == ["Action.OpenUrl"])
        #expect(json["body"]?.arrayValue?.contains { $0["type"] == "Input.Text" } == false)
        #expect(runs(json).joined().contains("165 more gates, decisions or comments are on the page."))
    }

    @Test("a card whose gate wants a passkey only opens the page, and says why")
    func pageOnly() throws {
        let passkey = Gate(policy: "p", approvers: [Fixtures.approvers], assurance: .passkey)
        let json = try TeamsCard(CardFixture.card(CardFixture.approval(gates: [Fixtures.gate(), passkey]))).json
        #expect(json["actions"]?.arrayValue?.map { $0["type"] } == ["Action.OpenUrl"])
        #expect(json["body"]?.arrayValue?.contains { $0["type"] == "Input.Text" } == false)
        #expect(runs(json).joined().contains("A gate asks for a passkey, so decide on the page."))
    }

    @Test("comments say whose they are, in the card's own words")
    func comments() throws {
        var approval = try CardFixture.approval()
        approval.comments = try CardFixture.comments(["approved by alice@example.com", "Which ticket?"])
        let text = runs(try TeamsCard(CardFixture.card(approval)).json).joined()
        #expect(text.contains("Said by the agent, and checked by nobody: reporting-bot at "))
        #expect(text.contains("Said by a person, who decided nothing by it: alice@example.com through dashboard at "))
        #expect(text.contains("Which ticket?"))
    }

    @Test("no text stands where Markdown is read, is hidden, or passes the limit")
    func hostile() throws {
        for text in CardFixture.texts {
            for approval in [try CardFixture.approval(saying: text), try CardFixture.settled(saying: text)] {
                let json = try TeamsCard(CardFixture.card(approval)).json
                #expect(json.canonicalBytes().count <= TeamsCard.maximumBytes)
                for block in json["body"]?.arrayValue ?? [] where block["type"] == "TextBlock" {
                    #expect(["Approval wanted", "Denied"].contains(block["text"]?.stringValue))
                }
                for run in runs(json) + runs(TeamsDigest([try CardFixture.card(approval)]).json) {
                    // Two of them begin what a client turns into a local date.
                    #expect(!run.contains("{{"))
                    VisibleScalar.each(of: run, isBlock: true) { visible in
                        guard case .escaped(_, let scalar) = visible else { return }
                        #expect(scalar.properties.isAlphabetic)
                    }
                }
                for action in json["actions"]?.arrayValue ?? [] {
                    #expect(!action.canonicalText.contains("HOSTILE"))
                }
            }
        }
    }

    @Test("a viewer's card has buttons only where they may decide, and names who is shown one of their own")
    func views() throws {
        let card = try CardFixture.card(CardFixture.approval(saying: "x"))
        let people = (0..<70).map { "29:\($0)" }
        let json = TeamsCard(card, viewers: people).json
        #expect(json["refresh"]?["userIds"]?.arrayValue?.count == 60)
        #expect(json["refresh"]?["action"]?["verb"] == "countersign.refresh")
        let reader = TeamsCard(card, viewers: ["29:1"], mayDecide: false, note: "No *luck* for you.").json
        #expect(reader["actions"]?.arrayValue?.map { $0["type"] } == ["Action.OpenUrl"])
        #expect(reader["body"]?.arrayValue?.contains { $0["type"] == "Input.Text" } == false)
        #expect(runs(reader).joined().contains("Not done: No *luck* for you."))
        let settled = try TeamsCard(CardFixture.card(CardFixture.settled(saying: "x")), viewers: people).json
        #expect(settled["refresh"] == nil)
    }

    @Test("however long texts and viewers are, a message keeps to the limit")
    func keepsToTheLimit() throws {
        let people = (0..<60).map { "29:\($0)" + String(repeating: "v", count: 155) }
        for text in CardFixture.texts {
            let card = try CardFixture.card(CardFixture.approval(saying: text))
            let message = TeamsMessage.card(TeamsCard(card, viewers: people, note: text))
            #expect(message.json.canonicalBytes().count <= 28_000)
            let digest = TeamsMessage.digest(TeamsDigest(Array(repeating: card, count: 50))).json
            #expect(digest.canonicalBytes().count <= 28_000)
            for action in digest["attachments"]?.arrayValue?.first?["content"]?["actions"]?.arrayValue ?? [] {
                #expect(action["type"] == "Action.OpenUrl")
            }
        }
    }

    @Test("a digest leads to pages, says what is open, and has nothing of the payload")
    func digest() throws {
        let open = try CardFixture.card(CardFixture.approval(saying: "/orders"))
        let settled = try CardFixture.card(CardFixture.settled(saying: "/orders"))
        let digest = TeamsDigest([open, settled])
        #expect(digest.title == "1 of 2 approvals wanted")
        #expect(TeamsDigest([open]).title == "Approval wanted")
        let text = runs(digest.json).joined()
        #expect(text.contains("Denied: ") && text.contains(open.handle.digestPrefix))
        #expect(digest.json["actions"] == [])
        let batch = BatchID(unchecked: "bat_0123456789012345678901")
        let page = try CardLink(publicURL: "https://countersign.example.com", batch: batch)
        let opening: JSONValue = ["title": "Open all of them", "type": "Action.OpenUrl", "url": .string(page.url)]
        #expect(TeamsDigest([open, settled], page: page).json["actions"] == [opening])
        #expect(TeamsDigest([settled, settled], page: page).json["actions"] == [])
        #expect(digest.json.canonicalText.contains(open.link.url))
        #expect(!digest.json.canonicalText.contains("DELETE"))
    }

    @Test("an answer is read from both kinds of action")
    func answers() throws {
        let data: JSONValue = ["handle": "apr_1 abcdefghijkl", "reason": "no", "verb": "countersign.deny"]
        let invoke: JSONValue = [
            "name": "adaptiveCard/action", "type": "invoke",
            "value": ["action": ["data": data, "type": "Action.Execute", "verb": "countersign.deny"]],
        ]
        let answer = try TeamsAnswer(activity: invoke)
        #expect(answer.verb == .deny)
        #expect(answer.reason == "no")
        #expect(answer.handle.approval.rawValue == "apr_1")
        #expect(try TeamsAnswer(activity: ["type": "message", "value": data]) == answer)
    }

    @Test(
        "an answer that is none is refused",
        arguments: [
            [:], ["type": "message"], ["type": "message", "value": ["verb": "countersign.deny"]],
            ["type": "message", "value": ["handle": "apr_1 abcdefghijkl", "verb": "x"]],
            ["type": "message", "value": ["handle": "apr_1 abcdefghijkl", "reason": 1, "verb": "countersign.deny"]],
            [
                "name": "adaptiveCard/action", "type": "invoke",
                "value": [
                    "action": [
                        "data": ["handle": "apr_1 abcdefghijkl", "verb": "countersign.deny"],
                        "verb": "countersign.approve",
                    ]
                ],
            ],
        ] as [JSONValue],
    )
    func refused(activity: JSONValue) {
        let fault = #expect(throws: ChannelFault.self) { try TeamsAnswer(activity: activity) }
        #expect(fault?.code == .payloadMalformed)
    }
}
