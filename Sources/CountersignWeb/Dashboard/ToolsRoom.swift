import CanonicalJSON
import CountersignCore
import HTTPTypes

/// The tools of MCP servers: which definitions are accepted, and which wait for a person.
enum ToolsRoom {
    /// The endpoints.
    static let endpoints = [
        Endpoint(page: .get, "/tools", .user, run: list),
        Endpoint(page: .get, "/tools/{connection}/{tool}", .user, run: show),
        Endpoint(page: .post, "/tools/{connection}/{tool}/accept", .user, run: accept),
    ]

    @Sendable private static func list(_ exchange: Exchange) async throws -> Reply {
        let standings = exchange.parts.enforcement.tools.standings()
        let names = standings.map(\.name.connection)
        let connections = names.indices.filter { $0 == 0 || names[$0] != names[$0 - 1] }.map { names[$0] }
        let content = ToolsPage(
            connections: connections.map { name in
                ToolsPage.Server(
                    name: Markup(name.rawValue),
                    // What waits for somebody stands first.
                    tools: standings.filter { $0.name.connection == name }.sorted { $0.waits && !$1.waits }
                        .map { ToolView($0, now: exchange.now) },
                )
            },
            isEmpty: standings.isEmpty,
        )
        return try exchange.page("tools", "Tools", content, room: .tools)
    }

    @Sendable private static func show(_ exchange: Exchange) async throws -> Reply {
        let name = try ToolEndpoints.name(exchange)
        guard let standing = exchange.parts.enforcement.tools.standing(name) else {
            throw Problem(.notFound, "No server has listed a tool of this name.")
        }
        let may = exchange.parts.enforcement.mayAccept(try exchange.user(), on: name.connection)
        let content = ToolPage(standing, may: may, message: message(exchange.query["result"]), now: exchange.now)
        return try exchange.page("tool", "The tool \(name.tool)", content, room: .tools)
    }

    @Sendable private static func accept(_ exchange: Exchange) async throws -> Reply {
        let name = try ToolEndpoints.name(exchange)
        let form = FormFields(String(decoding: exchange.body, as: UTF8.self)) ?? FormFields()
        guard let digest = form["digest"].flatMap({ ActionDigest($0) }) else {
            throw Problem(.badRequest, "The form is not complete. Reload the page and decide again.")
        }
        let back = ToolView.link(name)
        guard form["confirmed"] == "yes" else { return .seeOther(back + "?result=unconfirmed") }
        switch await exchange.parts.enforcement.acceptTool(name, digest: digest, by: try exchange.user()) {
        case .success: return .seeOther(back + "?result=accepted")
        case .failure(let reason) where reason.code.status >= 500: throw Problem(reason)
        case .failure(let reason): return .seeOther(back + "?result=" + reason.code.rawValue)
        }
    }

    /// What a result in the query means; only texts of our own are ever shown.
    private static func message(_ result: String?) -> Message? {
        switch result {
        case nil: nil
        case "accepted": Message("Accepted. Agents see this definition from now on.", "good")
        case "unconfirmed": Message("Not accepted. Say that you have read the definition.", "bad")
        case "digest-mismatch": Message("Not accepted. The server lists another definition by now: this one.", "bad")
        case .some(let code): ReasonCode(rawValue: code).map { Message("Not accepted. " + $0.explanation, "bad") }
        }
    }
}

/// The page of all tools.
struct ToolsPage {
    /// The servers.
    let connections: [Server]
    /// Whether no tool is known.
    let isEmpty: Bool

    /// A server.
    struct Server {
        /// The connection's name.
        let name: Markup
        /// Its tools.
        let tools: [ToolView]
    }
}

/// A tool in a list.
struct ToolView {
    /// Its page.
    let link: Markup
    /// Its name.
    let name: Markup
    /// How it stands.
    let status: Pill
    /// Who accepted it.
    let by: Markup
    /// When.
    let at: Moment?
    /// How many things in what the server lists deceive a reader; empty for none.
    let warnings: Markup

    /// Describes a tool.
    init(_ standing: ToolStanding, now: Timestamp) {
        link = Markup(Self.link(standing.name))
        name = VisibleText.line(standing.name.tool)
        status = Pill(standing.status)
        by = standing.accepted.map { Markup($0.by.type == "System" ? "the gateway, at first use" : $0.by.id) } ?? .none
        at = standing.accepted.map { Moment($0.at, now: now) }
        let count = standing.listed?.warnings.count ?? 0
        warnings = count == 0 ? .none : Markup("\(count) hidden")
    }

