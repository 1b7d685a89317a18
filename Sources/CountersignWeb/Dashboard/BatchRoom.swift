import CanonicalJSON
import CountersignCore
import HTTPTypes

/// Many alike actions on one page: each is shown, and each that is ticked gets a decision of its own.
///
/// The form names what stood on the page, approval by approval with its digests. What comes later is on the next page
/// and in no form that was there before.
enum BatchRoom {
    /// The endpoints.
    static let endpoints = [
        Endpoint(page: .get, "/approvals/batch", .user, run: show),
        Endpoint(page: .post, "/approvals/batch/decide", .user, run: decide),
    ]

    /// How many alike actions the inbox shows as one.
    static let few = 3
    /// The most that a page shows: a form has room for 100 fields.
    static let most = 50

    @Sendable private static func show(_ exchange: Exchange) async throws -> Reply {
        let place = try await BatchPlace(exchange.query, exchange)
        return try await page(place, results: [], exchange)
    }

    @Sendable private static func decide(_ exchange: Exchange) async throws -> Reply {
        let form = FormFields(String(decoding: exchange.body, as: UTF8.self)) ?? FormFields()
        let place = try await BatchPlace(form, exchange)
        let incomplete = Problem(.badRequest, "The form is not complete. Reload the page and decide again.")
        guard let verdict = form["decision"].flatMap({ Decision.Verdict(rawValue: $0) }),
            let reason = form["reason"], reason.unicodeScalars.count <= 2000
        else { throw incomplete }
        let items = form[all: "item"].compactMap { BatchBallot.Item(formValue: $0) }
        guard items.count == form[all: "item"].count else { throw incomplete }
        if items.isEmpty {
            return try await page(place, results: [], warning: "Tick the actions that you mean.", exchange)
        }
        let words = reason.unicodeScalars.contains { !$0.properties.isWhitespace } ? reason : ""
        if verdict == .deny, words.isEmpty {
            let warning = "Say why you deny: the agent and the log get your reason. Nothing was decided."
            let ticked = Set(items.map(\.formValue))
            return try await page(place, results: [], warning: warning, ticked: ticked, exchange)
        }
        let ballot = try BatchBallot(items, verdict, reason: words)
        let results = await exchange.parts.enforcement.decide(ballot, by: try exchange.user())
        if let reason = results.sharedFault { throw Problem(reason) }
        return try await page(place, results: results, exchange)
    }

    private static func page(
        _ place: BatchPlace,
        results: [Enforcement.BatchResult],
        warning: String? = nil,
        ticked: Set<String> = [],
        _ exchange: Exchange,
    ) async throws -> Reply {
        let user = try exchange.user()
        let snapshot = exchange.parts.enforcement.current.snapshot
        let found = try await place.approvals(exchange)
        let pending = found.filter { $0.status == .pending && !$0.isOverdue(now: exchange.now) }
        let mine = pending.filter { DecisionRight(of: user, on: $0, snapshot, now: exchange.now) == .may }
        let content = BatchPage(
            place: place,
            mine: Array(mine.prefix(most)),
            left: max(0, mine.count - most),
            others: pending.count - mine.count,
            over: found.count - pending.count,
            results: results,
            warning: warning,
            ticked: ticked,
            session: user.session?.csrfToken ?? "",
            directory: snapshot.directory,
            now: exchange.now,
        )
        return try exchange.page("batch", "Decide on several", content, room: .inbox)
    }
}

/// What a page of several approvals is about: all that are like one of them, or those that one message told of.
struct BatchPlace: Sendable {
    private enum Kind: Sendable {
        case like(Approval)
        case batch(BatchID)
    }

    private let kind: Kind
    /// What is ticked at first; `nil` for nothing.
    let tick: BatchTick?

    /// Reads a page's query, or the same fields of its form.
    init(_ fields: FormFields, _ exchange: Exchange) async throws {
        if let id = fields["like"].flatMap({ ApprovalID(checking: $0) }) {
            kind = .like(try await exchange.approval(id))
        } else if let batch = fields["batch"].flatMap({ BatchID(checking: $0) }) {
            kind = .batch(batch)
        } else {
            throw Problem(.notFound, "This page is about actions that are like one of them, or of one message.")
        }
        tick = fields["ticked"].flatMap { BatchTick($0) }
    }

    /// The name and the value that say it again.
    var field: (name: String, value: String) {
        switch kind {
        case .like(let approval): ("like", approval.id.rawValue)
        case .batch(let batch): ("batch", batch.rawValue)
        }
    }

    /// The approvals, oldest first, with the few more that say that there are more than a page shows.
    func approvals(_ exchange: Exchange) async throws -> [Approval] {
        switch kind {
        case .batch(let batch):
            var found = [Approval]()
            for id in try await exchange.parts.ledger.outbox.approvals(of: batch, limit: 200) {
                if let approval = try await exchange.parts.ledger.approval(id) { found.append(approval) }
            }
            return found
        case .like(let approval):
            guard let shape = ActionShape(approval) else { return [] }
            var query = ApprovalQuery(
                status: .pending,
                agent: approval.agent,
                connection: approval.connection,
                limit: 200,
            )
            var found = [Approval]()
            // Pages are newest first, and the oldest are to be decided first: they are all looked at, within reason.
            for _ in 0..<10 {
                let page = try await exchange.parts.ledger.approvals(query)
                found += page.items.filter { ActionShape($0) == shape }
                query.cursor = page.next
                if page.next == nil { break }
            }
            return found.reversed()
        }
    }
}

extension BatchID {
    /// Takes an id that came from outside; `nil` unless it has the form of one that we made.
    init?(checking text: String) {
        guard text.utf8.count == 26, text.utf8.starts(with: "bat_".utf8) else { return nil }
        self.init(text)
    }
}

extension BatchBallot.Item {
    /// An approval with its two digests, as a form's checkbox carries them.
    var formValue: String {
        "\(approval) \(actionDigest.rawValue)" + (previewDigest.map { " \($0.rawValue)" } ?? "")
    }

    /// Reads it; `nil` of anything else.
    init?(formValue text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        guard parts.count == 3, let approval = ApprovalID(checking: parts[0]), let action = ActionDigest(parts[1]),
            let preview = ActionDigest(parts[2])
        else { return nil }
        self.init(approval, action, previewDigest: preview)
    }
}
