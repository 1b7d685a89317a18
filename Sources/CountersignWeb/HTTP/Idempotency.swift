import CanonicalJSON
import CountersignCore
import HTTPTypes

/// Runs a POST once for each idempotency key and gives its answer to every repetition.
struct Idempotency: Sendable {
    /// Where answers are remembered.
    let ledger: any Ledger
    /// Lets repetitions wait for the first.
    let lanes: IdempotencyLanes

    /// The remembered answer, or that of `run`.
    func answer(_ exchange: Exchange, _ run: @Sendable (Exchange) async throws -> Reply) async throws -> Reply {
        guard let text = exchange.parameters["Idempotency-Key"], let caller = exchange.caller.ledgerName else {
            return try await run(exchange)
        }
        let key = IdempotencyKey(caller: caller, key: text)
        let fingerprint = Self.fingerprint(exchange)
        await lanes.enter(key)
        defer { lanes.leave(key) }
        if let remembered = try await ledger.remembered(key) {
            guard remembered.fingerprint == fingerprint else {
                throw Problem(
                    .idempotencyConflict,
                    "This Idempotency-Key came with another request before. Use a new key for a new request.",
                )
            }
            var reply = Reply(
                status: remembered.status,
                contentType: remembered.contentType.isEmpty ? nil : remembered.contentType,
                bytes: remembered.body,
            )
            reply.fields.put(.idempotencyReplayed, "true")
            if let location = ActionEndpoints.location(status: reply.status, body: remembered.body) {
                reply.fields[.location] = location
                if reply.status == 202 { reply.fields[.retryAfter] = "1" }
            }
            return reply
        }
        let reply: Reply
        do {
            reply = try await run(exchange)
        } catch {
            let problem = Problem(thrown: error)
            if Self.isLasting(problem.status) { await remember(.problem(problem), fingerprint, key, exchange.now) }
            throw error
        }
        await remember(reply, fingerprint, key, exchange.now)
        return reply
    }

    private func remember(_ reply: Reply, _ fingerprint: String, _ key: IdempotencyKey, _ now: Timestamp) async {
        guard case .bytes(let bytes) = reply.body else { return }
        let answer = RememberedAnswer(
            fingerprint: fingerprint,
            status: reply.status,
            contentType: reply.fields[.contentType] ?? "",
            body: reply.memory ?? bytes,
            approval: RememberedAnswer.approval(in: reply.memory ?? bytes),
        )
        // The request has run; that its answer is not remembered must not turn it into a failure.
        try? await ledger.remember(answer, for: key, now: now)
    }

    /// Whether the same request would be refused again for the same reason.
    private static func isLasting(_ status: Int) -> Bool {
        switch status {
        case 400, 403, 404, 409, 410: true
        default: false
        }
    }

    private static func fingerprint(_ exchange: Exchange) -> String {
        let head = exchange.method.rawValue + "\n" + exchange.target + "\n"
        return ActionDigest(of: Array(head.utf8) + exchange.body).rawValue
    }
}
