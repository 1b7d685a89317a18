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

    /// Streams until either side ends; the status and the words of a refusal, if there is nothing to stream.
    func stream(from lastEvent: String?) async throws(MCPFailure) -> (status: Int, message: String)? {
        let peer = try await upstream.peer(on: home)
        if let link = upstream.link as? MCPHTTPLink, !peer.revision.isModern {
            switch try await upstream.listen(link, from: lastEvent, on: home) {
            case .open(let source): await pump(MCPEventSource(source, maximum: exchange.connection.maximumAnswer))
            case .taken: return (409, "The server has one stream for a session, and it is still in use.")
            case .absent, .sessionLost: return Self.noStream
            }
            return nil
        }
        let failure = await withItems { sources in
            if peer.revision.isModern { await sources.follow(Self.everything) } else { await sources.overhear() }
        }
        guard let failure else { return nil }
        guard failure.isUnknownMethod else { throw failure }
        return Self.noStream
    }

    static let noStream = (status: 405, message: "This server has no stream of its own.")

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
        let ids = tasks.isEmpty ? nil : asked["taskIds"]
        let wanted = Self.possible(asked, peer)
        let isModern = peer.revision.isModern
        let failure = await withItems(Subscription(id: call.id, taskIDs: ids)) { sources in
            await withDiscardingTaskGroup { group in
                if !tasks.isEmpty { group.addTask { await sources.watch(Set(tasks)) } }
                if wanted.isEmpty, !tasks.isEmpty {
                    sources.opened(.success(JSONObject()))
                } else if isModern {
                    group.addTask { _ = await sources.listen(wanted, MCPCancellation()) }
                } else {
                    group.addTask { await sources.hear(wanted) }
                }
            }
        }
        if let failure { return await exchange.fail(call.id, failure) }
        let result = JSONObject([("_meta", Self.stamp(call.id)), ("resultType", "complete")])
        return await reply.finish(RPCWriter.result(id: call.id, .object(result))).isReusable
    }

    /// What of the things asked for a server like this can tell of.
    private static func possible(_ asked: JSONObject, _ peer: MCPPeer) -> JSONObject {
        JSONObject(
            asked.members.filter { member in
                switch member.key {
                case "toolsListChanged": member.value == true && peer.capabilities["tools"] != nil
                case "promptsListChanged": member.value == true && peer.capabilities["prompts"] != nil
                case "resourcesListChanged", "resourceSubscriptions": peer.capabilities["resources"] != nil
                default: false
                }
            }.map { ($0.key, $0.value) }
        )
    }

    /// A subscription of a modern client's, and what of the things asked for comes under it.
    private struct Subscription {
        let id: RequestID
        /// The tasks asked for; `nil` if there are none.
        let taskIDs: JSONValue?
        /// What was acknowledged.
        var filter = JSONObject()
    }

    private static func stamp(_ id: RequestID) -> JSONValue { .object(JSONObject([(MetaKey.subscriptionID, id.json)])) }

    // MARK: the way out

    /// What may wait for a listener that does not read: a few of the largest notifications, or thousands of usual ones.
    ///
    /// Bytes.
    private static let maximumBacklog = 4 << 20

    /// Runs sources beside the stream that their items go out on, until the client or the gateway ends it.
    ///
    /// The stream begins, and a subscription is acknowledged, once what the sources tell is heard: a client acts on that.
    /// Why that cannot be, if it cannot; then nothing has gone out.
    private func withItems(
        _ subscription: Subscription? = nil,
        _ run: @escaping @Sendable (MCPStreamSources) async -> Void,
    ) async -> MCPFailure? {
        let items = MCPBacklog<MCPStreamItem>(maximum: Self.maximumBacklog)
        let (openings, opening) = AsyncStream<Result<JSONObject, MCPFailure>>.makeStream(
            bufferingPolicy: .bufferingOldest(1)
        )
        let end = { @Sendable in
            items.finish()
            opening.finish()
        }
        exchange.agent.stream.whenClosed(end)
        let drain = exchange.context.drain.onDrain(end)
        defer {
            exchange.context.drain.forget(drain)
            exchange.agent.stream.whenClosed(nil)
        }
        let sources = MCPStreamSources(
            upstream: upstream,
            home: home,
            tasks: MCPTaskViews(exchange),
            send: { items.push($0, size: $0.size) },
            opened: { opening.yield($0) },
        )
        return await upstream.whileBusy {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    await run(sources)
                    items.push(.ended, size: 0)
                    opening.finish()
                }
                defer { group.cancelAll() }
                var subscription = subscription
                for await opened in openings {
                    switch opened {
                    case .success(let filter): subscription?.filter = filter
                    // What the gateway itself knows of tasks needs no server.
                    case .failure(let failure): if subscription?.taskIDs == nil { return failure }
                    }
                    break
                }
                await begin(subscription)
                group.addTask {
                    while (try? await Task.sleep(for: .seconds(15))) != nil { items.push(.signOfLife, size: 0) }
                }
                while let item = await items.next() {
                    guard await send(item, subscription), !reply.isGone else { break }
                }
                return nil
            }
        }
    }

    private func begin(_ subscription: Subscription?) async {
        reply.begin()
        guard let subscription else { return await reply.keepAlive() }
        var notifications = subscription.filter
        notifications["taskIds"] = subscription.taskIDs
        let params = JSONObject([("_meta", Self.stamp(subscription.id)), ("notifications", .object(notifications))])
        await reply.send(RPCWriter.notification(method: MCPMethod.subscriptionsAcknowledged.rawValue, params: params))
    }

    /// Sends one item; whether more may come.
    private func send(_ item: MCPStreamItem, _ subscription: Subscription?) async -> Bool {
        let relay = MCPRelay(exchange: exchange, upstream: upstream, sink: reply, progressToken: nil)
        switch item {
        case .ended: return false
        case .signOfLife: await reply.keepAlive()
        case .message(var bytes):
            if let id = subscription?.id, let stamped = Self.stamped(bytes, Self.stamp(id)) { bytes = stamped }
            await reply.send(bytes)
        case .news(.notification(let method, let params), let event):
            guard let subscription else { await relay.notify(method, params, id: event); return true }
            guard Self.isAskedFor(method, params, subscription.filter) else { return true }
            let own = params.flatMap { try? JSONParser.parse($0) }?.objectValue ?? JSONObject()
            if method == "notifications/tools/list_changed" { exchange.connection.memory.catalogue.invalidate() }
            var stamped = own
            stamped["_meta"] = Self.stamp(subscription.id)
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
                if let news = MCPEventSource.news(event.data) { _ = await send(.news(news, id: event.id), nil) }
            }
        }
    }
}

extension MCPExchange {
    /// The server's own stream of a legacy session (GET): what it says while no call is under way.
    func stream(_ head: RequestHead) async -> Bool {
        guard mayUseAnything else { return await refuseStream(MCPListening.noStream) }
        do throws(MCPFailure) {
            guard let upstream = try upstream() else { return await refuseStream((404, "The session has ended.")) }
            let listening = MCPListening(exchange: self, upstream: upstream)
            if let refusal = try await listening.stream(from: head.fields.first("last-event-id")) {
                return await refuseStream(refusal)
            }
        } catch {
            guard reply.isStreaming else { return await refuseStream((502, error.reason.message)) }
        }
        return await reply.abandon()
    }

    private func refuseStream(_ refusal: (status: Int, message: String)) async -> Bool {
        let error = RPCError(code: RPCCode.invalidRequest, message: refusal.message)
        return await reply.finish(RPCWriter.error(id: nil, error), status: refusal.status).isReusable
    }
}
