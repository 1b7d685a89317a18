import CanonicalJSON
package import CountersignCore
import HTTPWire
import MCPWire
import NIOCore
import NIOPosix
import Synchronization

/// The client side for hosts that only speak stdio: lines here, Streamable HTTP to the gateway there.
///
/// It holds the agent's key, and judges nothing.
/// Both eras pass: a request says in `_meta` that it is modern, and everything else belongs to the legacy session.
package struct MCPBridge: Sendable {
    /// A line, and so a message of the host's, is at most this long.
    package static let maximumLine = 64 << 20
    /// What is under way when the host has gone may take so long to end.
    private static let patience = TimeAmount.milliseconds(1000)

    let access: GatewayAccess
    let path: String
    let streams: StandardStreams
    let log: @Sendable (String) -> Void
    let session = BridgeSession()
    let requests = BridgeRequests()
    let tools = BridgeTools()
    private let listening = CallEnd()
    private let restoring = CallEnd()

    /// Bridges to a connection of a gateway; `log` takes lines for people.
    package init(
        _ access: GatewayAccess,
        connection: ConnectionName,
        streams: StandardStreams,
        log: @escaping @Sendable (String) -> Void,
    ) {
        self.access = access
        path = "/\(connection)/"
        self.streams = streams
        self.log = log
    }

    /// Serves the host until it closes our standard input; false if it sent what cannot be read on.
    package func run() async -> Bool {
        let isWhole = await withDiscardingTaskGroup { group in
            group.addTask { await listen() }
            var framer = LineFramer(maximumLine: Self.maximumLine)
            var isWhole = true
            reading: while case let bytes = await streams.read(), !bytes.isEmpty {
                do throws(RPCFault) {
                    for line in try framer.feed(bytes) { await take(line, &group) }
                } catch {
                    let message = "A message is longer than \(Self.maximumLine) bytes."
                    let error = RPCError(code: RPCCode.invalidRequest, message: message)
                    await streams.write(line: RPCWriter.error(id: nil, error))
                    log(message)
                    isWhole = false
                    break reading
                }
            }
            session.finish()
            listening.end()
            restoring.end()
            // Nobody reads the answers any more; what only waits for people stays at the gateway.
            let requests = requests
            MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: Self.patience) { requests.endAll() }
            return isWhole
        }
        await sayGoodbye()
        return isWhole
    }

    /// One message of the host's: requests run beside each other, everything else in its turn.
    private func take(_ line: [UInt8], _ group: inout DiscardingTaskGroup) async {
        let message: ClientMessage
        do throws(ClientMessageFault) {
            message = try ClientMessage.parse(line, maximumBytes: Self.maximumLine)
        } catch {
            return await streams.write(line: RPCWriter.error(id: error.id, error.error))
        }
        switch message {
        case .request(let id, let method, let params):
            guard let request = requests.begin(id) else {
                let error = RPCError(code: RPCCode.invalidRequest, message: "A request of this id is under way.")
                return await streams.write(line: RPCWriter.error(id: id, error))
            }
            group.addTask {
                await serve(request, id, method, params, line)
                requests.end(id)
            }
        case .notification(let method, let params): await note(method, params, line)
        case .response(let id, _):
            if await pass(line) == nil { log("the answer to the server's \(id.json.canonicalText) did not arrive") }
        }
    }

    // MARK: requests

    private func serve(
        _ request: BridgeRequest,
        _ id: RequestID,
        _ method: String,
        _ params: JSONObject,
        _ line: [UInt8],
    ) async {
        let isModern = Self.isModern(params)
        let result =
            if method == "initialize" {
                await open(id, params, line, request.end, isRenewed: false)
            } else if isModern {
                await callModern(id, method, params, line, request.end)
            } else {
                await callLegacy(id, line, request.end)
            }
        if request.isCancelled { return }
        switch result {
        case .answered(let answer, _):
            if method == "tools/list" { tools.learn(answer) }
            if !isModern, case .result = try? ServerMessage.scan(answer) { session.succeeded(method, params) }
            await streams.write(line: answer)
        case .accepted: await fail(id, "The gateway answered with nothing.")
        case .sessionGone: await fail(id, "The gateway has forgotten the session. Begin again with initialize.")
        case .failed(let words): await fail(id, words)
        }
    }

    private func fail(_ id: RequestID, _ words: String) async {
        log(words)
        await streams.write(line: RPCWriter.error(id: id, RPCError(code: RPCCode.internalError, message: words)))
    }

    static func isModern(_ params: JSONObject) -> Bool { params["_meta"]?[MetaKey.protocolVersion] != nil }

    /// A request that stands alone: its header fields repeat what its body says.
    private func callModern(
        _ id: RequestID,
        _ method: String,
        _ params: JSONObject,
        _ line: [UInt8],
        _ end: CallEnd,
    ) async -> BridgePost.Result {
        let result = await post(line, tools.fields(method, params), id: id, end: end)
        // The fields of a tool's own that only its definition asks for; the host may know it from an earlier process.
        guard method == "tools/call", case .answered(let answer, _) = result, BridgeTools.isMismatch(answer),
            let name = params["name"]?.stringValue, !tools.knows(name), await learn(params, end)
        else { return result }
        return await post(line, tools.fields(method, params), id: id, end: end)
    }

    /// Asks for the tools ourselves.
    private func learn(_ params: JSONObject, _ end: CallEnd) async -> Bool {
        var cursor: JSONValue?
        for page in 0..<100 {
            var question = JSONObject([("_meta", params["_meta"] ?? .null)])
            question["cursor"] = cursor
            let id = RequestID.string("countersign-tools-\(page)")
            let line = RPCWriter.request(id: id, method: "tools/list", params: question)
            guard
                case .answered(let answer, _) = await post(line, tools.fields("tools/list", question), id: id, end: end)
            else { return false }
            cursor = tools.learn(answer)
            if cursor == nil { return true }
        }
        return false
    }

    private func callLegacy(_ id: RequestID, _ line: [UInt8], _ end: CallEnd) async -> BridgePost.Result {
        let ticket = session.ticket
        let result = await post(line, Self.fields(ticket), id: id, hasSession: ticket?.id != nil, end: end)
        guard case .sessionGone = result, let ticket, let renewed = await renew(ticket) else { return result }
        return await post(line, Self.fields(renewed), id: id, hasSession: true, end: end)
    }

    private func post(
        _ line: [UInt8],
        _ fields: [(name: String, value: String)],
        id: RequestID?,
        hasSession: Bool = false,
        end: CallEnd,
        timeout: Duration? = nil,
    ) async -> BridgePost.Result {
        let streams = streams
        return await BridgePost(access: access, path: path, end: end).send(
            line,
            fields,
            id: id,
            hasSession: hasSession,
            timeout: timeout,
        ) { await streams.write(line: $0) }
    }

    // MARK: the legacy session

    static func fields(_ ticket: BridgeSession.Ticket?) -> [(name: String, value: String)] {
        guard let ticket else { return [] }
        var fields = [(name: RoutingHeaders.protocolVersion, value: ticket.revision)]
        if let id = ticket.id { fields.append(("Mcp-Session-Id", id)) }
        return fields
    }

    /// Begins a session, the host's first or one in the place of a lost one.
    private func open(
        _ id: RequestID,
        _ params: JSONObject,
        _ line: [UInt8],
        _ end: CallEnd,
        isRenewed: Bool,
    ) async -> BridgePost.Result {
        let result = await post(line, [], id: id, end: end)
        if case .answered(let answer, let name) = result, case .result(_, let range) = try? ServerMessage.scan(answer),
            let agreed = try? JSONParser.parse(Array(answer[range])),
            let revision = agreed["protocolVersion"]?.stringValue
        {
            let ticket = BridgeSession.Ticket(id: name, revision: revision)
            session.begin(ticket, opening: params, isRenewed: isRenewed)
        }
        return result
    }

    /// Begins another session in the place of one that the gateway has forgotten; the host does not notice.
    private func renew(_ lost: BridgeSession.Ticket) async -> BridgeSession.Ticket? {
        await session.turns.take {
            if let ticket = session.ticket, ticket != lost { return ticket }
            guard let opening = session.opening else { return nil }
            log("the gateway has forgotten the session; beginning another")
            let id = RequestID.string("countersign-initialize")
            let line = RPCWriter.request(id: id, method: "initialize", params: opening)
            guard case .answered = await open(id, opening, line, CallEnd(), isRenewed: true),
                let ticket = session.ticket, ticket != lost
            else { return nil }
            let initialized = RPCWriter.notification(method: MCPMethod.initialized.rawValue)
            _ = await post(initialized, Self.fields(ticket), id: nil, end: CallEnd(), timeout: .seconds(30))
            session.ready()
            return ticket
        }
    }

    /// Passes on what the server says while no request is under way, session after session.
    private func listen() async {
        for await ticket in session.begun {
            await withDiscardingTaskGroup { group in
                // Beside the stream, because a subscription may have to wait for people.
                group.addTask { await restore(ticket) }
                await listen(ticket)
            }
        }
    }

    /// Sets in a session what the host has set in the one before it.
    private func restore(_ ticket: BridgeSession.Ticket) async {
        let wishes = session.wishes
        var requests = [(MCPMethod, JSONObject)]()
        if let level = wishes.logLevel { requests.append((.setLevel, JSONObject([("level", .string(level))]))) }
        requests += wishes.subscriptions.map { (.resourcesSubscribe, JSONObject([("uri", .string($0))])) }
        for (number, (method, params)) in requests.enumerated() {
            guard !listening.isEnded, session.ticket == ticket else { return }
            if method == .resourcesSubscribe, let uri = params["uri"]?.stringValue,
                !session.wishes.subscriptions.contains(where: { $0.utf8.elementsEqual(uri.utf8) })
            {
                continue
            }
            let id = RequestID.string("countersign-restore-\(number)")
            let line = RPCWriter.request(id: id, method: method.rawValue, params: params)
            let fields = Self.fields(ticket)
            let result = await post(line, fields, id: id, hasSession: true, end: restoring, timeout: .seconds(30))
            if case .answered(let answer, _) = result, case .result = try? ServerMessage.scan(answer) { continue }
            let what = params["uri"] ?? params["level"] ?? .null
            log("\(method.rawValue) of \(what.canonicalText) could not be repeated in the new session")
        }
    }

    /// Passes on what the server says in one session.
    private func listen(_ ticket: BridgeSession.Ticket) async {
        let streams = streams
        let post = BridgePost(access: access, path: path, end: listening)
        var last: String?
        var pause = Duration.milliseconds(250)
        while !listening.isEnded, session.ticket == ticket {
            let start = ContinuousClock.now
            let ended = await post.listen(Self.fields(ticket), from: &last) { await streams.write(line: $0) }
            guard case .broken = ended else { break }
            if start.duration(to: .now) > .seconds(30) { pause = .milliseconds(250) }
            await wait(pause)
            pause = min(pause * 2, .seconds(15))
        }
    }

    /// Waits, unless the host goes.
    private func wait(_ time: Duration) async {
        let end = ContinuousClock.now + time
        while !listening.isEnded, ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(100)) }
    }

    /// Ends the session.
    private func sayGoodbye() async {
        guard let ticket = session.ticket, ticket.id != nil else { return }
        var fields = access.fields
        for field in Self.fields(ticket) { fields.append(name: field.name, value: field.value) }
        let call = HTTPCall(address: access.address, method: "DELETE", path: path, fields: fields)
        _ = try? await call.exchange(timeout: .milliseconds(700)) { try await $0.rest(upTo: 65_536) }
    }

    // MARK: what has no answer

    private func note(_ method: String, _ params: JSONObject, _ line: [UInt8]) async {
        if method == MCPMethod.cancelled.rawValue, let id = params["requestId"].flatMap(RequestID.init),
            let request = requests[id]
        {
            // In the modern era an HTTP request is cancelled by leaving.
            guard session.ticket != nil else { return request.end.end() }
            request.forget()
        }
        // A modern client has nothing else to tell over HTTP.
        guard session.ticket != nil else { return }
        if await pass(line) == nil { log("the notification \(method) did not arrive") }
        if method == MCPMethod.initialized.rawValue { session.ready() }
    }

    /// Passes a message on that has no answer; `nil` if it did not arrive.
    private func pass(_ line: [UInt8]) async -> Void? {
        let ticket = session.ticket
        switch await post(
            line,
            Self.fields(ticket),
            id: nil,
            hasSession: ticket?.id != nil,
            end: CallEnd(),
            timeout: .seconds(30),
        ) {
        case .accepted, .answered: return ()
        case .sessionGone:
            guard let ticket, let renewed = await renew(ticket) else { return nil }
            let fields = Self.fields(renewed)
            let again = await post(line, fields, id: nil, hasSession: true, end: CallEnd(), timeout: .seconds(30))
            if case .accepted = again { return () }
            return nil
        case .failed(let words):
            log(words)
            return nil
        }
    }
}
