import CanonicalJSON

/// Replays a receipt's entries against the rules of DESIGN 3 and 5; refuses what they do not allow.
struct ReceiptStory {
    private let first: ToldEntry
    private let digest: ActionDigest
    private let approval: ApprovalID?
    private var gates: [Gate] = []
    private var accepted: [Decision] = []
    private var decisions: [ReceiptSummary.Decision] = []
    private var status: ApprovalStatus?
    private var expiresAt: Timestamp?
    private var grantExpiresAt: Timestamp?
    private var outcome: Outcome?

    /// Follows proven entries, in the log's order.
    init(_ entries: [ToldEntry], approval: ApprovalID?) throws(ReceiptError) {
        guard let first = entries.first, let digest = first.digest else {
            throw ReceiptError("the first entry names no action")
        }
        self.first = first
        self.digest = digest
        self.approval = approval
        guard approval != nil else {
            guard entries.count == 1, first.approval == nil, first.kind == .actionAllowed || first.kind == .actionDenied
            else { throw ReceiptError("a receipt without an approval has exactly one entry, the action's") }
            return
        }
        guard first.kind == .approvalRequested else {
            throw ReceiptError("the first entry of an approval's receipt must be approval.requested")
        }
        for entry in entries {
            guard entry.approval == approval else {
                throw ReceiptError("entry \(entry.sequence) belongs to another approval")
            }
            try take(entry)
        }
    }

    private mutating func take(_ entry: ToldEntry) throws(ReceiptError) {
        let isRefusedDecision = entry.kind == .approvalDecided && entry.members["accepted"]?.boolValue == false
        // A decision that named another digest was refused for it and says so.
        guard entry.digest == digest || isRefusedDecision else {
            throw ReceiptError("entry \(entry.sequence) is about another action")
        }
        switch entry.kind {
        case .approvalRequested: try takeRequest(entry)
        case .approvalDecided: try takeDecision(entry)
        case .approvalSettled: try takeSettlement(entry)
        case .actionDispatched:
            guard status == .approved else { throw Self.disorder(entry) }
            guard let end = grantExpiresAt, entry.time < end else {
                throw ReceiptError("the action was dispatched after its grant had ended")
            }
            status = .redeemed
        case .actionCompleted:
            guard status == .redeemed,
                let result = entry.members["outcome"]?["result"]?.stringValue.flatMap({ Outcome.Result(rawValue: $0) })
            else { throw Self.disorder(entry) }
            outcome = Outcome(
                result,
                status: entry.members["outcome"]?["status"]?.integerValue.map { Int(clamping: $0) },
                detail: entry.members["outcome"]?["detail"]?.stringValue,
            )
            switch result {
            case .succeeded: status = .succeeded
            case .failed: status = .failed
            case .unknown: status = .unknown
            }
        case .actionDenied: break  // A later ask that was refused; it changes nothing.
        case .actionAllowed, .policyChanged, .configurationChanged, .identityChanged, .sessionStarted, .sessionEnded:
            throw Self.disorder(entry)
        }
    }

    private mutating func takeRequest(_ entry: ToldEntry) throws(ReceiptError) {
        guard status == nil, let values = entry.members["gates"]?.arrayValue, !values.isEmpty,
            let end = entry.members["expires_at"]?.stringValue.flatMap({ Timestamp(rfc3339: $0) })
        else { throw Self.disorder(entry) }
        gates = try values.map { value throws(ReceiptError) in try Gate(receipt: value) }
        expiresAt = end
        status = .pending
    }

    private mutating func takeDecision(_ entry: ToldEntry) throws(ReceiptError) {
        guard status != nil, entry.actor.type == "User", let user = UserID(entry.actor.id),
            let verdict = entry.members["decision"]?.stringValue.flatMap({ Decision.Verdict(rawValue: $0) }),
            let isAccepted = entry.members["accepted"]?.boolValue,
            let preview = entry.members["preview_digest"]?.stringValue.flatMap({ ActionDigest($0) })
        else { throw Self.disorder(entry) }
        let reason = entry.members["reason"]?.stringValue ?? ""
        decisions.append(
            ReceiptSummary.Decision(
                user: user.rawValue,
                groups: entry.members["groups"]?.arrayValue?.compactMap(\.stringValue) ?? [],
                decision: verdict.rawValue,
                reason: reason,
                time: entry.time.rfc3339,
                via: entry.actor.via,
                isAccepted: isAccepted,
                refusals: entry.members["reasons"]?.arrayValue?.compactMap(\.stringValue) ?? [],
            )
        )
        guard isAccepted else { return }
        guard status == .pending, let end = expiresAt, entry.time < end else { throw Self.disorder(entry) }
        guard !isOwn(user) else {
            throw ReceiptError("\(user) decided on an action of their own")
        }
        guard !accepted.contains(where: { $0.user.isSamePerson(as: user) }) else {
            throw ReceiptError("\(user) was counted twice")
        }
        guard entry.members["preview_digest"] == first.members["preview_digest"] else {
            throw ReceiptError("\(user) was shown something else than was logged")
        }
        let decision = Decision(
            user: user,
            groups: entry.members["groups"]?.arrayValue?.compactMap { $0.stringValue.flatMap { GroupName($0) } } ?? [],
            verdict: verdict,
            reason: reason,
            time: entry.time,
            channel: entry.actor.via ?? "",
            actionDigest: digest,
            previewDigest: preview,
        )
        guard gates.contains(where: { $0.accepts(groups: decision.groups) }) else {
            throw ReceiptError("\(user) was in no group that may decide")
        }
        accepted.append(decision)
    }

