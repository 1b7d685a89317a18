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
        /// It lets nobody go who tells it something.
        var isDeaf = false

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

        func send(
            _ message: [UInt8],
            peer: MCPPeer,
            on home: LoopState,
            _ cancelled: MCPCancellation?,
        ) async throws(MCPFailure) {
            told.yield(String(decoding: message, as: UTF8.self))
            guard isDeaf, message.contains(Array("error".utf8)) else { return }
            let (over, source) = AsyncStream<Void>.makeStream()
            cancelled?.onCancel { source.finish() }
            for await _ in over {}
        }

        func farewell(_ peer: MCPPeer, on home: LoopState) async {
            told.yield(name)
            for await _ in gate {}
        }

        func end() {}
    }

    private let loop: NIOAsyncTestingEventLoop
    private let home: LoopState

    init() {
        loop = NIOAsyncTestingEventLoop()
        home = LoopState(loop)
    }

    private func session(
        _ name: String,
        _ told: AsyncStream<String>.Continuation,
        _ gate: AsyncStream<Void>,
        isDeaf: Bool = false,
    ) async throws -> (connection: MCPConnection, upstream: MCPUpstream) {
        let connection = MCPConnection(
            name: ConnectionName(unchecked: name),
            link: .command(MCPCommand(arguments: [name], environment: [:])),
            era: .legacy,
        )
        let server = Server(name: name, told: told, gate: gate, isDeaf: isDeaf)
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
            group.addTask { await sweeper.sweep(at: .distantFuture) }
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
        _ = upstream.ask(client: ServerQuestion(.integer(1)), chance: chance)
        let question = ServerQuestion(.integer(2))
        let late = try #require(upstream.ask(client: question, chance: chance, within: MCPAsking()))
        let sweeper = MCPSweeper(connections: CurrentConnections([], mcp: [connection]), home: home)
        await sweeper.sweep(at: .now())
        #expect(upstream.takesQuestions)
        await sweeper.sweep(at: .now() + .minutes(10))
        teller.finish()
        #expect(await Self.declined(told) == [2])
        #expect(try await !upstream.answer(late, .result(.object(JSONObject())), on: home))
    }

    /// The server's ids of the questions that were declined, each before its session was said to be over.
    private static func declined(_ told: AsyncStream<String>) async -> [Int64] {
        var all = [Int64]()
        for await message in told {
            guard let json = try? JSONParser.parse(Array(message.utf8)) else { break }
            if json["error"] != nil, case .integer(let id) = json["id"] { all.append(id) }
        }
        return all
    }

    @Test("what a server has asked in a session that ends is declined first, and it asks nothing more")
    func end() async throws {
        let (told, teller) = AsyncStream<String>.makeStream()
        let (gate, opener) = AsyncStream<Void>.makeStream()
        opener.finish()
        let (connection, upstream) = try await session("tools", teller, gate)
        _ = upstream.ask(client: ServerQuestion(.integer(1)), chance: .deterministic(), within: MCPAsking())
        await connection.memory.end("s")?.farewell(on: home)
        #expect(await Self.declined(told) == [1])
        #expect(!upstream.takesQuestions)
    }

    @Test("a server that takes no answers holds up its session's end for a few seconds, however much it has asked")
    func deaf() async throws {
        let (told, teller) = AsyncStream<String>.makeStream()
        let (_, upstream) = try await session("tools", teller, AsyncStream { $0.finish() }, isDeaf: true)
        let chance = Chance.deterministic()
        for id in Int64(1)...3 {
            _ = upstream.ask(client: ServerQuestion(.integer(id)), chance: chance, within: MCPAsking())
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await upstream.farewell(on: home) }
            var declined = 0
            for await message in told {
                if message.contains("error") { declined += 1 }
                if declined == 3 { break }
            }
            await loop.advanceTime(by: .seconds(5))
        }
        teller.finish()
        #expect(await told.first { _ in true } == "tools")
    }

    @Test("what a server has asked under a connection that was replaced is declined, and it asks nothing more")
    func replaced() async throws {
        let (told, teller) = AsyncStream<String>.makeStream()
        let (connection, upstream) = try await session("tools", teller, AsyncStream { $0.finish() })
        let connections = CurrentConnections([], mcp: [connection])
        _ = upstream.ask(client: ServerQuestion(.integer(1)), chance: .deterministic(), within: MCPAsking())
        connections.replace(with: [])
        #expect(!upstream.takesQuestions)
        let sweeper = MCPSweeper(connections: connections, home: home)
        await sweeper.sweep(at: .now())
        await sweeper.sweep(at: .now())
        teller.finish()
        #expect(await Self.declined(told) == [1])
    }
}
