public import AsyncHTTPClient
import CanonicalJSON
import NIOCore

/// A program that asks Countersign before it acts.
///
/// It describes what it wants to do, waits if people must approve that, uses the grant, and says what came of it. What
/// the gateway repeats of the action is compared with what was asked for, so that nothing is done under somebody else's
/// approval. Every answer that is not a clear yes is thrown: do not act.
public struct CountersignAgent: Sendable {
    /// The agent's id, the subject of its actions.
    public let id: String
    private let call: GatewayCall

    /// Names the gateway (`http://127.0.0.1:8641`, or the API's own port), the agent and its key.
    ///
    /// `patience` is how long a gateway is waited for that does not answer. The HTTP client stays the caller's.
    public init(
        url: String,
        id: String,
        key: String,
        patience: Duration = .seconds(20),
        http: HTTPClient = .shared,
    ) throws(CountersignError) {
        let scheme = url.prefix { $0 != ":" }
        guard ["http", "https"].contains(scheme), url.utf8.count > scheme.utf8.count + 3, !url.utf8.contains(0x3F)
        else {
            throw CountersignError(.badSetting, "The address must be http://HOST[:PORT] or https://…")
        }
        guard !key.isEmpty, key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw CountersignError(.badSetting, "The key must be visible ASCII characters: cs_…")
        }
        self.id = id
        call = GatewayCall(
            http: http,
            address: url.hasSuffix("/") ? String(url.dropLast()) : url,
            key: key,
            patience: .milliseconds(max(1, patience.components.seconds) * 1000),
        )
    }

    // MARK: step by step

    /// Asks whether an action may be done; people are asked if a gate stops it.
    ///
    /// The same action asked again is the same approval. `justification` is shown to approvers as the agent's words.
    public func submit(
        _ action: ActionDescription,
        justification: String? = nil,
    ) async throws(CountersignError) -> Verdict {
        let document = action.document(of: id)
        let words = justification.map { [("Countersign-Justification", Self.line($0))] } ?? []
        let answer = try await call.post("/v1/actions", document, words, idempotencyKey: Self.newKey())
        switch (answer.status, answer.json?["decision"]?.stringValue) {
        case (200, "allow"): return .allowed
        case (200, "deny"): return .denied((answer.json?["reasons"]?.arrayValue ?? []).compactMap { Refusal($0) })
        case (202, "pending"):
            let approval = try Self.approval(answer.json?["approval"])
            guard Self.isSame(document, approval.document) else {
                throw CountersignError(.otherAction, "The gateway holds another action.", approval: approval)
            }
            return .pending(approval)
        default: throw Self.refusal(answer)
        }
    }

    /// Waits until people have decided, at most so long; the approval as it is then.
    public func wait(for approval: Approval, atMost time: Duration) async throws(CountersignError) -> Approval {
        let deadline = ContinuousClock.now + time
        var current = approval
        while current.status == .pending {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero, !Task.isCancelled else { return current }
            let seconds = min(30, max(1, Int(left.components.seconds)))
            do throws(CountersignError) {
                let answer = try await call.get("/v1/approvals/\(approval.id)?wait=\(seconds)", waiting: seconds)
                if answer.status == 200 {
                    current = try Self.approval(answer.json)
                    continue
                }
                // A gateway that starts anew, or is busy, is waited for.
                guard answer.status >= 500 || answer.status == 429 else { throw Self.refusal(answer) }
            } catch {
                guard error.code == .unreachable, !Task.isCancelled else { throw error }
            }
            await call.rest(.milliseconds(500))
        }
        return current
    }

    /// Uses the grant of an approved action, once: act now, and report the outcome.
    public func redeem(_ approval: Approval) async throws(CountersignError) -> Grant {
        let body: JSONValue = ["action_digest": .string(approval.actionDigest)]
        let path = "/v1/approvals/\(approval.id)/redeem"
        let answer = try await call.post(path, body, idempotencyKey: Self.newKey())
        guard answer.status == 200 else { throw Self.refusal(answer, approval) }
        let redeemed = try Self.approval(answer.json?["approval"])
        guard let token = answer.json?["grant"]?.stringValue, redeemed.id == approval.id,
            redeemed.actionDigest == approval.actionDigest
        else { throw CountersignError(.otherAction, "The grant is another action's.", approval: redeemed) }
        return Grant(token: token, approval: redeemed)
    }

    /// Says what came of an action whose grant was used.
    @discardableResult
    public func report(_ outcome: Outcome, of approval: Approval) async throws(CountersignError) -> Approval {
        let path = "/v1/approvals/\(approval.id)/outcome"
        let answer = try await call.post(path, outcome.json, idempotencyKey: Self.newKey())
        guard answer.status == 200 else { throw Self.refusal(answer, approval) }
        return try Self.approval(answer.json)
    }

    /// Takes a pending request back.
    @discardableResult
    public func withdraw(_ approval: Approval) async throws(CountersignError) -> Approval {
        let path = "/v1/approvals/\(approval.id)/withdraw"
        let answer = try await call.post(path, nil, idempotencyKey: Self.newKey())
        guard answer.status == 200 else { throw Self.refusal(answer, approval) }
        return try Self.approval(answer.json)
    }

    // MARK: all of it

    /// Runs `body` if the action may be done, at once or once people have approved it, and reports what came of it.
    ///
    /// Under a grant, a body that returns has `succeeded`. One that throws has the outcome that `outcome` makes of its
    /// error; `unknown` if that is not given, because whoever throws may have acted before. Where the outcome cannot be
    /// reported after all tries, `unreported` is thrown instead of the body's value.
    public func withApproval<Value>(
        for action: ActionDescription,
        justification: String? = nil,
        waiting time: Duration = .seconds(3600),
        outcome: (any Error) -> Outcome = { Outcome(.unknown, detail: "\(type(of: $0))") },
        _ body: (Permission) async throws -> Value,
    ) async throws -> Value {
        let approval: Approval
        switch try await submit(action, justification: justification) {
        case .allowed: return try await body(.policy)
        case .denied(let reasons):
            throw CountersignError(.denied, reasons.first?.message ?? "Policy denies it.", reasons: reasons)
        case .pending(let first): approval = try await wait(for: first, atMost: time)
        }
        try Self.check(approval)
        let grant = try await redeem(approval)
        let result: Result<Value, any Error>
        do { result = .success(try await body(.grant(grant))) } catch { result = .failure(error) }
        let came: Outcome =
            switch result {
            case .success: Outcome(.succeeded)
            case .failure(let error): outcome(error)
            }
        do {
            try await report(came, of: grant.approval)
        } catch {
            // What the body threw is what the caller must know first.
            guard case .success = result else { return try result.get() }
            let message = "It was done, and that could not be reported: \(error.message)"
            throw CountersignError(.unreported, message, reasons: error.reasons, approval: grant.approval)
        }
        return try result.get()
    }

    private static func check(_ approval: Approval) throws(CountersignError) {
        switch approval.status {
        case .approved: return
        case .pending:
            let message = "People have not decided yet. Ask the same again to go on waiting."
            throw CountersignError(.stillPending, message, approval: approval)
        case .redeemed, .succeeded, .failed, .unknown:
            let message = "The same was approved before. See what came of it, and report that, before you ask anew."
            throw CountersignError(.underWay, message, approval: approval)
        case .denied:
            let said = approval.decisions.last { !$0.isApproval }.map { ": \($0.user) said: \($0.reason)" } ?? "."
            throw CountersignError(.notApproved, "It was denied" + said, approval: approval)
        case .expired, .withdrawn, .lapsed, .revoked:
            throw CountersignError(.notApproved, "It is \(approval.status.rawValue).", approval: approval)
        }
    }

    // MARK: answers

    private static func approval(_ json: JSONValue?) throws(CountersignError) -> Approval {
        guard let approval = Approval(json) else {
            throw CountersignError(.unexpectedAnswer, "The gateway's answer has no approval that is known here.")
        }
        return approval
    }

    /// Whether the gateway has the action that was asked for; whom an agent acts for, it may know better.
    private static func isSame(_ asked: JSONValue, _ held: JSONValue?) -> Bool {
        guard let held, asked["subject"]?["id"] == held["subject"]?["id"] else { return false }
        if let human = asked["subject"]?["properties"], human != held["subject"]?["properties"] { return false }
        return ["action", "resource", "context"].allSatisfy { asked[$0] == held[$0] }
    }

    private static func refusal(_ answer: GatewayCall.Answer, _ approval: Approval? = nil) -> CountersignError {
        guard let problem = answer.json, let code = problem["code"]?.stringValue else {
            return CountersignError(.unexpectedAnswer, "The gateway answered \(answer.status).", approval: approval)
        }
        let message = problem["detail"]?.stringValue ?? "The gateway answered \(answer.status)."
        let reasons = (problem["reasons"]?.arrayValue ?? []).compactMap { Refusal($0) }
        let own = Refusal(["code": .string(code), "message": .string(message)])
        return CountersignError(
            answer.status >= 500 ? .unreachable : .refused,
            message,
            reasons: reasons.isEmpty ? [own].compactMap { $0 } : reasons,
            approval: approval,
        )
    }

    /// One line of a header field, without control characters; what is not ASCII goes as UTF-8.
    private static func line(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(1000).map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }
            )
        )
    }

    private static func newKey() -> String {
        var generator = SystemRandomNumberGenerator()
        return "\(String(generator.next(), radix: 36))-\(String(generator.next(), radix: 36))"
    }
}
