import CanonicalJSON
import CountersignCore
import HTTPWire
import MCPWire
import NIOCore

/// Streamable HTTP: each message is a POST, each answer JSON or an event stream (both eras).
struct MCPHTTPLink: MCPLink {
    let connection: HTTPConnection
    let pool: UpstreamPool
    /// Answers up to this size are read.
    ///
    /// Bytes.
    let maximumAnswer: Int

    func exchange(
        _ outgoing: MCPOutgoing,
        on home: LoopState,
        cancelled: MCPCancellation?,
        _ news: (MCPNews) async -> Void,
    ) async throws(MCPFailure) -> String? {
        let message = RPCWriter.request(id: outgoing.id, method: outgoing.method, params: outgoing.params)
        var fields = Self.fields(outgoing.peer)
        if outgoing.peer?.revision.isModern ?? false {
            for field in RoutingHeaders.fields(method: outgoing.method, params: outgoing.params) {
                fields.append(name: field.name, value: field.value)
            }
        }
        for field in outgoing.fields { fields.append(name: field.name, value: field.value) }
        defer { cancelled?.onCancel(nil) }
        var exchange = try await open(
            message,
            fields,
            on: home,
            outgoing.care,
            cancelled: cancelled,
            mayBeSilent: outgoing.method == MCPMethod.listen.rawValue,
            lastAsked: outgoing.lastAsked,
        )
        let session = exchange.head.fields.first("mcp-session-id").flatMap { Self.isSession($0) ? $0 : nil }
        let place: StreamPlace?
        do throws(MCPFailure) {
            place = try await exchange.read(outgoing, maximumAnswer, news)
        } catch {
            exchange.upstream.stream.close()
            throw error
        }
        await exchange.finish(connection, home)
        if let place { try await resume(outgoing, from: place, on: home, cancelled, news) }
        return session
    }

    /// Streams in a row on which nothing new came, after which nothing more is expected.
    private static let maximumFruitless = 5

    /// Reads on where an event stream ended before its answer came (2025-11-25, "Resumability and Redelivery"): a server
    /// may close a stream once it has given it an id, and goes on working.
    private func resume(
        _ outgoing: MCPOutgoing,
        from start: StreamPlace,
        on home: LoopState,
        _ cancelled: MCPCancellation?,
        _ news: (MCPNews) async -> Void,
    ) async throws(MCPFailure) {
        guard let peer = outgoing.peer else { throw StreamPlace.lost }
        var place = start
        var fruitless = 0
        while fruitless < Self.maximumFruitless {
            let began = NIODeadline.now()
            await Self.pause(place.wait, on: home, cancelled)
            if cancelled?.isCancelled ?? false { throw StreamPlace.lost }
            fruitless += 1
            do throws(MCPFailure) {
                let stream = try await listen(
                    peer,
                    from: place.id,
                    on: home,
                    cancelled,
                    mayBeSilent: false,
                    lastAsked: outgoing.lastAsked,
                )
                guard case .open(var exchange) = stream else { throw StreamPlace.lost }
                let next: StreamPlace?
                do throws(MCPFailure) {
                    next = try await exchange.read(outgoing, from: place, maximumAnswer, news)
                } catch {
                    exchange.upstream.stream.close()
                    throw error
                }
                await exchange.finish(connection, home)
                guard let next else { return }
                // Who waited for the client meanwhile had nothing new to say.
                if next.id != place.id || outgoing.lastAsked?(.now()) ?? began > began { fruitless = 0 }
                place = next
            } catch  where error.reason.code == .upstreamUnavailable {
                // It may be back in a moment.
            }
        }
        throw StreamPlace.lost
    }

    private static func pause(_ time: TimeAmount, on home: LoopState, _ cancelled: MCPCancellation?) async {
        let (over, source) = AsyncStream<Void>.makeStream()
        let timer = home.loop.scheduleTask(in: time) { source.finish() }
        cancelled?.onCancel { source.finish() }
        for await _ in over {}
        timer.cancel()
        cancelled?.onCancel(nil)
    }

    func cancelsByClosing(_ peer: MCPPeer) -> Bool { peer.revision.isModern }

