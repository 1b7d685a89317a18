import CanonicalJSON
import CountersignCore
import HTTPWire
import MCPWire
import NIOCore

/// Streams of what a server says outside of calls, in the shape of the client's era, whichever the server's is.
struct MCPListening {
    let exchange: MCPExchange
    let upstream: MCPUpstream

    private var home: LoopState { exchange.home }
    private var reply: MCPReply { exchange.reply }

    /// Whether a call is one that the gateway answers by itself: a stream, or what a modern server has no method for.
    func serves(_ call: MCPCall) -> Bool {
        switch call.method {
        case .listen: true
        case .resourcesSubscribe, .resourcesUnsubscribe, .setLevel: upstream.knownPeer?.revision.isModern ?? false
        default: false
        }
    }

    /// Serves such a call; whether the agent's connection can carry another.
    func serve(_ call: MCPCall) async -> Bool {
        switch call.method {
        case .resourcesSubscribe, .resourcesUnsubscribe:
            guard let uri = call.params["uri"]?.stringValue else { break }
            do throws(RPCError) {
                if call.method == .resourcesSubscribe { try await want(uri) } else { try await wantNoMore(uri) }
            } catch {
                return await exchange.fail(call.id, error)
            }
        case .setLevel:
            if let level = call.params["level"]?.stringValue { upstream.want(logLevel: level) }
        default:
            do throws(MCPFailure) {
                return try await subscribe(call)
            } catch {
                return await exchange.fail(call.id, error)
            }
        }
        return await exchange.finish(call.id, JSONObject())
    }

    private func want(_ uri: String) async throws(RPCError) {
        guard let agreed = try await upstream.wants.change({ $0.insert(uri) }), !agreed.contains(uri) else { return }
        upstream.wants.forget(uri)
        let message = "The server does not tell of changes of this resource."
        throw RPCError(code: RPCCode.invalidParams, message: message)
    }

    private func wantNoMore(_ uri: String) async throws(RPCError) {
        _ = try await upstream.wants.change { $0.remove(uri) }
    }

    // MARK: a legacy client's GET

    /// Streams until either side ends; the status and the words of a refusal, if there is nothing to stream.
    ///
    /// From the event whose id the client has, if that was given to it here; otherwise from now on.
    func stream(from lastEvent: String?) async throws(MCPFailure) -> (status: Int, message: String)? {
        let peer = try await upstream.peer(on: home)
        if let link = upstream.link as? MCPHTTPLink, !peer.revision.isModern {
            let cancellation = MCPCancellation()
            exchange.agent.stream.whenClosed { cancellation.cancel() }
            defer { exchange.agent.stream.whenClosed(nil) }
            let place = lastEvent.flatMap { exchange.opened($0, of: Self.events) }
            return try await upstream.whileBusy { () async throws(MCPFailure) -> (status: Int, message: String)? in
                switch try await upstream.listen(link, from: place, on: home, cancellation) {
                case .open(let source): await pump(MCPEventSource(source, maximum: exchange.connection.maximumAnswer))
                case .taken: return (409, "The server has one stream for a session, and it is still in use.")
                case .absent, .sessionLost: return Self.noStream
                }
                return nil
            }
        }
        let failure = await MCPStreaming(exchange: exchange, speakers: [MCPSpeaker(exchange, upstream)])
            .run { _, sources in await sources.hearEverything(peer) }
        if let failure { throw failure }
        return nil
    }

    static let noStream = (status: 405, message: "This server has no stream of its own.")

    // MARK: a modern client's subscriptions/listen

    private func subscribe(_ call: MCPCall) async throws(MCPFailure) -> Bool {
        let peer = try await upstream.peer(on: home)
        let asked = call.params["notifications"]?.objectValue ?? JSONObject()
        let tasks = (asked["taskIds"]?.arrayValue ?? []).compactMap { $0.stringValue.flatMap { ApprovalID($0) } }
        guard tasks.isEmpty || call.caller.takesTasks else {
            return await exchange.fail(call.id, MCPTasks.undeclared)
        }
        let wanted = Self.possible(asked, peer)
        let speakers =
            wanted.isEmpty ? [] : [MCPSpeaker(exchange, upstream, wanted: wanted, isModern: peer.revision.isModern)]
        return await MCPStreaming(exchange: exchange, speakers: speakers).subscribe(call.id, tasks: tasks)
    }

