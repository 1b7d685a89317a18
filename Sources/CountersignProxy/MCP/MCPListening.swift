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
        case .resourcesSubscribe:
            if let uri = call.params["uri"]?.stringValue { upstream.want { $0.insert(uri) } }
            return await exchange.finish(call.id, JSONObject())
        case .resourcesUnsubscribe:
            if let uri = call.params["uri"]?.stringValue { upstream.want { $0.remove(uri) } }
            return await exchange.finish(call.id, JSONObject())
        case .setLevel:
            if let level = call.params["level"]?.stringValue { upstream.want(logLevel: level) }
            return await exchange.finish(call.id, JSONObject())
        default:
            do throws(MCPFailure) {
                return try await subscribe(call)
            } catch {
                return await exchange.fail(call.id, error)
            }
        }
    }

    // MARK: a legacy client's GET

    /// Streams until either side ends.
    func stream(from lastEvent: String?) async throws(MCPFailure) -> Bool {
        let peer = try await upstream.peer(on: home)
        if let link = upstream.link as? MCPHTTPLink, !peer.revision.isModern {
            guard let source = try await link.listen(peer, from: lastEvent, on: home) else { return false }
            await pump(MCPEventSource(source, maximum: exchange.connection.maximumAnswer))
            return true
        }
        await withItems { sources in
            if peer.revision.isModern { await sources.follow(Self.everything) } else { await sources.overhear() }
        }
        return true
    }

    /// What a legacy client hears of without asking for it.
    private static let everything = JSONObject([
        ("promptsListChanged", true), ("resourcesListChanged", true), ("toolsListChanged", true),
    ])

    // MARK: a modern client's subscriptions/listen

    private func subscribe(_ call: MCPCall) async throws(MCPFailure) -> Bool {
        let peer = try await upstream.peer(on: home)
        let asked = call.params["notifications"]?.objectValue ?? JSONObject()
        let tasks = (asked["taskIds"]?.arrayValue ?? []).compactMap { $0.stringValue.flatMap { ApprovalID($0) } }
        guard tasks.isEmpty || call.caller.takesTasks else {
            return await exchange.fail(call.id, MCPTasks.undeclared)
        }
        let agreed = Self.agreed(asked, peer, tasks: !tasks.isEmpty)
        reply.begin()
        let acknowledged = JSONObject([("_meta", stamp(call.id)), ("notifications", .object(agreed))])
        await reply.send(
            RPCWriter.notification(method: "notifications/subscriptions/acknowledged", params: acknowledged)
        )
        var filter = agreed
        filter["taskIds"] = nil
        if !peer.revision.isModern {
            for uri in filter["resourceSubscriptions"]?.arrayValue ?? [] {
                _ = try? await upstream.ask("resources/subscribe", JSONObject([("uri", uri)]), on: home)
            }
        }
        let (isModern, link) = (peer.revision.isModern, upstream.link as? MCPHTTPLink)
        let wanted = filter
        await withItems(stamp: call.id, filter: agreed) { sources in
            await withDiscardingTaskGroup { group in
                if !tasks.isEmpty { group.addTask { await sources.watch(Set(tasks)) } }
                if isModern {
                    group.addTask { while await sources.listen(wanted, MCPCancellation()), !Task.isCancelled {} }
                } else if let link {
                    group.addTask { await sources.read(link, peer) }
                } else {
                    group.addTask { await sources.overhear() }
                }
            }
        }
        let result = JSONObject([("_meta", stamp(call.id)), ("resultType", "complete")])
        return await reply.finish(RPCWriter.result(id: call.id, .object(result))).isReusable
    }

    /// What of the things asked for there can be.
    private static func agreed(_ asked: JSONObject, _ peer: MCPPeer, tasks: Bool) -> JSONObject {
        JSONObject(
            asked.members.filter { member in
                switch member.key {
                case "toolsListChanged": member.value == true && peer.capabilities["tools"] != nil
                case "promptsListChanged": member.value == true && peer.capabilities["prompts"] != nil
                case "resourcesListChanged", "resourceSubscriptions": peer.capabilities["resources"] != nil
                case "taskIds": tasks
                default: false
                }
            }.map { ($0.key, $0.value) }
        )
    }

    private func stamp(_ id: RequestID) -> JSONValue { .object(JSONObject([(MetaKey.subscriptionID, id.json)])) }

    // MARK: the way out

    /// What may wait for a listener that does not read: a few of the largest notifications, or thousands of usual ones.
    ///
    /// Bytes.
    private static let maximumBacklog = 4 << 20

    /// Runs sources beside the stream that their items go out on, until the client or the gateway ends it.
    private func withItems(
        stamp id: RequestID? = nil,
        filter: JSONObject? = nil,
        _ run: @escaping @Sendable (MCPStreamSources) async -> Void,
    ) async {
        let items = MCPBacklog<MCPStreamItem>(maximum: Self.maximumBacklog)
        exchange.agent.stream.whenClosed { items.finish() }
        let drain = exchange.context.drain.onDrain { items.finish() }
        defer {
            exchange.context.drain.forget(drain)
            exchange.agent.stream.whenClosed(nil)
        }
        let sources = MCPStreamSources(
            upstream: upstream,
            home: home,
            tasks: MCPTaskViews(exchange),
            send: { items.push($0, size: $0.size) },
        )
        reply.begin()
        await reply.keepAlive()
        await upstream.whileBusy {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    await run(sources)
                    items.push(.ended, size: 0)
                }
                group.addTask {
                    while (try? await Task.sleep(for: .seconds(15))) != nil { items.push(.signOfLife, size: 0) }
                }
                while let item = await items.next() {
                    guard await send(item, id, filter), !reply.isGone else { break }
                }
                group.cancelAll()
            }
        }
    }

    /// Sends one item; whether more may come.
    private func send(_ item: MCPStreamItem, _ id: RequestID?, _ filter: JSONObject?) async -> Bool {
        let relay = MCPRelay(exchange: exchange, upstream: upstream, sink: reply, progressToken: nil)
        switch item {
        case .ended: return false
        case .signOfLife: await reply.keepAlive()
        case .message(var bytes):
            if let id, let stamped = Self.stamped(bytes, stamp(id)) { bytes = stamped }
            await reply.send(bytes)
        case .news(.notification(let method, let params), let event):
            guard let id, let filter else { await relay.notify(method, params, id: event); return true }
            guard Self.isAskedFor(method, params, filter) else { return true }
            let own = params.flatMap { try? JSONParser.parse($0) }?.objectValue ?? JSONObject()
            if method == "notifications/tools/list_changed" { exchange.connection.memory.catalogue.invalidate() }
            var stamped = own
            stamped["_meta"] = stamp(id)
            await reply.send(RPCWriter.notification(method: method, params: stamped))
        case .news(.request(let asked, let method, let params), _): await relay.ask(asked, method, params)
        case .news(.answer, _): return true
        }
        return true
    }

    private static func stamped(_ bytes: [UInt8], _ stamp: JSONValue) -> [UInt8]? {
        guard let message = (try? JSONParser.parse(bytes))?.objectValue, let method = message["method"]?.stringValue,
            var params = message["params"]?.objectValue
        else { return nil }
        params["_meta"] = stamp
        return RPCWriter.notification(method: method, params: params)
    }

    /// Whether a modern client asked for a kind of notification; of another it must not hear.
    private static func isAskedFor(_ method: String, _ params: [UInt8]?, _ filter: JSONObject) -> Bool {
        switch method {
        case "notifications/tools/list_changed": filter["toolsListChanged"] == true
        case "notifications/prompts/list_changed": filter["promptsListChanged"] == true
        case "notifications/resources/list_changed": filter["resourcesListChanged"] == true
        case "notifications/resources/updated": isSubscribed(params, filter)
        default: false
        }
    }

    private static func isSubscribed(_ params: [UInt8]?, _ filter: JSONObject) -> Bool {
        guard let uri = params.flatMap({ try? JSONParser.parse($0) })?["uri"] else { return false }
        return filter["resourceSubscriptions"]?.arrayValue?.contains(uri) ?? false
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
        reply.begin()
        await reply.keepAlive()
        await upstream.whileBusy {
            while !reply.isGone, let event = await events.next() {
                if let news = MCPEventSource.news(event.data) { _ = await send(.news(news, id: event.id), nil, nil) }
            }
        }
    }
}

