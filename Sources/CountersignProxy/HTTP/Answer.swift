import CanonicalJSON
import CountersignCore
import HTTPWire
import NIOCore

/// A response of the gateway's own: a refusal, or the news that an action waits.
///
/// Readable by a model.
struct Answer: Sendable {
    let status: Int
    private(set) var fields: HeaderFields
    let body: ByteBuffer

    /// An answer in another protocol's words.
    init(status: Int, fields: HeaderFields, body: ByteBuffer) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// problem+json (RFC 9457) with the stable code and, for each reason, the policy and what to do next.
    ///
    /// `executed` says whether the upstream has done it; `nil`, in JSON `null`, is for what nobody knows.
    static func refusal(
        _ status: Int,
        _ reasons: [Reason],
        approval: Approval? = nil,
        executed: Bool? = false,
        _ publicURL: String,
    ) -> Answer {
        let first = reasons.first ?? Reason(.forbidden, "The gateway refused this action.")
        var object = JSONObject([
            ("type", .string("urn:countersign:problem:\(first.code.rawValue)")),
            ("title", .string(title(first.code))),
            ("status", .integer(Int64(status))),
            ("detail", .string(reasons.map(\.message).joined(separator: " "))),
            ("code", .string(first.code.rawValue)),
            ("executed", executed.map { .bool($0) } ?? .null),
            (
                "reasons",
                .array(
                    reasons.map { reason in
                        var object = JSONObject([
                            ("code", .string(reason.code.rawValue)), ("message", .string(reason.message)),
                        ])
                        if let policy = reason.policy { object["policy"] = .string(policy) }
                        return .object(object)
                    }
                )
            ),
        ])
        if let approval { object["approval"] = summary(of: approval, publicURL) }
        return Answer(status, object, extra: [])
    }

    /// 202: the action waits for a human, or is under way for another ask; asking again attaches (DESIGN 6).
    static func pending(_ approval: Approval, now: Timestamp, asynchronous: Bool, _ publicURL: String) -> Answer {
        let gates = approval.gates.map(\.policy).joined(separator: ", ")
        let isUnderWay = approval.status == .redeemed
        let next =
            switch (asynchronous, isUnderWay) {
            case (true, false): "It runs by itself once approved; fetch its response at links.response."
            case (true, true): "Its response will be at links.response."
            case (false, false): "Repeat exactly this request to go on waiting; nothing runs twice."
            case (false, true): "Repeat exactly this request to get its response; nothing runs twice meanwhile."
            }
        let state =
            isUnderWay
            ? "Approved, and under way." : "Not executed yet: \(gates) holds this action until a human approves it."
        let way = "POST /v1/approvals/\(approval.id)/comments"
        let words = UnansweredWords(approval).map { " " + $0.sentence(answering: way) } ?? ""
        let object = JSONObject([
            ("type", "urn:countersign:problem:approval-required"),
            ("title", isUnderWay ? "Under way" : "Waiting for approval"),
            ("status", 202),
            ("detail", .string("\(state) \(next)\(words)")),
            ("code", .string(ReasonCode.approvalRequired.rawValue)),
            ("executed", isUnderWay ? .null : false),
            ("approval", summary(of: approval, publicURL)),
        ])
        var extra = [("Location", "/v1/approvals/\(approval.id)"), ("Retry-After", "2")]
        if asynchronous { extra.append(("Preference-Applied", "respond-async")) }
        return Answer(202, object, extra: extra)
    }

    private static func summary(of approval: Approval, _ publicURL: String) -> JSONValue {
        .object(
            JSONObject([
                ("id", .string(approval.id.rawValue)),
                ("status", .string(approval.status.rawValue)),
                ("action_digest", .string(approval.digest.rawValue)),
                ("expires_at", .string(approval.expiresAt.rfc3339)),
                (
                    "gates",
                    .array(
                        approval.gates.map { gate in
                            .object(
                                JSONObject([
                                    ("policy", .string(gate.policy)),
                                    ("approvers", .array(gate.approvers.map { .string($0.rawValue) })),
                                    ("missing", .integer(Int64(gate.missing(approval.decisions)))),
                                ])
                            )
                        }
                    )
                ),
                (
                    "decisions",
                    .array(
                        approval.decisions.map { decision in
                            .object(
                                JSONObject([
                                    ("decision", .string(decision.verdict.rawValue)),
                                    ("reason", .string(decision.reason)), ("user", .string(decision.user.rawValue)),
                                ])
                            )
                        }
                    )
                ),
                (
                    "links",
                    .object(
                        JSONObject([
                            ("approval", .string("\(publicURL)/v1/approvals/\(approval.id)")),
                            ("dashboard", .string("\(publicURL)/approvals/\(approval.id)")),
                            ("response", .string("\(publicURL)/v1/approvals/\(approval.id)/response")),
                        ])
                    )
                ),
            ])
        )
    }

    private init(_ status: Int, _ object: JSONObject, extra: [(String, String)]) {
        self.status = status
        var fields = HeaderFields()
        fields.append(name: "Content-Type", value: "application/problem+json")
        fields.append(name: "Cache-Control", value: "no-store")
        for (name, value) in extra { fields.append(name: name, value: value) }
        if status == 401 { fields.append(name: "WWW-Authenticate", value: "Bearer realm=\"countersign\"") }
        if status == 503 { fields.append(name: "Retry-After", value: "5") }
        self.fields = fields
        body = ByteBuffer(bytes: JSONValue.object(object).canonicalBytes())
    }

    /// Says where the metadata of the protected resource is (RFC 9728, section 5.1).
    mutating func challenge(metadata url: String) {
        fields.set(name: "WWW-Authenticate", value: "Bearer realm=\"countersign\", resource_metadata=\"\(url)\"")
    }

    private static func title(_ code: ReasonCode) -> String {
        let words = code.rawValue.split(separator: "-").joined(separator: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }
}

extension ReasonCode {
    /// The HTTP status of a refusal with this code.
    var status: Int {
        switch self {
        case .unauthenticated, .invalidCredential, .signatureInvalid, .callbackReplayed, .callbackLate: 401
        case .unknownConnection, .notFound: 404
        case .methodRefused: 405
        case .ambiguousRequest, .badRequest, .ambiguousBody, .methodOverride: 400
        case .bodyTooLarge: 413
        case .tooManyPending, .tooManyComments: 429
        case .ledgerUnavailable, .checkpointUnavailable, .clockUnreliable, .connectionChanged, .shuttingDown,
            .overloaded, .channelUnavailable:
            503
        case .upstreamUnavailable, .upstreamInvalid, .outcomeUnknown: 502
        case .upstreamTimeout: 504
        case .alreadyDecided, .wrongState, .grantUsed, .idempotencyConflict, .digestMismatch: 409
        case .resultGone, .alreadyErased: 410
        case .noPermit, .forbidden, .policyError, .approvalRequired, .approvalDenied, .approvalExpired,
            .approvalWithdrawn, .approvalRevoked, .grantLapsed, .policyChanged, .selfApproval, .notAnApprover,
            .notAllowed, .statementUnknown, .toolNotAccepted, .accountUnknown, .accountRefused, .pageRequired,
            .effectMismatch:
            403
        }
    }
}
