import CountersignCore
import Testing

@Suite struct ChannelIdentityTests {
    @Test("an account's text form reads back, and nothing else is read")
    func textForm() throws {
        let identity = try #require(ChannelIdentity("slack:T0123/U0456"))
        #expect(identity.description == "slack:T0123/U0456")
        for text in [
            "", "slack:", "slack:T/", "slack:/U", "mail:T/U", "slack:T/U/V", "slack:T /U", "slack:T\u{202E}/U",
        ] {
            #expect(ChannelIdentity(text) == nil, "\(text)")
        }
    }
}