/// The events of a server's own stream, one by one.
///
/// Used by one task on the stream's event loop.
final class MCPEventSource: @unchecked Sendable {
    private var exchange: HTTPExchange
    private var parser: EventStreamParser
    private var ready: [StreamEvent] = []
    private let stream: ByteStream

    init(_ exchange: HTTPExchange, maximum: Int) {
        self.exchange = exchange
        parser = EventStreamParser(maximumEvent: maximum)
        stream = exchange.upstream.stream
    }

    /// The next event; `nil` at the end.
    func next() async -> StreamEvent? {
        while ready.isEmpty {
            guard let more = try? await exchange.nextEvents(&parser) else { return nil }
            ready = more
        }
        return ready.removeFirst()
    }

    /// Ends the stream, from anywhere.
    func close() { stream.loop.execute { [stream] in stream.close() } }

    /// What an event says; answers to requests belong to the streams of their requests.
    static func news(_ data: [UInt8]) -> MCPNews? {
        switch try? ServerMessage.scan(data) {
        case .notification(let method, let params):
            .notification(method: method, params: params.map { Array(data[$0]) })
        case .request(let id, let method, let params):
            .request(id: id, method: method, params: params.map { Array(data[$0]) })
        case .result, .error, nil: nil
        }
    }
}

extension MCPExchange {
    /// The server's own stream of a legacy session (GET): what it says while no call is under way.
    func stream(_ head: RequestHead) async -> Bool {
        guard mayUseAnything else { return await refuseStream(405, "This server has no stream of its own.") }
        do throws(MCPFailure) {
            guard let upstream = try upstream() else { return await refuseStream(404, "The session has ended.") }
            let listening = MCPListening(exchange: self, upstream: upstream)
            guard try await listening.stream(from: head.fields.first("last-event-id")) else {
                return await refuseStream(405, "This server has no stream of its own.")
            }
        } catch {
            guard reply.isStreaming else { return await refuseStream(502, error.reason.message) }
        }
        return await reply.abandon()
    }

    private func refuseStream(_ status: Int, _ message: String) async -> Bool {
        let error = RPCError(code: RPCCode.invalidRequest, message: message)
        return await reply.finish(RPCWriter.error(id: nil, error), status: status).isReusable
    }
}
