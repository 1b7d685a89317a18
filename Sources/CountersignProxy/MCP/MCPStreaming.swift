import CanonicalJSON
import CountersignCore
import Logging
import MCPWire
import NIOCore

/// A server whose words go out on a stream.
struct MCPSpeaker {
    /// The exchange as that server's own connection has it.
    let exchange: MCPExchange
    let upstream: MCPUpstream
    /// What a modern client wants to hear of it, in its own words.
    let wanted: JSONObject
    let isModern: Bool
    /// What stands before the addresses of its resources, where it is one of several.
    let prefix: String

    init(
        _ exchange: MCPExchange,
        _ upstream: MCPUpstream,
        wanted: JSONObject = JSONObject(),
        isModern: Bool = false,
        prefix: String = "",
    ) {
        self.exchange = exchange
        self.upstream = upstream
        self.wanted = wanted
        self.isModern = isModern
        self.prefix = prefix
    }

    /// The parameters of a notification of its own, as the client knows what they name.
    func named(_ method: String, _ params: [UInt8]?) -> [UInt8]? {
        guard !prefix.isEmpty, method == MCPMethod.resourcesUpdated.rawValue, let params,
            var object = (try? JSONParser.parse(params))?.objectValue, let uri = object["uri"]?.stringValue
        else { return params }
        object["uri"] = .string(prefix + uri)
        return JSONValue.object(object).canonicalBytes()
    }

    /// What is heard of it, as the client knows it.
    func named(_ filter: JSONObject) -> JSONObject {
        guard !prefix.isEmpty, let uris = filter["resourceSubscriptions"]?.arrayValue else { return filter }
        var filter = filter
        filter["resourceSubscriptions"] = .array(uris.map { .string(prefix + ($0.stringValue ?? "")) })
        return filter
    }
}

/// Brings what servers say outside of calls to a client, until either side ends it.
struct MCPStreaming {
    /// The client's.
    let exchange: MCPExchange
    let speakers: [MCPSpeaker]

    private var home: LoopState { exchange.home }
    private var reply: MCPReply { exchange.reply }

    /// A subscription of a modern client's, and what of the things asked for comes under it.
    private struct Subscription {
        let id: RequestID
        let tasks: [ApprovalID]
        /// What was acknowledged.
        var filter = JSONObject()
    }

    private static func stamp(_ id: RequestID) -> JSONValue { .object(JSONObject([(MetaKey.subscriptionID, id.json)])) }

    /// What may wait for a listener that does not read: a few of the largest notifications, or thousands of usual ones.
    ///
    /// Bytes.
    private static let maximumBacklog = 4 << 20

    /// Serves a modern client's subscription; whether the agent's connection can carry another request.
    func subscribe(_ id: RequestID, tasks: [ApprovalID]) async -> Bool {
        let (wanted, areModern) = (speakers.map(\.wanted), speakers.map(\.isModern))
        let failure = await run(Subscription(id: id, tasks: tasks)) { speaker, sources in
            if areModern[speaker] {
                await sources.listen(wanted[speaker], MCPCancellation())
            } else {
                await sources.hear(wanted[speaker])
            }
        }
        if let failure { return await exchange.fail(id, failure) }
        let result = JSONObject([("_meta", Self.stamp(id)), ("resultType", "complete")])
        return await reply.finish(RPCWriter.result(id: id, .object(result))).isReusable
    }

    /// Runs each speaker's sources beside the stream that their items go out on.
    ///
    /// The stream begins, and a subscription is acknowledged, once what the sources tell is heard: a client acts on that.
    /// Why nothing is heard, if it is so; then nothing has gone out.
    func run(_ sources: @escaping @Sendable (Int, MCPStreamSources) async -> Void) async -> MCPFailure? {
        await run(nil, sources)
    }

