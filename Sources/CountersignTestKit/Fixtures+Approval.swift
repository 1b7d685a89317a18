package import CountersignCore
import Foundation

extension Fixtures {
    /// A pending approval of an action; `number` makes ids that differ and rise.
    package static func approval(
        _ number: Int = 1,
        of action: Action = Fixtures.action(),
        gates: [Gate] = [Fixtures.gate()],
        at now: Timestamp,
        expires: Duration = .seconds(3600),
        asynchronous: Bool = false,
    ) throws -> Approval {
        let fields = ApprovalFields(
            id: ApprovalID(now: now, random: 0, UInt64(number)),
            agent: action.agent,
            owner: owner,
            onBehalfOf: action.onBehalfOf,
            connection: action.connection,
            action: action.name,
            resource: action.operations.first?.resource.id ?? action.connection.rawValue,
            document: String(decoding: action.canonical, as: UTF8.self),
            digest: action.digest,
            previewDigest: Preview.digest(action, owner: owner, gates: gates),
            gates: gates,
            policyVersion: "policy-version",
            circumstances: Circumstances(sourceAddress: "192.0.2.1"),
            requestedAt: now,
            expiresAt: now.adding(expires),
            grantDuration: gates.map(\.grant).min() ?? .seconds(300),
            asynchronous: asynchronous,
            status: .pending,
            decisions: [],
            delivered: false,
            revision: 1,
        )
        return try JSONDecoder().decode(Approval.self, from: JSONEncoder().encode(fields))
    }

    /// The next revision of an approval, in another status.
    package static func next(
        _ approval: Approval,
        _ status: ApprovalStatus,
        grantExpiresAt: Timestamp? = nil,
        delivered: Bool = false,
    ) -> Approval {
        var next = approval
        next.status = status
        next.revision += 1
        next.grantExpiresAt = grantExpiresAt ?? approval.grantExpiresAt
        next.delivered = delivered
        return next
    }
}

/// The stored form of a new approval.
///
/// The domain makes approvals only by holding actions, so its initialiser is its own; tests of the ledger, which know
/// nothing of policies, come in through the stored form as a restart does.
private struct ApprovalFields: Codable {
    let id: ApprovalID
    let agent: AgentID
    let owner: UserID?
    let onBehalfOf: UserID?
    let connection: ConnectionName
    let action: String
    let resource: String
    let document: String
    let digest: ActionDigest
    let previewDigest: ActionDigest
    let gates: [Gate]
    let policyVersion: String
    let circumstances: Circumstances
    let requestedAt: Timestamp
    let expiresAt: Timestamp
    let grantDuration: Duration
    let asynchronous: Bool
    let status: ApprovalStatus
    let decisions: [Decision]
    let delivered: Bool
    let revision: Int
}
