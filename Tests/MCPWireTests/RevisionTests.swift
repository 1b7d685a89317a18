import MCPWire
import Testing

@Suite("Revisions", .timeLimit(.minutes(10)))
struct RevisionTests {
    @Test("revisions sort by date, and only the newest is modern")
    func order() {
        #expect(MCPRevision.allCases.sorted() == MCPRevision.allCases)
        #expect(MCPRevision.modern == [.v2026_07_28])
        #expect(MCPRevision.legacy.last == .newestLegacy)
        #expect(MCPRevision.allCases.last == .newest)
    }
}
