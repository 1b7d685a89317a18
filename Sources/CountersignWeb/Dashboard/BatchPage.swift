import CanonicalJSON
import CountersignCore

/// What the page of several approvals shows.
struct BatchPage {
    let message: Message?
    let refusals: [Refusal]
    let hasRefusals: Bool
    let groups: [Group]
    let isEmpty: Bool
    /// What else there is: more than a page shows, what others decide, what is over.
    let notes: [Markup]
    /// The name and the value that say again what the page is about.
    let fieldName: Markup
    let fieldValue: Markup

    /// A decision that did not count.
    struct Refusal {
        let link: Markup
        let id: Markup
        let why: Markup
    }

    /// Actions of one shape, with one form.
    struct Group {
        let number: Markup
        let effect: Pill
        let action: Markup
        let agent: Markup
        let human: Markup
        let connection: Markup
        let environment: EnvironmentLabel
        let gates: Markup
        let count: Markup
        let items: [BatchItem]
        /// The same page with all of them ticked; empty where that is no help.
        let tickAll: Markup
    }

    init(
        place: BatchPlace,
        mine: [Approval],
        left: Int,
        others: Int,
        over: Int,
        results: [Enforcement.BatchResult],
        warning: String?,
        ticked: Set<String>,
        session: String,
        directory: Directory,
        now: Timestamp,
    ) {
        let counted = results.count { $0.isCounted }
        let refused = results.count - counted
        message =
            warning.map { Message($0, "bad") }
            ?? (results.isEmpty ? nil : Message(Self.sentence(counted, refused), refused == 0 ? "good" : "bad"))
        refusals = results.compactMap { item in
            guard case .failure(let reason) = item.result else { return nil }
            return Refusal(
                link: Markup("/approvals/" + item.approval.rawValue),
                id: Markup(item.approval.rawValue),
                why: VisibleText.line("\(reason.message) (\(reason.code.rawValue))"),
            )
        }
        hasRefusals = !refusals.isEmpty
        let (name, value) = place.field
        fieldName = Markup(name)
        fieldValue = Markup(value)
        // Nothing is ticked again after a decision: what is left is to be looked at anew.
        let isFresh = results.isEmpty && warning == nil
        let isMade = place.tick == BatchTick(of: mine, until: place.tick?.until, session)
        let until = isFresh && isMade ? place.tick?.until : nil
        var shapes = [(ActionShape?, [Approval])]()
        for approval in mine {
            let shape = ActionShape(approval)
            if let index = shapes.firstIndex(where: { $0.0 == shape && shape != nil }) {
                shapes[index].1.append(approval)
            } else {
                shapes.append((shape, [approval]))
            }
        }
        groups = shapes.enumerated().map { index, shape in
            let tick = BatchTick(of: mine, until: mine.map(\.requestedAt).max(), session)
            let link = tick.map { "/approvals/batch?\(name)=\(PercentCoding.encode(value))&ticked=\($0.text)" }
            return Group(
                number: index + 1,
                shape.1,
                directory,
                tickAll: until == nil && shapes.count == 1 && mine.count > 1 ? link ?? "" : "",
                ticked: ticked,
                tickedUntil: until,
                now: now,
            )
        }
        isEmpty = groups.isEmpty
        var notes = [Markup]()
        if left > 0 { notes.append(Markup("\(left) more follow once these are decided.")) }
        if others > 0 { notes.append(Markup("\(others) more of them are not yours to decide.")) }
        if over > 0 { notes.append(Markup("\(over) of them are over: decided, expired or taken back.")) }
        self.notes = notes
    }

    private static func sentence(_ counted: Int, _ refused: Int) -> String {
        let good = counted == 1 ? "1 decision counts." : "\(counted) decisions count."
        return refused == 0 ? good : "\(good) \(refused) \(refused == 1 ? "does" : "do") not:"
    }
}

extension BatchPage.Group {
    /// Describes actions of one shape; there is at least one.
    fileprivate init(
        number: Int,
        _ approvals: [Approval],
        _ directory: Directory,
        tickAll: String,
        ticked: Set<String>,
        tickedUntil: Timestamp?,
        now: Timestamp,
    ) {
        self.number = Markup(String(number))
        let first = approvals.first
        effect = Pill(action: first?.action ?? "")
        action = Markup(first?.action ?? "")
        agent = Markup(first?.agent.rawValue ?? "")
        human = first?.onBehalfOf.map { Markup($0.rawValue) } ?? .none
        connection = Markup(first?.connection.rawValue ?? "")
        environment = EnvironmentLabel(first.flatMap { directory.connections[$0.connection]?.labels["env"] })
        gates = Markup((first?.gates ?? []).map(\.policy).joined(separator: ", "))
        count = Markup(approvals.count == 1 ? "1 action" : "\(approvals.count) actions")
        items = approvals.map { BatchItem($0, ticked: ticked, tickedUntil: tickedUntil, now: now) }
        self.tickAll = Markup(tickAll)
    }
}

