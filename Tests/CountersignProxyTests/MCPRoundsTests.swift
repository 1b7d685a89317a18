import CanonicalJSON
import CountersignCore
import CountersignTestKit
import MCPWire
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import CountersignProxy

@Suite("Calls in rounds", .timeLimit(.minutes(10)))
struct MCPRoundsTests {
    private let loop = NIOAsyncTestingEventLoop()

    private static func upstream() -> MCPUpstream {
        let connection = MCPConnection(
            trying: ConnectionName(unchecked: "tools"),
            tools: [],
            trustsAnnotations: false,
        )
        return MCPUpstream(connection: connection, declared: JSONObject(), link: MCPNoLink())
    }

    private func rounds(isAttended: Bool = true) -> MCPRounds {
        MCPRounds(
            upstream: Self.upstream(),
            approval: nil,
            cancellation: MCPCancellation(),
            isAttended: isAttended,
            loop: loop,
        )
    }

    private static func question(_ key: String, size: Int = 10) -> MCPRounds.Question {
        MCPRounds.Question(key: key, method: "elicitation/create", params: [:], size: size)
    }

    /// Ends the call; how often the client's time was over.
    private static func lapses(_ rounds: MCPRounds) async -> Int {
        _ = rounds.end(.taken)
        var count = 0
        for await _ in rounds.lapses { count += 1 }
        return count
    }

    @Test("each question of a task has its whole time, whatever was asked and answered before")
    func patience() async {
        let rounds = rounds(isAttended: false)
        #expect(rounds.ask(Self.question("a")))
        await loop.advanceTime(by: .minutes(1))
        #expect(rounds.answered("a"))
        await loop.advanceTime(by: .seconds(530))
        #expect(rounds.ask(Self.question("b")))
        await loop.advanceTime(by: .minutes(9))
        #expect(await Self.lapses(rounds) == 0)
    }

    @Test("what nobody answers lapses after ten minutes, whoever comes and goes", arguments: 0..<3)
    func lapse(visits: Int) async throws {
        for isLate in [false, true] {
            let rounds = rounds()
            #expect(rounds.ask(Self.question("a")))
            var visit = rounds.first
            for _ in 0..<visits {
                #expect(rounds.park(visit).absence != nil)
                await loop.advanceTime(by: .seconds(200))
                visit = try #require(rounds.attend())
            }
            await loop.advanceTime(by: .seconds(599 - 200 * Int64(visits)))
            #expect(rounds.questions.count == 1)
            if isLate { await loop.advanceTime(by: .seconds(1)) }
            #expect(await Self.lapses(rounds) == (isLate ? 1 : 0))
        }
    }

    @Test("questions that are answered one after the other put a call off for an hour in all")
    func inAll() async {
        for isLate in [false, true] {
            let rounds = rounds()
            for number in 0..<6 {
                #expect(rounds.ask(Self.question("\(number)")))
                await loop.advanceTime(by: .minutes(9))
                #expect(rounds.answered("\(number)"))
                // The server's own time does not count.
                await loop.advanceTime(by: .minutes(30))
            }
            #expect(rounds.ask(Self.question("last")))
            await loop.advanceTime(by: .seconds(isLate ? 360 : 359))
            #expect(await Self.lapses(rounds) == (isLate ? 1 : 0))
        }
    }

