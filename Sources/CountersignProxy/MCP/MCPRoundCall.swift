import CanonicalJSON
import CountersignCore
import MCPWire
import NIOCore

/// The server's side of a call whose client is asked in rounds: it goes on between two requests of the client's.
struct MCPRoundCall: Sendable {
    let context: GatewayContext
    let home: LoopState
    let connection: MCPConnection
    let caller: MCPCaller
    let rounds: MCPRounds

    private var upstream: MCPUpstream { rounds.upstream }

    /// Begins the call as a task of its own; false if the gateway is going down.
    func start(_ body: @escaping @Sendable (Self) async -> MCPDispatch.End) -> Bool {
        context.errands.start(on: home) { _ = await run(body) }
    }

    /// Makes the call in the task at hand, and answers with its end.
    func run(_ body: (Self) async -> MCPDispatch.End) async -> MCPDispatch.End {
        let drain = context.drain.onDrain { [rounds] in rounds.lapse() }
        let end = await withTaskGroup(of: Void.self) { group in
            group.addTask(executorPreference: home.executor) { await expire() }
            let end = await body(self)
            for question in rounds.end(end) { upstream.withdraw(question.key) }
            return end
        }
        context.drain.forget(drain)
        context.rounds.forget(rounds, of: caller.agent)
        return end
    }

    /// Makes an allowed call.
    func make(_ call: MCPCall, care: MCPOutgoing.Care) async -> MCPDispatch.End {
        var answer: MCPAnswer?
        do throws(MCPFailure) {
            try await upstream.request(
                call.method.rawValue,
                call.outgoing,
                fields: call.fields,
                care: care,
                on: home,
                cancelled: call.cancellation,
            ) { news in
                switch news {
                case .notification(let method, let params): notify(method, params)
                case .request(let id, let method, let params): await ask(id, method, params)
                case .answer(let got): answer = got
                }
            }
        } catch {
            return .failed(error, nil)
        }
        guard let answer else {
            return .failed(MCPFailure(.upstreamInvalid, "The MCP server gave no answer.", executed: nil), nil)
        }
        return .answered(answer, nil)
    }

    /// Passes a notification on to whoever is there.
    func notify(_ method: String, _ params: [UInt8]?) {
        if MCPMethod.server(method, modern: true) == .toolsListChanged { connection.memory.catalogue.invalidate() }
        if MCPMethod.server(method, modern: false) == .cancelled {
            if case .string(let key)? = upstream.takeBack(params) { _ = rounds.answered(key) }
            return
        }
        rounds.notify(method, params)
    }

    /// Asks the client what a legacy server wants to know; the answer goes to the server when it comes.
    func ask(_ question: ServerQuestion, _ method: String, _ params: [UInt8]?) async {
        if method == "ping" { return await decline(question, nil) }
        let size = params?.count ?? 0
        guard rounds.takes(size) else { return await decline(question, Self.unanswered) }
        switch await questions.judge(method, params) {
        case .refuse(let error): await decline(question, error)
        case .pass(let params):
            let chance = context.enforcement.entries.chance
            // Where its session has ended meanwhile, nobody waits for the answer.
            guard let own = upstream.ask(client: question, chance: chance) else { return }
            await put(own, method, params, size)
        }
    }

    /// Asks the client what a modern server wants to know, and waits for the answer.
    func question(_ method: String, _ params: JSONValue) async -> ServerAnswer {
        let bytes = params.canonicalBytes()
        guard rounds.takes(bytes.count) else { return .error(.object(Self.unanswered.json)) }
        switch await questions.judge(method, bytes) {
        case .refuse(let error): return .error(.object(error.json))
        case .pass(let params):
            let question = upstream.ask(chance: context.enforcement.entries.chance)
            await put(question.id, method, params, bytes.count)
            for await answer in question.answers { return answer }
            return .error(.object(Self.unanswered.json))
        }
    }

    private func put(_ id: RequestID, _ method: String, _ params: JSONObject, _ size: Int) async {
        guard case .string(let key) = id else { return }
        let question = MCPRounds.Question(
            key: key,
            method: method,
            params: .object(MCPQuestions.modern(params)),
            size: size,
        )
        // Of several asks of one approval only the one that makes the call gets here.
        if let approval = rounds.approval { context.rounds.note(rounds, under: approval) }
        if !rounds.ask(question) { await refuse(question) }
    }

    /// Gives up what the client has not answered, whenever its time is over.
    private func expire() async {
        for await _ in rounds.lapses {
            await giveUp()
        }
        guard Task.isCancelled else { return }
        await giveUp()
    }

    /// Refuses what is open before the call is cancelled: on the connections of a cancelled call nothing would get through.
    private func giveUp() async {
        for question in rounds.expire() { await refuse(question) }
        rounds.giveUp()
    }

    /// Tells whoever asks that there is no answer.
    func refuse(_ question: MCPRounds.Question) async {
        let answer = ServerAnswer.error(.object(Self.unanswered.json))
        _ = try? await upstream.answer(.string(question.key), answer, on: home)
    }

    private static let unanswered = RPCError(code: RPCCode.internalError, message: "The client did not answer.")

    private var questions: MCPQuestions {
        MCPQuestions(caller: caller, connection: connection, enforcement: context.enforcement)
    }

    private func decline(_ question: ServerQuestion, _ error: RPCError?) async {
        try? await upstream.decline(question, error, on: home)
    }
}

extension MCPCall {
    /// Whether the client can only be asked in the answer to a request, and can be asked something.
    var isAskedInRounds: Bool {
        guard caller.revision.isModern, !caller.declared.isEmpty else { return false }
        switch method {
        case .toolsCall, .promptsGet, .resourcesRead: return true
        default: return false
        }
    }
}

/// Tasks that outlive the request that began them.
final class Errands: Sendable {
    private struct Errand: Sendable {
        let home: LoopState
        let body: @Sendable () async -> Void
    }

    private let errands: AsyncStream<Errand>
    private let source: AsyncStream<Errand>.Continuation

    init() { (errands, source) = AsyncStream.makeStream() }

    /// Runs a task; false if the gateway has stopped running any.
    func start(on home: LoopState, _ body: @escaping @Sendable () async -> Void) -> Bool {
        if case .enqueued = source.yield(Errand(home: home, body: body)) { true } else { false }
    }

    /// Runs what is started, until ``finish()`` was called and the last has ended.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await errand in errands {
                group.addTask(executorPreference: errand.home.executor) { await errand.body() }
            }
        }
    }

    /// Nothing more is started.
    func finish() { source.finish() }
}
