import CanonicalJSON
import CountersignCore
import CountersignTestKit
import MCPWire
import NIOCore
import NIOEmbedded
import Testing

@testable import CountersignProxy

@Suite("Sessions that nobody uses", .timeLimit(.minutes(10)))
struct MCPSweeperTests {
    /// A server that notes what it is sent and that its session ends, and takes its time to agree.
    private struct Server: MCPLink {
        let name: String
        let told: AsyncStream<String>.Continuation
        let gate: AsyncStream<Void>

        func exchange(
            _ outgoing: MCPOutgoing,
            on home: LoopState,
            cancelled: MCPCancellation?,
            _ news: (MCPNews) async -> Void,
        ) async throws(MCPFailure) -> String? {
            await news(.answer(.result(Array(#"{"capabilities":{},"protocolVersion":"2025-11-25"}"#.utf8))))
            return nil
        }

        func cancelsByClosing(_ peer: MCPPeer) -> Bool { true }

        func send(_ message: [UInt8], peer: MCPPeer, on home: LoopState) async throws(MCPFailure) {
            told.yield(String(decoding: message, as: UTF8.self))
        }

        func farewell(_ peer: MCPPeer, on home: LoopState) async {
            told.yield(name)
            for await _ in gate {}
        }

        func end() {}
    }

    private let home = LoopState(NIOAsyncTestingEventLoop())

    private func session(
        _ name: String,
        _ told: AsyncStream<String>.Continuation,
        _ gate: AsyncStream<Void>,
    ) async throws -> (connection: MCPConnection, upstream: MCPUpstream) {
        let connection = MCPConnection(
            name: ConnectionName(unchecked: name),
            link: .command(MCPCommand(arguments: [name], environment: [:])),
            era: .legacy,
        )
        let server = Server(name: name, told: told, gate: gate)
        let upstream = MCPUpstream(connection: connection, declared: JSONObject(), link: server)
        _ = try await upstream.peer(on: home)
        _ = try connection.memory.upstream("s", of: AgentID(unchecked: "bot"), budget: 1, now: .now()) { upstream }
        return (connection, upstream)
    }

    @Test("a server that is slow to hear of its session's end holds up no other's")
    func slow() async throws {
        let (told, teller) = AsyncStream<String>.makeStream()
        var connections = [MCPConnection]()
        var openers = [AsyncStream<Void>.Continuation]()
        for name in ["left", "right"] {
            let (gate, opener) = AsyncStream<Void>.makeStream()
            connections.append(try await session(name, teller, gate).connection)
            openers.append(opener)
        }
        let sweeper = MCPSweeper(connections: CurrentConnections([], mcp: connections), home: home)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await sweeper.sweep(since: .distantFuture) }
            var left = Set(["left", "right"])
            for await name in told where left.remove(name) != nil && left.isEmpty { break }
            for opener in openers { opener.finish() }
        }
        #expect(connections.allSatisfy { $0.memory.known("s") == nil })
    }

    @Test("what a server asked of a client that does not answer is declined, unless somebody else looks after it")
    func questions() async throws {
        let (told, teller) = AsyncStream<String>.makeStream()
        let (gate, opener) = AsyncStream<Void>.makeStream()
        opener.finish()
        let (connection, upstream) = try await session("tools", teller, gate)
        // The call within which it asks is under way.
        #expect(upstream.beginHere(nil, MCPCancellation()))
        let chance = Chance.deterministic()
        _ = upstream.ask(client: .integer(1), chance: chance)
        let now = NIODeadline.now()
        let late = upstream.ask(client: .integer(2), chance: chance, since: now)
        let sweeper = MCPSweeper(connections: CurrentConnections([], mcp: [connection]), home: home)
        await sweeper.sweep(since: now)
        await sweeper.sweep(since: now + .nanoseconds(1))
        teller.finish()
        let declined = await told.reduce(into: [String]()) { all, message in
            if message.contains("error") { all.append(message) }
        }
        #expect(declined.count == 1 && declined[0].contains(#""id":2"#))
        #expect(try await !upstream.answer(late, .result(.object(JSONObject())), on: home))
    }
}
