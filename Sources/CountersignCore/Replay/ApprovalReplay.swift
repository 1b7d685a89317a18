import CanonicalJSON

/// One approval as its entries tell it, held against the rules of DESIGN 3 and 5.
///
/// Receipts and the examination of a whole log both go by it; what the rules do not allow is an error that names the
/// entry.
package struct ApprovalReplay: Sendable {
    /// The entry that began it.
    package let request: ToldEntry
    /// The approval.
    package let id: ApprovalID
    /// The digest of the action.
    package let digest: ActionDigest
    /// What stops the action, as the entry shows it.
    package let gates: [Gate]
    /// The decisions that counted, in order.
    package private(set) var decisions: [Decision] = []
    /// What was said on it, in order.
    package private(set) var comments: [ApprovalComment] = []
    /// Where it stands.
    package private(set) var status = ApprovalStatus.pending
    /// When the grant ends.
    package private(set) var grantExpiresAt: Timestamp?
    /// When it was approved.
    package private(set) var approvedAt: Timestamp?
    /// When it reached its last state.
    package private(set) var settledAt: Timestamp?
    /// What came of it.
    package private(set) var outcome: Outcome?
    /// How many changes the entries tell; those that have no entry come on top.
    package private(set) var changes = 1
    /// How many entries after the first do not name the one before them, as those of older versions.
    package private(set) var unlinked = 0
    /// The entry that was taken last.
    package private(set) var last: UInt64
    private let expiresAt: Timestamp

    /// Begins with an `approval.requested`.
    package init(_ request: ToldEntry) throws(ReplayError) {
        guard request.kind == .approvalRequested, let id = request.approval else {
            throw ReplayError("the first entry of an approval's receipt must be approval.requested")
        }
        guard let digest = request.digest else { throw ReplayError("the first entry names no action") }
        if let before = request.before { throw Self.gap(before: request, before) }
        guard let values = request.members["gates"]?.arrayValue, !values.isEmpty, let end = request.moment("expires_at")
        else { throw Self.disorder(request) }
        self.request = request
        self.id = id
        self.digest = digest
        gates = try values.map { value throws(ReplayError) in try Gate(entry: value) }
        expiresAt = end
        last = request.sequence
    }

    /// Takes the next entry of this approval.
    package mutating func take(_ entry: ToldEntry) throws(ReplayError) {
        guard entry.approval == id else { throw ReplayError("entry \(entry.sequence) belongs to another approval") }
        try link(entry)
        let isRefusedDecision = entry.kind == .approvalDecided && entry.members["accepted"]?.boolValue == false
        // A decision that named another digest was refused for it and says so.
        guard entry.digest == digest || isRefusedDecision else {
            throw ReplayError("entry \(entry.sequence) is about another action")
        }
        switch entry.kind {
        case .approvalDecided: try takeDecision(entry)
        case .approvalCommented: try takeComment(entry)
        case .approvalSettled: try takeSettlement(entry)
        case .actionDispatched:
            guard status == .approved else { throw Self.disorder(entry) }
            guard let end = grantExpiresAt, entry.time < end else {
                throw ReplayError("the action was dispatched after its grant had ended")
            }
            status = .redeemed
            changes += 1
        case .actionCompleted: try takeOutcome(entry)
        case .actionDenied: break  // A later ask that was refused; it changes nothing.
        case .approvalRequested, .actionAllowed, .policyChanged, .configurationChanged, .identityChanged,
            .sessionStarted, .sessionEnded, .payloadErased, .channelRefused, .noticeReplayed,
            .channelChanged:
            throw Self.disorder(entry)
        }
    }

    /// Refuses an entry that names another one before it than the last.
    private mutating func link(_ entry: ToldEntry) throws(ReplayError) {
        if let before = entry.before {
            guard before == last else { throw Self.gap(before: entry, before) }
        } else {
            unlinked += 1
        }
        last = entry.sequence
    }

    private mutating func takeOutcome(_ entry: ToldEntry) throws(ReplayError) {
        guard status == .redeemed,
            let result = entry.text("outcome", "result").flatMap({ Outcome.Result(rawValue: $0) })
        else { throw Self.disorder(entry) }
        outcome = Outcome(
            result,
            status: entry.members["outcome"]?["status"]?.integerValue.map { Int(clamping: $0) },
            detail: entry.text("outcome", "detail"),
        )
        switch result {
        case .succeeded: status = .succeeded
        case .failed: status = .failed
        case .unknown: status = .unknown
        }
        settledAt = entry.time
        changes += 1
    }

    private mutating func takeDecision(_ entry: ToldEntry) throws(ReplayError) {
        guard entry.actor.type == "User", let user = UserID(entry.actor.id),
            let verdict = entry.text("decision").flatMap({ Decision.Verdict(rawValue: $0) }),
            let isAccepted = entry.members["accepted"]?.boolValue,
            let preview = entry.text("preview_digest").flatMap({ ActionDigest($0) })
        else { throw Self.disorder(entry) }
        guard isAccepted else { return }
        guard status == .pending, entry.time < expiresAt else { throw Self.disorder(entry) }
        guard !isOwn(user) else { throw ReplayError("\(user) decided on an action of their own") }
        guard !decisions.contains(where: { $0.user.isSamePerson(as: user) }) else {
            throw ReplayError("\(user) was counted twice")
        }
        guard entry.members["preview_digest"] == request.members["preview_digest"] else {
            throw ReplayError("\(user) was shown something else than was logged")
        }
        let decision = Decision(
            user: user,
            groups: entry.members["groups"]?.arrayValue?.compactMap { $0.stringValue.flatMap { GroupName($0) } } ?? [],
            verdict: verdict,
            reason: entry.text("reason") ?? "",
            time: entry.time,
            channel: entry.actor.via ?? "",
            actionDigest: digest,
            previewDigest: preview,
            assurance: entry.text("assurance").flatMap { Assurance(rawValue: $0) } ?? .session,
        )
        guard gates.contains(where: { $0.accepts(groups: decision.groups) }) else {
            throw ReplayError("\(user) was in no group that may decide")
        }
        decisions.append(decision)
        changes += 1
    }

    private mutating func takeComment(_ entry: ToldEntry) throws(ReplayError) {
        // Until the action begins or will not run any more.
        let end = status == .pending ? expiresAt : status == .approved ? grantExpiresAt : nil
        guard let end, entry.time < end, let text = entry.text("comment", "text") else { throw Self.disorder(entry) }
        guard let author = ApprovalComment.Author(entry.actor), author.isPerson || entry.actor == request.actor else {
            throw ReplayError("entry \(entry.sequence) is a comment of neither a user nor the agent that asked")
        }
        comments.append(ApprovalComment(by: author, text: text, at: entry.time))
        changes += 1
    }

    private mutating func takeSettlement(_ entry: ToldEntry) throws(ReplayError) {
        guard let next = entry.text("status").flatMap({ ApprovalStatus(rawValue: $0) }) else {
            throw Self.disorder(entry)
        }
        switch (status, next) {
        case (.pending, .approved):
            guard !decisions.contains(where: { $0.verdict == .deny }) else { throw Self.disorder(entry) }
            for gate in gates where !gate.isMet(by: decisions) {
                throw ReplayError("the gate \(gate.policy) was lifted without the approvals that it needs")
            }
            // The last decision and the settlement are one change, as a denial's are.
            grantExpiresAt = entry.moment("grant_expires_at")
            approvedAt = entry.time
        case (.pending, .denied):
            guard decisions.last?.verdict == .deny else { throw Self.disorder(entry) }
            settledAt = entry.time
        case (.pending, .expired), (.pending, .withdrawn), (.approved, .lapsed), (.approved, .revoked):
            settledAt = entry.time
            changes += 1
        case (.pending, _), (.approved, _), (.redeemed, _), (.succeeded, _), (.failed, _), (.unknown, _), (.denied, _),
            (.expired, _), (.withdrawn, _), (.lapsed, _), (.revoked, _):
            throw Self.disorder(entry)
        }
        status = next
    }

    /// The built-in rule that no policy lifts (DESIGN 3).
    private func isOwn(_ user: UserID) -> Bool {
        [request.text("owner"), request.text("on_behalf_of"), request.actor.id]
            .contains { $0.map { user.isSamePerson(asName: $0) } ?? false }
    }

    private static func gap(before entry: ToldEntry, _ before: UInt64) -> ReplayError {
        ReplayError("entry \(before) of the approval should come before entry \(entry.sequence), and does not")
    }

    static func disorder(_ entry: ToldEntry) -> ReplayError {
        ReplayError("entry \(entry.sequence), \(entry.kind.rawValue), cannot follow what came before it")
    }
}

