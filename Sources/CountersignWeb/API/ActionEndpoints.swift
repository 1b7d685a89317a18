import CanonicalJSON
import CountersignCore
import HTTPTypes

/// `POST /v1/actions`: an action document without a proxy.
enum ActionEndpoints {
    /// The endpoints.
    static let all = [
        Endpoint(
            .post,
            "/v1/actions",
            .agent,
            name: "submitAction",
            "Submits an action for judgment; what is allowed has its entry in the log before this answers. A tool's call "
                + "on an MCP connection must say method, tool and definition in its context.",
            intake: .json("ActionDocument"),
            parameters: [
                .header("Countersign-Justification", .text(1000), "Why the agent does this; approvers see it.")
            ],
            answers: [
                .json("Verdict", "Policy allows or denies the action."),
                .json("PendingVerdict", status: 202, "The action waits for humans, or its grant waits to be redeemed."),
            ],
            problems: [429],
            run: submit,
        )
    ]

    /// Where an accepted action, or the task of an access request, is to be looked for.
    static func location(status: Int, body: [UInt8]) -> String? {
        guard status == 201 || status == 202, let document = StoredJSON.value(body) else { return nil }
        return (document["approval"]?["links"]?["self"] ?? document["task"]?["status_endpoint"])?.stringValue
    }

    @Sendable private static func submit(_ exchange: Exchange) async throws -> Reply {
        let agent = try exchange.agent()
        let circumstances = try exchange.circumstances()
        let enforcement = exchange.parts.enforcement
        let document = try exchange.json(allowingNoncharacters: false)
        if let reason = SubmittedAction.foreign(document, agent) {
            let detail = "an action of another subject was submitted"
            throw Problem(
                await enforcement.reject(reason, agent: agent, connection: nil, detail: detail, circumstances)
            )
        }
        let action: Action
        switch try SubmittedAction.read(document, of: agent, exchange.parts) {
        case .success(let checked): action = checked
        case .failure(let reason):
            let detail = reason.message
            return try denied([
                await enforcement.reject(reason, agent: agent, connection: nil, detail: detail, circumstances)
            ])
        }
        return try await judge(action, circumstances, exchange)
    }

    /// Has an action judged, and held if need be.
    static func judge(_ action: Action, _ circumstances: Circumstances, _ exchange: Exchange) async throws -> Reply {
        let enforcement = exchange.parts.enforcement
        switch await enforcement.admit(action, circumstances) {
        case .allowed(let entry):
            if let reason = await enforcement.commit(entry) { throw Problem(reason) }
            return .json(["action_digest": .string(action.digest.rawValue), "decision": "allow"])
        case .refused(let reasons): return try denied(reasons)
        case .held(let approval), .approved(let approval), .running(let approval), .finished(let approval):
            let url = exchange.parts.dependencies.publicURL
            var reply = Reply.json(["approval": approval.json(publicURL: url), "decision": "pending"], status: 202)
            reply.fields[.location] = "/v1/approvals/" + approval.id.rawValue
            reply.fields[.retryAfter] = "1"
            return reply
        }
    }

    /// The answer to what may not be, or the problem that kept it from being judged.
    static func denied(_ reasons: [Reason]) throws(Problem) -> Reply {
        // These say that no judgment was made, so they are no decision.
        if let first = reasons.first, first.code.status >= 429 { throw Problem(reasons) }
        return .json(["decision": "deny", "reasons": .array(reasons.map(\.json))])
    }
}
