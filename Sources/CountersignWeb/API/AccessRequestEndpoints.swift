import CanonicalJSON
import CountersignCore
import HTTPTypes

/// The colocated core of AuthZEN's Access Request and Approval Profile, draft 1 (docs/decisions/0033).
///
/// A task is an approval, by another name and with fewer states; the ledger is the one authority for both. A denial is
/// bound by the number of its entry, so that nothing is remembered that the log does not have.
enum AccessRequestEndpoints {
    /// Where requests are taken.
    static let path = "/access/v1/requests"

    /// How long after an evaluation its approval may be asked for.
    private static let window = Duration.seconds(600)

    /// The endpoints; none where the profile is not served.
    static func all(_ version: AccessRequestVersion?) -> [Endpoint] {
        guard version != nil else { return [] }
        return [
            Endpoint(
                .post,
                path,
                .agent,
                name: "requestAccess",
                "Asks for the approval of what an evaluation denied and called requestable. The same action asked for again "
                    + "is the same task.",
                intake: .json("AccessRequest"),
                answers: [
                    .json("AccessTask", status: 201, "It is approved already: evaluate again."),
                    .json("AccessTask", status: 202, "The task, pending."),
                ],
                problems: [410, 429],
                profile: profile,
                run: request,
            ),
            Endpoint(
                .get,
                path + "/{id}",
                .agent,
                name: "getAccessTask",
                "How an access request stands.",
                parameters: [ApprovalEndpoints.id],
                answers: [.json("AccessTask", "The task.")],
                profile: profile,
            ) { exchange in answer(try await exchange.approval(), exchange) },
            Endpoint(
                .post,
                path + "/{id}/cancel",
                .agent,
                name: "cancelAccessTask",
                "The agent takes its request back.",
                intake: .optionalJSON("AccessTaskCancellation"),
                parameters: [ApprovalEndpoints.id],
                answers: [.json("AccessTask", "The task, cancelled.")],
                profile: profile,
                run: cancel,
            ),
        ]
    }

    private static let profile = Endpoint.Profile(
        types: Dictionary(
            uniqueKeysWithValues: [
                ("expired-denial", "expired_denial"), ("idempotency-conflict", "duplicate_request"),
                ("invalid-denial-binding", "invalid_denial_binding"), ("invalid-task-state", "invalid_task_state"),
                ("not-found", "unknown_task"), ("not-requestable", "not_requestable"),
            ].map { ($0.0, "urn:openid:authzen:access-request:error:" + $0.1) }
        )
    )

    // MARK: denials

    /// Adds to a denial's context how its approval is asked for, unless asking would be of no use.
    static func add(to context: inout JSONObject, _ bound: GatedEvaluation, refusal: ReasonCode?, _ url: String) {
        let next: NextAction
        if let refusal {
            next = NextAction(after: refusal)
            context["next_action"] = .string(next.rawValue)
            context["reason"] = .string(reason(refusal))
        } else {
            next = .request
        }
        guard next == .request else { return }
        context["access_request"] = [
            "display": [
                "description": "People must approve this action before it may be done, once.",
                "title": "Ask for approval",
            ],
            "endpoint": .string(url + path), "expires_at": .string(bound.time.adding(window).rfc3339),
        ]
        context["evaluated_at"] = .string(bound.time.rfc3339)
        context["evaluation_id"] = .string(prefix + String(bound.sequence))
    }

    private static let prefix = "eval_"

    private enum NextAction: String {
        case request
        case retry
        case none

        /// What is left to do where an approval was presented and does not count.
        init(after refusal: ReasonCode) {
            if refusal == .approvalRequired {
                self = .retry
            } else {
                self = [.approvalDenied, .wrongState].contains(refusal) ? .none : .request
            }
        }
    }

    /// The profile's word for why an approval does not count.
    private static func reason(_ refusal: ReasonCode) -> String { words[refusal] ?? "policy_denied" }

    private static let words: [ReasonCode: String] = [
        .approvalExpired: "approval_expired", .approvalRequired: "grant_pending", .digestMismatch: "out_of_scope",
        .grantLapsed: "approval_expired", .grantUsed: "approval_expired", .notFound: "approval_unverifiable",
        .wrongState: "approval_unverifiable",
    ]

    // MARK: requests

    private static let members = Evaluation.members.union(["client", "denial", "requested_access"])

    @Sendable private static func request(_ exchange: Exchange) async throws -> Reply {
        let agent = try exchange.agent()
        let members = try EvaluationEndpoints.members(exchange, members)
        let evaluation = try Evaluation(members)
        let circumstances = try exchange.circumstances(of: evaluation)
        let enforcement = exchange.parts.enforcement
        let action: Action
        switch try EvaluationEndpoints.read(evaluation, of: agent, exchange.parts) {
        case .success(let checked): action = checked
        case .failure(let reason):
            let detail = reason.message
            throw Problem(
                await enforcement.reject(reason, agent: agent, connection: nil, detail: detail, circumstances)
            )
        }
        try await check(members["denial"], action, exchange)
        switch await enforcement.admit(action, circumstances) {
        // Nothing of this has run: the evaluation that follows has the entry.
        case .allowed: throw Problem(status: 400, code: "not-requestable", "Policy allows this now. Evaluate again.")
        case .refused(let reasons):
            if let first = reasons.first, first.code.status >= 429 { throw Problem(reasons) }
            var problem = Problem(status: 400, code: "not-requestable", "Policy denies this, and nobody can lift that.")
            problem.reasons = reasons
            throw problem
        case .held(let approval), .approved(let approval): return accepted(approval, exchange)
        case .running(let approval), .finished(let approval):
            return try await again(action, circumstances, after: approval, exchange)
        }
    }

