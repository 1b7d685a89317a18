import CanonicalJSON
import CountersignCore
import NIOCore
import NIOEmbedded
import Testing

@testable import CountersignProxy

@Suite("Sessions that nobody uses", .timeLimit(.minutes(10)))
struct MCPSweeperTests {
    /// A server that notes that its session ends, and takes its time to agree.
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

        func send(_ message: [UInt8], peer: MCPPeer, on home: LoopState) async throws(MCPFailure) {}

        func farewell(_ peer: MCPPeer, on home: LoopState) async {
            told.yield(name)
            for await _ in gate {}
        }

        func end() {}
    }

    @Test("a server that is slow to hear of its session's end holds up no other's")
    func slow() async throws {
        let home = LoopState(NIOAsyncTestingEventLoop())
        let (told, teller) = AsyncStream<String>.makeStream()
        var connections = [MCPConnection]()
        var openers = [AsyncStream<Void>.Continuation]()
        for name in ["left", "right"] {
            let connection = MCPConnection(
                name: ConnectionName(unchecked: name),
                link: .command(MCPCommand(arguments: [name], environment: [:])),
                era: .legacy,
            )
            let (gate, opener) = AsyncStream<Void>.makeStream()
            let server = Server(name: name, told: teller, gate: gate)
            let upstream = MCPUpstream(connection: connection, declared: JSONObject(), link: server)
            _ = try await upstream.peer(on: home)
            _ = try connection.memory.upstream("s", of: AgentID(unchecked: "bot"), budget: 1, now: .now()) { upstream }
            connections.append(connection)
            openers.append(opener)
        }
        let sweeper = MCPSweeper(connections: CurrentConnections([], mcp: connections), home: home)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await sweeper.sweep(since: .distantFuture) }
            var names: Set<String> = []
            for await name in told where names.insert(name).inserted && names.count == 2 { break }
            for opener in openers { opener.finish() }
        }
        #expect(connections.allSatisfy { $0.memory.known("s") == nil })
    }
}
