import CountersignCore
import HTTPWire
import NIOCore

/// Where a dispatched action's response goes while the agent is there.
///
/// Losing the agent is not an error here: the action has run, and its result is kept.
final class AgentSink {
    private let connection: AgentConnection
    private let head: RequestHead
    /// How long the agent may still be waited for before it counts as gone; `nil` for as long as it likes.
    private var patience: TimeAmount?
    private let wholePatience: TimeAmount
    private var body: ResponseWriter.Body?

    /// How many bytes a second an agent must take, all in all, so that only its patience's time is ever lost.
    private static let slowestRate = 65_536

    init(connection: AgentConnection, head: RequestHead, patience: Duration? = nil) {
        self.connection = connection
        self.head = head
        self.patience = patience.map { .nanoseconds($0.wholeMicroseconds * 1000) }
        wholePatience = self.patience ?? .zero
    }

    /// The agent's byte stream, for an upgraded connection.
    var stream: ByteStream { connection.stream }

    /// Whether the agent has gone.
    var isGone: Bool { connection.stream.isClosed }

    /// Writes the head.
    func begin(_ response: ResponseHead, fields: HeaderFields, approval: ApprovalID) {
        var out = fields
        out.set(name: "Countersign-Approval", value: approval.rawValue)
        let writer = ResponseWriter(stream: connection.stream, request: head, isDraining: connection.home.isDraining)
        body = writer.begin(response, fields: out)
        if body == nil { connection.stream.close() }
    }

    /// Writes some of the body and waits until the agent takes it.
    func write(_ bytes: ByteBuffer) async {
        guard !isGone else { return }
        body?.write(bytes)
        connection.stream.flush()
        guard let patience else {
            try? await connection.stream.drained()
            return
        }
        let deadline = NIODeadline.now() + patience
        connection.stream.deadline = deadline
        try? await connection.stream.drained()
        connection.stream.deadline = nil
        // Whoever takes a little now and then would be waited for without end if each piece brought back the whole time.
        let earned = TimeAmount.nanoseconds(Int64(bytes.readableBytes) * 1_000_000_000 / Int64(Self.slowestRate))
        self.patience = min(wholePatience, deadline - .now() + earned)
    }

    /// Ends the response; whether the agent has all of it, and whether the connection goes on.
    func end() async -> (isDelivered: Bool, isReusable: Bool) {
        guard !isGone, let body, (try? body.end(trailers: nil)) != nil else { return (false, false) }
        guard (try? await connection.stream.flushed()) != nil, !isGone else { return (false, false) }
        return (true, body.keepAlive)
    }

    /// Ends the connection early, so that the agent does not take a part for the whole.
    func abort() { connection.stream.close() }

    /// Answers with a refusal of the gateway's own.
    func refuse(_ failure: UpstreamFailure, _ approval: Approval) async -> Bool {
        let answer = Answer.refusal(
            failure.status,
            [failure.reason],
            approval: approval,
            executed: failure.executed,
            connection.publicURL,
        )
        return await connection.answer(answer, head)
    }

    /// Sends a kept response; `nil` if it did not arrive, otherwise whether the connection goes on.
    func send(_ response: KeptResponse) async -> Bool? {
        var fields = HeaderFields()
        for field in response.fields where field.count == 2 { fields.append(name: field[0], value: field[1]) }
        let spool = connection.context.settings.spool
        do {
            guard let name = response.file else {
                begin(Self.head(response, response.body.count), fields: fields, approval: response.approval)
                await write(ByteBuffer(bytes: response.body))
                let end = await end()
                return end.isDelivered ? end.isReusable : nil
            }
            let file = try await SpoolFile(reading: "\(spool)/\(name)")
            var offset: UInt64 = 0
            let size = try await file.size()
            begin(Self.head(response, Int(size)), fields: fields, approval: response.approval)
            while offset < size, !isGone {
                let piece = try await file.read(at: offset, count: 256 * 1024)
                guard piece.readableBytes > 0 else { break }
                offset += UInt64(piece.readableBytes)
                await write(piece)
            }
            guard offset == size else {
                abort()
                return nil
            }
            let end = await end()
            return end.isDelivered ? end.isReusable : nil
        } catch {
            abort()
            return nil
        }
    }

    private static func head(_ response: KeptResponse, _ count: Int) -> ResponseHead {
        ResponseHead(
            status: response.status,
            reason: HTTPStatus.phrase(response.status),
            framing: .length(UInt64(count)),
        )
    }
}
