import CanonicalJSON
import CountersignCore
import HTTPTypes

/// Decisions on several approvals in one request.
enum BatchEndpoints {
    /// The endpoints.
    static let all = [
        Endpoint(
            .post,
            "/v1/approvals/decisions",
            .user,
            name: "decideBatch",
            "A user approves or denies up to 100 approvals, each by its digest. Each is a decision of its own: the answer "
                + "tells of each what became of it, and is 200 also where some, or all, did not count.",
            intake: .json("BatchDecisionRequest"),
            answers: [.json("BatchDecisions", "What became of each decision, in the order of the request.")],
            run: decide,
        )
    ]

    @Sendable private static func decide(_ exchange: Exchange) async throws -> Reply {
        let user = try exchange.user()
        let members = try exchange.members(["decision", "decisions", "reason"])
        let verdict = try members.required("decision", "approve or deny") { Decision.Verdict(rawValue: $0) }
        let reason = try members.text("reason", atMost: 2000) ?? ""
        if verdict == .deny, reason.isEmpty { throw Problem(.badRequest, "reason is missing: say why you deny.") }
        let items = try members.objects("decisions", atMost: BatchBallot.maximum).map { object in
            try item(object)
        }
        let results = await exchange.parts.enforcement.decide(try BatchBallot(items, verdict, reason: reason), by: user)
        if let reason = results.sharedFault { throw Problem(reason) }
        let counted = results.count { $0.isCounted }
        return .json(
            .object(
                JSONObject([
                    ("counted", .integer(Int64(counted))),
                    ("items", .array(results.map(\.json))),
                    ("refused", .integer(Int64(results.count - counted))),
                ])
            )
        )
    }

    private static func item(_ object: JSONObject) throws(Problem) -> BatchBallot.Item {
        let members = try BodyMembers(.object(object), known: ["action_digest", "id", "preview_digest"])
        return BatchBallot.Item(
            try members.required("id", "an approval's id") { ApprovalID(checking: $0) },
            try members.required("action_digest", "the digest of the action") { ActionDigest($0) },
            previewDigest: try members.parsed("preview_digest", "the digest of what was shown") { ActionDigest($0) },
        )
    }
}

extension [Enforcement.BatchResult] {
    /// Why none counted, where that is the gateway's fault and the same request may count later.
    var sharedFault: Reason? {
        var first: Reason?
        for item in self {
            guard case .failure(let reason) = item.result, reason.code.status >= 500 else { return nil }
            first = first ?? reason
        }
        return first
    }
}

extension Enforcement.BatchResult {
    /// Whether the decision counts.
    var isCounted: Bool {
        switch result {
        case .success: true
        case .failure: false
        }
    }

    /// The result as the API shows it.
    fileprivate var json: JSONValue {
        let status: ApprovalStatus?
        let reason: Reason?
        switch result {
        case .success(let approval): (status, reason) = (approval.status, nil)
        case .failure(let refusal): (status, reason) = (nil, refusal)
        }
        return .object(
            JSONObject([
                ("code", .text(reason?.code.rawValue)),
                ("counted", .bool(isCounted)),
                ("detail", .text(reason?.message)),
                ("id", .string(approval.rawValue)),
                ("status", .text(status?.rawValue)),
            ])
        )
    }
}
