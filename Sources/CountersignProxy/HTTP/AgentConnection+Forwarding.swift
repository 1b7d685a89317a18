import CountersignCore
import HTTPWire
import NIOCore

extension AgentConnection {
    /// Forwards an allowed action; whether the connection can carry another request.
    ///
    /// A read goes upstream while its entry is being written, and no byte of the answer reaches the agent before the
    /// entry is durable; anything else waits for the entry first (DESIGN 2, step 3).
    func forward(_ judged: JudgedRequest, _ head: RequestHead, _ entry: EntryDraft) async -> Bool {
        let request = judged.outbound
        // By what it does, not by its method: a GET that a route says exports something waits, and is sent once.
        let overlaps =
            request.body.count == 0 && (head.method == "GET" || head.method == "HEAD")
            && request.head.upgrade == nil && judged.action.operations.allSatisfy { $0.effect == .read }
        if !overlaps, let reason = await context.enforcement.commit(entry) {
            return await answer(.refusal(reason.code.status, [reason], publicURL), head)
        }
        var isFirst = true
        while true {
            var upstream: UpstreamConnection
            do {
                upstream = try await context.pool.acquire(request.connection, on: home, fresh: !isFirst)
                try await Self.transmit(request, on: &upstream)
            } catch {
                if overlaps, isFirst, let reason = await context.enforcement.commit(entry) {
                    return await answer(.refusal(reason.code.status, [reason], publicURL), head)
                }
                return await answer(.refusal(error.status, [error.reason], executed: error.executed, publicURL), head)
            }
            if overlaps, isFirst, let reason = await context.enforcement.commit(entry) {
                upstream.stream.close()
                return await answer(.refusal(reason.code.status, [reason], executed: nil, publicURL), head)
            }
            do {
                return try await relay(request, head, &upstream)
            } catch {
                upstream.stream.close()
                // An idle connection may close just as it is taken; a read without effect may be sent again.
                if isFirst, overlaps, upstream.isReused, case .noAnswer = error {
                    isFirst = false
                    continue
                }
                return await answer(.refusal(error.status, [error.reason], executed: error.executed, publicURL), head)
            }
        }
    }

    /// Passes a request on that needs no judgment: one to the gateway's own API.
    func pass(_ request: Outbound, _ head: RequestHead) async -> Bool {
        do {
            var upstream = try await context.pool.acquire(request.connection, on: home, fresh: true)
            try await Self.transmit(request, on: &upstream)
            return try await relay(request, head, &upstream)
        } catch {
            return await answer(.refusal(error.status, [error.reason], executed: error.executed, publicURL), head)
        }
    }

    /// Sends head and body upstream.
    static func transmit(_ request: Outbound, on upstream: inout UpstreamConnection) async throws(UpstreamFailure) {
        let head = request.head
        upstream.parser.expectResponse(toMethod: head.method, offersUpgrade: head.upgrade != nil)
        do {
            var buffer = ByteBuffer()
            try HTTPSerializer.write(request: head, into: &buffer)
            switch request.body.content {
            case .none: upstream.stream.write(buffer)
            case .memory(let bytes):
                if head.framing == .chunked {
                    HTTPSerializer.writeChunkHeader(size: bytes.readableBytes, into: &buffer)
                }
                upstream.stream.write(buffer)
                upstream.stream.write(bytes)
                if head.framing == .chunked { upstream.stream.write(ByteBuffer(string: "\r\n")) }
            case .file(let file, _, _):
                upstream.stream.write(buffer)
                try await sendFile(file, request, on: upstream)
            }
            if head.framing == .chunked {
                var last = ByteBuffer()
                try HTTPSerializer.writeLastChunk(trailers: request.body.trailers, into: &last)
                upstream.stream.write(last)
            }
            upstream.stream.flush()
        } catch let error as WireError {
            throw .invalid(error.message)
        } catch {
            upstream.stream.close()
            throw .noAnswer
        }
    }

