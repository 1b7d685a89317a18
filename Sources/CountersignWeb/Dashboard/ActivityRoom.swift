import CanonicalJSON
import CountersignCore
import HTTPTypes

/// The log: a search, and each entry.
enum ActivityRoom {
    /// The endpoints.
    static let endpoints = [
        Endpoint(page: .get, "/activity", .user, run: search),
        Endpoint(page: .get, "/activity/{sequence}", .user, run: show),
    ]

    @Sendable private static func search(_ exchange: Exchange) async throws -> Reply {
        let form = ActivityForm(exchange.query)
        var query = form.query
        query.cursor = exchange.query["cursor"].flatMap { UInt64(strict: $0) }.map { String($0) }
        let page = try await exchange.parts.ledger.entries(query)
        let content = ActivityPage(
            form: form,
            entries: page.items.map { EntryView($0, now: exchange.now) },
            isEmpty: page.items.isEmpty,
            next: page.next.map { Markup("/activity?" + form.encoded(cursor: $0)) } ?? .none,
            isFirst: query.cursor == nil,
        )
        return try exchange.page("activity", "Activity", content, room: .activity)
    }

    @Sendable private static func show(_ exchange: Exchange) async throws -> Reply {
        guard let sequence = exchange.parameters["sequence"].flatMap({ UInt64(strict: $0) }),
            sequence <= UInt64(Int64.max), let entry = try await exchange.parts.ledger.entry(sequence)
        else { throw Problem(.notFound, "The log has no such entry.") }
        let payload = entry.payload.map { payload in
            let text = String(validating: payload.bytes, as: UTF8.self)
            let json = text.flatMap { StoredJSON.value($0) }
            return VisibleText.block(json?.prettyText() ?? text ?? "\(payload.bytes.count) bytes that are not text")
        }
        let size = try await exchange.parts.ledger.treeHead().size
        let content = EntryPage(
            entry: EntryView(entry, now: exchange.now),
            text: VisibleText.block(entry.json.prettyText()),
            payload: payload ?? .none,
            isErased: payload == nil && entry.json["payload"] != nil,
            receipt: Markup("/v1/entries/\(sequence)/receipt"),
            older: sequence > 0 ? Markup("/activity/\(sequence - 1)") : .none,
            newer: sequence + 1 < size ? Markup("/activity/\(sequence + 1)") : .none,
        )
        return try exchange.page("entry", "Entry \(sequence)", content, room: .activity)
    }
}

/// What a search of the log asks for.
struct ActivityForm {
    /// The kinds to choose from.
    let kinds: [Choice]
    /// The effects to choose from.
    let effects: [Choice]
    /// The statuses to choose from.
    let statuses: [Choice]
    /// The agent.
    let agent: Markup
    /// The user.
    let user: Markup
    /// The connection.
    let connection: Markup
    /// The text.
    let text: Markup
    /// The first day.
    let from: Markup
    /// The last day.
    let to: Markup
    /// Whether anything narrows the search.
    let isNarrowed: Bool
    /// The same for the ledger.
    let query: EntryQuery
    private let pairs: [(String, String)]

    /// A word to choose.
    struct Choice {
        /// The word.
        let name: Markup
        /// Whether it is chosen.
        let isChosen: Bool

        /// All the words of a set, of which one may be chosen.
        static func all<Word: RawRepresentable<String> & CaseIterable>(_ chosen: Word?) -> [Choice] {
            Word.allCases.map { Choice(name: Markup($0.rawValue), isChosen: $0.rawValue == chosen?.rawValue) }
        }
    }

    /// Reads the form leniently: what cannot be understood does not narrow the search.
    init(_ fields: FormFields) {
        let kind = fields["kind"].flatMap { EntryKind(rawValue: $0) }
        let effect = fields["effect"].flatMap { Effect(rawValue: $0) }
        let status = fields["status"].flatMap { EntryStatus(rawValue: $0) }
        let agent = fields["agent"].flatMap { AgentID($0) }
        let user = fields["user"].flatMap { UserID($0) }
        let connection = fields["connection"].flatMap { ConnectionName($0) }
        let text = fields["q"].map { $0.cut(to: 200) }.flatMap { $0.isEmpty ? nil : $0 }
        let from = fields["from"].flatMap { Timestamp(rfc3339: $0 + "T00:00:00Z") == nil ? nil : $0 }
        let to = fields["to"].flatMap { Timestamp(rfc3339: $0 + "T00:00:00Z") == nil ? nil : $0 }
        kinds = Choice.all(kind)
        effects = Choice.all(effect)
        statuses = Choice.all(status)
        self.agent = Markup(agent?.rawValue ?? "")
        self.user = Markup(user?.rawValue ?? "")
        self.connection = Markup(connection?.rawValue ?? "")
        self.text = Markup(text ?? "")
        self.from = Markup(from ?? "")
        self.to = Markup(to ?? "")
        query = EntryQuery(
            kinds: kind.map { [$0] } ?? [],
            agent: agent,
            user: user,
            connection: connection,
            effects: effect.map { [$0] } ?? [],
            statuses: status.map { [$0] } ?? [],
            from: from.flatMap { Timestamp(rfc3339: $0 + "T00:00:00Z") },
            // The last day is meant to the end.
            to: to.flatMap { Timestamp(rfc3339: $0 + "T00:00:00Z")?.adding(.seconds(86_400)) },
            text: text,
        )
        let given = [
            ("q", text), ("kind", kind?.rawValue), ("effect", effect?.rawValue), ("status", status?.rawValue),
            ("agent", agent?.rawValue), ("user", user?.rawValue), ("connection", connection?.rawValue), ("from", from),
            ("to", to),
        ]
        pairs = given.compactMap { name, value in value.map { (name, $0) } }
        isNarrowed = !pairs.isEmpty
    }

    /// The query of the next page.
    func encoded(cursor: String) -> String {
        (pairs + [("cursor", cursor)]).map { "\($0.0)=\(PercentCoding.encode($0.1))" }.joined(separator: "&")
    }
}

/// The search page.
struct ActivityPage {
    /// What was asked.
    let form: ActivityForm
    /// What was found.
    let entries: [EntryView]
    /// Whether nothing was.
    let isEmpty: Bool
    /// The next page.
    let next: Markup
    /// Whether this is the newest page.
    let isFirst: Bool
}

/// An entry's page.
struct EntryPage {
    /// The entry.
    let entry: EntryView
    /// Its JSON.
    let text: Markup
    /// What stands beside it.
    let payload: Markup
    /// Whether that was erased.
    let isErased: Bool
    /// Its receipt.
    let receipt: Markup
    /// The entry before.
    let older: Markup
    /// The entry after.
    let newer: Markup
}
