import CountersignCore
import HTTPWire
import Logging
import NIOCore

/// Runs one action whose grant has just been used: sends it, passes the answer on, keeps it, and records the outcome.
///
/// From here on the action is out: nothing is retried, and the agent's leaving does not stop the reading.
struct Dispatch {
    let context: GatewayContext
    let home: LoopState
    let request: JudgedRequest
    let approval: Approval
    /// The grant that the upstream is shown, if the connection says so.
    let grant: String?

    /// Signs the grant of an approval; called before it is used, so that nothing is lost if we cannot sign.
    static func grant(
        for approval: Approval,
        on connection: HTTPConnection,
        _ context: GatewayContext,
    ) throws(UpstreamFailure) -> String? {
        guard connection.forwardsGrant else { return nil }
        do {
            return try context.grants.grant(for: approval)
        } catch {
            context.logger.error("a grant could not be signed", metadata: ["error": "\(error)"])
            throw .unsigned
        }
    }

    /// Sends and relays; whether the agent's connection can carry another request.
    func run(_ connection: UpstreamConnection, agent: AgentSink?) async -> Bool {
        var upstream = connection
        do {
            try await AgentConnection.transmit(request.outbound.carrying(grant), on: &upstream)
            let head = try await finalHead(&upstream)
            if head.status == 101 { return await tunnel(head, upstream, agent) }
            return try await relay(head, &upstream, agent)
        } catch {
            upstream.stream.close()
            // The bytes are out, so whether they took effect is anybody's guess.
            let outcome = Outcome(.unknown, detail: error.reason.message)
            await complete(outcome, nil)
            return await agent?.refuse(error, approval) ?? false
        }
    }

    private func finalHead(_ upstream: inout UpstreamConnection) async throws(UpstreamFailure) -> ResponseHead {
        while true {
            switch try await upstream.next() {
            case .informational: continue
            case .head(let head): return head
            case .body, .trailers, .end: throw .invalid("a body came before its head")
            }
        }
    }

    private func tunnel(_ head: ResponseHead, _ upstream: UpstreamConnection, _ agent: AgentSink?) async -> Bool {
        guard let agent else {
            upstream.stream.close()
            await complete(Outcome(.failed, status: 101, detail: "The agent was gone."), nil)
            return false
        }
        await Tunnel(agent: agent.stream, upstream: upstream.stream).run(head, initial: nil)
        await complete(Outcome(.succeeded, status: 101), nil, delivered: true)
        return false
    }

    /// Reads the answer to its end, passing it on one piece late: the last piece leaves when the outcome is durable.
    private func relay(
        _ head: ResponseHead,
        _ upstream: inout UpstreamConnection,
        _ agent: AgentSink?,
    ) async throws(UpstreamFailure) -> Bool {
        let fields = ForwardedFields.forAgent(head)
        let isStream = ForwardedFields.lowercased(head.fields.first("content-type") ?? "").hasPrefix(
            "text/event-stream"
        )
        var keeper = ResponseKeeper(context: context, isKept: !isStream)
        agent?.begin(head, fields: fields, approval: approval.id)
        if isStream { agent?.stream.flush() }
        var late: ByteBuffer?
        var failure: UpstreamFailure?
        do throws(UpstreamFailure) {
            reading: while true {
                switch try await upstream.next() {
                case .body(let bytes):
                    // It is not silent while others are slow.
                    upstream.stream.deadline = nil
                    await keeper.append(bytes)
                    if isStream {
                        await agent?.write(bytes)
                    } else {
                        if let late { await agent?.write(late) }
                        late = bytes
                    }
                case .trailers: continue
                case .end: break reading
                case .head, .informational: throw .invalid("a second head")
                }
            }
        } catch {
            failure = error
        }
        if let failure {
            upstream.stream.close()
            agent?.abort()
            let detail = "The answer broke off: \(failure.reason.message)"
            await complete(Outcome(.unknown, status: head.status, detail: detail), nil)
            return false
        }
        let result: Outcome.Result = head.status < 400 ? .succeeded : .failed
        let kept = await keeper.finish(approval.id, head, fields)
        if let kept { context.results.post(kept) }
        let isRecorded = await complete(Outcome(result, status: head.status), kept)
        // The connection was opened for this action alone; a clean one may serve reads from now on.
        if head.keepAlive, upstream.parser.isIdle {
            home.putIdle(upstream, UpstreamKey(request.outbound.connection))
        } else {
            upstream.stream.close()
        }
        if let late { await agent?.write(late) }
        guard let end = await agent?.end(), end.isDelivered else { return false }
        if let kept { context.results.delivered(kept) }
        if isRecorded { try? await context.enforcement.delivered(approval.id) }
        return end.isReusable
    }

    @discardableResult
    private func complete(_ outcome: Outcome, _ response: KeptResponse?, delivered: Bool = false) async -> Bool {
        do {
            let done = try await context.enforcement.complete(
                approval.id,
                outcome,
                response: response,
                delivered: delivered || response == nil,
                by: .gateway,
            )
            if done == nil { context.logger.outcomeIgnored(approval.id) }
            return done != nil
        } catch {
            // The dispatch is durable; at the next start the outcome is recorded as unknown.
            context.logger.error(
                "an outcome could not be recorded",
                metadata: ["approval": "\(approval.id)", "code": "\(error.code.rawValue)"],
            )
            return false
        }
    }
}

extension Logger {
    /// Says that the approval had ended before the outcome of its action, which nothing else may bring, was known.
    func outcomeIgnored(_ id: ApprovalID) {
        error("an outcome was not recorded: the approval had ended before", metadata: ["approval": "\(id)"])
    }
}

/// Gathers a response to keep: small ones in memory, larger ones in a spool file, too large ones not at all.
struct ResponseKeeper {
    private let context: GatewayContext
    private var isKept: Bool
    private var memory = ByteBuffer()
    private var file: SpoolFile?
    private var count: UInt64 = 0
    private static let memoryLimit = 256 * 1024

    init(context: GatewayContext, isKept: Bool) {
        self.context = context
        self.isKept = isKept
    }

    mutating func append(_ bytes: ByteBuffer) async {
        guard isKept else { return }
        let before = count
        count += UInt64(bytes.readableBytes)
        guard count <= UInt64(context.settings.maximumKeptResponse) else { return drop() }
        do {
            if let file {
                try await file.write(bytes, at: before)
            } else if count <= UInt64(Self.memoryLimit) {
                memory.writeImmutableBuffer(bytes)
            } else {
                let file = try await SpoolFile(creating: context.spoolPath())
                memory.writeImmutableBuffer(bytes)
                try await file.write(memory, at: 0)
                memory = ByteBuffer()
                self.file = file
            }
        } catch {
            // A full disk must not lose the answer for an agent that is still there.
            context.logger.warning("a response could not be kept")
            drop()
        }
    }

    private mutating func drop() {
        isKept = false
        memory = ByteBuffer()
        file = nil
    }

    /// The response to keep, or `nil`.
    mutating func finish(_ id: ApprovalID, _ head: ResponseHead, _ fields: HeaderFields) async -> KeptResponse? {
        guard isKept else { return nil }
        var name: String?
        if let file {
            name = "response-\(id)"
            do { try await file.keep(as: "\(context.settings.spool)/response-\(id)") } catch { return nil }
        }
        return KeptResponse(
            approval: id,
            status: head.status,
            fields: fields.map { [$0.name, $0.value] },
            body: Array(memory.readableBytesView),
            file: name,
        )
    }
}
