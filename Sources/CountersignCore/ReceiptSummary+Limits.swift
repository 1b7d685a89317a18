extension ReceiptSummary {
    /// What the receipt does not prove, in words for its holder.
    package var limits: [String] {
        var limits = ["that the upstream did what its answer says, or who sat at an approver's keyboard"]
        limits += limitsOfApproval
        if signatures.cosigned.isEmpty { limits.append("that others are shown the same log: that needs witnesses") }
        if document == nil { limits.append("what exactly the action was: its document is not in this receipt") }
        limits.append("times beyond what the gateway's own clock said")
        return limits
    }

    /// A receipt can be cut off after any of its entries; each names the one before it and none the one after.
    private var limitsOfApproval: [String] {
        guard let approval, let last = events.last?.sequence else { return [] }
        let more = isEnded ? "a decision that came too late" : "a decision, a revocation or the outcome"
        var limits = [
            "that no later entry of this action was left out: the log may have more of \(approval) after entry \(last), "
                + "such as \(more), within its first \(treeSize) entries and beyond. An export of the log whose root is "
                + "the checkpoint's shows all of them, and so does log fsck --receipt"
        ]
        if unlinked > 0 {
            limits.append(
                "that no entry was left out before that: \(unlinked) of these were written by a version that did not "
                    + "name the one before"
            )
        }
        return limits
    }

    private var isEnded: Bool { ApprovalStatus(rawValue: status)?.isFinal ?? true }
}
