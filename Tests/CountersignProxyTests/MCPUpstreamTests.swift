import CanonicalJSON
import CountersignCore
import CountersignTestKit
import MCPWire
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import CountersignProxy

@Suite("What a legacy server asks, and in which session", .timeLimit(.minutes(10)))
struct MCPUpstreamTests {
    /// A server that asks something in each call, always under the same id.
    private final class Server: MCPLink {
        struct State {
            var isLost = false
            var lastAsked: (@Sendable (NIODeadline) -> NIODeadline?)?
            var told: [String] = []
        }

        let state = Mutex(State())

        func exchange(
            _ outgoing: MCPOutgoing,
            on home: LoopState,
            cancelled: MCPCancellation?,
            _ news: (MCPNews) async -> Void,
        ) async throws(MCPFailure) -> String? {
            let isLost = state.withLock { state in
                defer { state.isLost = false }
                state.lastAsked = outgoing.lastAsked
                return state.isLost
            }
            if isLost { throw MCPPipeLink.gone }
            if outgoing.peer != nil {
                await news(.request(id: ServerQuestion(.integer(0)), method: "roots/list", params: nil))
            }
            await news(.answer(.result(Array(#"{"capabilities":{},"protocolVersion":"2025-11-25"}"#.utf8))))
            return nil
        }

        func cancelsByClosing(_ peer: MCPPeer) -> Bool { true }

        func send(
            _ message: [UInt8],
            peer: MCPPeer,
            on home: LoopState,
            _ cancelled: MCPCancellation?,
        ) async throws(MCPFailure) {
            state.withLock { $0.told.append(String(decoding: message, as: UTF8.self)) }
        }

        func farewell(_ peer: MCPPeer, on home: LoopState) async {}

        func end() {}

        /// The answers to its questions.
        var answers: Int { state.withLock { $0.told.count { $0.contains(#""id":0"#) } } }
    }

    private let home = LoopState(NIOAsyncTestingEventLoop())
    private let server = Server()
    private let upstream: MCPUpstream
    private let chance = Chance.deterministic()

    init() {
        let connection = MCPConnection(
            name: ConnectionName(unchecked: "tools"),
            link: .command(MCPCommand(arguments: ["x"], environment: [:])),
            era: .legacy,
        )
        upstream = MCPUpstream(connection: connection, declared: JSONObject(), link: server)
    }

    /// Makes a call: what the server asks in it.
    private func call() async throws -> ServerQuestion {
        var asked: ServerQuestion?
        try await upstream.request("tools/call", JSONObject(), on: home, cancelled: nil) { news in
            if case .request(let question, _, _) = news { asked = question }
        }
        return try #require(asked)
    }

    @Test("whatever else is asked excuses a server that says nothing of a call for an hour, and no longer")
    func lost() async throws {
        let question = try await call()
        let lastAsked = try #require(server.state.withLock { $0.lastAsked })
        #expect(lastAsked(.now()) == nil)
        _ = upstream.ask(client: question, chance: chance)
        let now = NIODeadline.now()
        #expect(lastAsked(now) == now)
        let last = try #require(lastAsked(now + .hours(2)))
        #expect(last > now && last <= now + .hours(1))
    }

    @Test("an answer to a question of a session that has ended goes to no question of the next one's")
    func sessions() async throws {
        let old = try await call()
        let ours = try #require(upstream.ask(client: old, chance: chance))
        server.state.withLock { $0.isLost = true }
        let new = try await call()
        #expect(new.id == old.id)
        let next = try #require(upstream.ask(client: new, chance: chance))
        #expect(try await !upstream.answer(ours, .result(.object(JSONObject())), on: home))
        try await upstream.decline(old, nil, on: home)
        #expect(upstream.ask(client: old, chance: chance) == nil)
        #expect(server.answers == 0)
        #expect(try await upstream.answer(next, .result(.object(JSONObject())), on: home))
        #expect(server.answers == 1)
    }

    @Test("what is judged while its session ends is asked of nobody, unless its call goes on in rounds")
    func over() async throws {
        let question = try await call()
        upstream.end()
        #expect(upstream.ask(client: question, chance: chance, within: MCPAsking()) == nil)
        #expect(upstream.ask(client: question, chance: chance) != nil)
    }
}
