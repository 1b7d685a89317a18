import Testing

@testable import CountersignProxy

@Suite("What a legacy client wants of a modern server", .timeLimit(.minutes(10)))
struct MCPWantsTests {
    private let wants = MCPWants()

    @Test("where nobody follows, a change waits for nobody, and whoever follows later has it")
    func alone() async {
        #expect(await wants.change { $0.insert("a") } == nil)
        let (_, bell) = wants.follow()
        for await _ in bell { break }
        #expect(wants.present.resources == ["a"])
    }

    @Test("a change waits until a stream has it, not one of before")
    func waits() async {
        let (_, bell) = wants.follow()
        let before = wants.present.version
        async let agreed = wants.change { $0.formUnion(["a", "b"]) }
        for await _ in bell where wants.present.version > before {
            wants.agreed(before, ["too early"])
            wants.agreed(wants.present.version, ["a"])
            break
        }
        #expect(await agreed == ["a"])
    }

    @Test("the end of the last stream ends the waiting")
    func left() async {
        let (follower, bell) = wants.follow()
        let before = wants.present.version
        async let agreed = wants.change { $0.insert("a") }
        for await _ in bell where wants.present.version > before { break }
        wants.leave(follower)
        #expect(await agreed == nil)
        #expect(await wants.change { $0.insert("b") } == nil)
    }
}
