import CanonicalJSON

/// Through what an agent redeems that runs its action itself; what the gateway runs is redeemed through none of them.
package enum OwnRun: String, Hashable, Sendable, CaseIterable {
    /// By the call that redeems.
    case api
    /// By an evaluation that presents the approval.
    case authzen
}

extension Actor {
    /// An agent that redeems, or reports, for an action that it runs itself.
    package static func agent(_ id: AgentID, via run: OwnRun) -> Actor {
        Actor(type: "Agent", id: id.rawValue, via: run.rawValue)
    }
}

extension Enforcement {
    /// Records what an agent says came of an action that it ran itself, or why its word does not count.
    ///
    /// What the gateway runs, only the gateway knows the outcome of.
    package func report(
        _ id: ApprovalID,
        _ outcome: Outcome,
        by agent: AgentID,
    ) async throws(LedgerError) -> Result<Approval, Reason> {
        let idle = "No action under this approval is under way."
        guard let approval = try await ledger.approval(id), approval.agent == agent else {
            return .failure(Reason(.notFound, "There is no approval \(id)."))
        }
        guard approval.status == .redeemed else {
            return .failure(Reason(approval.outcome == nil ? .wrongState : .alreadyDecided, idle))
        }
        // Who redeemed stays who redeemed: from here on it can only end.
        guard try await isRunByAgent(approval) else {
            return .failure(Reason(.wrongState, "The gateway runs this action and records its outcome itself."))
        }
        guard let done = try await complete(id, outcome, delivered: true, by: .agent(agent, via: .api)) else {
            return .failure(Reason(.alreadyDecided, idle))
        }
        return .success(done)
    }

    /// Whether the agent, not the gateway, used the grant.
    package func isRunByAgent(_ approval: Approval) async throws(LedgerError) -> Bool {
        let query = EntryQuery(kinds: [.actionDispatched], approval: approval.id, limit: 1)
        guard let entry = try await ledger.entries(query).items.first, let document = StoredJSON.value(entry.bytes)
        else { return false }
        return document["actor"]?["via"]?.stringValue.flatMap { OwnRun(rawValue: $0) } != nil
    }
}
