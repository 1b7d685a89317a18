import CanonicalJSON
import CountersignCore
import HTTPTypes
import Hummingbird
import NIOCore

/// `GET /v1/events`: server-sent events of approvals, resumable by `Last-Event-ID`.
///
/// The log is the source: an event's id is the sequence number of an entry, and whoever comes back with one gets what
/// followed. The ledger's feed only says that it is time to look.
enum EventEndpoint {
    /// The endpoint.
    static let endpoint = Endpoint(
        .get,
        "/v1/events",
        .caller,
        name: "streamEvents",
        "Streams changes of approvals: all of them to a user, its own to an agent.",
        parameters: [.header("Last-Event-ID", .sequence, "Go on after this event.")],
        answers: [.other("text/event-stream", "Events named approval, each with its approval; comments as heartbeat.")],
        problems: [429],
        run: stream,
    )

    /// The entries that tell of a change of an approval.
    private static let kinds: [EntryKind] = [
        .approvalRequested, .approvalDecided, .approvalCommented, .approvalSettled, .actionDispatched,
        .actionCompleted,
    ]
    private static let heartbeat = Duration.seconds(15)

    @Sendable private static func stream(_ exchange: Exchange) async throws -> Reply {
        let place = try exchange.parts.waits.enter(.stream, of: exchange.caller)
        let last: UInt64?
        if let text = exchange.parameters["Last-Event-ID"], let sequence = UInt64(strict: text) {
            last = sequence
        } else {
            let size = try await exchange.parts.ledger.treeHead().size
            last = size > 0 ? size - 1 : nil
        }
        let body = ResponseBody { writer in
            // Held until the stream ends, or until the answer is dropped before it begins.
            defer { withExtendedLifetime(place) {} }
            try await run(exchange, after: last, &writer)
            try await writer.finish(nil)
        }
        return Reply(contentType: "text/event-stream", stream: body)
    }

    // Concurrent, because Hummingbird's writer is not tied to a caller.
    @concurrent private static func run(
        _ exchange: Exchange,
        after last: UInt64?,
        _ writer: inout any ResponseBodyWriter,
    ) async throws {
        let parts = exchange.parts
        let (wakes, source) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let ticket = parts.waits.open { source.finish() }
        defer { parts.waits.close(ticket) }
        let changes = parts.ledger.feed.changes()
        try await writer.write(ByteBuffer(string: "retry: 2000\n: listening\n\n"))
        // Both end with this function: a child that is not awaited is cancelled.
        async let _: Void = pass(changes, on: source)
        async let _: Void = beat(source)
        var last = last
        // What came between the request and the subscription.
        source.yield()
        var written = parts.enforcement.clock.time()
        for await _ in wakes {
            let now = parts.enforcement.clock.time()
            guard isStillValid(exchange, now) else { return }
            var isMore = true
            // A page at a time, and no faster than the reader takes them.
            while isMore, let page = try await page(exchange, after: last) {
                try await writer.write(ByteBuffer(string: page.events))
                (last, isMore, written) = (page.last, page.isFull, now)
                guard isStillValid(exchange, parts.enforcement.clock.time()) else { return }
            }
            if now.since(written) >= .seconds(14) {
                try await writer.write(ByteBuffer(string: ":\n\n"))
                written = now
            }
        }
    }

    private static func pass(_ changes: AsyncStream<Approval>, on source: AsyncStream<Void>.Continuation) async {
        for await _ in changes { source.yield() }
    }

    private static func beat(_ source: AsyncStream<Void>.Continuation) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: heartbeat)
            source.yield()
        }
    }

    /// How many entries make a page: each may bring an approval with a payload.
    private static let pageSize = 20

    /// What follows `last`, one event for each approval, in the order of their newest entries; `nil` if nothing does.
    ///
    /// A page ends before its approvals are heavier than those of a list.
    private static func page(
        _ exchange: Exchange,
        after last: UInt64?,
    ) async throws -> (events: String, last: UInt64, isFull: Bool)? {
        let query = EntryQuery(
            kinds: kinds,
            agent: exchange.onlyAgent,
            cursor: last.map { String($0) },
            ascending: true,
            limit: pageSize,
        )
        let entries = try await exchange.parts.ledger.entries(query).items
        var shown = [ApprovalID: (sequence: UInt64, data: String)]()
        var weight = 0
        var newest: UInt64?
        var isFull = entries.count == pageSize
        for entry in entries {
            if let id = entry.json["approval"]?.stringValue.flatMap({ ApprovalID(checking: $0) }) {
                if let data = shown[id]?.data {
                    shown[id] = (entry.sequence, data)
                } else if let approval = try await exchange.parts.ledger.approval(id) {
                    weight += approval.weight
                    guard shown.isEmpty || weight <= ApprovalQuery.pageBytes else {
                        isFull = true
                        break
                    }
                    let data = approval.json(publicURL: exchange.parts.dependencies.publicURL).canonicalText
                    shown[id] = (entry.sequence, data)
                }
            }
            newest = entry.sequence
        }
        guard let newest else { return nil }
        let events = shown.values.sorted { $0.sequence < $1.sequence }
            .map { "event: approval\nid: \($0.sequence)\ndata: \($0.data)\n\n" }
        return (events.joined(), newest, isFull)
    }

    /// Whether the credential that opened the stream still holds.
    private static func isStillValid(_ exchange: Exchange, _ now: Timestamp) -> Bool {
        switch try? exchange.credentials.caller(exchange.parts.dependencies.authenticator, now: now) {
        case .agent, .user: true
        case .anonymous, .client, nil: false
        }
    }
}