/// Says which actions a page is to tick: those that this session's page showed when it made the link, and no others.
///
/// What came later is not ticked, and nothing is if anything else was shown: nobody can make somebody a link that ticks
/// what they have not seen.
struct BatchTick: Hashable {
    /// Until when what is ticked was asked.
    let until: Timestamp
    private let seal: String

    /// Of what a page shows, up to a moment; `nil` without one.
    init?(of shown: [Approval], until: Timestamp?, _ session: String) {
        guard let until, !session.isEmpty else { return nil }
        self.until = until
        let items = shown.filter { $0.requestedAt <= until }.map(\.batchItem.formValue)
        let text = ([session, String(until.microseconds)] + items).joined(separator: "\n")
        seal = ActionDigest(of: Array(text.utf8)).rawValue
    }

    /// Reads a link's; `nil` of anything else.
    init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        guard parts.count == 2, let until = Int64(strict: parts[0]) else { return nil }
        (self.until, seal) = (Timestamp(microseconds: until), parts[1])
    }

    /// For a link.
    var text: String { "\(until.microseconds).\(seal)" }
}

extension Approval {
    /// What a decision on several names it by.
    fileprivate var batchItem: BatchBallot.Item { BatchBallot.Item(id, digest, previewDigest: previewDigest) }
}

/// One of several actions on a page.
struct BatchItem {
    let value: Markup
    let link: Markup
    let id: Markup
    let resource: Markup
    let requested: Moment
    let expires: Moment
    let justification: Markup
    /// What it will do, as far as there is room for it.
    let text: Markup
    /// Whether there was no room for all.
    let isCut: Bool
    let digest: Markup
    let isTicked: Bool

    /// The most characters of an action that are shown beside others.
    static let room = 2000

    /// Describes an approval.
    init(_ approval: Approval, ticked: Set<String>, tickedUntil: Timestamp?, now: Timestamp) {
        let item = approval.batchItem
        value = Markup(item.formValue)
        link = Markup("/approvals/" + approval.id.rawValue)
        id = Markup(approval.id.rawValue)
        resource = VisibleText.resource(of: approval)
        requested = Moment(approval.requestedAt, now: now)
        expires = Moment(approval.expiresAt, now: now)
        justification =
            approval.circumstances.justification.map { VisibleText.line(Self.cut($0, to: 300).text) } ?? .none
        let context = ApprovalContext(approval)
        let shown = Self.cut(Self.whole(context), to: Self.room)
        text = VisibleText.block(shown.text)
        // A large body stands in the document as its beginning and its digest.
        isCut = shown.isCut || context.hasExcerptOnly
        digest = Markup(approval.digest.rawValue)
        // What is not shown whole is never ticked by the page; what somebody ticked before a form came back stays so.
        let isOnPage = !isCut && (tickedUntil.map { approval.requestedAt <= $0 } ?? false)
        isTicked = ticked.contains(item.formValue) || isOnPage
    }

    /// All of the action's context; if it has one operation only, the heading and the resource tell of that.
    private static func whole(_ read: ApprovalContext) -> String {
        var context = read.members
        if read.furtherOperations == nil { context["operations"] = nil }
        var parts = [String]()
        if let method = context["method"]?.stringValue, let path = context["path"]?.stringValue {
            let query = context["query"]?.stringValue.map { "?" + $0 } ?? ""
            parts.append("\(method) \(path)\(query)")
            for name in ["method", "path", "query"] { context[name] = nil }
        }
        if case .object(let payload)? = context["payload"], let text = payload["text"]?.stringValue,
            payload.members.allSatisfy({ ["bytes", "media_type", "text"].contains($0.key) })
        {
            parts.append("\(payload["media_type"]?.stringValue ?? "")\n\(text)")
            context["payload"] = nil
        }
        if context["headers"]?.objectValue?.isEmpty ?? false { context["headers"] = nil }
        if !context.isEmpty { parts.append(JSONValue.object(context).prettyText()) }
        return parts.joined(separator: "\n\n")
    }

    private static func cut(_ text: String, to room: Int) -> (text: String, isCut: Bool) {
        guard text.unicodeScalars.count > room else { return (text, false) }
        return (text.cut(to: room) + "…", true)
    }
}
