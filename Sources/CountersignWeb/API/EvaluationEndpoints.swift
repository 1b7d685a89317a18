import CanonicalJSON
import CountersignCore
import HTTPTypes

/// AuthZEN's Authorization API 1.0: the same judgment as that of `POST /v1/actions`, for programs that speak that.
///
/// An evaluation waits for nobody: what humans could lift is a no. The subject is the agent whose key came along.
enum EvaluationEndpoints {
    /// The endpoints; the metadata says what else there is.
    static func all(_ version: AccessRequestVersion?) -> [Endpoint] {
        let justification = Parameter.header(
            "Countersign-Justification",
            .text(1000),
            "Why the agent does this; approvers see it."
        )
        return [
            Endpoint(
                .get,
                "/.well-known/authzen-configuration",
                .anyone,
                name: "getPolicyDecisionPoint",
                "AuthZEN's metadata: where evaluations are answered, and what beyond them is.",
                answers: [.json("PolicyDecisionPoint", "The metadata.")],
                profile: Endpoint.Profile(),
            ) { exchange in
                var reply = Reply.json(metadata(exchange.parts.dependencies.publicURL, version))
                reply.fields[.cacheControl] = "public, max-age=300"
                return reply
            },
            Endpoint(
                .post,
                "/access/v1/evaluation",
                .agent,
                name: "evaluate",
                "Whether the agent may do something now; what needs a human's approval is a no. Each answer has its entry in "
                    + "the log.",
                intake: .json("EvaluationRequest"),
                parameters: [justification],
                answers: [.json("EvaluationAnswer", "The decision.")],
                profile: Endpoint.Profile(),
            ) { exchange in
                let members = try members(exchange, Evaluation.members)
                return .json(try await answer(Evaluation(members), exchange))
            },
            Endpoint(
                .post,
                "/access/v1/evaluations",
                .agent,
                name: "evaluateSeveral",
                "Several evaluations, in order; those that an option makes needless are left out.",
                intake: .json("EvaluationsRequest"),
                parameters: [justification],
                answers: [.json("EvaluationsAnswer", "The decisions.")],
                profile: Endpoint.Profile(),
                run: several,
            ),
        ]
    }

    /// So many evaluations fit into one request.
    static let most = 100

    private static func metadata(_ url: String, _ version: AccessRequestVersion?) -> JSONValue {
        var object = JSONObject([
            ("access_evaluation_endpoint", .string(url + "/access/v1/evaluation")),
            ("access_evaluations_endpoint", .string(url + "/access/v1/evaluations")),
            ("policy_decision_point", .string(url)),
        ])
        if version != nil {
            object["access_request_endpoint"] = .string(url + AccessRequestEndpoints.path)
            object["capabilities"] = ["urn:openid:authzen:capability:access-request"]
        }
        return .object(object)
    }

    /// The members of the body, all of which are known.
    static func members(_ exchange: Exchange, _ known: Set<String>) throws(Problem) -> JSONObject {
        guard case .object(let members) = try exchange.json(allowingNoncharacters: false) else {
            throw Problem(.badRequest, "The body must be a JSON object.")
        }
        guard members.members.allSatisfy({ known.contains($0.key) }) else {
            let names = known.sorted().joined(separator: ", ")
            throw Problem(.badRequest, "The body has an unknown member. Known are: \(names).")
        }
        return members
    }

    // MARK: several

    private enum Semantic: String, CaseIterable {
        case executeAll = "execute_all"
        case denyOnFirstDeny = "deny_on_first_deny"
        case permitOnFirstPermit = "permit_on_first_permit"

        /// Whether a decision makes those after it needless.
        func ends(at decision: Bool) -> Bool {
            switch self {
            case .executeAll: false
            case .denyOnFirstDeny: !decision
            case .permitOnFirstPermit: decision
            }
        }
    }

    @Sendable private static func several(_ exchange: Exchange) async throws -> Reply {
        var defaults = try members(exchange, Evaluation.members.union(["evaluations", "options"]))
        let items = try items(defaults["evaluations"])
        let semantic = try semantic(defaults["options"])
        defaults["evaluations"] = nil
        defaults["options"] = nil
        // Without a list it is a single evaluation (section 7.1 of the specification).
        guard !items.isEmpty else { return .json(try await answer(Evaluation(defaults), exchange)) }
        var answers = [JSONValue]()
        for item in items {
            let answer = await answer(item, defaults, exchange)
            answers.append(answer)
            if semantic.ends(at: answer["decision"]?.boolValue ?? false) { break }
        }
        return .json(["evaluations": .array(answers)])
    }

