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

/// Where such a stream's items come from: a server's own stream, a pipe, or the agent's own tasks.
struct MCPStreamSources: Sendable {
    let upstream: MCPUpstream
    let home: LoopState
    let tasks: MCPTaskViews
    let send: @Sendable (MCPStreamItem) -> Void

    /// Follows a modern server's stream, anew whenever the client subscribes to something else.
    func follow(_ filter: JSONObject) async {
        while !Task.isCancelled {
            let cancellation = MCPCancellation()
            var filter = filter
            let wanted = upstream.wanted(cancellation)
            if !wanted.isEmpty { filter["resourceSubscriptions"] = .array(wanted.sorted().map { .string($0) }) }
            guard await listen(filter, cancellation) else { return }
        }
    }

    /// One stream of a modern server's; whether it ended because something else is wanted.
    func listen(_ filter: JSONObject, _ cancellation: MCPCancellation) async -> Bool {
        await withTaskCancellationHandler {
            do throws(MCPFailure) {
                try await upstream.request(
                    "subscriptions/listen",
                    JSONObject([("notifications", .object(filter))]),
                    on: home,
                    cancelled: cancellation,
                ) { news in send(.news(news, id: nil)) }
                return false
            } catch {
                return cancellation.isCancelled
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    /// Hears what a server on a pipe says by itself.
    func overhear() async {
        let (end, source) = AsyncStream<Never>.makeStream()
        let send = send
        let ticket = upstream.listen { send(.news($0, id: nil)) }
        await withTaskCancellationHandler {
            for await _ in end {}
        } onCancel: {
            source.finish()
        }
        upstream.stopListening(ticket)
    }

    /// Reads a legacy server's own stream.
    func read(_ link: MCPHTTPLink, _ peer: MCPPeer) async {
        guard let source = try? await link.listen(peer, from: nil, on: home) else { return }
        let events = MCPEventSource(source, maximum: upstream.connection.maximumAnswer)
        await withTaskCancellationHandler {
            while let event = await events.next() {
                if let news = MCPEventSource.news(event.data) { send(.news(news, id: nil)) }
            }
        } onCancel: {
            events.close()
        }
    }

    /// Tells of changes of the agent's own tasks.
    func watch(_ ids: Set<ApprovalID>) async {
        let changes = tasks.context.enforcement.ledger.feed.changes()
        for id in ids.sorted() {
            if let params = await tasks.notification(id) { send(.message(Self.taskNews(params))) }
        }
        for await approval in changes where ids.contains(approval.id) {
            if let params = await tasks.notification(approval.id) { send(.message(Self.taskNews(params))) }
        }
    }

    private static func taskNews(_ params: JSONObject) -> [UInt8] {
        RPCWriter.notification(method: "notifications/tasks", params: params)
    }
}
