import CountersignCore
import HTTPWire
import NIOCore

extension AgentConnection {
    /// Authenticates, reads the body, and translates.
    ///
    /// Throws what must be refused before there is an action.
    func judge(_ head: RequestHead) async throws(Refusal) -> JudgedRequest {
        let circumstances = circumstances(head)
        let agent = try authenticate(head)
        do throws(Refusal) {
            let (connection, target) = try route(head)
            do throws(Refusal) {
                let onBehalfOf = try human(head, agent)
                let body = try await readBody(head, connection)
                // A body can take its time; what is judged is judged by the settings in force after it.
                guard context.connections[connection.name] === connection else {
                    let reason = Reason(.connectionChanged, ReasonCode.connectionChanged.explanation)
                    throw Refusal(503, reason, "settings changed under the body")
                }
                if let name = ForwardedFields.refusedTrailer(body.trailers, connection) {
                    let message = "The trailer \(name) is not passed on; send it as a header field, or leave it out."
                    throw Refusal(400, Reason(.ambiguousRequest, message), "trailer \(name)")
                }
                let fields = ForwardedFields.forUpstream(head, connection)
                let translator = Translator(connection: connection)
                let action: Action
                do {
                    action = try translator.action(
                        agent: agent,
                        onBehalfOf: onBehalfOf,
                        method: head.method,
                        target: target,
                        fields: fields,
                        upgrade: head.upgrade,
                        body: body,
                    )
                } catch {
                    throw Refusal(error.status, error.reason, error.reason.message)
                }
                let outbound = ForwardedFields.head(
                    head.method,
                    target,
                    fields,
                    upgrade: head.upgrade,
                    body: body,
                    connection,
                    forwarded: forwarded,
                )
                return JudgedRequest(
                    agent: agent,
                    action: action,
                    circumstances: circumstances,
                    outbound: Outbound(connection: connection, head: outbound, body: body),
                    preferences: Preferences(head.fields),
                )
            } catch {
                var refusal = error
                refusal.connection = connection.name
                throw refusal
            }
        } catch {
            var refusal = error
            refusal.agent = agent
            throw refusal
        }
    }

    func circumstances(_ head: RequestHead) -> Circumstances {
        Circumstances(
            sourceAddress: peer,
            justification: head.fields.first("countersign-justification"),
            requestID: head.fields.first("x-request-id").flatMap { $0.utf8.count <= 128 ? $0 : nil },
        )
    }

    func authenticate(_ head: RequestHead) throws(Refusal) -> AgentID {
        let values = head.fields.all("authorization")
        guard let value = values.first, values.count == 1, value.utf8.count > 7,
            ForwardedFields.lowercased(value.prefix(7)) == "bearer "
        else {
            let reason = Reason(.unauthenticated, "Send the agent's key: Authorization: Bearer cs_…")
            throw Refusal(401, reason, "no single bearer credential")
        }
        guard
            let agent = context.authenticator.agent(
                key: String(value.dropFirst(7)),
                now: context.enforcement.clock.time()
            )
        else {
            throw Refusal(401, Reason(.invalidCredential, ReasonCode.invalidCredential.explanation), "unknown key")
        }
        return agent
    }

    private func route(_ head: RequestHead) throws(Refusal) -> (HTTPConnection, RequestTarget) {
        guard head.method != "TRACE", head.method != "CONNECT" else {
            throw Refusal(405, Reason(.methodRefused, "\(head.method) is never passed on."), head.method)
        }
        let whole: RequestTarget
        do {
            whole = try RequestTarget(parsing: head.target)
        } catch {
            throw Refusal(400, Reason(.ambiguousRequest, error.message), "\(error.code.rawValue): \(error.message)")
        }
        let (segment, target) = whole.droppingFirstSegment()
        guard let name = ConnectionName(segment), let connection = context.connections[name] else {
            let message = "There is no connection of this name. The path starts with the connection: /CONNECTION/…"
            throw Refusal(404, Reason(.unknownConnection, message), "no such connection")
        }
        if let field = ForwardedFields.refusedOverride(head.fields, connection) {
            let message = "The field \(field) would change what the request does. Send the real method and path."
            var refusal = Refusal(400, Reason(.methodOverride, message), field)
            refusal.connection = name
            throw refusal
        }
        return (connection, target)
    }

