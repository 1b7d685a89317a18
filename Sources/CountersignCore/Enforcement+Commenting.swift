extension Enforcement {
    /// Adds an agent's words to its own approval; the approval with them, once they are durable.
    ///
    /// What is approved, and by whom so far, stays as it is. The same words again change nothing, so a retry is harmless.
    package func comment(
        _ id: ApprovalID,
        _ words: ApprovalComment.Words,
        by agent: AgentID,
    ) async -> Result<Approval, Reason> {
        await comment(id, words, by: .agent(agent)) { $0.agent == agent }
    }

    /// Adds a person's words to an approval; the approval with them, once they are durable.
    ///
    /// It is no decision, whatever the words are. Every user sees every approval, so whoever is one today may comment:
    /// also those who may not decide, such as the agent's owner.
    package func comment(
        _ id: ApprovalID,
        by user: SignedInUser,
        _ text: String,
    ) async -> Result<Approval, Reason> {
        guard let words = ApprovalComment.Words(text) else {
            return .failure(Reason(.badRequest, "A comment must be \(ApprovalComment.Words.demand)."))
        }
        guard let known = current.snapshot.directory.users[user.user.id] else {
            return .failure(Reason(.notAllowed, "Only a user may comment: say as whom you speak."))
        }
        return await comment(id, words, by: .user(known.id, via: user.via)) { _ in true }
    }

    private func comment(
        _ id: ApprovalID,
        _ words: ApprovalComment.Words,
        by author: ApprovalComment.Author,
        maySee: (Approval) -> Bool,
    ) async -> Result<Approval, Reason> {
        do {
            var isPaced = false
            for _ in 0..<16 {
                guard let approval = try await ledger.approval(id), maySee(approval) else {
                    return .failure(Reason(.notFound, ReasonCode.notFound.explanation))
                }
                let now = clock.time()
                let comment = ApprovalComment(by: author, words, at: now)
                var machine = ApprovalMachine(approval)
                let next: Approval
                let entry: EntryDraft
                switch machine.commented(comment, now: now) {
                case .record(let commented):
                    // Once for all tries: a lost compare-and-set is not the author's doing.
                    if !isPaced {
                        guard pace.take(author, now: now) else { return .failure(Self.tooFast(author)) }
                        isPaced = true
                    }
                    (next, entry) = (commented, entries.commented(commented, comment))
                case .expire(let expired):
                    next = expired
                    entry = entries.settled(expired, by: .gateway, reasons: [.approvalExpired], at: now)
                case .lapse(let lapsed):
                    next = lapsed
                    entry = entries.settled(lapsed, by: .gateway, reasons: [.grantLapsed], at: now)
                case .ignore: return .success(approval)
                case .refuse(.alreadyDecided): return .failure(Self.tooLate)
                case .refuse(let code): return .failure(Reason(code, code.explanation))
                }
                guard case .committed = try await ledger.commit(Commit(.replace(next), entries: [entry])) else {
                    continue
                }
                return next.status.isFinal ? .failure(Self.tooLate) : .success(next)
            }
            return .failure(LedgerError(.unavailable, "the approval kept changing").reason)
        } catch {
            return .failure(error.reason)
        }
    }

    private static let tooLate = Reason(
        .alreadyDecided,
        "This has been decided already, and nothing waits any more: the action has begun, or will not run. Nothing was "
            + "added.",
    )

    private static func tooFast(_ author: ApprovalComment.Author) -> Reason {
        let whose = author.isPerson ? "A person" : "An agent"
        return Reason(
            .tooManyComments,
            "\(whose) may add \(CommentPace.burst(author)) comments a minute. Wait, then add this one.",
        )
    }
}