    private func run(
        _ subscription: Subscription?,
        _ body: @escaping @Sendable (Int, MCPStreamSources) async -> Void,
    ) async -> MCPFailure? {
        let items = MCPBacklog<(speaker: Int, item: MCPStreamItem)>(maximum: Self.maximumBacklog)
        let (openings, opening) = AsyncStream<(speaker: Int, result: Result<JSONObject, MCPFailure>)>.makeStream()
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
        let tasks = MCPTaskViews(exchange)
        return await withTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            for (number, speaker) in speakers.enumerated() {
                let upstream = speaker.upstream
                let sources = MCPStreamSources(
                    upstream: upstream,
                    home: home,
                    context: exchange.context,
                    send: { items.push((number, $0), size: $0.size) },
                    opened: { opening.yield((number, $0)) },
                )
                group.addTask {
                    await upstream.whileBusy { await body(number, sources) }
                    opening.yield((number, .success(JSONObject())))
                    items.push((number, .ended), size: 0, isKept: true)
                }
            }
            var subscription = subscription
            let heard = await open(openings, &subscription)
            opening.finish()
            if heard.isEmpty, subscription?.tasks.isEmpty ?? true, let failure = heard.failure { return failure }
            await begin(subscription)
            if let wanted = subscription?.tasks, !wanted.isEmpty {
                group.addTask { await tasks.watch(Set(wanted)) { items.push((-1, $0), size: $0.size) } }
            }
            group.addTask {
                while (try? await Task.sleep(for: .seconds(15))) != nil { items.push((-1, .signOfLife), size: 0) }
            }
            while let (speaker, item) = await items.next() {
                if case .ended = item, !heard.speakers.contains(speaker) { continue }
                guard await send(item, of: speaker, subscription), !reply.isGone else { break }
            }
            return nil
        }
    }

    /// Who is heard, and why the others are not.
    private struct Heard {
        var speakers: Set<Int> = []
        var failure: MCPFailure?

        var isEmpty: Bool { speakers.isEmpty }
    }

    /// Waits until each speaker is heard, or is known not to be.
    private func open(
        _ openings: AsyncStream<(speaker: Int, result: Result<JSONObject, MCPFailure>)>,
        _ subscription: inout Subscription?,
    ) async -> Heard {
        var heard = Heard()
        var waiting = Set(speakers.indices)
        guard !waiting.isEmpty else { return heard }
        for await (number, result) in openings where waiting.remove(number) != nil {
            switch result {
            case .success(let filter):
                heard.speakers.insert(number)
                subscription?.filter.add(speakers[number].named(filter))
            case .failure(let failure):
                heard.failure = failure
                exchange.context.logger.debug(
                    "a server cannot be listened to",
                    metadata: [
                        "connection": "\(speakers[number].exchange.connection.name)",
                        "reason": "\(failure.reason.code.rawValue)",
                    ],
                )
            }
            if waiting.isEmpty { break }
        }
        return heard
    }

    private func begin(_ subscription: Subscription?) async {
        reply.begin()
        guard let subscription else { return await reply.keepAlive() }
        var notifications = subscription.filter
        let tasks = subscription.tasks.map { JSONValue.string($0.rawValue) }
        if !tasks.isEmpty { notifications["taskIds"] = .array(tasks) }
        let params = JSONObject([("_meta", Self.stamp(subscription.id)), ("notifications", .object(notifications))])
        await reply.send(RPCWriter.notification(method: MCPMethod.subscriptionsAcknowledged.rawValue, params: params))
    }

    /// Passes on what the one server says to a legacy client, under the server's own id of the event.
    func pass(_ news: MCPNews, id: String?) async { _ = await send(.news(news, id: id), of: 0, nil) }

    /// Sends one item; whether more may come.
    private func send(_ item: MCPStreamItem, of number: Int, _ subscription: Subscription?) async -> Bool {
        switch item {
        case .ended: return false
        case .signOfLife: await reply.keepAlive()
        case .message(var bytes):
            if let id = subscription?.id, let stamped = Self.stamped(bytes, Self.stamp(id)) { bytes = stamped }
            await reply.send(bytes)
        case .news(let news, let event): await send(news, event, of: speakers[number], subscription)
        }
        return true
    }

    private func send(_ news: MCPNews, _ event: String?, of speaker: MCPSpeaker, _ subscription: Subscription?) async {
        let relay = MCPRelay(exchange: speaker.exchange, upstream: speaker.upstream, sink: reply, progressToken: nil)
        switch news {
        case .notification(let method, let bytes):
            let params = speaker.named(method, bytes)
            guard let subscription else { return await relay.notify(method, params, id: event) }
            guard Self.isAskedFor(method, params, subscription.filter) else { return }
            if method == MCPMethod.toolsListChanged.rawValue {
                speaker.exchange.connection.memory.catalogue.invalidate()
            }
            var stamped = params.flatMap { try? JSONParser.parse($0) }?.objectValue ?? JSONObject()
            stamped["_meta"] = Self.stamp(subscription.id)
            await reply.send(RPCWriter.notification(method: method, params: stamped))
        case .request(let asked, let method, let params): await relay.ask(asked, method, params)
        case .answer: return
        }
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
}

extension JSONObject {
    /// Adds what of a subscription another server tells of.
    fileprivate mutating func add(_ filter: JSONObject) {
        for member in filter.members {
            let more = member.value.arrayValue
            self[member.key] = more.map { .array((self[member.key]?.arrayValue ?? []) + $0) } ?? member.value
        }
    }
}