    func send(
        _ message: [UInt8],
        peer: MCPPeer,
        on home: LoopState,
        _ cancelled: MCPCancellation?,
    ) async throws(MCPFailure) {
        defer { cancelled?.onCancel(nil) }
        var exchange = try await open(message, Self.fields(peer), on: home, cancelled: cancelled)
        let status = exchange.head.status
        await exchange.finish(connection, home)
        guard (200..<300).contains(status) else {
            throw MCPFailure(
                .upstreamInvalid,
                "The MCP server answered a notification with \(status).",
                executed: nil,
                isSessionLost: status == 404,
            )
        }
    }

    func end() {}

    /// What a session's end is told with; a server may refuse it (405).
    func farewell(_ peer: MCPPeer, on home: LoopState) async {
        guard peer.sessionID != nil else { return }
        var exchange = try? await open(nil, Self.fields(peer), method: "DELETE", on: home)
        await exchange?.finish(connection, home)
    }

    /// What a server answers when it is asked for the stream of a session (GET).
    enum SessionStream {
        case open(HTTPExchange)
        /// It has none (405, above all).
        case absent
        /// It has one, which is in use (409).
        case taken
        /// It has lost the session (404).
        case sessionLost
    }

    /// How often a stream is asked for that is in use: a server is late to notice that whoever had it has gone.
    private static let attempts = 10

    /// Opens the server's own stream of a legacy session.
    ///
    /// It is there when its head is: servers note whom they send to before they send it. One `mayBeSilent` on which nothing
    /// needs to be said.
    func listen(
        _ peer: MCPPeer,
        from lastEvent: String?,
        on home: LoopState,
        _ cancelled: MCPCancellation? = nil,
        mayBeSilent: Bool = true,
        lastAsked: (@Sendable (NIODeadline) -> NIODeadline?)? = nil,
    ) async throws(MCPFailure) -> SessionStream {
        var fields = Self.fields(peer)
        if let lastEvent { fields.append(name: "Last-Event-ID", value: lastEvent) }
        for attempt in 1...Self.attempts {
            var exchange = try await open(
                nil,
                fields,
                method: "GET",
                on: home,
                cancelled: cancelled,
                mayBeSilent: mayBeSilent,
                lastAsked: lastAsked,
            )
            let status = exchange.head.status
            if status == 200, exchange.isEventStream { return .open(exchange) }
            await exchange.finish(connection, home)
            guard status == 409 else { return status == 404 && peer.sessionID != nil ? .sessionLost : .absent }
            if cancelled?.isCancelled ?? false { break }
            await Self.pause(.milliseconds(50 * Int64(attempt)), on: home, cancelled)
        }
        return .taken
    }

    private static func fields(_ peer: MCPPeer?) -> HeaderFields {
        var fields: HeaderFields = ["Accept": "application/json, text/event-stream"]
        if let peer {
            fields.append(name: "MCP-Protocol-Version", value: peer.revision.rawValue)
            if let session = peer.sessionID { fields.append(name: "Mcp-Session-Id", value: session) }
        }
        return fields
    }