    /// The denial that the request names is one of this action, of this agent, and not too old.
    private static func check(_ denial: JSONValue?, _ action: Action, _ exchange: Exchange) async throws {
        let unbound = Problem(
            status: 400,
            code: "invalid-denial-binding",
            "denial.evaluation_id must be the evaluation_id of a denial of exactly this action, of your own.",
        )
        guard case .object(let denial)? = denial, denial["binding_token"] == nil,
            let text = denial["evaluation_id"]?.stringValue, text.utf8.starts(with: prefix.utf8),
            let sequence = UInt64(strict: String(Substring(text.utf8.dropFirst(prefix.utf8.count)))),
            sequence <= UInt64(Int64.max),
            let bound = try await exchange.parts.enforcement.gatedEvaluation(sequence),
            bound.agent == action.agent, bound.digest == action.digest
        else { throw unbound }
        // By our own record: what the caller says of the deadline is not asked.
        guard exchange.now < bound.time.adding(window) else {
            let detail = "The denial is older than \(window.components.seconds / 60) minutes. Evaluate again."
            throw Problem(status: 410, code: "expired-denial", detail)
        }
    }

    /// A new task where the grant of the last one was used and nobody ever said what came of it.
    private static func again(
        _ action: Action,
        _ circumstances: Circumstances,
        after approval: Approval,
        _ exchange: Exchange,
    ) async throws -> Reply {
        let enforcement = exchange.parts.enforcement
        let isOver = approval.grantExpiresAt.map { exchange.now >= $0 } ?? true
        guard approval.status == .redeemed, isOver, try await enforcement.isRunByAgent(approval) else {
            let detail =
                "The same action was approved before and is under way, or its result waits: report its outcome to "
                + "/v1/approvals/\(approval.id)/outcome, or fetch its response."
            throw Problem(status: 409, code: "invalid-task-state", detail)
        }
        _ = try await enforcement.complete(
            approval.id,
            Outcome(.unknown, detail: "Nobody reported what came of it before the same was asked for again."),
            delivered: true,
            by: .gateway,
        )
        switch await enforcement.admit(action, circumstances) {
        case .held(let next), .approved(let next): return accepted(next, exchange)
        case .refused(let reasons): throw Problem(reasons)
        case .allowed, .running, .finished:
            throw Problem(status: 409, code: "invalid-task-state", "The request changed meanwhile. Evaluate again.")
        }
    }

    // MARK: tasks

    private static func accepted(_ approval: Approval, _ exchange: Exchange) -> Reply {
        var reply = answer(approval, exchange)
        reply.status = approval.status == .pending ? 202 : 201
        reply.fields[.location] = location(approval, exchange)
        return reply
    }

    @Sendable private static func cancel(_ exchange: Exchange) async throws -> Reply {
        let members = try exchange.members(["comment", "reason"])
        _ = try members.text("comment", atMost: 2000)
        _ = try members.text("reason", atMost: 2000)
        let approval = try await exchange.approval()
        guard approval.status == .pending else { throw Self.over }
        switch await exchange.parts.enforcement.withdraw(approval.id, by: try exchange.agent()) {
        case .success(let ended):
            guard ended.status == .withdrawn else { throw Self.over }
            return answer(ended, exchange)
        case .failure(let reason): throw reason.code == .alreadyDecided ? Self.over : Problem(reason)
        }
    }

    private static let over = Problem(
        status: 409,
        code: "invalid-task-state",
        "The task has ended; there is nothing to cancel."
    )

    private static func location(_ approval: Approval, _ exchange: Exchange) -> String {
        exchange.parts.dependencies.publicURL + path + "/" + approval.id.rawValue
    }

    private static func answer(_ approval: Approval, _ exchange: Exchange) -> Reply {
        let address = location(approval, exchange)
        let status = TaskStatus(approval.status)
        var links = JSONObject([
            ("review", .string(exchange.parts.dependencies.publicURL + "/approvals/" + approval.id.rawValue))
        ])
        var task = JSONObject([
            ("id", .string(approval.id.rawValue)), ("status", .string(status.rawValue)),
            ("status_endpoint", .string(address)),
        ])
        var body = JSONObject()
        switch status {
        case .pending:
            links["cancel"] = .string(address + "/cancel")
            task["expires_at"] = .string(approval.expiresAt.rfc3339)
        case .approved:
            body["result"] = [
                "approval": .object(
                    JSONObject([
                        ("approved_at", .time(approval.decisions.last?.time)),
                        ("approved_until", .time(approval.grantExpiresAt)), ("id", .string(approval.id.rawValue)),
                    ])
                ),
                "mode": "reevaluate",
            ]
        case .denied, .expired, .cancelled: break
        }
        task["links"] = .object(links)
        body["task"] = .object(task)
        var reply = Reply.json(.object(body))
        if status == .pending { reply.fields[.retryAfter] = "2" }
        return reply
    }

    /// The states of a task: one step from `pending` to its end.
    private enum TaskStatus: String {
        case pending
        case approved
        case denied
        case expired
        case cancelled

        /// What an approval is to whoever only knows tasks.
        ///
        /// Once approved, a task stays so; whether its approval still counts, the evaluation says.
        init(_ status: ApprovalStatus) {
            switch status {
            case .pending: self = .pending
            case .approved, .redeemed, .succeeded, .failed, .unknown, .lapsed, .revoked: self = .approved
            case .denied: self = .denied
            case .expired: self = .expired
            case .withdrawn: self = .cancelled
            }
        }
    }
}
