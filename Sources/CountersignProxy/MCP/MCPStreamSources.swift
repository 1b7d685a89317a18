import CanonicalJSON
import CountersignCore
import MCPWire
import NIOCore

/// What goes out on a stream of what a server says outside of calls.
enum MCPStreamItem: Sendable {
    case news(MCPNews, id: String?)
    case message([UInt8])
    case signOfLife
    case ended

    /// How many bytes it has, about.
    var size: Int {
        switch self {
        case .news(.notification(let method, let params), _), .news(.request(_, let method, let params), _):
            method.utf8.count + (params?.count ?? 0)
        case .news(.answer(.result(let bytes)), _), .news(.answer(.error(let bytes)), _), .message(let bytes):
            bytes.count
        case .signOfLife, .ended: 0
        }
    }
}

/// Where such a stream's items come from: a server's own stream, or a pipe.
struct MCPStreamSources: Sendable {
    let upstream: MCPUpstream
    let home: LoopState
    let context: GatewayContext
    let send: @Sendable (MCPStreamItem) -> Void
    /// Says once what is heard from then on, or why nothing is; what comes before goes out after it.
    let opened: @Sendable (Result<JSONObject, MCPFailure>) -> Void

    /// What a legacy client hears of without asking for it.
    private static let everything = JSONObject([
        ("promptsListChanged", true), ("resourcesListChanged", true), ("toolsListChanged", true),
    ])

    /// Hears what a legacy client hears of a server.
    func hearEverything(_ peer: MCPPeer) async {
        if peer.revision.isModern { return await follow(Self.everything) }
        if upstream.link is MCPHTTPLink { await hear(JSONObject()) } else { await overhear() }
    }

    /// Follows a modern server's stream, anew whenever the client subscribes to something else.
    ///
    /// The old stream ends when the new one has been acknowledged, so that nothing is said in between.
    private func follow(_ filter: JSONObject) async {
        let wants = upstream.wants
        let (follower, bell) = wants.follow()
        await withTaskGroup(of: Void.self) { group in
            var present: MCPCancellation?
            for await _ in bell {
                let (version, resources) = wants.present
                var filter = filter
                if !resources.isEmpty {
                    filter["resourceSubscriptions"] = .array(resources.sorted().map { .string($0) })
                }
                let (openings, opening) = AsyncStream<Result<JSONObject, MCPFailure>>.makeStream()
                let next = MCPStreamSources(
                    upstream: upstream,
                    home: home,
                    context: context,
                    send: send,
                    opened: {
                        opening.yield($0)
                        opening.finish()
                    },
                )
                let (wanted, cancellation) = (filter, MCPCancellation())
                group.addTask {
                    // Its end is the end of the client's stream, unless another has taken its place.
                    if case .closed = await next.listen(wanted, cancellation) { wants.leave(follower) }
                    opening.finish()
                }
                for await opened in openings {
                    self.opened(opened)
                    let agreed = try? opened.get()["resourceSubscriptions"]?.arrayValue?.compactMap(\.stringValue)
                    wants.agreed(version, Set(agreed ?? []))
                    guard case .success = opened else { break }
                    present?.cancel()
                    present = cancellation
                }
                if present == nil { break }
            }
            group.cancelAll()
        }
        wants.leave(follower)
    }

    /// How long a server has to agree to what it is asked to tell of.
    private static let patience = TimeAmount.seconds(30)

    /// How a stream of a modern server's came to its end.
    enum End {
        case closed
        case cancelled
        /// It never was.
        case refused
    }