    /// Visible ASCII, as the specification wants it; anything else could not be sent back.
    private static func isSession(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 4096 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// Sends a message and reads the head of its answer; without an end to the server's silence, if it `mayBeSilent`, or
    /// while it waits for the client.
    func open(
        _ message: [UInt8]?,
        _ fields: HeaderFields,
        method: String = "POST",
        path: String? = nil,
        on home: LoopState,
        _ care: MCPOutgoing.Care = .repeatable,
        cancelled: MCPCancellation? = nil,
        mayBeSilent: Bool = false,
        lastAsked: (@Sendable (NIODeadline) -> NIODeadline?)? = nil,
    ) async throws(MCPFailure) -> HTTPExchange {
        var fields = fields
        var body = RequestBody.empty
        if let message {
            fields.append(name: "Content-Type", value: "application/json")
            let bytes = ByteBuffer(bytes: message)
            body = RequestBody(content: .memory(bytes), count: UInt64(message.count), trailers: HeaderFields())
        }
        guard let target = try? RequestTarget(parsing: "/") else {
            throw MCPFailure(.upstreamInvalid, "The address of the MCP server is wrong.", executed: false)
        }
        var head = ForwardedFields.head(
            method,
            target,
            fields,
            upgrade: nil,
            body: body,
            connection,
            forwarded: nil,
        )
        // The server has one address; there is no path below it.
        if let path {
            head.target = path
        } else if !connection.upstream.path.isEmpty {
            head.target = connection.upstream.path
        }
        let outbound = Outbound(connection: connection, head: head, body: body)
        let idle = mayBeSilent ? nil : connection.idleTimeout
        var isFresh = care == .once
        while true {
            do throws(UpstreamFailure) {
                return try await exchange(outbound, on: home, fresh: isFresh, cancelled, idle, lastAsked)
            } catch {
                // An idle connection may close just as it is taken; what may be sent twice is sent again.
                guard !isFresh, care == .repeatable, case .noAnswer = error, !(cancelled?.isCancelled ?? false) else {
                    throw MCPFailure(error)
                }
                isFresh = true
            }
        }
    }

    private func exchange(
        _ outbound: Outbound,
        on home: LoopState,
        fresh: Bool,
        _ cancelled: MCPCancellation?,
        _ idle: Duration?,
        _ lastAsked: (@Sendable (NIODeadline) -> NIODeadline?)?,
    ) async throws(UpstreamFailure) -> HTTPExchange {
        var upstream = try await pool.acquire(connection, on: home, fresh: fresh)
        upstream.idleTimeout = idle
        let stream = upstream.stream
        if let lastAsked, let idle {
            // A server that waits for the client's answers is not too silent, whichever stream it asked on; after the last,
            // it has its whole time.
            stream.reprieve = { lastAsked(.now()).map { $0 + .nanoseconds(idle.wholeMicroseconds * 1000) } }
        }
        // In the modern era, closing the stream is what cancels; in the legacy one, a notification goes out besides.
        cancelled?.onCancel { stream.loop.execute { stream.close() } }
        do throws(UpstreamFailure) {
            try await AgentConnection.transmit(outbound, on: &upstream)
            // The head first: reading it moves the connection's parser on.
            let head = try await Self.head(&upstream)
            return HTTPExchange(upstream: upstream, head: head)
        } catch {
            stream.close()
            throw error
        }
    }

    private static func head(_ upstream: inout UpstreamConnection) async throws(UpstreamFailure) -> ResponseHead {
        while true {
            switch try await upstream.next() {
            case .informational: continue
            case .head(let head): return head
            case .body, .trailers, .end: throw .invalid("a body came before its head")
            }
        }
    }
}

/// One HTTP exchange with an MCP server whose head has arrived.
struct HTTPExchange {
    var upstream: UpstreamConnection
    let head: ResponseHead
    private var hasEnded = false

    init(upstream: UpstreamConnection, head: ResponseHead) {
        self.upstream = upstream
        self.head = head
    }

    private var mediaType: String {
        let value = head.fields.first("content-type") ?? ""
        return ForwardedFields.lowercased(value.prefix { $0 != ";" && $0 != " " })
    }

    var isEventStream: Bool { mediaType == "text/event-stream" }

    /// Reads until the answer to a request has come: `nil`, or where its stream goes on.
    mutating func read(
        _ outgoing: MCPOutgoing,
        from place: StreamPlace? = nil,
        _ maximum: Int,
        _ news: (MCPNews) async -> Void,
    ) async throws(MCPFailure) -> StreamPlace? {
        if isEventStream, head.status == 200 {
            var parser = EventStreamParser(maximumEvent: maximum)
            var failure = StreamPlace.lost
            do throws(MCPFailure) {
                while let event = try await nextEvents(&parser) {
                    for message in event {
                        guard try await Self.pass(message.data, outgoing.id, isAlone: false, news) else { return nil }
                    }
                }
            } catch {
                // What was cut off may go on; what cannot be understood will not be better another time.
                guard error.isCutOff else { throw error }
                failure = error
            }
            guard outgoing.peer?.sessionID != nil, let next = StreamPlace(parser, after: place) else { throw failure }
            return next
        }
        let body = try await whole(maximum)
        // With a session, 404 says that it is gone, whatever the body says besides (2025-11-25, "Session Management").
        if head.status == 404, outgoing.peer?.sessionID != nil { throw refusal(outgoing) }
        guard mediaType == "application/json" else { throw refusal(outgoing) }
        do throws(MCPFailure) {
            if try await Self.pass(body, outgoing.id, isAlone: true, news) {
                throw MCPFailure(.upstreamInvalid, "The MCP server sent something else than an answer.", executed: nil)
            }
        } catch {
            throw head.status == 200 ? error : refusal(outgoing)
        }
        return nil
    }

