import CanonicalJSON
import CountersignCore
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// What an agent does with an approved action: redeem its grant, report its outcome, fetch its kept response.
enum GrantEndpoints {
    /// The endpoints.
    static let all = [
        Endpoint(
            .get,
            "/.well-known/jwks.json",
            .anyone,
            name: "getGrantKeys",
            "The public key that verifies grants (Countersign-Grant) and attestations (RFC 7517, RFC 8037).",
            answers: [.json("KeySet", "The key set.")],
        ) { exchange in
            var reply = Reply.json(exchange.parts.dependencies.log.grantKeys)
            reply.fields[.cacheControl] = "public, max-age=300"
            return reply
        },
        Endpoint(
            .post,
            "/v1/approvals/{id}/redeem",
            .agent,
            name: "redeem",
            "Uses the grant, once; from then on the agent runs the action itself and reports its outcome.",
            intake: .optionalJSON("RedeemRequest"),
            parameters: [ApprovalEndpoints.id],
            answers: [.json("Redemption", "The grant, a compact JWS.")],
            run: redeem,
        ),
        Endpoint(
            .post,
            "/v1/approvals/{id}/outcome",
            .agent,
            name: "reportOutcome",
            "Reports what came of an action that the agent ran under a redeemed grant.",
            intake: .json("OutcomeRequest"),
            parameters: [ApprovalEndpoints.id],
            answers: [.json("Approval", "The approval with its outcome.")],
            run: report,
        ),
        Endpoint(
            .get,
            "/v1/approvals/{id}/response",
            .agent,
            name: "getResponse",
            "The upstream's response to an action that the gateway ran; once it is delivered it is forgotten.",
            parameters: [ApprovalEndpoints.id],
            answers: [.other("*/*", "The upstream's response: its status, fields and body as they were.")],
            problems: [409, 410, 502],
            run: response,
        ),
    ]

    @Sendable private static func redeem(_ exchange: Exchange) async throws -> Reply {
        let agent = try exchange.agent()
        let members = try exchange.members(["action_digest"])
        let digest = try members.parsed("action_digest", "the digest of the action") { ActionDigest($0) }
        let approval = try await exchange.approval()
        if let digest, digest != approval.digest { throw Problem(.digestMismatch) }
        // Only what nothing can happen to any more is ever erased.
        guard let text = approval.document else { throw Problem(.wrongState, "The action's document was erased.") }
        guard let document = StoredJSON.value(text), let action = try? Action(document: document) else {
            throw LedgerError(.corrupt, "the document of \(approval.id) is no action")
        }
        // Signed before the grant is used up: if we cannot sign, nothing is lost.
        let grant = approval.status == .approved ? try exchange.parts.dependencies.log.grant(for: approval) : nil
        var circumstances = try exchange.circumstances()
        circumstances.justification = circumstances.justification ?? approval.circumstances.justification
        let enforcement = exchange.parts.enforcement
        let actor = Actor.agent(agent, via: .api)
        // Asked of the approval as it is redeemed: it may have been approved since it was read.
        let redemption = await enforcement.redeem(approval.id, action, circumstances, by: actor) { approval in
            if approval.asynchronous {
                let message = "The gateway runs this action by itself, as was asked. Fetch its response."
                return [Reason(.wrongState, message)]
            }
            return SubmittedAction.objection(to: action, exchange.parts).map {
                [Reason(.policyChanged, ReasonCode.policyChanged.explanation), $0]
            }
        }
        switch redemption {
        case .dispatch(let next):
            let url = exchange.parts.dependencies.publicURL
            let signed = try grant ?? exchange.parts.dependencies.log.grant(for: next)
            return .json(["approval": next.json(publicURL: url), "grant": .string(signed)])
        case .taken: throw Problem(.grantUsed)
        case .refused(let reasons): throw Problem(reasons)
        }
    }

    @Sendable private static func report(_ exchange: Exchange) async throws -> Reply {
        let agent = try exchange.agent()
        let members = try exchange.members(["detail", "result", "status"])
        let result = try members.required("result", "succeeded, failed or unknown") { Outcome.Result(rawValue: $0) }
        let status = try members.integer("status", in: 0...Int64(Int32.max)).map { Int($0) }
        let outcome = Outcome(result, status: status, detail: try members.text("detail", atMost: 2000))
        let approval = try await exchange.approval()
        switch try await exchange.parts.enforcement.report(approval.id, outcome, by: agent) {
        case .success(let done): return .json(done.json(publicURL: exchange.parts.dependencies.publicURL))
        case .failure(let reason): throw Problem(reason)
        }
    }

    @Sendable private static func response(_ exchange: Exchange) async throws -> Reply {
        let approval = try await exchange.approval()
        guard let kept = try await exchange.parts.ledger.keptResponse(approval.id) else {
            guard approval.status.isFinal else {
                var problem = Problem(.wrongState, "The action has not ended; there is no response yet.")
                problem.retryAfter = 2
                throw problem
            }
            switch approval.status {
            case .succeeded, .failed:
                throw Problem(.resultGone, "The action ran; no response was kept, or it has been delivered.")
            case .unknown: throw Problem(.outcomeUnknown, ReasonCode.outcomeUnknown.explanation)
            case .pending, .approved, .redeemed, .denied, .expired, .withdrawn, .lapsed, .revoked:
                throw Problem(approval.status.refusal, approval.status.refusal.explanation)
            }
        }
        let enforcement = exchange.parts.enforcement
        let open = exchange.parts.dependencies.openKept
        let isHead = exchange.method == .head
        let logger = exchange.parts.dependencies.logger
        let length = kept.file == nil ? kept.body.count : nil
        let stream = ResponseBody(contentLength: length) { writer in
            if let file = kept.file {
                for try await piece in try await open(file) { try await writer.write(piece) }
            } else if !kept.body.isEmpty {
                try await writer.write(ByteBuffer(bytes: kept.body))
            }
            try await writer.finish(nil)
            do {
                try await enforcement.delivered(approval.id)
            } catch {
                // The agent has it; at worst the same ask finds it again instead of making a new approval.
                logger.warning("a delivery could not be noted", metadata: ["error": "\(error)"])
            }
        }
        var reply = Reply(status: kept.status, contentType: "application/octet-stream", stream: stream)
        if isHead { reply.body = .bytes([]) }
        reply.fields[.contentType] = nil
        for field in kept.fields where field.count == 2 {
            guard let name = HTTPField.Name(field[0]), name != .contentLength, name != .transferEncoding else {
                continue
            }
            reply.fields.append(HTTPField(name: name, value: field[1]))
        }
        reply.fields.put(.approval, approval.id.rawValue)
        return reply
    }
}