    private static func sendFile(_ file: SpoolFile, _ request: Outbound, on upstream: UpstreamConnection) async throws {
        var offset: UInt64 = 0
        while offset < request.body.count {
            // An upstream that has answered already does not want the rest; its answer is read next.
            let piece = try await file.read(at: offset, count: 256 * 1024)
            guard piece.readableBytes > 0 else { throw ByteStream.Failure.closed }
            offset += UInt64(piece.readableBytes)
            if request.head.framing == .chunked {
                var size = ByteBuffer()
                HTTPSerializer.writeChunkHeader(size: piece.readableBytes, into: &size)
                upstream.stream.write(size)
                upstream.stream.write(piece)
                upstream.stream.write(ByteBuffer(string: "\r\n"))
            } else {
                upstream.stream.write(piece)
            }
            upstream.stream.flush()
            // It may be slow, but not stand still for longer than any other upstream.
            upstream.stream.deadline = upstream.silenceEnds
            try await upstream.stream.drained()
        }
    }

    /// Passes the response on as it comes, no faster than the agent takes it.
    private func relay(
        _ request: Outbound,
        _ head: RequestHead,
        _ upstream: inout UpstreamConnection,
    ) async throws(UpstreamFailure) -> Bool {
        var response: ResponseHead
        while true {
            switch try await upstream.next() {
            case .informational(let interim):
                await relayInterim(interim, head)
                continue
            case .head(let final): response = final
            case .body, .trailers, .end: throw .invalid("a body came before its head")
            }
            break
        }
        if response.status == 101 {
            await Tunnel(agent: stream, upstream: upstream.stream).run(response, initial: nil)
            return false
        }
        let writer = ResponseWriter(stream: stream, request: head, isDraining: home.isDraining)
        guard let out = writer.begin(response, fields: ForwardedFields.forAgent(response)) else {
            throw .invalid("the answer's head cannot be passed on")
        }
        let isReusable = await relayBody(out, &upstream)
        finish(upstream, request, isReusable: isReusable && response.keepAlive)
        return isReusable && out.keepAlive
    }

    /// Passes the body on; whether it arrived whole on both sides.
    private func relayBody(_ out: ResponseWriter.Body, _ upstream: inout UpstreamConnection) async -> Bool {
        do {
            while true {
                let event: ResponseEvent
                if let ready = try upstream.poll() {
                    event = ready
                } else {
                    // What has been passed on leaves before there is a wait, so that a stream is one for the agent, too.
                    stream.flush()
                    if !stream.isWritable { try await stream.drained() }
                    event = try await upstream.next()
                }
                switch event {
                case .body(let bytes): out.write(bytes)
                case .trailers(let fields): try out.end(trailers: fields)
                case .end:
                    try out.end(trailers: nil)
                    stream.flush()
                    return true
                case .head, .informational: throw UpstreamFailure.invalid("a second head")
                }
            }
        } catch {
            // The head is out, so the agent can only be told by a connection that ends early.
            upstream.stream.close()
            stream.close()
            return false
        }
    }

    private func relayInterim(_ interim: ResponseHead, _ head: RequestHead) async {
        guard head.minor == 1, interim.status != 100 else { return }
        var fields = interim.fields
        fields.removeHopByHop()
        var buffer = ByteBuffer()
        let copy = ResponseHead(status: interim.status, reason: interim.reason, fields: fields, framing: .none)
        guard (try? HTTPSerializer.write(response: copy, toMethod: head.method, into: &buffer)) != nil else { return }
        stream.write(buffer)
        stream.flush()
    }

    /// Gives the upstream connection back, or closes it.
    func finish(_ upstream: UpstreamConnection, _ request: Outbound, isReusable: Bool) {
        if isReusable, upstream.parser.isIdle {
            home.putIdle(upstream, UpstreamKey(request.connection))
        } else {
            upstream.stream.close()
        }
    }
}
