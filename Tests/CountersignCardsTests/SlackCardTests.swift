import CanonicalJSON
import CountersignCards
import CountersignCore
import CountersignTestKit
import Testing

@Suite("Cards in Slack", .timeLimit(.minutes(10)))
struct SlackCardTests {
    private func texts(_ card: SlackCard) -> [String] {
        card.blocks.compactMap {
            $0["text"]?["text"]?.stringValue ?? $0["elements"]?.arrayValue?[0]["text"]?.stringValue
        }
    }

    @Test("a card says who, what and why it stopped, and has three buttons")
    func pending() throws {
        let approval = try CardFixture.approval(saying: "orders")
        let card = SlackCard(try CardFixture.card(approval))
        let prefix = approval.digest.rawValue.prefix(12)
        #expect(
            texts(card) == [
                "Approval wanted",
                """
                *Agent* `reporting-bot`, owned by `olga@example.com`
                *Action* `http:delete` in `orders-api`
                *Resource* `orders`
                """,
                "*In the agent's own words, which nobody has checked*\n```\norders\n```",
                "*Request*\n```\nDELETE /orders\n```",
                "*Payload*\n```\norders\n```",
                """
                *Details*
                ```
                {
                  "headers": {
                    "x-note": "orders"
                  },
                  "payload": {
                    "media_type": "text/plain"
                  }
                }
                ```
                """,
                "*Stopped by* `deletes`, which asks for `1 person of dba`",
                "1 approval is missing. Time left: 1 h, until 2023-11-14 23:13:20 UTC. "
                    + "Digest `\(prefix)`… of `\(approval.id)`",
            ]
        )
        let buttons = try #require(card.blocks.last?["elements"]?.arrayValue)
        #expect(
            buttons.map { $0["action_id"]?.stringValue } == [
                "countersign.approve", "countersign.deny", "countersign.open",
            ]
        )
        #expect(buttons[0]["value"] == .string("\(approval.id) \(prefix)"))
        #expect(buttons[0]["value"]?.stringValue.flatMap { CardHandle($0) } == card.card.handle)
        #expect(card.card.handle.fits(approval.digest))
        #expect(!card.card.handle.fits(ActionDigest(of: [])))
        #expect(buttons[2]["url"] == .string("https://countersign.example.com/approvals/\(approval.id)"))
    }

    @Test("a settled card says what happened and by whom, and has no button to decide")
    func settled() throws {
        var approval = try CardFixture.approval()
        approval.status = .denied
        approval.decisions = [CardFixture.decision(.deny, "wrong `one`", on: approval)]
        approval.settledAt = CardFixture.now.adding(.seconds(60))
        let card = SlackCard(try CardFixture.card(approval))
        #expect(texts(card).first == "Denied")
        #expect(
            texts(card).contains(
                #"*Denied* by `alice@example.com` at 2023-11-14 22:14:20 UTC"# + "\n" + #"`wrong \u{60}one\u{60}`"#
            )
        )
        #expect(texts(card).last?.hasPrefix("Settled at 2023-11-14 22:14:20 UTC. Digest") == true)
        #expect(card.blocks.last?["elements"]?.arrayValue?.count == 1)
        #expect(card.blocks.last?["elements"]?.arrayValue?[0]["value"] == nil)
    }

    @Test("comments say whose they are, in the card's own words, and decide nothing")
    func comments() throws {
        var approval = try CardFixture.approval()
        approval.comments = try CardFixture.comments(["`*Approved* by alice@example.com", "Which ticket?"])
        let card = SlackCard(try CardFixture.card(approval))
        let moment = CardWords.moment(CardFixture.now)
        #expect(
            texts(card).suffix(3).dropLast() == [
                "*Said by the agent, and checked by nobody*: `reporting-bot` at \(moment)\n"
                    + "`\\u{60}*Approved* by alice@example.com`",
                "*Said by a person, who decided nothing by it*: `alice@example.com` through `dashboard` at \(moment)\n"
                    + "`Which ticket?`",
            ]
        )
        #expect(card.blocks.last?["elements"]?.arrayValue?.count == 3, "it is as undecided as before")
    }

    @Test("a card whose time is over, or whose gate wants a passkey, only opens the page")
    func pageOnly() throws {
        let late = try CardFixture.card(CardFixture.approval(), at: CardFixture.now.adding(.seconds(3600)))
        #expect(late.status == .expired)
        let passkey = try CardFixture.card(
            CardFixture.approval(gates: [
                Fixtures.gate(), Gate(policy: "p", approvers: [Fixtures.approvers], assurance: .passkey),
            ])
        )
        for card in [late, passkey] {
            #expect(
                SlackCard(card).blocks.last?["elements"]?.arrayValue?.map { $0["action_id"] } == ["countersign.open"]
            )
        }
        #expect(texts(SlackCard(passkey)).last?.contains("A gate asks for a passkey, so decide on the page.") == true)
    }

    @Test("an action of several operations shows them, and an erased one says so")
    func content() throws {
        var approval = try CardFixture.approval()
        approval.document = nil
        let erased = try CardFixture.card(approval)
        #expect(erased.parts.isEmpty)
        #expect(texts(SlackCard(erased)).contains("The payload was erased."))
        approval.document = """
            {"context":{"operations":[{"effect":"read"},{"effect":"delete"}],"payload":{"bytes":9,"excerpt":"abc"}}}
            """
        let several = try CardFixture.card(approval)
        #expect(several.parts.map(\.title) == ["Payload", "Operations", "Details"])
        #expect(several.parts[0].isExcerpt)
        #expect(several.parts[1].text == #"{"effect":"read"}"# + "\n" + #"{"effect":"delete"}"#)
        #expect(
            texts(SlackCard(several)).contains {
                $0.contains("Only the beginning is shown; what you approve is all of it. <")
            }
        )
    }

    @Test("what is cut says how much is shown, and links to all of it")
    func cut() throws {
        let approval = try CardFixture.approval(saying: String(repeating: "a", count: 5000))
        let payload = try #require(texts(SlackCard(CardFixture.card(approval))).first { $0.hasPrefix("*Payload*") })
        #expect(payload.contains("Cut: 1600 of 5000 characters are shown, and what you approve is all of it."))
        #expect(payload.hasSuffix("<https://countersign.example.com/approvals/\(approval.id)|Read all of it>"))
    }

    @Test("a backslash that pretends to be an escape is one itself")
    func pretence() throws {
        let words = try texts(SlackCard(CardFixture.card(CardFixture.approval(saying: "\\u{202E} \u{202E} \\n"))))[2]
        #expect(words.hasSuffix("```\n\\u{5C}u{202E} \\u{202E} \\n\n```"))
    }

    @Test("no text leaves its place, forms a mention or a link, or passes a limit")
    func hostile() throws {
        for text in CardFixture.texts {
            for approval in [try CardFixture.approval(saying: text), try CardFixture.settled(saying: text)] {
                let card = try CardFixture.card(approval)
                let link = "<\(card.link.url)|Read all of it>"
                let message = SlackCard(card).posting(to: "C1")
                try check(message, link)
                try check(SlackDenial.view(card), link)
                #expect(
                    SlackCard(card).update(of: .init(channel: "C1", timestamp: "1.2"))["blocks"] == message["blocks"]
                )
            }
        }
    }

    private func check(_ message: JSONValue, _ link: String) throws {
        let blocks = try #require(message["blocks"]?.arrayValue)
        #expect((1...50).contains(blocks.count))
        #expect(CardFixture.length(blocks) <= 9600)
        for block in blocks {
            switch block["type"]?.stringValue {
            case "header": try checkPlain(block["text"], 150)
            case "section": try checkMarkdown(block["text"], link)
            case "context":
                let elements = try #require(block["elements"]?.arrayValue)
                #expect(elements.count == 1)
                try checkMarkdown(elements[0], link)
            case "actions":
                let elements = try #require(block["elements"]?.arrayValue)
                #expect((1...5).contains(elements.count))
                for button in elements {
                    try checkPlain(button["text"], 75)
                    #expect((button["value"]?.stringValue ?? "").utf16.count <= 200)
                    #expect((button["url"]?.stringValue ?? "").utf16.count <= 3000)
                    if let value = button["value"]?.stringValue { #expect(CardHandle(value) != nil) }
                }
            case "input": try checkPlain(block["label"], 2000)
            case let type: Issue.record("a block of type \(type ?? "none")")
            }
        }
        if let metadata = message["private_metadata"]?.stringValue { #expect(CardHandle(metadata) != nil) }
        for name in ["title", "submit", "close"] where message[name] != nil { try checkPlain(message[name], 24) }
        if let text = message["text"]?.stringValue {
            #expect(text == text.filter { $0 != "<" && $0 != ">" && $0 != "`" })
            #expect(text.utf16.count <= 400)
        }
    }

    private func checkPlain(_ json: JSONValue?, _ limit: Int) throws {
        #expect(json?["type"] == "plain_text")
        #expect(json?["emoji"] == false)
        #expect((1...limit).contains(try #require(json?["text"]?.stringValue).utf16.count))
    }

    /// Reads mrkdwn as Slack does, as far as it matters: code first, then what stands outside of it.
    private func checkMarkdown(_ json: JSONValue?, _ link: String) throws {
        let text = try #require(json?["text"]?.stringValue)
        #expect(json?["type"] == "mrkdwn")
        #expect(json?["verbatim"] == true)
        #expect((1...3000).contains(text.utf16.count))
        let rest = text.replacing(link, with: "")
        #expect(!rest.unicodeScalars.contains("<") && !rest.unicodeScalars.contains(">"))
        for piece in rest.unicodeScalars.split(separator: "&", omittingEmptySubsequences: false).dropFirst() {
            #expect(["amp;", "lt;", "gt;"].contains { piece.starts(with: $0.unicodeScalars) })
        }
        VisibleScalar.each(of: rest, isBlock: true) { visible in
            // A word cut in two can look like another; what is hidden must be an escape.
            guard case .escaped(_, let scalar) = visible else { return }
            #expect(scalar.properties.isAlphabetic, "U+\(String(scalar.value, radix: 16)) is not shown visibly")
        }
        var outside = ""
        var open = 0
        for (index, piece) in rest.unicodeScalars.split(separator: "`", omittingEmptySubsequences: false).enumerated() {
            if index > 0 { open += 1 }
            if open % 2 == 0 { outside += String(piece) }
        }
        #expect(open % 2 == 0)
        for word in ["HOSTILE", "evil", "channel>", "http"] { #expect(!outside.contains(word)) }
    }

    @Test(
        "a public URL that could be more than a link is refused",
        arguments: [
            "", "countersign.example.com", "https://", "ftp://x", "javascript:alert(1)", "https://x|y", "https://x>",
            "https://x y",
            "https://x/?a=b", "https://x/#a", "https://ü.example", "https://" + String(repeating: "a", count: 1000),
        ],
    )
    func links(url: String) throws {
        let approval = try CardFixture.approval()
        let fault = #expect(throws: ChannelFault.self) { try CardLink(publicURL: url, approval: approval.id) }
        #expect(fault?.code == .linkMalformed)
        let batch = BatchID(unchecked: "bat_0123456789012345678901")
        #expect(throws: ChannelFault.self) { try CardLink(publicURL: url, batch: batch) }
    }

    @Test("a message of several approvals leads to the page of all of them")
    func batchLink() throws {
        let batch = BatchID(unchecked: "bat_Ab-_5678901234567890xy")
        let link = try CardLink(publicURL: "https://countersign.example.com/", batch: batch)
        #expect(link.url == "https://countersign.example.com/approvals/batch?batch=bat_Ab-_5678901234567890xy")
    }

    @Test(
        "what is no handle is none",
        arguments: ["", "apr_1", "apr_1 short", "apr_1  abcdefghijkl", "apr_1 abcdefghijkl ", "a<b abcdefghijkl"]
    )
    func handles(text: String) { #expect(CardHandle(text) == nil) }
}
