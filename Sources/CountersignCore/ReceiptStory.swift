import CanonicalJSON

/// Replays a receipt's entries against the rules of DESIGN 3 and 5; refuses what they do not allow.
struct ReceiptStory {
    private let first: ToldEntry
    private let digest: ActionDigest
    private let approval: ApprovalID?
    private var replay: ApprovalReplay?
    private var decisions: [ReceiptSummary.Decision] = []

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
        guard first.approval == approval else {
            throw ReceiptError("entry \(first.sequence) belongs to another approval")
        }
        do throws(ReplayError) {
            var replay = try ApprovalReplay(first)
            for entry in entries.dropFirst() {
                try replay.take(entry)
                if entry.kind == .approvalDecided { decisions.append(ReceiptSummary.Decision(entry)) }
            }
            self.replay = replay
        } catch {
            throw ReceiptError(error.description)
        }
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
            gates: replay?.gates ?? [],
            decisions: decisions,
            comments: replay?.comments ?? [],
            status: replay?.status.rawValue ?? (first.kind == .actionAllowed ? "allowed" : "refused"),
            outcome: replay?.outcome,
            document: document,
            events: entries.map {
                ReceiptSummary.Event(sequence: $0.sequence, time: $0.time.rfc3339, kind: $0.kind, actor: $0.actor)
            },
            policies: approval == nil
                ? first.members["policy"]?["ids"]?.arrayValue?.compactMap(\.stringValue) ?? [] : [],
            reasons: approval == nil ? first.members["reasons"]?.arrayValue?.compactMap(\.stringValue) ?? [] : [],
            signatures: signatures,
            unlinked: replay?.unlinked ?? 0,
        )
    }
}

extension ReceiptSummary.Decision {
    /// Takes over a decision that the replay has taken.
    fileprivate init(_ entry: ToldEntry) {
        self.init(
            user: entry.actor.id,
            groups: entry.members["groups"]?.arrayValue?.compactMap(\.stringValue) ?? [],
            decision: entry.text("decision") ?? "",
            reason: entry.text("reason") ?? "",
            time: entry.time.rfc3339,
            via: entry.actor.via,
            isAccepted: entry.members["accepted"]?.boolValue ?? false,
            refusals: entry.members["reasons"]?.arrayValue?.compactMap(\.stringValue) ?? [],
        )
    }
}
