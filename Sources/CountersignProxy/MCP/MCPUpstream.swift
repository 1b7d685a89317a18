import CanonicalJSON
import CountersignCore
import MCPWire
import NIOCore
import Synchronization

/// What a server said in the handshake.
struct MCPPeer: Sendable {
    let revision: MCPRevision
    /// `Mcp-Session-Id`, where the server gave one.
    let sessionID: String?
    let capabilities: JSONObject
    let info: JSONValue?
    let instructions: String?
    /// Which of the sessions with the server it is, one after the other.
    var session = 0
}

/// The gateway's side of one session with an MCP server: of one legacy client's session, or of all requests of one agent
/// that speaks the modern era.
///
/// The mutex guards what the handshake found and the numbers of requests. Everything that waits is outside of it.
final class MCPUpstream: Sendable {
    /// Who waits for a client's answer.
    private enum Asker {
        /// A legacy server, under its own id of the question; within what, where nobody else looks after the time.
        case server(ServerQuestion, within: MCPAsking?)
        /// A call that goes on with it.
        case call(AsyncStream<ServerAnswer>.Continuation)
    }

    private struct State {
        var peer: MCPPeer?
        var session = 0
        var nextID: Int64 = 1
        var here: [RequestID: MCPCancellation] = [:]  // the session's requests that the gateway is at
        var questions: [String: Asker] = [:]  // by our id of the question
        /// When the last question of a legacy server's was closed.
        var lastAsked: NIODeadline?
        /// The least severe log message that a legacy client wants of a modern server.
        var logLevel: String?
        var lastUse = NIODeadline.uptimeNanoseconds(0)
        var busy = 0
        /// The session has ended, and its client's answers do not come here any more.
        var isOver = false

        /// A question is open no more: who asked.
        mutating func close(_ name: String) -> Asker? {
            let asker = questions.removeValue(forKey: name)
            if case .server(_, let asking) = asker {
                lastAsked = .now()
                asking?.closed(now: .now())
            }
            return asker
        }
    }

    let connection: MCPConnection
    /// What the client can do; it is what the server is told.
    let declared: JSONObject
    let link: any MCPLink
    /// Who hears what a legacy server says outside of calls.
    let hearing = MCPHearing()
    /// What a legacy client has subscribed to at a modern server.
    let wants = MCPWants()
    private let state = Mutex(State())
    private let turns = Turns()

    init(connection: MCPConnection, declared: JSONObject, link: any MCPLink) {
        self.connection = connection
        self.declared = declared
        self.link = link
        link.hear { [weak self] news in self?.heard(news) }
    }

    /// The upstream side that a connection's configuration says.
    convenience init(connection: MCPConnection, context: GatewayContext, declared: JSONObject) {
        let maximum = connection.maximumAnswer
        let link: any MCPLink =
            switch connection.link {
            case .http(let target): MCPHTTPLink(connection: target, pool: context.pool, maximumAnswer: maximum)
            case .events(let target):
                MCPPipeLink(.events(target), name: connection.name, pipes: context.pipes, maximumAnswer: maximum)
            case .command(let command):
                MCPPipeLink(.command(command), name: connection.name, pipes: context.pipes, maximumAnswer: maximum)
            case .joined, .own: MCPNoLink()
            }
        self.init(connection: connection, declared: declared, link: link)
    }

    var lastUse: NIODeadline { state.withLock { $0.lastUse } }
    var isBusy: Bool { state.withLock { $0.busy > 0 || !$0.here.isEmpty } }

    /// Keeps the session from being ended as idle while `body` runs.
    func whileBusy<Value, Failure>(_ body: () async throws(Failure) -> Value) async throws(Failure) -> Value {
        state.withLock { $0.busy += 1 }
        defer {
            state.withLock { state in
                state.busy -= 1
                state.lastUse = .now()
            }
        }
        return try await body()
    }

    func use(_ now: NIODeadline) { state.withLock { $0.lastUse = now } }

    /// Ends the session at the server, as far as that needs no waiting.
    func end() {
        state.withLock { $0.isOver = true }
        link.end()
    }

    /// Tells the server that the session is over; first that nobody answers it any more, as what is under way goes on.
    func farewell(on home: LoopState) async {
        state.withLock { $0.isOver = true }
        await declineAll(on: home)
        if let peer = state.withLock({ $0.peer }) { await link.farewell(peer, on: home) }
        link.end()
    }

    /// What the handshake found, if there was one.
    var knownPeer: MCPPeer? { state.withLock { $0.peer } }

