import CountersignCore
import HTTPWire
import MCPWire
import NIOCore

/// The answer to one POST of an agent's: JSON if nothing comes before it, otherwise an event stream.
///
/// Used by the task of the agent's connection alone.
final class MCPReply {
    private let connection: AgentConnection
    let head: RequestHead
    /// Whether the client reads event streams.
    let canStream: Bool
    private let sessionID: String?
    private var body: ResponseWriter.Body?
    private(set) var isFinished = false

    init(_ connection: AgentConnection, _ head: RequestHead, sessionID: String?) {
        self.connection = connection
        self.head = head
        self.sessionID = sessionID
        let accepted = head.fields.all("accept").flatMap { $0.split(separator: ",") }.map {
            ForwardedFields.lowercased($0.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" })
        }
        canStream = accepted.contains { $0 == "text/event-stream" || $0 == "text/*" || $0 == "*/*" }
    }

    /// Whether the client has gone.
    var isGone: Bool { connection.stream.isClosed }
    /// Whether an event stream has begun.
    var isStreaming: Bool { body != nil }

    /// Begins the event stream, if the client reads one.
    func begin() {
        guard canStream, body == nil, !isFinished else { return }
        var fields: HeaderFields = [
            "Content-Type": "text/event-stream", "Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no",
        ]
        if let sessionID { fields.append(name: "Mcp-Session-Id", value: sessionID) }
        let response = ResponseHead(
            status: 200,
            reason: HTTPStatus.phrase(200),
            fields: fields,
            framing: .chunked,
        )
        let writer = ResponseWriter(stream: connection.stream, request: head, isDraining: connection.home.isDraining)
        body = writer.begin(response, fields: fields)
        if body == nil { connection.stream.close() }
    }

    /// Sends a message before the answer; nowhere if the client reads no event stream.
    ///
    /// With the server's own id of the event, by which a client resumes.
    func send(_ message: [UInt8], id: String? = nil) async {
        begin()
        await write(EventStreamWriter.message(message, id: id))
    }

    /// Sends a message without waiting until the client has read it; false, and nothing sent, if it has not read enough of
    /// what came before.
    func offer(_ message: [UInt8], id: String? = nil) -> Bool {
        begin()
        guard let body, !isGone, connection.stream.isWritable else { return false }
        body.write(ByteBuffer(bytes: EventStreamWriter.message(message, id: id)))
        connection.stream.flush()
        return true
    }

    /// Keeps what stands between from taking the connection for dead.
    func keepAlive() async {
        begin()
        await write(EventStreamWriter.comment("waiting"))
    }

    private func write(_ bytes: [UInt8]) async {
        guard let body, !isGone else { return }
        body.write(ByteBuffer(bytes: bytes))
        connection.stream.flush()
        try? await connection.stream.drained()
    }

    /// Sends the answer; whether it has left, and whether the connection can carry another request.
    func finish(_ message: [UInt8], status: Int = 200) async -> (isDelivered: Bool, isReusable: Bool) {
        guard !isFinished, !isGone else { return (false, false) }
        isFinished = true
        if let body {
            body.write(ByteBuffer(bytes: EventStreamWriter.message(message)))
            guard (try? body.end(trailers: nil)) != nil, (try? await connection.stream.flushed()) != nil, !isGone else {
                return (false, false)
            }
            return (true, body.keepAlive)
        }
        var fields: HeaderFields = ["Content-Type": "application/json", "Cache-Control": "no-store"]
        if let sessionID { fields.append(name: "Mcp-Session-Id", value: sessionID) }
        let answer = Answer(status: status, fields: fields, body: ByteBuffer(bytes: message))
        let isReusable = await connection.answer(answer, head)
        return (!isGone, isReusable)
    }

    /// Ends without an answer: the client has cancelled.
    func abandon() async -> Bool {
        guard !isFinished, !isGone else { return false }
        isFinished = true
        if let body {
            guard (try? body.end(trailers: nil)) != nil, (try? await connection.stream.flushed()) != nil else {
                return false
            }
            return body.keepAlive
        }
        return await connection.answer(Answer(status: 202, fields: HeaderFields(), body: ByteBuffer()), head)
    }
}
