import Cedar

/// The one brain behind every protocol adapter: judges actions, holds them, and lets each approved one run once.
///
/// Every step that says yes has its entry on disk before it returns. Whatever cannot be answered is refused.
package final class Enforcement: Sendable {
    /// Policies, directory and settings in force.
    package let current: CurrentSnapshot
    /// Where everything is kept.
    package let ledger: any Ledger
    /// Reads the time.
    package let clock: any WallClock
    /// Writes entries.
    package let entries: EntryWriter
    /// Which definitions of tools are accepted.
    package let tools: ToolBook
    let strangers = RejectionLimit()
    let pace = CommentPace()
    private let asks = AskPace()

    /// Wires the pipeline.
    package init(
        current: CurrentSnapshot,
        ledger: any Ledger,
        clock: any WallClock,
        chance: Chance,
        tools: ToolBook = ToolBook(),
    ) {
        self.current = current
        self.tools = tools
        self.ledger = ledger
        self.clock = clock
        entries = EntryWriter(chance: chance)
    }

    /// What becomes of an ask.
    package enum Admission: Sendable {
        /// Policy allows it. ``Enforcement/commit(_:)`` the entry before a byte of the answer reaches the agent.
        case allowed(EntryDraft)
        /// Policy, or a limit, refuses it; the entry is written.
        case refused([Reason])
        /// It waits for humans.
        case held(Approval)
        /// Its grant waits to be used.
        case approved(Approval)
        /// Another identical ask is running it now.
        case running(Approval)
        /// It ran, and its result waits.
        case finished(Approval)
    }

    /// Judges an action and holds it if need be.
    ///
    /// An identical ask attaches to the approval that there is (DESIGN 5). Without `holds`, what is gated is refused: for
    /// what cannot wait for people.
    package func admit(
        _ action: Action,
        _ circumstances: Circumstances,
        asynchronous: Bool = false,
        holds: Bool = true,
    ) async -> Admission {
        let snapshot = current.snapshot
        let now = clock.time()
        let verdict = judge(action, circumstances, snapshot, now)
        switch verdict.answer {
        case .allow:
            return .allowed(
                entries.judged(
                    .actionAllowed,
                    action,
                    circumstances,
                    verdict,
                    version: snapshot.policy.version,
                    at: now,
                )
            )
        case .deny(let reasons):
            return await refuse(action, circumstances, verdict, reasons, snapshot, now)
        case .gated(let gates) where !holds:
            let reasons = gates.map { gate in
                Reason(
                    .approvalRequired,
                    "\(gate.policy) lets this happen only with a human's approval, and it cannot wait for one.",
                    policy: gate.policy,
                )
            }
            return await refuse(action, circumstances, verdict, reasons, snapshot, now)
        case .gated(let gates):
            // In a child task, whose memory goes when it ends: the caller's task may be held for hours after this.
            async let admission = holdOrRefuse(action, circumstances, verdict, gates, snapshot, asynchronous)
            return await admission
        }
    }

    /// Asks the policies in force, and whether the tool that is called is the one that people have accepted.
    ///
    /// An agent or a connection that is no longer known has no groups and no labels, so the policies that speak of them
    /// would be silent; the answer is no.
    func judge(
        _ action: Action,
        _ circumstances: Circumstances,
        _ snapshot: Snapshot,
        _ now: Timestamp,
    ) -> PolicyVerdict {
        let missing: ReasonCode
        if snapshot.directory.agents[action.agent] == nil {
            missing = .invalidCredential
        } else if snapshot.directory.connections[action.connection] == nil {
            missing = .unknownConnection
        } else {
            let verdict = snapshot.policy.judge(action, circumstances, directory: snapshot.directory, now: now)
            return heedingDefinition(verdict, of: action, snapshot)
        }
        return PolicyVerdict(answer: .deny([Reason(missing, missing.explanation)]), policies: [], errors: [])
    }

    /// Whether an agent could ever be allowed something, be it under approvals: what it may not, it need not see.
    package func couldAllow(_ action: Action) -> Bool {
        let snapshot = current.snapshot
        guard snapshot.directory.agents[action.agent] != nil, snapshot.directory.connections[action.connection] != nil
        else { return false }
        return snapshot.policy.couldAllow(action, directory: snapshot.directory, now: clock.time())
    }

    /// Whether an agent could ever be allowed anything on a connection: otherwise it has nothing to say to the server.
    package func couldAllowAnything(_ agent: AgentID, on connection: ConnectionName) -> Bool {
        let snapshot = current.snapshot
        guard snapshot.directory.agents[agent] != nil, snapshot.directory.connections[connection] != nil
        else { return false }
        return snapshot.policy.couldAllowAnything(agent, on: connection, directory: snapshot.directory)
    }

    /// Writes the entry of an allowed action, durably.
    ///
    /// The refusal if that is not possible.
    package func commit(_ entry: EntryDraft) async -> Reason? {
        do {
            _ = try await ledger.commit(Commit(entries: [entry]))
            return nil
        } catch {
            return error.reason
        }
    }

    /// Records bytes that never became an action.
    ///
    /// Of a flood from one address that no agent is behind, only some are recorded, with the number of the others.
    package func reject(
        _ reason: Reason,
        agent: AgentID?,
        connection: ConnectionName?,
        detail: String,
        _ circumstances: Circumstances,
    ) async -> Reason {
        let now = clock.time()
        var suppressed: Int64 = 0
        if agent == nil {
            guard let count = strangers.admit(circumstances.sourceAddress, now: now) else { return reason }
            suppressed = count
        }
        let entry = entries.rejected(
            reason,
            agent: agent,
            connection: connection,
            detail: detail,
            circumstances: circumstances,
            suppressed: suppressed,
            at: now,
        )
        return await commit(entry) ?? reason
    }

    private func refuse(
        _ action: Action,
        _ circumstances: Circumstances,
        _ verdict: PolicyVerdict,
        _ reasons: [Reason],
        _ snapshot: Snapshot,
        _ now: Timestamp,
    ) async -> Admission {
        let entry = entries.judged(
            .actionDenied,
            action,
            circumstances,
            verdict,
            version: snapshot.policy.version,
            reasons: reasons,
            at: now,
        )
        return .refused(await commit(entry).map { [$0] } ?? reasons)
    }

    private func holdOrRefuse(
        _ action: Action,
        _ circumstances: Circumstances,
        _ verdict: PolicyVerdict,
        _ gates: [Gate],
        _ snapshot: Snapshot,
        _ asynchronous: Bool,
    ) async -> Admission {
        do {
            return try await hold(action, circumstances, verdict, gates, snapshot, asynchronous)
        } catch {
            return .refused([error.reason])
        }
    }

    private func hold(
        _ action: Action,
        _ circumstances: Circumstances,
        _ verdict: PolicyVerdict,
        _ gates: [Gate],
        _ snapshot: Snapshot,
        _ asynchronous: Bool,
    ) async throws(LedgerError) -> Admission {
        // Each turn that does not return has seen another ask or decision win; the bound only guards against a bug.
        for _ in 0..<16 {
            let now = clock.time()
            if let active = try await ledger.activeApproval(agent: action.agent, digest: action.digest) {
                guard active.attaches(now: now) else {
                    if try await settleIfDue(active.id) == nil { try await giveUp(active, now) }
                    continue
                }
                // The digest does not cover from where and why it is asked. An ask that needs more than the one before
                // it got must not profit from that: it is a new request, and the old one ends.
                if active.status == .pending, !active.covers(gates) {
                    var machine = ApprovalMachine(active)
                    guard case .settle(let ended) = machine.withdrawn(now: now) else { continue }
                    let entry = entries.settled(ended, by: .gateway, reasons: [.policyChanged], at: now)
                    _ = try await ledger.commit(Commit(.replace(ended), entries: [entry]))
                    continue
                }
                if asynchronous, !active.asynchronous, !active.status.isFinal {
                    var next = active
                    next.asynchronous = true
                    // The gateway will ask policy again in the name of this ask. What approvers have read stays.
                    next.laterCircumstances = circumstances
                    next.revision += 1
                    _ = try await ledger.commit(Commit(.replace(next), entries: []))
                    continue
                }
                return Self.attached(to: active)
            }
            let approval = approval(for: action, circumstances, gates, snapshot, asynchronous, now)
            let commit = Commit(
                .insert(approval, maximumPending: snapshot.settings.maximumPending),
                entries: [entries.requested(approval, action, at: now)],
                notices: snapshot.routing.notices(
                    of: approval,
                    now: now,
                    earlier: asks.note(approval.agent, now: now),
                ),
            )
            switch try await ledger.commit(commit) {
            case .committed: return .held(approval)
            case .conflict: continue
            case .tooManyPending:
                let reason = Reason(
                    .tooManyPending,
                    "This agent has \(snapshot.settings.maximumPending) approvals pending, the most that it may have. "
                        + "Wait for decisions, or withdraw some.",
                )
                return await refuse(action, circumstances, verdict, [reason], snapshot, now)
            }
        }
        throw LedgerError(.unavailable, "an approval of \(action.agent) kept changing under sixteen reads")
    }

    private static func attached(to approval: Approval) -> Admission {
        switch approval.status {
        case .pending: .held(approval)
        case .approved: .approved(approval)
        case .redeemed: .running(approval)
        case .succeeded, .failed: .finished(approval)
        case .unknown, .denied, .expired, .withdrawn, .lapsed, .revoked: .held(approval)
        }
    }

    /// Makes room for a new ask where a finished action's result was never fetched and its time is over.
    private func giveUp(_ approval: Approval, _ now: Timestamp) async throws(LedgerError) {
        var machine = ApprovalMachine(approval)
        guard let next = machine.resultDelivered() else { return }
        _ = try await ledger.commit(Commit(.replace(next), entries: []))
        try await ledger.dropResponse(approval.id)
    }

    private func approval(
        for action: Action,
        _ circumstances: Circumstances,
        _ gates: [Gate],
        _ snapshot: Snapshot,
        _ asynchronous: Bool,
        _ now: Timestamp,
    ) -> Approval {
        let expires = gates.map { $0.expires ?? snapshot.settings.expires }.min() ?? snapshot.settings.expires
        let owner = snapshot.directory.agents[action.agent]?.owner
        return Approval(
            id: entries.chance.approvalID(now: now),
            agent: action.agent,
            owner: owner,
            onBehalfOf: action.onBehalfOf,
            connection: action.connection,
            action: action.name,
            effects: action.severalEffects,
            resource: action.operations.first?.resource.id ?? action.connection.rawValue,
            document: String(decoding: action.canonical, as: UTF8.self),
            erasedBy: nil,
            digest: action.digest,
            previewDigest: Preview.digest(action, owner: owner, gates: gates),
            gates: gates,
            policyVersion: snapshot.policy.version,
            circumstances: circumstances,
            laterCircumstances: nil,
            requestedAt: now,
            expiresAt: now.adding(expires),
            grantDuration: gates.map(\.grant).min() ?? .seconds(300),
            asynchronous: asynchronous,
            status: .pending,
            decisions: [],
            comments: nil,
            grantExpiresAt: nil,
            settledAt: nil,
            outcome: nil,
            delivered: false,
            revision: 1,
        )
    }
}