    /// The agents' part of the API, on the agents' port: `Location` of a held action is found where it was given.
    ///
    /// Only an agent's key opens it, so that nobody can decide through the port that agents reach.
    func controlRequest(_ head: RequestHead, _ control: HTTPConnection) async throws(Refusal) -> Outbound {
        if !head.target.utf8.elementsEqual(Self.keySet.utf8) { _ = try authenticate(head) }
        let target: RequestTarget
        do {
            target = try RequestTarget(parsing: head.target)
        } catch {
            throw Refusal(400, Reason(.ambiguousRequest, error.message), "\(error.code.rawValue): \(error.message)")
        }
        let body = try await readBody(head, control)
        var fields = ForwardedFields.forUpstream(head, control)
        for value in head.fields.all("authorization") { fields.append(name: "Authorization", value: value) }
        if let relay = context.settings.relay { fields.append(name: RelayedSource.field, value: relay.value(peer)) }
        let out = ForwardedFields.head(
            head.method,
            target,
            fields,
            upgrade: nil,
            body: body,
            control,
            forwarded: forwarded,
        )
        return Outbound(connection: control, head: out, body: body)
    }

    func human(_ head: RequestHead, _ agent: AgentID) throws(Refusal) -> UserID? {
        let directory = context.enforcement.current.snapshot.directory
        guard let known = directory.agents[agent] else {
            throw Refusal(401, Reason(.invalidCredential, ReasonCode.invalidCredential.explanation), "agent is gone")
        }
        var claim: UserID?
        if let text = head.fields.first("countersign-on-behalf-of") {
            guard let user = UserID(text) else {
                throw Refusal(400, Reason(.badRequest, "Countersign-On-Behalf-Of names no user."), "bad user id")
            }
            claim = user
        }
        switch directory.actedFor(by: known, claiming: claim) {
        case .success(let user): return user
        case .failure(let reason): throw Refusal(403, reason, "on behalf of \(claim?.rawValue ?? "")")
        }
    }

    private func readBody(_ head: RequestHead, _ connection: HTTPConnection) async throws(Refusal) -> RequestBody {
        try await readBody(
            head,
            connection.name,
            inlineLimit: connection.inlineBody,
            maximum: connection.maximumBody,
        )
    }

    /// Reads a body: in memory up to `inlineLimit` bytes, in a file up to `maximum`.
    func readBody(
        _ head: RequestHead,
        _ name: ConnectionName,
        inlineLimit: Int,
        maximum: UInt64,
    ) async throws(Refusal) -> RequestBody {
        if case .length(let count) = head.framing, count > maximum { throw tooLarge(name, maximum) }
        if head.expectsContinue, !stream.hasUnreadInput {
            stream.write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"))
            stream.flush()
        }
        var gatherer = BodyGatherer(
            inlineLimit: inlineLimit,
            maximum: maximum,
            path: context.spoolPath,
        )
        var trailers = HeaderFields()
        while true {
            do {
                switch try parser.next(&stream.input) {
                case .body(let bytes): try await take(bytes, &gatherer, name, maximum)
                case .trailers(let fields): trailers = fields
                case .end:
                    stream.deadline = nil
                    return gatherer.finish(trailers: trailers)
                case .head: continue
                case nil:
                    stream.deadline = .now() + .seconds(60)
                    if await stream.more() { continue }
                    try parser.inputEnded()
                    throw WireError(.bodyTooShort, "The connection ended inside the body.")
                }
            } catch let error as WireError {
                let reason = Reason(.ambiguousRequest, error.message)
                throw Refusal(error.code.status, reason, "\(error.code.rawValue): \(error.message)")
            } catch let refusal as Refusal {
                throw refusal
            } catch {
                throw Refusal(500, Reason(.overloaded, "The gateway could not read the body."), "body")
            }
        }
    }

    private func take(
        _ bytes: ByteBuffer,
        _ gatherer: inout BodyGatherer,
        _ name: ConnectionName,
        _ maximum: UInt64,
    ) async throws(Refusal) {
        do {
            try await gatherer.append(bytes)
        } catch {
            switch error {
            case .tooLarge: throw tooLarge(name, maximum)
            case .disk(let isFull):
                let message = isFull ? "The gateway's disk is full." : "The gateway cannot spool the body."
                throw Refusal(503, Reason(.overloaded, message + " Try again later."), "spool")
            }
        }
    }

    private func tooLarge(_ name: ConnectionName, _ maximum: UInt64) -> Refusal {
        let message = "Bodies for \(name) are at most \(maximum) bytes."
        return Refusal(413, Reason(.bodyTooLarge, message), "body too large")
    }
}