    /// Why an answer that is no JSON-RPC is none.
    private func refusal(_ outgoing: MCPOutgoing) -> MCPFailure {
        let isLost = head.status == 404 && outgoing.peer?.sessionID != nil
        let executed: Bool? = (400..<500).contains(head.status) && !isLost ? false : nil
        return MCPFailure(
            .upstreamInvalid,
            isLost
                ? "The MCP server has lost the session. Whether it acted is not known; ask again."
                : "The MCP server answered with HTTP status \(head.status) and no JSON-RPC message.",
            executed: executed,
            isSessionLost: isLost,
        )
    }

    /// The next events of a stream; `nil` at its end.
    mutating func nextEvents(_ parser: inout EventStreamParser) async throws(MCPFailure) -> [StreamEvent]? {
        while true {
            do throws(UpstreamFailure) {
                switch try await upstream.next() {
                case .body(let bytes):
                    let events: [StreamEvent]
                    do throws(RPCFault) {
                        events = try parser.feed(bytes.readableBytesView)
                    } catch {
                        throw UpstreamFailure.invalid(error.message)
                    }
                    if !events.isEmpty { return events }
                case .trailers: continue
                case .end:
                    hasEnded = true
                    return nil
                case .head, .informational: throw .invalid("a second head")
                }
            } catch {
                throw MCPFailure(error)
            }
        }
    }

    private mutating func whole(_ maximum: Int) async throws(MCPFailure) -> [UInt8] {
        var body = [UInt8]()
        if case .length(let count) = head.framing, count <= UInt64(maximum) { body.reserveCapacity(Int(count)) }
        do throws(UpstreamFailure) {
            while true {
                switch try await upstream.next() {
                case .body(let bytes):
                    body.append(contentsOf: bytes.readableBytesView)
                    guard body.count <= maximum else { throw .invalid("more than \(maximum) bytes") }
                case .trailers: continue
                case .end:
                    hasEnded = true
                    return body
                case .head, .informational: throw .invalid("a second head")
                }
            }
        } catch {
            upstream.stream.close()
            throw MCPFailure(error)
        }
    }

    /// Hands one message on; whether more must come.
    ///
    /// One that `isAlone` in its response is about the request, whatever id an error has: servers refuse before they have
    /// read the id.
    private static func pass(
        _ bytes: [UInt8],
        _ id: RequestID,
        isAlone: Bool,
        _ news: (MCPNews) async -> Void,
    ) async throws(MCPFailure) -> Bool {
        // An event without data primes the client for resuming.
        if bytes.isEmpty { return true }
        let message: ServerMessage
        do {
            message = try ServerMessage.scan(bytes)
        } catch {
            let text = "The MCP server's message cannot be read: \(error.message)"
            throw MCPFailure(.upstreamInvalid, text, executed: nil)
        }
        switch message {
        case .notification(let method, let params):
            await news(.notification(method: method, params: params.map { Array(bytes[$0]) }))
            return true
        case .request(let asked, let method, let params):
            await news(.request(id: ServerQuestion(asked), method: method, params: params.map { Array(bytes[$0]) }))
            return true
        case .result(let answered, let range):
            guard answered == id else { return true }
            await news(.answer(.result(Array(bytes[range]))))
            return false
        case .error(let answered, let range):
            // An error without an id is about the one request that there is.
            guard isAlone || answered == nil || answered == id else { return true }
            await news(.answer(.error(Array(bytes[range]))))
            return false
        }
    }

    /// Reads to the end, for a moment, so that the connection can carry another request.
    mutating func finish(_ connection: HTTPConnection, _ home: LoopState) async {
        var budget = 64
        upstream.stream.reprieve = nil
        reading: while !hasEnded, budget > 0 {
            budget -= 1
            guard let event = try? upstream.poll() else {
                upstream.stream.deadline = .now() + .seconds(1)
                guard await upstream.stream.more() else { break reading }
                continue
            }
            if case .end = event { hasEnded = true }
        }
        if hasEnded, head.keepAlive, upstream.parser.isIdle {
            home.putIdle(upstream, UpstreamKey(connection))
        } else {
            upstream.stream.close()
        }
    }
}