    @Test("a client that stays and says nothing is not waited for without end")
    func silence() async {
        let (answers, source) = AsyncStream<ServerAnswer>.makeStream()
        let answer = await withTaskGroup(of: ServerAnswer?.self) { group in
            group.addTask { [loop] in
                var patience = MCPPatience()
                return await patience.answer(from: answers, source, on: loop)
            }
            group.addTask { [loop] in
                while !Task.isCancelled { await loop.advanceTime(by: .minutes(1)) }
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        #expect(answer == nil)
    }

    @Test("a call that has ended waits for nobody")
    func ended() {
        let rounds = rounds()
        #expect(rounds.ask(Self.question("a")))
        #expect(rounds.end(.taken).map(\.key) == ["a"])
        #expect(rounds.park(rounds.first) == .ended)
        guard case .end = rounds.turn() else { return #expect(Bool(false), "no end") }
    }

    @Test("a question that could not be delivered sends nobody away who has come for it meanwhile")
    func undelivered() {
        let rounds = rounds()
        #expect(rounds.ask(Self.question("a")))
        let absence = rounds.park(rounds.first).absence
        #expect(rounds.attend() != nil)
        rounds.leave(absence)
        #expect(rounds.isAttended)
        rounds.leave()
        #expect(!rounds.isAttended)
    }

    @Test("a request that has left does not send away the one that came after it")
    func late() throws {
        let rounds = rounds()
        #expect(rounds.ask(Self.question("a")))
        rounds.leave()
        let second = try #require(rounds.attend())
        #expect(rounds.park(rounds.first) == .left)
        #expect(rounds.isAttended)
        #expect(rounds.park(second).absence != nil)
        #expect(!rounds.isAttended)
    }

    @Test("notifications that nobody reads take a bounded place, empty ones, too")
    func notices() {
        let rounds = rounds()
        for _ in 0..<100_000 { rounds.notify("", nil) }
        var count = 0
        while case .notify = rounds.turn() { count += 1 }
        #expect(count > 1000 && count < 10_000)
    }

    @Test("questions are bounded in number, and open ones in bytes")
    func bounds() {
        let large = rounds()
        for number in 0..<4 {
            #expect(large.takes(300_000) == (number < 3))
            if number < 3 { #expect(large.ask(Self.question("\(number)", size: 300_000))) }
        }
        #expect(large.answered("0"))
        #expect(large.takes(300_000))
        let many = rounds()
        #expect((0..<1000).count { _ in many.takes(1) } == 100)
    }

    @Test("what was asked and is withdrawn leaves nothing behind, and a server cannot ask without end")
    func questions() {
        let (upstream, chance) = (Self.upstream(), Chance.deterministic())
        for _ in 0..<5000 {
            guard case .string(let name) = upstream.ask(chance: chance).id else { continue }
            upstream.withdraw(name)
        }
        #expect(upstream.takesQuestions)
        for number in 0..<1024 { _ = upstream.ask(client: ServerQuestion(.integer(Int64(number))), chance: chance) }
        #expect(!upstream.takesQuestions)
    }

    // MARK: the table

    @Test("of one call only the last word counts, which it takes one of its agent's places for")
    func words() {
        let (table, agent, rounds) = (MCPRoundTable(), AgentID(unchecked: "bot"), rounds())
        for number in 0..<100 { #expect(table.park(rounds, "\(number)", of: agent)) }
        for number in 0..<63 { #expect(table.park(self.rounds(), "other \(number)", of: agent)) }
        #expect(!table.park(self.rounds(), "one too many", of: agent))
        #expect(table.park(rounds, "last", of: agent))
        #expect(table.take("99", of: agent) == nil)
        #expect(table.take("last", of: agent) === rounds)
    }

    @Test("what a task's client can be asked is kept until its call is made, whatever other agents ask for")
    func declared() throws {
        let (table, now) = (MCPRoundTable(), Timestamp(microseconds: 1_000_000_000))
        func approval(_ number: Int, of agent: String) throws -> Approval {
            try Fixtures.approval(number, of: Fixtures.action(agent: AgentID(unchecked: agent)), at: now)
        }
        let mine = try approval(0, of: "bot")
        table.remember(["roots": [:]], of: mine)
        let first = try approval(1, of: "flood")
        for number in 1...4200 { table.remember(["roots": [:]], of: try approval(number, of: "flood")) }
        #expect(table.declared(first) == nil)
        #expect(table.declared(mine) == ["roots": [:]])
        #expect(table.declared(mine) == ["roots": [:]])
        table.forgetDeclared(mine)
        #expect(table.declared(mine) == nil)
    }

    // MARK: many at once

    /// The call's side of a trial: which questions were answered or refused, and who waits for that.
    private final class Call: Sendable {
        private struct State {
            var settled: Set<String> = []
            var waiting: [String: CheckedContinuation<Void, Never>] = [:]
            var twice = 0
        }

        private let state = Mutex(State())

        func settle(_ key: String) {
            let waiter = state.withLock { state in
                if !state.settled.insert(key).inserted { state.twice += 1 }
                return state.waiting.removeValue(forKey: key)
            }
            waiter?.resume()
        }

        func settled(_ key: String) async {
            await withCheckedContinuation { continuation in
                let isSettled = state.withLock { state in
                    if state.settled.contains(key) { return true }
                    state.waiting[key] = continuation
                    return false
                }
                if isSettled { continuation.resume() }
            }
        }

        var twice: Int { state.withLock { $0.twice } }
    }

    /// What a request of the client's came to, as ``MCPRoundTrip`` has it.
    private enum Outcome {
        case ended
        case left
        case parked([MCPRounds.Question], Int)
    }

    private static func trip(_ rounds: MCPRounds, _ visit: MCPRounds.Visit) async -> Outcome {
        for await _ in visit.bell {
            while let turn = rounds.turn() {
                switch turn {
                case .notify: continue
                case .end: return .ended
                case .ask(let questions):
                    switch rounds.park(visit) {
                    case .away(let absence): return .parked(questions, absence)
                    case .ended: continue
                    case .left: return .left
                    }
                }
            }
        }
        return .left
    }

    /// A client that comes and goes as it likes, until it has the call's end.
    private static func client(_ rounds: MCPRounds, _ call: Call, _ first: MCPRounds.Visit?) async {
        var next = first
        while true {
            guard let visit = next ?? rounds.attend() else {
                // Another request of the agent's is there, or this is one that found none to attend.
                if case .end? = rounds.turn() { return }
                await Task.yield()
                continue
            }
            next = nil
            switch await trip(rounds, visit) {
            case .ended: return
            case .left: continue
            case .parked(let questions, let absence):
                if Int.random(in: 0..<8) == 0 { rounds.leave(absence) }
                if Int.random(in: 0..<16) == 0 { rounds.lapse() }
                next = rounds.attend()
                for question in questions where Bool.random() || Bool.random() {
                    if rounds.answered(question.key) { call.settle(question.key) }
                }
            }
        }
    }

    @Test("no question and no end is lost, whoever comes, goes, answers or gives up at the same time")
    func storm() async {
        for trial in 0..<400 {
            let (rounds, call) = (rounds(), Call())
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in rounds.lapses { for question in rounds.expire() { call.settle(question.key) } }
                }
                group.addTask {
                    for number in 0..<20 {
                        let keys = (0..<Int.random(in: 1...3)).map { "\(trial)-\(number)-\($0)" }
                        rounds.notify("notifications/message", nil)
                        for key in keys where !rounds.ask(Self.question(key)) { call.settle(key) }
                        for key in keys { await call.settled(key) }
                    }
                    for question in rounds.end(.taken) { call.settle(question.key) }
                }
                for number in 0..<3 {
                    group.addTask { await Self.client(rounds, call, number == 0 ? rounds.first : nil) }
                }
                group.addTask {
                    for _ in 0..<Int.random(in: 0..<20) {
                        if Int.random(in: 0..<3) == 0 { rounds.leave() }
                        await Task.yield()
                    }
                }
            }
            #expect(call.twice == 0)
            #expect(rounds.questions.isEmpty)
        }
    }
}

extension MCPRounds.Parking {
    /// The number of the absence, if the client is away.
    fileprivate var absence: Int? {
        guard case .away(let number) = self else { return nil }
        return number
    }
}
