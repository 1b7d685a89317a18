import MCPWire
import Testing

@testable import CountersignProxy

@Suite("What a legacy client wants of a modern server", .timeLimit(.minutes(10)))
struct MCPWantsTests {
    private let wants = MCPWants()

    @Test("where nobody follows, a change waits for nobody, and whoever follows later has it")
    func alone() async throws {
        #expect(try await wants.change { $0.insert("a") } == nil)
        let (_, bell) = wants.follow()
        for await _ in bell { break }
        #expect(wants.present.resources == ["a"])
    }

    @Test("a change waits until a stream has it, not one of before")
    func waits() async throws {
        let (_, bell) = wants.follow()
        let before = wants.present.version
        async let agreed = wants.change { $0.formUnion(["a", "b"]) }
        for await _ in bell where wants.present.version > before {
            wants.agreed(before, ["too early"])
            wants.agreed(wants.present.version, ["a"])
            break
        }
        #expect(try await agreed == ["a"])
    }

    @Test("the end of the last stream ends the waiting")
    func left() async throws {
        let (follower, bell) = wants.follow()
        let before = wants.present.version
        async let agreed = wants.change { $0.insert("a") }
        for await _ in bell where wants.present.version > before { break }
        wants.leave(follower)
        #expect(try await agreed == nil)
        #expect(try await wants.change { $0.insert("b") } == nil)
    }

    @Test("more than a bound is not wanted, and what was stays; one that is not wanted any more makes room")
    func bound() async throws {
        for number in 0..<256 { _ = try await wants.change { $0.insert("\(number)") } }
        let before = wants.present
        await #expect(throws: RPCError.self) { try await wants.change { $0.insert("256") } }
        #expect(wants.present.version == before.version && wants.present.resources == before.resources)
        #expect(try await wants.change { $0.insert("0") } == nil)
        #expect(try await wants.change { $0.remove("0") } == nil)
        #expect(try await wants.change { $0.insert("256") } == nil)
    }
}
