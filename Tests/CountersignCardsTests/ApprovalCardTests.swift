import CanonicalJSON
import CountersignCards
import CountersignCore
import CountersignTestKit
import Testing

@Suite struct ApprovalCardTests {
    @Test("that no header field counts takes no room, and one that counts is shown")
    func headers() throws {
        var approval = try Fixtures.approval(at: ManualClock().time())
        for (headers, titles) in [("{}", ["Request"]), (#"{"x-force":"1"}"#, ["Request", "Details"])] {
            approval.document = #"{"context":{"headers":\#(headers),"method":"DELETE","path":"/a"}}"#
            let card = try ApprovalCard(
                approval,
                publicURL: "https://countersign.example.com",
                now: approval.requestedAt,
            )
            #expect(card.parts.map(\.title) == titles)
        }
    }

    @Test("an action of several operations says so wherever it is named, and no other words leave them no room")
    func operations() throws {
        var approval = try CardFixture.approval(saying: "orders")
        let words = String(repeating: "x", count: 3000)
        let operations = #"[{"effect":"read"},{"effect":"write"},{"effect":"delete"}]"#
        approval.document = #"{"context":{"a":"\#(words)","operations":\#(operations)}}"#
        let card = try CardFixture.card(approval)
        #expect(card.parts.map(\.title) == ["Operations", "Details"])
        let slack = JSONValue.array(SlackCard(card).blocks).canonicalText
        let teams = TeamsCard(card).json.canonicalText
        for text in [slack, teams] { #expect(text.contains(#"{\"effect\":\"delete\"}"#)) }
        let waiting = JSONValue.array(SlackWaiting([card]).message.blocks).canonicalText
        let mails = try [[card], [card, card]].map { try #require(ApprovalMail($0, .requested)).text }
        let digest = TeamsDigest([card]).json.canonicalText
        for text in [slack, teams, SlackDenial.view(card).canonicalText, waiting, digest] + mails {
            #expect(text.contains("2 more operations"))
        }
        let batch = JSONValue.array(SlackBatchCard(Array(repeating: card, count: 30)).message.blocks).canonicalText
        #expect(batch.ranges(of: "`orders` and 2 more operations").count == 30)
    }

    @Test("however many operations there are, a card keeps to the limits")
    func manyOperations() throws {
        for text in ["<", "水", "{{"] {
            var approval = try CardFixture.settled(saying: String(repeating: text, count: 600))
            let operation = #"{"resource":{"id":"\#(String(repeating: text, count: 40))"}}"#
            let operations = Array(repeating: operation, count: 256).joined(separator: ",")
            approval.document = #"{"context":{"a":"\#(operation.count)","operations":[\#(operations)]}}"#
            let card = try CardFixture.card(approval)
            #expect(CardFixture.length(SlackCard(card).blocks) <= 9600)
            #expect(TeamsCard(card).json.canonicalBytes().count <= TeamsCard.maximumBytes)
        }
    }
}
