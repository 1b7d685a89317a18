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
}
