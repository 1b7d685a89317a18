import CountersignCore

/// Tells a verified receipt to a person.
enum ReceiptText {
    /// Prints who asked for what, what policy said, who decided, what ran, what came of it, and what is not proven.
    static func print(_ receipt: ReceiptSummary, quorum: Int) {
        Output.line("The receipt verifies: its entries are in the log \(Output.safe(receipt.log)), unchanged.\n")
        for sentence in story(receipt) { Output.line("  " + Output.safe(sentence)) }
        Output.line("")
        field("agent", receipt.agent)
        field("owner", receipt.owner)
        field("on behalf of", receipt.onBehalfOf)
        field("action", receipt.action)
        field("connection", receipt.connection)
        field("resource", receipt.resource)
        field("digest", receipt.digest)
        field("approval", receipt.approval?.rawValue)
        field("status", receipt.status)
        Output.line("\n  entries of the log, which had \(receipt.treeSize) when this was proven:")
        for event in receipt.events {
            let actor = "\(event.actor.type) \(event.actor.id)" + (event.actor.via.map { " via \($0)" } ?? "")
            Output.line("    \(event.sequence)  \(event.time)  \(event.kind.rawValue)  \(Output.safe(actor))")
        }
        if let document = receipt.document { Output.line("\n  the action, exactly:\n    \(Output.safe(document))") }
        Output.line("\n  who else signed:")
        for sentence in signatures(receipt, quorum: quorum) { Output.line("    " + Output.safe(sentence)) }
        Output.line("\n  what this does not prove:")
        for sentence in receipt.limits { Output.line("    " + sentence + ";") }
    }

    private static func field(_ name: String, _ text: String?) {
        guard let text, !text.isEmpty else { return }
        Output.line("  \(name)" + String(repeating: " ", count: max(1, 14 - name.count)) + Output.safe(text))
    }

    /// What happened, one sentence an event.
    private static func story(_ receipt: ReceiptSummary) -> [String] {
        let owner = receipt.owner.map { ", owned by \($0)," } ?? ""
        let human = receipt.onBehalfOf.map { " on behalf of \($0)" } ?? ""
        var story = [
            "\(receipt.agent)\(owner) asked\(human) at \(receipt.requestedAt) for \(receipt.action) of "
                + "\(receipt.resource)."
        ]
        let policies = receipt.policies.isEmpty ? "no policy" : receipt.policies.joined(separator: ", ")
        let reasons = receipt.reasons.isEmpty ? "" : " (\(receipt.reasons.joined(separator: ", ")))"
        if receipt.approval == nil {
            let verb = receipt.status == "allowed" ? "Allowed" : "Refused"
            story.append("\(verb) at once by \(policies)\(reasons); no human was asked.")
            if receipt.status == "allowed" {
                story.append("It was let through; what came of it is not in the log.")
            }
        }
        for gate in receipt.gates {
            let groups = gate.approvers.map(\.rawValue).joined(separator: " and of ")
            story.append("The gate \(gate.policy) stopped it until \(gate.quorum) of \(groups) approve.")
        }
        // In the log's order, so that one reads which words were there when somebody decided.
        var decisions = receipt.decisions[...]
        var comments = receipt.comments[...]
        for event in receipt.events {
            switch event.kind {
            case .approvalDecided: decisions.popFirst().map { story.append(sentence($0)) }
            case .approvalCommented: comments.popFirst().map { story.append(sentence($0)) }
            case .actionAllowed, .actionDenied, .approvalRequested, .approvalSettled, .actionDispatched,
                .actionCompleted, .policyChanged, .configurationChanged, .identityChanged, .sessionStarted,
                .sessionEnded, .payloadErased, .channelRefused, .noticeReplayed,
                .channelChanged:
                sentence(event, receipt).map { story.append($0) }
            }
        }
        return story
    }

    private static func sentence(_ decision: ReceiptSummary.Decision) -> String {
        let groups = decision.groups.isEmpty ? "" : " (\(decision.groups.joined(separator: ", ")))"
        let verb = decision.decision == "approve" ? "approved" : "denied"
        let via = decision.via.map { " through \($0)" } ?? ""
        let reason = decision.reason.isEmpty ? ", without a reason" : ": \(Output.quoted(decision.reason))"
        guard decision.isAccepted else {
            let refusals = decision.refusals.joined(separator: ", ")
            return
                "\(decision.user)\(groups) tried to \(decision.decision) it at \(decision.time)\(via), which did not "
                + "count: \(refusals)."
        }
        return "\(decision.user)\(groups) \(verb) it at \(decision.time)\(via)\(reason)."
    }

    private static func sentence(_ comment: ApprovalComment) -> String {
        let words = Output.quoted(comment.text)
        return switch comment.author {
        case .agent(let id): "The agent \(id) added at \(comment.time.rfc3339), in its own words: \(words)."
        case .user(let id, let via): "\(id) said at \(comment.time.rfc3339) through \(via), deciding nothing: \(words)."
        }
    }

    private static func sentence(_ event: ReceiptSummary.Event, _ receipt: ReceiptSummary) -> String? {
        switch event.kind {
        case .approvalSettled:
            // The first settlement follows the decisions; another one ends a grant that nobody used.
            let isEnd = ["denied", "expired", "withdrawn", "lapsed", "revoked"].contains(receipt.status)
            let isLast = event.sequence == receipt.events.last { $0.kind == .approvalSettled }?.sequence
            guard isEnd, isLast else {
                let gates = receipt.gates.map { "\($0.policy) demanded \($0.quorum)" }.joined(separator: ", ")
                let people = receipt.decisions.filter { $0.isAccepted && $0.decision == "approve" }
                    .map { $0.groups.isEmpty ? $0.user : "\($0.user) (\($0.groups.joined(separator: ", ")))" }
                return
                    "With that it was approved at \(event.time), by \(people.joined(separator: " and ")), as \(gates)."
            }
            return "It ended at \(event.time): \(receipt.status)."
        case .actionDispatched:
            return "It was sent at \(event.time) by \(event.actor.type == "Agent" ? "the agent" : "the gateway")."
        case .actionCompleted:
            guard let outcome = receipt.outcome else { return nil }
            let status = outcome.status.map { ", status \($0)" } ?? ""
            let detail = outcome.detail.map { " (\($0))" } ?? ""
            return "It ended at \(event.time): \(outcome.result.rawValue)\(status)\(detail)."
        case .actionDenied: return receipt.approval == nil ? nil : "Asked again at \(event.time), it was refused."
        case .actionAllowed, .approvalRequested, .approvalDecided, .approvalCommented, .policyChanged,
            .configurationChanged, .identityChanged, .sessionStarted, .sessionEnded, .payloadErased,
            .channelRefused, .noticeReplayed,
            .channelChanged:
            return nil
        }
    }

    private static func signatures(_ receipt: ReceiptSummary, quorum: Int) -> [String] {
        var lines = receipt.signatures.cosigned.map { "the witness \($0.witness) cosigned at \($0.time)" }
        if !lines.isEmpty || quorum > 0 { lines.append("\(quorum) cosignatures were demanded, and are there") }
        for name in receipt.signatures.unchecked {
            lines.append("a signature in the name of \(name) was not checked; give its key with --witness")
        }
        return lines.isEmpty ? ["nobody; only the log itself vouches for this checkpoint"] : lines
    }
}
