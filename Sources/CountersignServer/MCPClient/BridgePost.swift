import CanonicalJSON
import HTTPWire
import MCPWire
import NIOCore

/// One message of the host's as an HTTP exchange with the gateway.
struct BridgePost {
    /// What came of it.
    enum Result: Sendable {
        /// The answer, as the gateway wrote it.
        case answered([UInt8], session: String?)
        /// The gateway took a message that has no answer.
        case accepted
        /// The gateway does not know the session.
        case sessionGone
        /// There is no answer, and why.
        case failed(String)
    }

    let access: GatewayAccess
    /// `/NAME/`.
    let path: String
    let end: CallEnd

    /// An answer, or one event of it, may be this large.
    private static let maximum = 1 << 30

    /// Sends a message; what comes before the answer goes to `before` as it comes.
    func send(
        _ message: [UInt8],
        _ fields: [(name: String, value: String)],
        id: RequestID?,
        hasSession: Bool,
        timeout: Duration? = nil,
        _ before: ([UInt8]) async -> Void,
    ) async -> Result {
        var all = access.fields
        all.append(name: "Accept", value: "application/json, text/event-stream")
        all.append(name: "Content-Type", value: "application/json")
        for field in fields { all.append(name: field.name, value: field.value) }
        let call = HTTPCall(address: access.address, method: "POST", path: path, fields: all, body: message)
        do {
            return try await call.exchange(timeout: timeout, end: end) { events in
                guard let head = try await Self.head(&events) else { return .failed(Self.broken) }
                if head.status == 404, hasSession { return .sessionGone }
                let type = head.fields.first("content-type")?.lowercased() ?? ""
                if head.status == 200, type.hasPrefix("text/event-stream") {
                    return try await Self.follow(&events, id: id, before).map {
                        .answered($0, session: head.fields.first("mcp-session-id"))
                    } ?? .failed(Self.broken)
                }
                guard let body = try await events.rest(upTo: Self.maximum) else { return .failed(Self.broken) }
                if (200..<300).contains(head.status), body.isEmpty || id == nil { return .accepted }
                if type.hasPrefix("application/json"), let answer = Self.answer(body, to: id) {
                    return .answered(answer, session: head.fields.first("mcp-session-id"))
                }
                return .failed(Self.words(head.status, body))
            }
        } catch is HTTPCall.NotConnected {
            return .failed(
                "The Countersign gateway cannot be reached at \(access.address.text); nothing was sent. Once it runs again, "
                    + "the same request will do."
            )
        } catch {
            return .failed(Self.broken)
        }
    }

    /// The server's own stream of a legacy session; answers how it ended.
    func listen(
        _ fields: [(name: String, value: String)],
        from last: inout String?,
        _ message: ([UInt8]) async -> Void,
    ) async -> Listening {
        var all = access.fields
        all.append(name: "Accept", value: "text/event-stream")
        for field in fields { all.append(name: field.name, value: field.value) }
        if let last { all.append(name: "Last-Event-ID", value: last) }
        let call = HTTPCall(address: access.address, method: "GET", path: path, fields: all)
        var parser = EventStreamParser(maximumEvent: Self.maximum)
        defer { last = parser.lastEventID ?? last }
        do {
            return try await call.exchange(timeout: nil, end: end) { events in
                guard let head = try await Self.head(&events) else { return .broken }
                guard head.status == 200 else { return (400..<500).contains(head.status) ? .over : .broken }
                while let event = try await events.next() {
                    guard case .body(let buffer) = event else { continue }
                    for event in try parser.feed(buffer.readableBytesView) {
                        if (try? ServerMessage.scan(event.data)) != nil { await message(event.data) }
                    }
                }
                return .broken
            }
        } catch {
            return .broken
        }
    }

    /// How listening ended.
    enum Listening: Sendable {
        /// There is no such stream, or no such session any more.
        case over
        /// The connection ended; another may do better.
        case broken
    }

    private static func head(_ events: inout ResponseEvents) async throws -> ResponseHead? {
        while let event = try await events.next() {
            if case .head(let head) = event { return head }
        }
        return nil
    }

    /// Reads an event stream up to the answer.
    private static func follow(
        _ events: inout ResponseEvents,
        id: RequestID?,
        _ before: ([UInt8]) async -> Void,
    ) async throws -> [UInt8]? {
        var parser = EventStreamParser(maximumEvent: maximum)
        while let event = try await events.next() {
            guard case .body(let buffer) = event else { continue }
            for event in try parser.feed(buffer.readableBytesView) {
                switch try? ServerMessage.scan(event.data) {
                case .result(let found, _) where found == id: return event.data
                case .error(let found, _) where found == id: return event.data
                case .result, .error, nil: continue
                case .request, .notification: await before(event.data)
                }
            }
        }
        return nil
    }

    /// A body that answers the request; an error that could not say to what gets the id.
    private static func answer(_ body: [UInt8], to id: RequestID?) -> [UInt8]? {
        guard let id else { return nil }
        switch try? ServerMessage.scan(body) {
        case .result(let found, _) where found == id: return body
        case .error(let found, _) where found == id: return body
        case .error(nil, let error): return RPCWriter.error(id: id, raw: body[error])
        case .result, .error, .request, .notification, nil: return nil
        }
    }

    private static let broken =
        "The connection to the Countersign gateway ended before the answer. Whether the request was executed is not known; "
        + "if a human was to approve it, asking again with identical arguments attaches to what there is."

    /// What to say of an answer that is no message.
    private static func words(_ status: Int, _ body: [UInt8]) -> String {
        let problem = try? JSONParser.parse(body, limits: JSONLimits(allowsNoncharacters: true))
        let detail = problem?["detail"]?.stringValue ?? problem?["error"]?["message"]?.stringValue
        let code = problem?["code"]?.stringValue.map { " (\($0))" } ?? ""
        let refused = "The Countersign gateway refused the request with status \(status)\(code)"
        return refused + (detail.map { ": \($0)" } ?? ".")
    }
}