    /// What of the things asked for a server like this can tell of.
    static func possible(_ asked: JSONObject, _ peer: MCPPeer) -> JSONObject {
        JSONObject(
            asked.members.filter { member in
                switch member.key {
                case "toolsListChanged": member.value == true && peer.capabilities["tools"] != nil
                case "promptsListChanged": member.value == true && peer.capabilities["prompts"] != nil
                case "resourcesListChanged": member.value == true && peer.capabilities["resources"] != nil
                case "resourceSubscriptions":
                    member.value.arrayValue?.isEmpty == false && peer.capabilities["resources"] != nil
                default: false
                }
            }.map { ($0.key, $0.value) }
        )
    }

    /// Passes a legacy server's stream on to a legacy client as it is, with its ids, by which a client resumes.
    private func pump(_ events: MCPEventSource) async {
        exchange.agent.stream.whenClosed { events.close() }
        let drain = exchange.context.drain.onDrain { events.close() }
        defer {
            exchange.context.drain.forget(drain)
            exchange.agent.stream.whenClosed(nil)
            events.close()
        }
        let streaming = MCPStreaming(exchange: exchange, speakers: [MCPSpeaker(exchange, upstream)])
        let session = upstream.session
        reply.begin()
        await reply.keepAlive()
        while !reply.isGone, let event = await events.next() {
            guard let news = MCPEventSource.news(event.data)?.said(in: session) else { continue }
            await streaming.pass(news, id: event.id.flatMap(shown))
        }
    }

    /// What the places in a server's stream are places of.
    private static let events = "events"

    /// A server's id of an event as the agent gets it; `nil` for one that could not come back.
    private func shown(_ id: String) -> String? {
        // The empty one takes the last one back.
        guard !id.isEmpty else { return id }
        return StreamPlace.fitsField(id) ? exchange.sealed(id, of: Self.events) : nil
    }
}

extension MCPExchange {
    /// The server's own stream of a legacy session (GET): what it says while no call is under way.
    func stream(_ head: RequestHead) async -> Bool {
        var hasStream = mayUseAnything
        if case .own = connection.link { hasStream = false }
        guard hasStream else { return await refuseStream(MCPListening.noStream) }
        do throws(MCPFailure) {
            guard let upstream = try upstream() else { return await refuseStream((404, "The session has ended.")) }
            if let joined {
                if let reasons = try await joined.stream() { return await refuseStream(reasons) }
                return await reply.abandon()
            }
            if let reasons = await refusesListening() { return await refuseStream(reasons) }
            let listening = MCPListening(exchange: self, upstream: upstream)
            if let refusal = try await listening.stream(from: head.fields.first("last-event-id")) {
                return await refuseStream(refusal)
            }
        } catch {
            if error.isUnknownMethod { return await refuseStream(MCPListening.noStream) }
            guard reply.isStreaming else { return await refuseStream((502, error.reason.message)) }
        }
        return await reply.abandon()
    }

    /// Has listening at the server judged, and recorded; why it may not be, if so.
    func refusesListening(_ wanted: JSONObject = JSONObject()) async -> [Reason]? {
        let params = JSONObject([("notifications", .object(wanted))])
        let action = try? MCPTranslator(connection: connection)
            .action(.listen, params, agent: caller.agent, onBehalfOf: caller.onBehalfOf)
        guard let action else { return [Reason(.badRequest, "The subscription cannot be read.")] }
        switch await context.enforcement.admit(action, caller.circumstances, holds: false) {
        case .allowed(let entry): return await context.enforcement.commit(entry).map { [$0] }
        case .refused(let reasons): return reasons
        case .held, .approved, .running, .finished:
            return [Reason(.approvalRequired, ReasonCode.approvalRequired.explanation)]
        }
    }

    /// Clients take 405 for a server without a stream and go on; another status is an error to some of them.
    private func refuseStream(_ reasons: [Reason]) async -> Bool {
        let error = MCPRefusals.error(reasons, code: MCPWords.refused, executed: false)
        let status = reasons.contains { $0.code.status >= 500 } ? 503 : 405
        return await reply.finish(RPCWriter.error(id: nil, error), status: status).isReusable
    }

    private func refuseStream(_ refusal: (status: Int, message: String)) async -> Bool {
        let error = RPCError(code: RPCCode.invalidRequest, message: refusal.message)
        return await reply.finish(RPCWriter.error(id: nil, error), status: refusal.status).isReusable
    }
}
