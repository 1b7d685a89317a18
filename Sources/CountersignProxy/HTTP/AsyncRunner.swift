import CanonicalJSON
import CountersignCore
import HTTPWire
import Logging
import NIOCore
import Synchronization

/// Runs approved actions whose agents asked for that (`Prefer: respond-async`), from their documents alone.
///
/// The document is what was approved, so the request is made from it: method, path, query, headers and body. Also what
/// was approved while the gateway was down runs, once it is up again and the grant still stands.
struct AsyncRunner: Sendable {
    let context: GatewayContext
    let homes: [LoopState]
    private let running = Running()

    /// How often the ledger is asked for what was approved: a change that the feed lost, a body that was kept a moment
    /// late, or a ledger that did not answer must not leave an approved action lying.
    private static let pace = Duration.seconds(2)

    init(context: GatewayContext, homes: [LoopState]) {
        self.context = context
        self.homes = homes
    }

    /// Runs what is approved, until cancelled.
    func run() async {
        let (wakes, source) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let changes = context.enforcement.ledger.feed.changes()
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await approval in changes where approval.asynchronous {
                    switch approval.status {
                    case .pending: continue
                    case .approved: source.yield()
                    case .redeemed, .succeeded, .failed, .unknown, .denied, .expired, .withdrawn, .lapsed, .revoked:
                        context.rounds.forgetDeclared(approval)
                    }
                }
            }
            group.addTask {
                repeat { source.yield() } while (try? await Task.sleep(for: Self.pace)) != nil
            }
            for await _ in wakes where !context.drain.isDraining {
                do throws(LedgerError) {
                    for approval in try await context.enforcement.ledger.awaitingDispatch() { start(approval, &group) }
                } catch {
                    context.logger.error(
                        "approved actions could not be read",
                        metadata: ["code": "\(error.code.rawValue)"],
                    )
                }
            }
        }
    }

    private func start(_ approval: Approval, _ group: inout DiscardingTaskGroup) {
        guard running.begin(approval.id) else { return }
        let home = homes[abs(approval.id.hashValue % homes.count)]
        group.addTask(executorPreference: home.executor) {
            await dispatch(approval, home)
            running.end(approval.id)
        }
    }

    private func dispatch(_ approval: Approval, _ home: LoopState) async {
        if approval.action.utf8.starts(with: "mcp:".utf8) {
            let runner = MCPRunner(context: context, home: home)
            if await !runner.run(approval), running.isNews(approval.id) {
                context.logger.error("an action cannot be made again", metadata: ["approval": "\(approval.id)"])
            }
            return
        }
        let request: JudgedRequest
        switch await remake(approval) {
        case .made(let made): request = made
        case .otherMeaning: return await context.enforcement.revokeChanged(approval)
        case .impossible:
            // Its body may be about to be kept; otherwise the grant lapses.
            guard running.isNews(approval.id) else { return }
            return context.logger.error("an action cannot be made again", metadata: ["approval": "\(approval.id)"])
        }
        do throws(UpstreamFailure) {
            let grant = try Dispatch.grant(for: approval, on: request.outbound.connection, context)
            let upstream = try await connect(request, approval, home)
            switch await context.enforcement.redeem(
                approval.id,
                request.action,
                approval.runsUnder,
                by: .gateway,
            ) {
            case .dispatch(let redeemed):
                let dispatch = Dispatch(
                    context: context,
                    home: home,
                    request: request,
                    approval: redeemed,
                    grant: grant,
                )
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

    /// What becomes of a document under the settings in force.
    private enum Remade {
        case made(JudgedRequest)
        /// The connection's routes take it for another operation than the one that was approved.
        case otherMeaning
        /// The connection is gone, or the body's file is.
        case impossible
    }

    /// The request that the document describes.
    private func remake(_ approval: Approval) async -> Remade {
        guard let text = approval.document,
            let document = StoredJSON.value(text),
            let action = try? Action(document: document),
            action.digest == approval.digest, let connection = context.connections[approval.connection],
            let method = action.details["method"]?.stringValue,
            let path = (action.details["raw_path"] ?? action.details["path"])?.stringValue,
            let target = try? RequestTarget(
                parsing: path
                    + ((action.details["raw_query"] ?? action.details["query"])?.stringValue.map { "?" + $0 } ?? "")
            )
        else { return .impossible }
        // The document came from the gateway's own translator, unless somebody found a way to hand in another.
        guard action.details["path"]?.stringValue == target.normalizedPath,
            action.details["query"]?.stringValue == target.normalizedQuery,
            action.operations == [Translator(connection: connection).operation(method, target, upgrade: nil)]
        else { return .otherMeaning }
        let trailers = Self.fields(action.details["trailers"])
        guard let body = await body(action.details["payload"], trailers, approval.id) else { return .impossible }
        let head = ForwardedFields.head(
            method,
            target,
            Self.fields(action.details["headers"]),
            upgrade: nil,
            body: body,
            connection,
            forwarded: approval.runsUnder.sourceAddress.map { "for=\"\($0.contains(":") ? "[\($0)]" : $0)\"" },
        )
        let request = JudgedRequest(
            agent: approval.agent,
            action: action,
            circumstances: approval.runsUnder,
            outbound: Outbound(connection: connection, head: head, body: body),
            preferences: Preferences(HeaderFields()),
        )
        return .made(request)
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

/// Which actions are being run; the mutex guards both sets.
private final class Running: Sendable {
    private let now = Mutex<Set<ApprovalID>>([])
    private let told = Mutex<Set<ApprovalID>>([])

    /// Whether nobody runs it yet.
    func begin(_ id: ApprovalID) -> Bool { now.withLock { $0.insert(id).inserted } }

    func end(_ id: ApprovalID) { now.withLock { _ = $0.remove(id) } }

    /// Whether the log has not told of it; it forgets after a thousand.
    func isNews(_ id: ApprovalID) -> Bool {
        told.withLock { told in
            if told.count >= 1000 { told = [] }
            return told.insert(id).inserted
        }
    }
}
