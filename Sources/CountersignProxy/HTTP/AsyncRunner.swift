import CanonicalJSON
import CountersignCore
import HTTPWire
import Logging
import NIOCore

/// Runs approved actions whose agents asked for that (`Prefer: respond-async`), from their documents alone.
///
/// The document is what was approved, so the request is made from it: method, path, query, headers and body. Also what
/// was approved while the gateway was down runs, once it is up again and the grant still stands.
struct AsyncRunner: Sendable {
    let context: GatewayContext
    let homes: [LoopState]

    /// Runs what is approved, until cancelled.
    func run() async {
        let changes = context.enforcement.ledger.feed.changes()
        await withDiscardingTaskGroup { group in
            do throws(LedgerError) {
                for approval in try await context.enforcement.ledger.awaitingDispatch() { start(approval, &group) }
            } catch {
                context.logger.error("approved actions could not be read", metadata: ["code": "\(error.code.rawValue)"])
            }
            for await approval in changes where approval.asynchronous && approval.status == .approved {
                if context.drain.isDraining { break }
                start(approval, &group)
            }
        }
    }

    private func start(_ approval: Approval, _ group: inout DiscardingTaskGroup) {
        let home = homes[abs(approval.id.hashValue % homes.count)]
        group.addTask(executorPreference: home.executor) { await dispatch(approval, home) }
    }

    private func dispatch(_ approval: Approval, _ home: LoopState) async {
        guard approval.document.utf8.count > 0, let request = await request(of: approval) else {
            return context.logger.error("an action cannot be made again", metadata: ["approval": "\(approval.id)"])
        }
        do throws(UpstreamFailure) {
            let upstream = try await connect(request, approval, home)
            switch await context.enforcement.redeem(
                approval.id,
                request.action,
                approval.circumstances,
                by: .gateway,
            ) {
            case .dispatch(let redeemed):
                let dispatch = Dispatch(context: context, home: home, request: request, approval: redeemed)
                _ = await dispatch.run(upstream, agent: nil)
            case .taken, .refused: upstream.stream.close()
            }
        } catch {
            // The grant is not used; the agent that asks again, or the next start, tries again until it lapses.
            context.logger.warning(
                "an approved action could not start",
                metadata: ["approval": "\(approval.id)", "reason": "\(error.reason.code.rawValue)"],
            )
        }
    }

    /// Connects before the grant is used, and tries again while the upstream is down and the grant stands.
    private func connect(
        _ request: JudgedRequest,
        _ approval: Approval,
        _ home: LoopState,
    ) async throws(UpstreamFailure) -> UpstreamConnection {
        var pause = Duration.milliseconds(500)
        while true {
            do {
                return try await context.pool.acquire(request.outbound.connection, on: home, fresh: true)
            } catch {
                let now = context.enforcement.clock.time()
                guard let until = approval.grantExpiresAt, now.adding(pause) < until, !context.drain.isDraining,
                    (try? await Task.sleep(for: pause)) != nil
                else { throw error }
                context.logger.warning(
                    "an approved action could not start; trying again",
                    metadata: ["approval": "\(approval.id)", "reason": "\(error.reason.code.rawValue)"],
                )
                pause = min(pause * 2, .seconds(10))
            }
        }
    }

    /// The request that the document describes; `nil` if the connection is gone or the body's file is.
    private func request(of approval: Approval) async -> JudgedRequest? {
        guard let document = try? JSONParser.parse(approval.document, limits: JSONLimits(allowsNoncharacters: true)),
            let action = try? Action(document: document),
            action.digest == approval.digest, let connection = context.connections[approval.connection],
            let method = action.details["method"]?.stringValue, let path = action.details["path"]?.stringValue,
            let target = try? RequestTarget(
                parsing: path + (action.details["query"]?.stringValue.map { "?" + $0 } ?? "")
            )
        else { return nil }
        let trailers = Self.fields(action.details["trailers"])
        guard let body = await body(action.details["payload"], trailers, approval.id) else { return nil }
        let head = ForwardedFields.head(
            method,
            target,
            Self.fields(action.details["headers"]),
            upgrade: nil,
            body: body,
            connection,
            forwarded: approval.circumstances.sourceAddress.map { "for=\"\($0.contains(":") ? "[\($0)]" : $0)\"" },
        )
        return JudgedRequest(
            agent: approval.agent,
            action: action,
            circumstances: approval.circumstances,
            outbound: Outbound(connection: connection, head: head, body: body),
            preferences: Preferences(HeaderFields()),
        )
    }

    private static func fields(_ json: JSONValue?) -> HeaderFields {
        var fields = HeaderFields()
        for member in json?.objectValue?.members ?? [] {
            for value in member.value.arrayValue ?? [] {
                if let text = value.stringValue { fields.append(name: member.key, value: text) }
            }
        }
        return fields
    }

    private func body(_ payload: JSONValue?, _ trailers: HeaderFields, _ id: ApprovalID) async -> RequestBody? {
        guard let payload else { return RequestBody(content: .none, count: 0, trailers: trailers) }
        if let text = payload["text"]?.stringValue {
            let bytes = ByteBuffer(string: text)
            return RequestBody(content: .memory(bytes), count: UInt64(bytes.readableBytes), trailers: trailers)
        }
        guard let digest = payload["sha256"]?.stringValue.flatMap({ Base64URL.decode($0) }),
            let file = try? await SpoolFile(reading: "\(context.settings.spool)/body-\(id)"),
            let size = try? await file.size(), (try? await file.sha256()) == digest
        else { return nil }
        return RequestBody(content: .file(file, sha256: digest, excerpt: ByteBuffer()), count: size, trailers: trailers)
    }
}
