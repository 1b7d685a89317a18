extension Enforcement {
    /// Adds an agent's words to its own pending approval; the approval with them, once they are durable.
    ///
    /// What is approved, and by whom so far, stays as it is. The same words again change nothing, so a retry is harmless.
    package func comment(
        _ id: ApprovalID,
        _ words: ApprovalComment.Words,
        by agent: AgentID,
    ) async -> Result<Approval, Reason> {
        do {
            var isPaced = false
            for _ in 0..<16 {
                guard let approval = try await ledger.approval(id), approval.agent == agent else { break }
                let now = clock.time()
                let comment = ApprovalComment(by: .agent(agent), words, at: now)
                var machine = ApprovalMachine(approval)
                let next: Approval
                let entry: EntryDraft
                switch machine.commented(comment, now: now) {
                case .record(let commented):
                    // Once for all tries: a lost compare-and-set is not the agent's doing.
                    if !isPaced {
                        guard pace.take(agent, now: now) else {
                            return .failure(
                                Reason(
                                    .tooManyComments,
                                    "An agent may add \(CommentPace.burst) comments a minute. Wait, then add this one."
                                )
                            )
                        }
                        isPaced = true
                    }
                    (next, entry) = (commented, entries.commented(commented, comment))
                case .expire(let expired):
                    next = expired
                    entry = entries.settled(expired, by: .gateway, reasons: [.approvalExpired], at: now)
                case .ignore: return .success(approval)
                case .refuse(let code): return .failure(Reason(code, code.explanation))
                }
                guard case .committed = try await ledger.commit(Commit(.replace(next), entries: [entry])) else {
                    continue
                }
                guard next.status == .pending else {
                    return .failure(Reason(.alreadyDecided, "The approval expired before this was added."))
                }
                return .success(next)
            }
            return .failure(Reason(.notFound, ReasonCode.notFound.explanation))
        } catch {
            return .failure(error.reason)
        }
    }
}
