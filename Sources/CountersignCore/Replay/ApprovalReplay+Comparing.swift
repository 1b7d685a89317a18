import CanonicalJSON

extension ApprovalReplay {
    /// The first field of a stored approval that is not what the entries say.
    ///
    /// Covered by no entry, and so only held against what else is known: `delivered`, `asynchronous` and with it the
    /// later circumstances, `revision` within the changes that have no entry, and a gate's own `expires`.
    package func difference(from stored: Approval) -> ReplayDifference? {
        var comparison = ReplayComparison()
        compareAsk(stored, &comparison)
        compareGates(stored, &comparison)
        compareDecisions(stored, &comparison)
        compareComments(stored, &comparison)
        compareState(stored, &comparison)
        return comparison.difference
    }

    /// Whether a document is the action's.
    package func differenceOfDocument(_ document: String) -> ReplayDifference? {
        var comparison = ReplayComparison()
        comparison.fact("document", digest.rawValue, ActionDigest(of: Array(document.utf8)).rawValue)
        return comparison.difference
    }

    private func compareAsk(_ stored: Approval, _ comparison: inout ReplayComparison) {
        let connection = request.text("action", "connection")
        comparison.fact("id", id.rawValue, stored.id.rawValue)
        comparison.fact("agent", request.actor.id, stored.agent.rawValue)
        comparison.fact("owner", request.text("owner"), stored.owner?.rawValue)
        comparison.fact("on_behalf_of", request.text("on_behalf_of"), stored.onBehalfOf?.rawValue)
        comparison.fact("connection", connection, stored.connection.rawValue)
        comparison.fact("action", request.text("action", "name"), stored.action)
        let resource = request.text("action", "resource") ?? connection
        comparison.text("resource", resource, EntryWriter.shortened(stored.resource))
        comparison.fact("action_digest", digest.rawValue, stored.digest.rawValue)
        comparison.fact("preview_digest", request.text("preview_digest"), stored.previewDigest.rawValue)
        comparison.fact("policy_version", request.text("policy", "version"), stored.policyVersion)
        comparison.moment("requested_at", request.time, stored.requestedAt)
        comparison.moment("expires_at", request.moment("expires_at"), stored.expiresAt)
        let told = stored.circumstances
        comparison.fact("source_address", request.text("circumstances", "source_address"), told.sourceAddress)
        let justification = told.justification.map(EntryWriter.shortened)
        comparison.text("justification", request.text("circumstances", "justification"), justification)
        comparison.fact("request_id", request.text("circumstances", "request_id"), told.requestID)
    }

    /// The gates as the entry shows them, and their texts through the digest of what approvers saw.
    private func compareGates(_ stored: Approval, _ comparison: inout ReplayComparison) {
        let told = stored.gates.map(EntryWriter.gate)
        let said = request.members["gates"]?.arrayValue ?? []
        comparison.number("gates", said.count, told.count)
        for (number, (said, told)) in zip(said, told).enumerated() {
            comparison.text("gates[\(number)]", said.canonicalText, told.canonicalText)
        }
        let preview = Preview.digest(
            stored.digest,
            agent: stored.agent,
            onBehalfOf: stored.onBehalfOf,
            owner: stored.owner,
            gates: stored.gates,
        )
        comparison.fact("the gates' text", stored.previewDigest.rawValue, preview.rawValue)
        let shortest = stored.gates.map(\.grant).min() ?? stored.grantDuration
        comparison.fact("grant_duration", "\(shortest)", "\(stored.grantDuration)")
    }

    private func compareDecisions(_ stored: Approval, _ comparison: inout ReplayComparison) {
        func list(_ groups: [GroupName]) -> String { groups.map(\.rawValue).joined(separator: ",") }
        comparison.number("decisions", decisions.count, stored.decisions.count)
        for (number, (said, told)) in zip(decisions, stored.decisions).enumerated() {
            let field = "decisions[\(number)]"
            comparison.fact("\(field).user", said.user.rawValue, told.user.rawValue)
            comparison.fact("\(field).groups", list(said.groups), list(told.groups))
            comparison.fact("\(field).decision", said.verdict.rawValue, told.verdict.rawValue)
            comparison.text("\(field).reason", said.reason, EntryWriter.shortened(told.reason))
            comparison.moment("\(field).time", said.time, told.time)
            comparison.fact("\(field).via", said.channel, told.channel)
            comparison.fact("\(field).action_digest", said.actionDigest.rawValue, told.actionDigest.rawValue)
            comparison.fact("\(field).preview_digest", said.previewDigest.rawValue, told.previewDigest.rawValue)
            comparison.fact("\(field).assurance", said.assurance.rawValue, told.assurance.rawValue)
        }
    }

    private func compareComments(_ stored: Approval, _ comparison: inout ReplayComparison) {
        let told = stored.comments ?? []
        comparison.number("comments", comments.count, told.count)
        for (number, (said, told)) in zip(comments, told).enumerated() {
            let field = "comments[\(number)]"
            comparison.fact("\(field).author", said.author.actor.name, told.author.actor.name)
            comparison.text("\(field).text", said.text, told.text)
            comparison.moment("\(field).time", said.time, told.time)
        }
    }

    private func compareState(_ stored: Approval, _ comparison: inout ReplayComparison) {
        comparison.fact("status", status.rawValue, stored.status.rawValue)
        comparison.moment("grant_expires_at", grantExpiresAt, stored.grantExpiresAt)
        comparison.moment("grant_expires_at", approvedAt?.adding(stored.grantDuration), stored.grantExpiresAt)
        comparison.moment("settled_at", settledAt, stored.settledAt)
        comparison.fact("outcome", outcome?.result.rawValue, stored.outcome?.result.rawValue)
        comparison.number("outcome.status", outcome?.status, stored.outcome?.status)
        let detail = stored.outcome?.detail.map(EntryWriter.shortened)
        comparison.text("outcome.detail", outcome?.detail, detail)
        // Only what has an outcome has a result that could be delivered.
        if outcome == nil { comparison.fact("delivered", "false", "\(stored.delivered)") }
        // What has no entry: being made asynchronous, and being delivered.
        let most = changes + (stored.asynchronous ? 1 : 0) + (stored.delivered ? 1 : 0)
        comparison.number("revision", min(max(stored.revision, changes), most), stored.revision)
    }
}

extension Actor {
    /// All of it as one text, to compare.
    fileprivate var name: String { "\(type) \(id) \(via ?? "")" }
}
