import CanonicalJSON
import CountersignCore
import Testing

@testable import CountersignProxy

@Suite("Answers in another era's shape")
struct MCPShapesTests {
    @Test("a server's words are cut, also where one character is all of them")
    func cut() {
        let words = "a" + String(repeating: "\u{301}", count: 10_000)
        let error = JSONObject([("code", -32_000), ("message", .string(words))])
        let answer = MCPAnswer.error(JSONValue.object(error).canonicalBytes())
        #expect(MCPShapes.outcome(answer).detail?.unicodeScalars.count == 200)
        do throws(MCPFailure) {
            _ = try answer.value()
            Issue.record("an error is no value")
        } catch {
            #expect(error.reason.message.unicodeScalars.count < 400)
        }
    }
}