    /// The answer to one of several; what is wrong with it is its own and no other's.
    private static func answer(_ item: JSONValue, _ defaults: JSONObject, _ exchange: Exchange) async -> JSONValue {
        do {
            guard case .object(let own) = item, own.members.allSatisfy({ Evaluation.members.contains($0.key) }) else {
                throw Problem(.badRequest, "An evaluation is an object of subject, action, resource and context.")
            }
            var members = defaults
            for member in own.members { members[member.key] = member.value }
            return try await answer(Evaluation(members), exchange)
        } catch {
            let problem = Problem(thrown: error)
            return [
                "context": [
                    "error": ["message": .string(problem.detail), "status": .integer(Int64(problem.status))],
                    "reason": .string(problem.code),
                ],
                "decision": false,
            ]
        }
    }

    private static func items(_ value: JSONValue?) throws(Problem) -> [JSONValue] {
        guard let value else { return [] }
        guard case .array(let items) = value, items.count <= most else {
            throw Problem(.badRequest, "evaluations must be a list of at most \(most) items.")
        }
        return items
    }

    private static func semantic(_ options: JSONValue?) throws(Problem) -> Semantic {
        guard let options else { return .executeAll }
        guard case .object(let members) = options else { throw Problem(.badRequest, "options must be an object.") }
        guard let value = members["evaluations_semantic"] else { return .executeAll }
        guard let semantic = value.stringValue.flatMap({ Semantic(rawValue: $0) }) else {
            let known = Semantic.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(.badRequest, "options.evaluations_semantic must be one of \(known).")
        }
        return semantic
    }

    // MARK: one

    /// The decision on one question.
    private static func answer(_ evaluation: Evaluation, _ exchange: Exchange) async throws -> JSONValue {
        let agent = try exchange.agent()
        let circumstances = try exchange.circumstances(of: evaluation)
        let enforcement = exchange.parts.enforcement
        let version = exchange.parts.dependencies.accessRequests
        let action: Action
        switch try read(evaluation, of: agent, exchange.parts) {
        case .success(let checked): action = checked
        case .failure(let reason):
            let told = await enforcement.reject(
                reason,
                agent: agent,
                connection: nil,
                detail: reason.message,
                circumstances
            )
            return try denied([told])
        }
        let result = await enforcement.evaluate(
            action,
            circumstances,
            // Without the profile an approval is redeemed by its own call, and by nothing else.
            presenting: version == nil ? nil : evaluation.approval,
            by: .agent(agent, via: .authzen),
        )
        switch result {
        case .permitted: return permitted(action)
        case .redeemed(let approval): return permitted(action, under: approval)
        case .denied(let reasons): return try denied(reasons, presented: version != nil && evaluation.approval != nil)
        case .gated(let reasons, let bound, let refusal):
            var context = context(reasons)
            if version != nil {
                AccessRequestEndpoints.add(
                    to: &context,
                    bound,
                    refusal: refusal,
                    exchange.parts.dependencies.publicURL
                )
            }
            return ["context": .object(context), "decision": false]
        }
    }

    /// The agent's own action, if it is one; a reason if it is another's, or not to be taken at its word.
    static func read(_ evaluation: Evaluation, of agent: AgentID, _ parts: WebParts) throws(Problem) -> Result<
        Action, Reason
    > {
        if let reason = SubmittedAction.foreign(evaluation.document, agent) { return .failure(reason) }
        return try SubmittedAction.read(evaluation.document, of: agent, parts)
    }

    private static func permitted(_ action: Action, under approval: Approval? = nil) -> JSONValue {
        var context = JSONObject([("action_digest", .string(action.digest.rawValue))])
        if let approval {
            context["approval"] = [
                "approved_until": .time(approval.grantExpiresAt), "id": .string(approval.id.rawValue),
            ]
        }
        return ["context": .object(context), "decision": true]
    }

    private static func denied(_ reasons: [Reason], presented: Bool = false) throws(Problem) -> JSONValue {
        // These say that no judgment was made.
        if let first = reasons.first, first.code.status >= 429 { throw Problem(reasons) }
        var context = context(reasons)
        if presented {
            context["next_action"] = "none"
            context["reason"] = "policy_denied"
        }
        return ["context": .object(context), "decision": false]
    }

    private static func context(_ reasons: [Reason]) -> JSONObject {
        JSONObject([
            ("reason", .string(reasons.first?.code.rawValue ?? ReasonCode.notAllowed.rawValue)),
            ("reasons", .array(reasons.map(\.json))),
        ])
    }
}

extension Exchange {
    /// What surrounds a question; what the agent says in it of its reasons counts as if it said so in the field.
    func circumstances(of evaluation: Evaluation) throws(Problem) -> Circumstances {
        var circumstances = try circumstances()
        circumstances.justification = circumstances.justification ?? evaluation.justification
        return circumstances
    }
}
