/// What a user says on several approvals at once: the same on each, and each by its own digest.
package struct BatchBallot: Hashable, Sendable {
    /// One approval, and what the user saw of it.
    package struct Item: Hashable, Sendable {
        /// Which.
        package let approval: ApprovalID
        /// The digest of the action that they judge.
        package let actionDigest: ActionDigest
        /// The digest of what they were shown; `nil` takes the approval's, for callers that show nothing of their own.
        package let previewDigest: ActionDigest?

        /// Names an approval.
        package init(_ approval: ApprovalID, _ actionDigest: ActionDigest, previewDigest: ActionDigest? = nil) {
            self.approval = approval
            self.actionDigest = actionDigest
            self.previewDigest = previewDigest
        }
    }

    /// The approvals, in the order in which they are decided on.
    package let items: [Item]
    /// Approve or deny.
    package let verdict: Decision.Verdict
    /// Why.
    package let reason: String

    /// The most approvals.
    package static let maximum = 100

    /// Fills in a ballot; refused if it names none, too many, or one of them twice.
    package init(_ items: [Item], _ verdict: Decision.Verdict, reason: String) throws(Reason) {
        guard !items.isEmpty else { throw Reason(.badRequest, "The decisions name no approval.") }
        guard items.count <= Self.maximum else {
            throw Reason(.badRequest, "At most \(Self.maximum) approvals are decided on at once.")
        }
        var seen = Set<ApprovalID>()
        for item in items where !seen.insert(item.approval).inserted {
            throw Reason(.badRequest, "The approval \(item.approval) is there twice.")
        }
        self.items = items
        self.verdict = verdict
        self.reason = reason
    }
}

extension Enforcement {
    /// What became of one decision of several.
    package struct BatchResult: Sendable {
        /// The approval.
        package let approval: ApprovalID
        /// The approval after the decision, or why it does not count.
        package let result: Result<Approval, Reason>
    }

    /// Counts a user's decision on each of several approvals.
    ///
    /// There is no decision on all of them: each is one of its own, with its digest, its compare-and-set and its
    /// entries, and what becomes of one says nothing of the next.
    package func decide(_ batch: BatchBallot, by user: SignedInUser) async -> [BatchResult] {
        var results = [BatchResult]()
        for item in batch.items {
            let ballot = Ballot(
                batch.verdict,
                reason: batch.reason,
                actionDigest: item.actionDigest,
                previewDigest: item.previewDigest,
            )
            let result = await decide(item.approval, by: user, ballot)
            results.append(BatchResult(approval: item.approval, result: result))
        }
        return results
    }
}