    /// What the handshake found, after one if there was none yet.
    func peer(on home: LoopState) async throws(MCPFailure) -> MCPPeer {
        if let peer = state.withLock({ $0.peer }) { return peer }
        let result = await turns.take { () async -> Result<MCPPeer, MCPFailure> in
            if let peer = self.state.withLock({ $0.peer }) { return .success(peer) }
            do throws(MCPFailure) {
                var peer = try await self.greet(on: home)
                self.state.withLock { state in
                    peer.session = state.session
                    state.peer = peer
                }
                return .success(peer)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Sends a request and hands on everything that comes until the answer, which is last.
    ///
    /// A session that the server has lost is
    /// begun anew once, if that cannot run anything twice.
    func request(
        _ method: String,
        _ params: JSONObject,
        fields: [(name: String, value: String)] = [],
        care: MCPOutgoing.Care = .repeatable,
        isOwn: Bool = false,
        on home: LoopState,
        cancelled: MCPCancellation?,
        _ news: (MCPNews) async -> Void,
    ) async throws(MCPFailure) {
        state.withLock { $0.busy += 1 }
        defer { state.withLock { $0.busy -= 1 } }
        for isLast in [false, true] {
            let peer = try await peer(on: home)
            let id = begin()
            let progress = MCPProgressToken(params, under: id)
            let heard = Mutex(NIODeadline.now())
            do throws(MCPFailure) {
                let own = progress.replaced(params)
                let envelope = peer.revision.isModern ? modern(own, peer) : own
                try await link.exchange(
                    MCPOutgoing(
                        id: id,
                        method: method,
                        params: envelope,
                        peer: peer,
                        fields: fields,
                        care: care,
                        isOwn: isOwn,
                        lastAsked: { [weak self] now in self?.lastAsked(now, heard: heard.withLock { $0 }) },
                    ),
                    on: home,
                    cancelled: cancelled,
                ) { item in
                    heard.withLock { $0 = .now() }
                    if let item = progress.restored(item) { await news(item.said(in: peer.session)) }
                }
                return
            } catch {
                if let cancelled, cancelled.isCancelled { await tell(peer, id, on: home) }
                if error.isSessionLost {
                    forget(peer)
                    // What was subscribed to went with it.
                    hearing.end()
                }
                // Whoever says that it has lost the session may have acted all the same: only what changes nothing, or
                // surely was not sent, goes out again.
                guard error.isSessionLost, !isLast, care == .repeatable || !error.wasSent else { throw error }
            }
        }
    }

    /// Sends a request of the gateway's own and returns the answer; what comes before it is not for anybody.
    func ask(
        _ method: String,
        _ params: JSONObject,
        on home: LoopState,
        cancelled: MCPCancellation? = nil,
    ) async throws(MCPFailure) -> JSONObject {
        var answer: MCPAnswer?
        try await request(method, params, isOwn: true, on: home, cancelled: cancelled) { news in
            if case .answer(let got) = news { answer = got }
        }
        guard let answer else { throw MCPFailure(.upstreamInvalid, "The MCP server gave no answer.", executed: nil) }
        return try answer.value()
    }

    // MARK: what the server says outside of calls

    /// The server has said something that is about no call; `nil`: it has gone.
    func heard(_ news: MCPNews?) {
        guard let news else { return hearing.end() }
        if case .notification(MCPMethod.toolsListChanged.rawValue, _) = news {
            connection.memory.catalogue.invalidate()
        }
        hearing.hear(news.said(in: session))
    }

    /// Opens the stream of a legacy session over HTTP; in a new session, if the server has lost the old one.
    func listen(
        _ link: MCPHTTPLink,
        from lastEvent: String? = nil,
        on home: LoopState,
        _ cancelled: MCPCancellation? = nil,
    ) async throws(MCPFailure) -> MCPHTTPLink.SessionStream {
        let peer = try await peer(on: home)
        let answer = try await link.listen(peer, from: lastEvent, on: home, cancelled)
        guard case .sessionLost = answer else { return answer }
        forget(peer)
        let next = try await self.peer(on: home)
        // Ids of events are the session's.
        return next.revision.isModern ? .absent : try await link.listen(next, from: nil, on: home, cancelled)
    }

    /// Notes the least severe log message that a legacy client wants of a modern server, which is told in each request.
    func want(logLevel: String) { state.withLock { $0.logLevel = logLevel } }

    /// Passes a notification of the client's on.
    func notify(_ method: String, _ params: JSONObject, on home: LoopState) async throws(MCPFailure) {
        let peer = try await peer(on: home)
        guard !peer.revision.isModern else { return }
        try await link.send(RPCWriter.notification(method: method, params: params), peer: peer, on: home)
    }

    /// Tells the server that a request was cancelled, where that is said in words; not why, which would be text to it that
    /// nobody judges or records.
    private func tell(_ peer: MCPPeer, _ id: RequestID, on home: LoopState) async {
        guard !link.cancelsByClosing(peer) else { return }
        let params = JSONObject([("requestId", id.json)])
        let message = RPCWriter.notification(method: "notifications/cancelled", params: params)
        try? await link.send(message, peer: peer, on: home)
    }

    /// Takes note of a server's question, which goes to the client under an id of the gateway's own.
    ///
    /// `within` what has a time, it lapses with ``declineLate(at:on:)``.
    /// `nil` if its session has ended.
    func ask(client question: ServerQuestion, chance: Chance, within asking: MCPAsking? = nil) -> RequestID? {
        let name = Self.name(chance)
        return state.withLock { state in
            // In rounds, the answers find their call by themselves.
            guard state.session == question.session, asking == nil || !state.isOver else { return nil }
            asking?.opened(now: .now())
            state.questions[name] = .server(question, within: asking)
            return .string(name)
        }
    }

    /// Takes note of a question of a call's; its answer comes in the stream.
    func ask(chance: Chance) -> (
        id: RequestID, answers: AsyncStream<ServerAnswer>, end: AsyncStream<ServerAnswer>.Continuation
    ) {
        let (answers, source) = AsyncStream<ServerAnswer>.makeStream()
        let name = Self.name(chance)
        state.withLock { $0.questions[name] = .call(source) }
        return (.string(name), answers, source)
    }

    private static func name(_ chance: Chance) -> String { "countersign-" + String(chance.secret().prefix(22)) }

    /// Takes a legacy server's question back that it has cancelled: the id under which the client has it.
    ///
    /// `nil` if there is none, or it is answered.
    func takeBack(_ params: [UInt8]?) -> RequestID? {
        guard let params, let id = (try? JSONParser.parse(params))?["requestId"].flatMap(RequestID.init) else {
            return nil
        }
        return state.withLock { state in
            let found = state.questions.first { question in
                if case .server(let asked, _) = question.value { asked.id == id } else { false }
            }
            if let found { _ = state.close(found.key) }
            return found.map { .string($0.key) }
        }
    }

    /// A question is open no more, and nobody has answered it; false if it was not open.
    @discardableResult
    func withdraw(_ name: String) -> Bool {
        let asker = state.withLock { $0.close(name) }
        if case .call(let source) = asker { source.finish() }
        return asker != nil
    }

    /// Declines what a legacy server has asked and was not answered in time.
    func declineLate(at now: NIODeadline, on home: LoopState) async {
        for question in lateQuestions(at: now) { try? await decline(question, Self.unanswered, on: home) }
    }

    /// How long a server has, of which nothing more is wanted, to take all that it is told.
    private static let farewellPatience = TimeAmount.seconds(5)

    /// Declines all that is open.
    private func declineAll(on home: LoopState) async {
        let open = lateQuestions(at: .distantFuture).map { (question: $0, cancellation: MCPCancellation()) }
        let timer = home.loop.scheduleTask(in: Self.farewellPatience) {
            for each in open { each.cancellation.cancel() }
        }
        defer { timer.cancel() }
        await withDiscardingTaskGroup { group in
            for each in open {
                group.addTask(executorPreference: home.executor) {
                    try? await self.decline(each.question, Self.unanswered, on: home, each.cancellation)
                }
            }
        }
    }

    private static let unanswered = RPCError(code: RPCCode.internalError, message: "The client did not answer.")

    /// Closes what is late.
    private func lateQuestions(at now: NIODeadline) -> [ServerQuestion] {
        state.withLock { state in
            let late = state.questions.compactMap { name, asker -> (name: String, question: ServerQuestion)? in
                guard case .server(let question, let asking?) = asker, let end = asking.end, end <= now else {
                    return nil
                }
                return (name, question)
            }
            for each in late { _ = state.close(each.name) }
            return late.map(\.question)
        }
    }

    /// Whether the client may be asked something more: a server that asks and gets no answers has to stop some time.
    var takesQuestions: Bool { state.withLock { !$0.isOver && $0.questions.count < Self.maximumQuestions } }

    private static let maximumQuestions = 1024

    /// When the server last waited for the client, as far as that excuses its silence about a request of which it was last
    /// `heard` then: of one that is lost it says nothing more, however much else it asks.
    private func lastAsked(_ now: NIODeadline, heard: NIODeadline) -> NIODeadline? {
        let last = state.withLock { state in
            let open = state.questions.values.compactMap { asker -> NIODeadline? in
                guard case .server(_, let asking) = asker else { return nil }
                // What is late is as good as declined.
                return min(now, asking?.end ?? now)
            }
            return (open + [state.lastAsked].compactMap(\.self)).max()
        }
        return last.map { min($0, heard + MCPPatience.whole) }
    }

    /// Passes the client's answer to a question on; false if nobody asked.
    func answer(_ id: RequestID, _ answer: ServerAnswer, on home: LoopState) async throws(MCPFailure) -> Bool {
        guard case .string(let name) = id, let asker = state.withLock({ $0.close(name) }) else {
            return false
        }
        switch asker {
        case .call(let source):
            source.yield(answer)
            source.finish()
        case .server(let asked, _):
            guard let peer = try await peer(of: asked, on: home) else { return false }
            let bytes =
                switch answer {
                case .result(let value): RPCWriter.result(id: asked.id, value)
                case .error(let value): RPCWriter.error(id: asked.id, raw: value.canonicalBytes())
                }
            try await link.send(bytes, peer: peer, on: home)
        }
        return true
    }

    /// Answers a server's question in the client's place.
    ///
    /// `nil` is an empty result.
    func decline(
        _ question: ServerQuestion,
        _ error: RPCError?,
        on home: LoopState,
        _ cancelled: MCPCancellation? = nil,
    ) async throws(MCPFailure) {
        guard let peer = try await peer(of: question, on: home) else { return }
        let id = question.id
        let answer = error.map { RPCWriter.error(id: id, $0) } ?? RPCWriter.result(id: id, .object(JSONObject()))
        try await link.send(answer, peer: peer, on: home, cancelled)
    }

    /// Which of the sessions with the server there is now.
    var session: Int { state.withLock { $0.session } }

    /// The session in which a question was asked; `nil` if it has ended.
    private func peer(of question: ServerQuestion, on home: LoopState) async throws(MCPFailure) -> MCPPeer? {
        guard question.session == session else { return nil }
        let peer = try await peer(on: home)
        return peer.session == question.session ? peer : nil
    }

    /// Notes a request of the client's as under way, with what cancels it; false if there is one of the same id.
    func beginHere(_ id: RequestID?, _ cancellation: MCPCancellation) -> Bool {
        state.withLock { state in
            guard let id else {
                state.busy += 1
                return true
            }
            if state.here[id] != nil { return false }
            state.here[id] = cancellation
            return true
        }
    }

    /// The request has ended.
    func endHere(_ id: RequestID?) {
        state.withLock { state in
            if let id { state.here[id] = nil } else { state.busy -= 1 }
            state.lastUse = .now()
        }
    }

    /// Cancels the gateway's own part of a request: its wait for people, or for the server.
    func cancelHere(_ id: RequestID) {
        let cancellation = state.withLock { $0.here[id] }
        cancellation?.cancel()
    }

    func begin() -> RequestID {
        state.withLock { state in
            defer { state.nextID += 1 }
            return .integer(state.nextID)
        }
    }

    /// The session has ended, and with it what was asked in it; another may have begun since.
    private func forget(_ peer: MCPPeer) {
        state.withLock { state in
            guard state.session == peer.session else { return }
            state.session += 1
            state.peer = nil
            for (name, asker) in state.questions {
                if case .server = asker { _ = state.close(name) }
            }
        }
    }

    /// The parameters with what 2026-07-28 wants in each request.
    func modern(_ params: JSONObject, _ peer: MCPPeer) -> JSONObject {
        var params = params
        var meta = params["_meta"]?.objectValue ?? JSONObject()
        meta[MetaKey.protocolVersion] = .string(peer.revision.rawValue)
        meta[MetaKey.clientInfo] = .object(Self.info)
        meta[MetaKey.clientCapabilities] = .object(declared)
        if let level = state.withLock({ $0.logLevel }) { meta[MetaKey.logLevel] = .string(level) }
        params["_meta"] = .object(meta)
        return params
    }

    static let info = JSONObject([("name", "countersign"), ("version", "1")])
}
