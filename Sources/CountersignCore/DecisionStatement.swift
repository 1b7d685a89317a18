package import CanonicalJSON

/// How humans decided on an action and what came of it, as an in-toto statement (v1) for supply-chain tooling.
package struct DecisionStatement: Sendable {
    /// What the predicate means: docs/decisions/0021-grants-downstream.md.
    package static let predicateType = "https://countersign.dev/attestation/decision/v1"
    /// The statement's media type.
    package static let mediaType = "application/vnd.in-toto+json"

    private let approval: Approval
    private let log: String
    private let entries: [UInt64]

    /// A statement about a decided approval and its entries in a log; `nil` while it is pending.
    package init?(_ approval: Approval, log: String, entries: [UInt64]) {
        guard approval.status != .pending else { return nil }
        self.approval = approval
        self.log = log
        self.entries = entries
    }

    /// The statement.
    package var json: JSONValue {
        [
            "_type": "https://in-toto.io/Statement/v1",
            "predicate": .object(predicate),
            "predicateType": .string(Self.predicateType),
            "subject": [
                [
                    "digest": ["sha256": .string(Self.hexadecimal(approval.digest))],
                    "name": .string("\(approval.action) \(approval.resource)"),
                ]
            ],
        ]
    }

    private var predicate: JSONObject {
        var predicate = JSONObject([
            ("action", .string(approval.action)), ("agent", .string(approval.agent.rawValue)),
            ("approval", .string(approval.id.rawValue)), ("connection", .string(approval.connection.rawValue)),
            ("decisions", .array(approval.decisions.map(Self.decision))),
            ("gates", .array(approval.gates.map(EntryWriter.gate))),
            ("log", ["entries": .array(entries.map { .integer(Int64(clamping: $0)) }), "origin": .string(log)]),
            ("policyVersion", .string(approval.policyVersion)),
            ("requestedAt", .string(approval.requestedAt.rfc3339)), ("resource", .string(approval.resource)),
            ("status", .string(approval.status.rawValue)),
        ])
        if let owner = approval.owner { predicate["owner"] = .string(owner.rawValue) }
        if let human = approval.onBehalfOf { predicate["onBehalfOf"] = .string(human.rawValue) }
        if let time = approval.settledAt { predicate["settledAt"] = .string(time.rfc3339) }
        if let outcome = approval.outcome {
            var result = JSONObject([("result", .string(outcome.result.rawValue))])
            if let status = outcome.status { result["status"] = .integer(Int64(status)) }
            if let detail = outcome.detail { result["detail"] = .string(detail) }
            predicate["outcome"] = .object(result)
        }
        return predicate
    }

    private static func decision(_ decision: Decision) -> JSONValue {
        [
            "assurance": .string(decision.assurance.rawValue), "channel": .string(decision.channel),
            "decision": .string(decision.verdict.rawValue),
            "groups": .array(decision.groups.map { .string($0.rawValue) }), "reason": .string(decision.reason),
            "time": .string(decision.time.rfc3339), "user": .string(decision.user.rawValue),
        ]
    }

    private static func hexadecimal(_ digest: ActionDigest) -> String {
        let digits = Array("0123456789abcdef")
        let bytes = Base64URL.decode(digest.rawValue) ?? []
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