    private mutating func takeSettlement(_ entry: ToldEntry) throws(ReceiptError) {
        guard let next = entry.members["status"]?.stringValue.flatMap({ ApprovalStatus(rawValue: $0) }), let status
        else { throw Self.disorder(entry) }
        switch (status, next) {
        case (.pending, .approved):
            guard !accepted.contains(where: { $0.verdict == .deny }) else { throw Self.disorder(entry) }
            for gate in gates where !gate.isMet(by: accepted) {
                throw ReceiptError("the gate \(gate.policy) was lifted without the approvals that it needs")
            }
            grantExpiresAt = entry.members["grant_expires_at"]?.stringValue.flatMap { Timestamp(rfc3339: $0) }
        case (.pending, .denied):
            guard accepted.last?.verdict == .deny else { throw Self.disorder(entry) }
        case (.pending, .expired), (.pending, .withdrawn), (.approved, .lapsed), (.approved, .revoked): break
        case (.pending, _), (.approved, _), (.redeemed, _), (.succeeded, _), (.failed, _), (.unknown, _), (.denied, _),
            (.expired, _), (.withdrawn, _), (.lapsed, _), (.revoked, _):
            throw Self.disorder(entry)
        }
        self.status = next
    }

    /// The built-in rule that no policy lifts (DESIGN 3).
    private func isOwn(_ user: UserID) -> Bool {
        [first.members["owner"]?.stringValue, first.members["on_behalf_of"]?.stringValue, first.actor.id]
            .contains { $0.map { user.isSamePerson(asName: $0) } ?? false }
    }

    private static func disorder(_ entry: ToldEntry) -> ReceiptError {
        ReceiptError("entry \(entry.sequence), \(entry.kind.rawValue), cannot follow what came before it")
    }

    /// Tells the story that was found sound.
    func summary(
        log: String,
        treeSize: UInt64,
        signatures: ReceiptSummary.Signatures,
        document: String?,
        entries: [ToldEntry],
    ) throws(ReceiptError) -> ReceiptSummary {
        let action = first.members["action"]
        guard let name = action?["name"]?.stringValue, first.actor.type == "Agent" else {
            throw ReceiptError("the first entry names no action")
        }
        return ReceiptSummary(
            log: log,
            treeSize: treeSize,
            approval: approval,
            agent: first.actor.id,
            owner: first.members["owner"]?.stringValue,
            onBehalfOf: first.members["on_behalf_of"]?.stringValue,
            action: name,
            connection: action?["connection"]?.stringValue ?? "",
            resource: action?["resource"]?.stringValue ?? "",
            digest: digest.rawValue,
            requestedAt: first.time.rfc3339,
            gates: gates,
            decisions: decisions,
            status: status?.rawValue ?? (first.kind == .actionAllowed ? "allowed" : "refused"),
            outcome: outcome,
            document: document,
            events: entries.map {
                ReceiptSummary.Event(sequence: $0.sequence, time: $0.time.rfc3339, kind: $0.kind, actor: $0.actor)
            },
            policies: approval == nil
                ? first.members["policy"]?["ids"]?.arrayValue?.compactMap(\.stringValue) ?? [] : [],
            reasons: approval == nil ? first.members["reasons"]?.arrayValue?.compactMap(\.stringValue) ?? [] : [],
            signatures: signatures,
        )
    }
}

extension Gate {
    /// Reads a gate as ``EntryWriter/gate(_:)`` writes it.
    fileprivate init(receipt value: JSONValue) throws(ReceiptError) {
        let approvers = value["approvers"]?.arrayValue?.compactMap { $0.stringValue.flatMap { GroupName($0) } } ?? []
        guard let policy = value["policy"]?.stringValue, let quorum = value["quorum"]?.integerValue,
            (1...1000).contains(quorum), !approvers.isEmpty,
            approvers.count == value["approvers"]?.arrayValue?.count,
            let seconds = value["grant_seconds"]?.integerValue
        else { throw ReceiptError("a gate of the receipt is malformed") }
        let place = value["position"]?.stringValue?.utf8.split(separator: UInt8(ascii: ":")).map {
            String(Substring($0))
        }
        self.init(
            policy: policy,
            approvers: approvers,
            quorum: Int(quorum),
            grant: .seconds(seconds),
            advice: value["advice"]?.stringValue,
            position: PolicyPosition(
                file: place?.first ?? "",
                line: place?.dropFirst().first.flatMap { Int($0) } ?? 1,
                column: place?.dropFirst(2).first.flatMap { Int($0) } ?? 1,
            ),
        )
    }
}