extension Gate {
    /// Reads a gate as ``EntryWriter/gate(_:)`` writes it.
    fileprivate init(entry value: JSONValue) throws(ReplayError) {
        let approvers = value["approvers"]?.arrayValue?.compactMap { $0.stringValue.flatMap { GroupName($0) } } ?? []
        guard let policy = value["policy"]?.stringValue, let quorum = value["quorum"]?.integerValue,
            (1...1000).contains(quorum), !approvers.isEmpty,
            approvers.count == value["approvers"]?.arrayValue?.count,
            let seconds = value["grant_seconds"]?.integerValue
        else { throw ReplayError("a gate is malformed") }
        let place = value["position"]?.stringValue?.utf8.split(separator: UInt8(ascii: ":")).map {
            String(Substring($0))
        }
        self.init(
            policy: policy,
            approvers: approvers,
            quorum: Int(quorum),
            grant: .seconds(seconds),
            assurance: value["assurance"]?.stringValue.flatMap { Assurance(rawValue: $0) } ?? .session,
            advice: value["advice"]?.stringValue,
            position: PolicyPosition(
                file: place?.first ?? "",
                line: place?.dropFirst().first.flatMap { Int($0) } ?? 1,
                column: place?.dropFirst(2).first.flatMap { Int($0) } ?? 1,
            ),
        )
    }
}
