import CanonicalJSON

/// A version of AuthZEN's Access Request and Approval Profile, which is still a draft.
package enum AccessRequestVersion: String, Hashable, Sendable, CaseIterable {
    /// The colocated core of draft 1 (June 2026): denials bound by `evaluation_id`, tasks, re-evaluation.
    case draft1 = "draft-1"
}

extension Enforcement {
    /// What a program is told that enforces decisions itself, and waits for nobody while it asks (AuthZEN).
    ///
    /// Each of them has its entry in the log.
    package enum Evaluation: Sendable {
        /// Yes.
        case permitted
        /// Yes, once: the grant of the approval that was presented is used, and `action.dispatched` is durable.
        case redeemed(Approval)
        /// No, and no human can lift it.
        case denied([Reason])
        /// No, unless humans lift the gates; with why the approval that was presented does not lift them.
        case gated([Reason], GatedEvaluation, refusal: ReasonCode?)
    }

    /// Judges an action without holding it; what is gated is a no.
    ///
    /// An approval that is presented lifts the gates if it is the agent's own, for exactly this action, and its grant is
    /// unused; then the grant is used here. Where policy has no gate for the action, an approval changes nothing.
    package func evaluate(
        _ action: Action,
        _ circumstances: Circumstances,
        presenting presented: String?,
        by actor: Actor,
    ) async -> Evaluation {
        let snapshot = current.snapshot
        let now = clock.time()
        let verdict = judge(action, circumstances, snapshot, now)
        let version = snapshot.policy.version
        do {
            switch verdict.answer {
            case .allow:
                let entry = entries.judged(.actionAllowed, action, circumstances, verdict, version: version, at: now)
                _ = try await ledger.commit(Commit(entries: [entry]))
                return .permitted
            case .deny(let reasons):
                _ = try await note(action, circumstances, verdict, reasons, version, now)
                return .denied(reasons)
            case .gated(let gates):
                var refusals = [Reason]()
                if let presented {
                    switch try await use(presented, for: action, circumstances, by: actor) {
                    case .success(let approval): return .redeemed(approval)
                    case .failure(let reasons): refusals = reasons.reasons
                    }
                    if let first = refusals.first, first.code.isDisorder { return .denied(refusals) }
                }
                let reasons = refusals + gates.map(Self.needed)
                let sequence = try await note(action, circumstances, verdict, reasons, version, now)
                let bound = GatedEvaluation(
                    sequence: sequence,
                    agent: action.agent,
                    digest: action.digest,
                    time: now,
                )
                return .gated(reasons, bound, refusal: refusals.first?.code)
            }
        } catch {
            return .denied([error.reason])
        }
    }

    /// The evaluation of which an entry tells, if that was a no that humans could have lifted.
    package func gatedEvaluation(_ sequence: UInt64) async throws(LedgerError) -> GatedEvaluation? {
        guard let entry = try await ledger.entry(sequence), let json = StoredJSON.value(entry.bytes),
            json["kind"]?.stringValue == EntryKind.actionDenied.rawValue,
            json["reasons"]?.arrayValue?.contains(.string(ReasonCode.approvalRequired.rawValue)) ?? false,
            let agent = json["actor"]?["id"]?.stringValue.flatMap({ AgentID($0) }),
            let digest = json["action"]?["digest"]?.stringValue.flatMap({ ActionDigest($0) }),
            let time = json["time"]?.stringValue.flatMap({ Timestamp(rfc3339: $0) })
        else { return nil }
        return GatedEvaluation(sequence: sequence, agent: agent, digest: digest, time: time)
    }

    /// Several reasons as what went wrong.
    private struct Refusals: Error {
        let reasons: [Reason]

        init(_ reasons: [Reason]) { self.reasons = reasons }

        init(_ code: ReasonCode) { reasons = [Reason(code, code.explanation)] }
    }

    /// Uses the grant of an approval that was presented.
    private func use(
        _ presented: String,
        for action: Action,
        _ circumstances: Circumstances,
        by actor: Actor,
    ) async throws(LedgerError) -> Result<Approval, Refusals> {
        // One of another agent's is as unknown as one that there is not.
        guard let id = ApprovalID(presented), let approval = try await ledger.approval(id),
            approval.agent == action.agent
        else { return .failure(Refusals(.notFound)) }
        guard approval.digest == action.digest else { return .failure(Refusals(.digestMismatch)) }
        let redemption = await redeem(id, action, circumstances, by: actor) { approval in
            approval.asynchronous ? [Reason(.wrongState, ReasonCode.wrongState.explanation)] : nil
        }
        switch redemption {
        case .dispatch(let next): return .success(next)
        case .taken: return .failure(Refusals(.grantUsed))
        case .refused(let reasons): return .failure(Refusals(reasons))
        }
    }

    /// Writes the entry of a no; its number.
    private func note(
        _ action: Action,
        _ circumstances: Circumstances,
        _ verdict: PolicyVerdict,
        _ reasons: [Reason],
        _ version: String,
        _ now: Timestamp,
    ) async throws(LedgerError) -> UInt64 {
        let entry = entries.judged(
            .actionDenied,
            action,
            circumstances,
            verdict,
            version: version,
            reasons: reasons,
            at: now,
        )
        switch try await ledger.commit(Commit(entries: [entry])) {
        case .committed(let first): return first
        case .conflict, .tooManyPending: throw LedgerError(.corrupt, "an entry without a change was refused")
        }
    }

    private static func needed(_ gate: Gate) -> Reason {
        Reason(
            .approvalRequired,
            "\(gate.policy) lets this happen only with a human's approval, and this question waits for nobody. Ask for the "
                + "approval first.",
            policy: gate.policy,
        )
    }
}

/// A no that humans could lift, by the entry that tells of it: what a request for their approval is bound to.
package struct GatedEvaluation: Hashable, Sendable {
    /// The entry's number.
    package let sequence: UInt64
    /// Who asked.
    package let agent: AgentID
    /// The digest of what was asked for.
    package let digest: ActionDigest
    /// When.
    package let time: Timestamp
}

extension ReasonCode {
    /// Whether it tells that nothing could be found out, instead of what was.
    fileprivate var isDisorder: Bool { self == .ledgerUnavailable || self == .clockUnreliable }
}