    /// One stream of a modern server's.
    @discardableResult
    func listen(_ filter: JSONObject, _ cancellation: MCPCancellation) async -> End {
        var end = End.refused
        let timer = home.loop.scheduleTask(in: Self.patience) {
            opened(.failure(MCPFailure(.upstreamTimeout, "The MCP server did not acknowledge.", executed: nil)))
            cancellation.cancel()
        }
        defer { timer.cancel() }
        return await withTaskCancellationHandler {
            do throws(MCPFailure) {
                var answer: MCPAnswer?
                try await upstream.request(
                    "subscriptions/listen",
                    JSONObject([("notifications", .object(filter))]),
                    on: home,
                    cancelled: cancellation,
                ) { news in
                    switch news {
                    case .notification(MCPMethod.subscriptionsAcknowledged.rawValue, let params):
                        timer.cancel()
                        end = .closed
                        opened(.success(Self.honored(filter, params)))
                    case .answer(let got): answer = got
                    case .notification, .request: send(.news(news, id: nil))
                    }
                }
                _ = try answer?.value()
                opened(.success(JSONObject()))
                return .closed
            } catch {
                guard !cancellation.isCancelled else { return .cancelled }
                opened(.failure(error))
                return end
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    /// What of the things asked for a modern server agrees to.
    private static func honored(_ filter: JSONObject, _ params: [UInt8]?) -> JSONObject {
        let agreed = params.flatMap { try? JSONParser.parse($0) }?["notifications"]
        let uris = agreed?["resourceSubscriptions"]?.arrayValue ?? []
        var honored = JSONObject(filter.members.filter { agreed?[$0.key] == true }.map { ($0.key, $0.value) })
        let heeded = filter["resourceSubscriptions"]?.arrayValue?.filter(uris.contains) ?? []
        if !heeded.isEmpty { honored["resourceSubscriptions"] = .array(heeded) }
        return honored
    }

    /// Hears what a legacy server says by itself of the things asked for.
    ///
    /// It is asked to tell of resources once what it tells would be heard.
    func hear(_ filter: JSONObject) async {
        var hasOpened = false
        await hearing { progress in
            guard !hasOpened else { return }
            hasOpened = true
            switch progress {
            case .open, .silent: opened(.success(await subscribed(filter)))
            case .absent:
                // Nothing comes of it; that was said, so the client knows, and need not ask again and again.
                opened(.success(JSONObject()))
                await Self.untilCancelled()
            case .failed(let failure): opened(.failure(failure))
            }
        }
    }

    /// Hears what a legacy server on a pipe says by itself, in this session and the next.
    func overhear() async {
        while !Task.isCancelled {
            await hearing { _ in opened(.success(JSONObject())) }
        }
    }

    private func hearing(_ progressed: (MCPHearing.Progress) async -> Void) async {
        let (hearing, send) = (upstream.hearing, send)
        let link = upstream.link as? MCPHTTPLink
        let (ticket, progress, stream) = hearing.join(streams: link != nil) { send(.news($0, id: nil)) }
        if let link, let stream {
            let (upstream, home) = (upstream, home)
            if !context.errands.start(on: home, { await hearing.run(stream, upstream, link, on: home) }) {
                hearing.end(
                    stream,
                    .failed(MCPFailure(.shuttingDown, ReasonCode.shuttingDown.explanation, executed: false))
                )
            }
        }
        await withTaskCancellationHandler {
            for await step in progress { await progressed(step) }
        } onCancel: {
            hearing.leave(ticket)
        }
        hearing.leave(ticket)
    }

    /// Asks a legacy server to tell of resources; what is heard of the things asked for, without what it does not agree to.
    private func subscribed(_ filter: JSONObject) async -> JSONObject {
        let cancellation = MCPCancellation()
        let timer = home.loop.scheduleTask(in: Self.patience) { cancellation.cancel() }
        defer { timer.cancel() }
        var heeded = [JSONValue]()
        await withTaskCancellationHandler {
            for uri in filter["resourceSubscriptions"]?.arrayValue ?? [] where !cancellation.isCancelled {
                let params = JSONObject([("uri", uri)])
                let answer = try? await upstream.ask(
                    "resources/subscribe",
                    params,
                    on: home,
                    cancelled: cancellation,
                )
                if answer != nil { heeded.append(uri) }
            }
        } onCancel: {
            cancellation.cancel()
        }
        var honored = filter
        honored["resourceSubscriptions"] = heeded.isEmpty ? nil : .array(heeded)
        return honored
    }

    private static func untilCancelled() async {
        let (end, source) = AsyncStream<Never>.makeStream()
        await withTaskCancellationHandler {
            for await _ in end {}
        } onCancel: {
            source.finish()
        }
    }

}

extension MCPTaskViews {
    /// Tells of changes of the agent's own tasks.
    func watch(_ ids: Set<ApprovalID>, _ send: (MCPStreamItem) -> Void) async {
        let changes = context.enforcement.ledger.feed.changes()
        for id in ids.sorted() {
            if let params = await notification(id) { send(.message(Self.taskNews(params))) }
        }
        for await approval in changes where ids.contains(approval.id) {
            if let params = await notification(approval.id) { send(.message(Self.taskNews(params))) }
        }
    }

    private static func taskNews(_ params: JSONObject) -> [UInt8] {
        RPCWriter.notification(method: "notifications/tasks", params: params)
    }
}
