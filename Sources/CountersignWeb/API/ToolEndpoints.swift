import CanonicalJSON
import CountersignCore
import HTTPTypes

/// The tools of MCP servers: which definitions are accepted, and which wait for a person.
enum ToolEndpoints {
    private static let connection = Parameter.path("connection", .identifier(63), "The connection's name.")
    private static let tool = Parameter.path("tool", .text(128), "The tool's name; percent-encode a slash in it.")

    /// A page with definitions ends with the one that exceeds this.
    ///
    /// Bytes.
    private static let maximumDefinitions = 4 << 20

    /// The endpoints.
    static let all = [
        Endpoint(
            .get,
            "/v1/tools",
            .user,
            name: "listTools",
            "Lists the tools of MCP servers, and how their definitions stand.",
            parameters: [
                .query("connection", .identifier(128), "Only of this connection."),
                .query("status", .choices(ToolStanding.Status.allCases.map(\.rawValue)), "Only those that stand so."),
                .query("definitions", .choice(["true", "false"]), "Whether with the definitions; false if not given."),
                .query("limit", .integer(1...200), "At most so many; 50 if it is not given."),
                .query("cursor", .sequence, "The next_cursor of the page before."),
            ],
            answers: [.json("ToolList", "A page of tools, by connection and name.")],
            run: list,
        ),
        Endpoint(
            .get,
            "/v1/tools/{connection}/{tool}",
            .user,
            name: "getTool",
            "Shows a tool's accepted definition, and the one that its server lists now.",
            parameters: [connection, tool],
            answers: [.json("Tool", "The tool.")],
            run: show,
        ),
        Endpoint(
            .post,
            "/v1/tools/{connection}/{tool}/accept",
            .user,
            name: "acceptTool",
            "Accepts the definition that the server lists now: for the local administrator and the connection's reviewers.",
            intake: .json("ToolAcceptance"),
            parameters: [connection, tool],
            answers: [.json("Tool", "The tool, accepted.")],
            run: accept,
        ),
    ]

    @Sendable private static func list(_ exchange: Exchange) async throws -> Reply {
        let parameters = exchange.parameters
        let statuses = parameters["status"]?.split(separator: ",").compactMap {
            ToolStanding.Status(rawValue: String($0))
        }
        let found = exchange.parts.enforcement.tools.standings().filter { standing in
            parameters["connection"].map { $0.utf8.elementsEqual(standing.name.connection.rawValue.utf8) } ?? true
                && statuses?.contains(standing.status) ?? true
        }
        let start = min(parameters["cursor"].flatMap { Int(strict: $0) } ?? 0, found.count)
        let isWhole = parameters["definitions"] == "true"
        var page = found[start...].prefix(exchange.integer("limit") ?? 50)
        if isWhole {
            var size = 0
            page = page.prefix { standing in
                defer { size += standing.size }
                return size < maximumDefinitions
            }
        }
        let next = page.endIndex < found.count ? String(page.endIndex) : nil
        return .list(page.map { $0.json(isWhole: isWhole) }, next: next)
    }

    @Sendable private static func show(_ exchange: Exchange) async throws -> Reply {
        guard let standing = exchange.parts.enforcement.tools.standing(try name(exchange)) else {
            throw Problem(.notFound, "No server has listed a tool of this name.")
        }
        return .json(standing.json(isWhole: true))
    }

    @Sendable private static func accept(_ exchange: Exchange) async throws -> Reply {
        let members = try exchange.members(["digest"])
        let digest = try members.required("digest", "the digest of the definition that you saw") { ActionDigest($0) }
        let enforcement = exchange.parts.enforcement
        let result = await enforcement.acceptTool(try name(exchange), digest: digest, by: try exchange.user())
        return .json(try result.orProblem().json(isWhole: true))
    }

    /// The tool in the path.
    static func name(_ exchange: Exchange) throws(Problem) -> ToolName {
        guard let connection = exchange.parameters["connection"].flatMap({ ConnectionName($0) }),
            let tool = exchange.parameters["tool"]
        else { throw Problem(.notFound) }
        return ToolName(connection, tool)
    }
}

extension ToolStanding {
    /// How long its definitions are.
    fileprivate var size: Int { (accepted?.text.utf8.count ?? 0) + (listed?.text.utf8.count ?? 0) }

    /// The tool as the API shows it; whole, with both definitions.
    func json(isWhole: Bool) -> JSONValue {
        var accepted = JSONValue.null
        if let tool = self.accepted {
            var by = JSONObject([("id", .string(tool.by.id)), ("type", .string(tool.by.type))])
            if let via = tool.by.via { by["via"] = .string(via) }
            var object = JSONObject([
                ("at", .string(tool.at.rfc3339)), ("by", .object(by)), ("digest", .string(tool.digest.rawValue)),
            ])
            if isWhole { object["definition"] = .string(tool.text) }
            accepted = .object(object)
        }
        var listed = JSONValue.null
        if let tool = self.listed {
            var object = JSONObject([
                ("digest", .string(tool.digest.rawValue)), ("warnings", .array(tool.warnings.map { .string($0) })),
            ])
            if isWhole { object["definition"] = .string(tool.text) }
            listed = .object(object)
        }
        return .object(
            JSONObject([
                ("accepted", accepted), ("connection", .string(name.connection.rawValue)), ("listed", listed),
                ("seen_at", .time(seenAt)), ("status", .string(status.rawValue)), ("tool", .string(name.tool)),
            ])
        )
    }
}