    static func link(_ name: ToolName) -> String {
        "/tools/\(name.connection)/" + PercentCoding.encode(name.tool)
    }
}

/// The page of one tool.
struct ToolPage {
    let connection: Markup
    let tool: ToolView
    let message: Message?
    let words: ToolWords?
    let warnings: [Markup]
    let hasWarnings: Bool
    /// The difference, or the whole definition where there is nothing to compare.
    let lines: [DifferenceLine]
    let hasDifference: Bool
    let acceptedText: Markup
    let digest: Markup
    let acceptedDigest: Markup
    let waits: Bool
    let mayAccept: Bool
    let mayNot: Bool

    init(_ standing: ToolStanding, may: Bool, message: Message?, now: Timestamp) {
        connection = Markup(standing.name.connection.rawValue)
        tool = ToolView(standing, now: now)
        self.message = message
        words = (standing.listed?.text ?? standing.accepted?.text).map { ToolWords($0) }
        warnings = (standing.listed?.warnings ?? []).map { VisibleText.line($0) }
        hasWarnings = !warnings.isEmpty
        let old = standing.accepted.map { ToolWords.pretty($0.text) }
        let new = standing.listed.map { ToolWords.pretty($0.text) }
        hasDifference = standing.status == .changed
        lines =
            hasDifference
            ? LineDifference.lines(from: old ?? "", to: new ?? "").map { DifferenceLine($0) }
            : (new ?? old ?? "").split(separator: "\n", omittingEmptySubsequences: false)
                .map { DifferenceLine(.init(kind: .kept, text: String($0))) }
        acceptedText = old.map { VisibleText.block($0) } ?? .none
        digest = standing.listed.map { Markup($0.digest.rawValue) } ?? .none
        acceptedDigest = standing.accepted.map { Markup($0.digest.rawValue) } ?? .none
        waits = standing.waits
        mayAccept = standing.waits && may
        mayNot = standing.waits && !may
    }
}

/// A line of a difference.
struct DifferenceLine {
    /// `+`, `-` or a space.
    let mark: Markup
    /// The class of the style sheet.
    let tone: Markup
    /// What a screen reader says before it.
    let word: Markup
    /// The line.
    let text: Markup

    /// Describes a line.
    init(_ line: LineDifference.Line) {
        text = VisibleText.line(line.text)
        switch line.kind {
        case .kept: (mark, tone, word) = (Markup(" "), Markup("same"), .none)
        case .removed: (mark, tone, word) = (Markup("-"), Markup("gone"), Markup("removed: "))
        case .added: (mark, tone, word) = (Markup("+"), Markup("new"), Markup("added: "))
        }
    }
}

/// What a server says of a tool; shown as its words, and believed of nobody.
struct ToolWords {
    /// The title.
    let title: Markup
    /// The description.
    let description: Markup
    /// The annotations, each with its value.
    let claims: [NamedText]
    /// Whether there are any.
    let hasClaims: Bool

    /// Reads a canonical definition.
    init(_ text: String) {
        let value = StoredJSON.value(text) ?? .null
        title = value["title"]?.stringValue.map { VisibleText.line($0) } ?? .none
        description = value["description"]?.stringValue.map { VisibleText.block($0) } ?? .none
        claims = (value["annotations"]?.objectValue?.members ?? []).map { member in
            NamedText(name: VisibleText.line(member.key), text: VisibleText.line(member.value.canonicalText))
        }
        hasClaims = !claims.isEmpty
    }

    /// A definition laid out, with each line of a long text on its own line; for reading, not for machines.
    static func pretty(_ text: String) -> String {
        guard let value = StoredJSON.value(text) else { return text }
        // A line break in a text is written as the two characters that it has in JSON, and the line is broken after it.
        return value.prettyText().split(separator: "\\n", omittingEmptySubsequences: false).joined(
            separator: "\\n\n    "
        )
    }
}

extension Pill {
    /// How a tool's definition stands.
    init(_ status: ToolStanding.Status) {
        let tone =
            switch status {
            case .accepted: "good"
            case .new, .changed: "wait"
            case .gone, .unseen: "calm"
            }
        self.init(status.rawValue, tone: tone)
    }
}
