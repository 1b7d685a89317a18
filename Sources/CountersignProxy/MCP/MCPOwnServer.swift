import CanonicalJSON
import CountersignCore
import MCPWire
import NIOCore

/// Countersign as an MCP server: an agent lists its own approvals, waits for one, adds words to one and answers people's,
/// takes one back.
///
/// There is no tool that decides, and there must never be one: an agent is not who approves.
struct MCPOwnServer {
    let exchange: MCPExchange

    var enforcement: Enforcement { exchange.context.enforcement }

    /// The connection that this server is reached at.
    static let name = ConnectionName(unchecked: "countersign")

    /// Serves a request; whether the agent's connection can carry another.
    func serve(_ id: RequestID, _ method: MCPMethod, _ params: JSONObject) async throws(MCPFailure) -> Bool {
        switch method {
        case .initialize: return await exchange.welcome(id, Self.peer)
        case .discover: return await exchange.introduce(id, Self.peer)
        case .ping: return await exchange.finish(id, JSONObject())
        case .toolsList:
            var result = JSONObject([("tools", .array(Self.tools))])
            if exchange.caller.revision.isModern {
                result["cacheScope"] = "private"
                result["ttlMs"] = 60_000
            }
            return await exchange.finish(id, result)
        case .toolsCall:
            let arguments = params["arguments"]?.objectValue ?? JSONObject()
            do throws(LedgerError) {
                switch params["name"]?.stringValue {
                case "list_approvals": return try await list(id, arguments)
                case "wait_for_approval": return try await wait(id, arguments)
                case "add_justification": return try await addJustification(id, arguments)
                case "withdraw_approval": return try await withdraw(id, arguments)
                case "request_permission": return try await requestPermission(id, arguments)
                default: break
                }
            } catch {
                throw MCPFailure(error.reason.code, error.reason.message, executed: false)
            }
            return await exchange.fail(
                id,
                RPCError(code: RPCCode.invalidParams, message: "There is no tool of this name.")
            )
        default:
            return await exchange.fail(
                id,
                RPCError(code: RPCCode.methodNotFound, message: "There is no method of this name.")
            )
        }
    }

    private static let peer = MCPPeer(
        revision: .newest,
        sessionID: nil,
        capabilities: JSONObject([("tools", .object(JSONObject()))]),
        info: .object(JSONObject([("name", "countersign"), ("title", "Countersign approvals"), ("version", "1")])),
        instructions: "Your own requests for approval: list them, wait for one, add to why you ask, answer what people "
            + "ask about one, or take one back. Only people decide.",
    )

    /// The tools, in the order in which they are listed.
    static let tools: [JSONValue] = [
        tool(
            "list_approvals",
            "Lists your own requests for a human's approval, newest first, with where each stands and who said what.",
            [("status", string("Only those that stand so: pending, approved, denied, expired, succeeded, failed, …"))],
            required: [],
            readOnly: true,
        ),
        tool(
            "wait_for_approval",
            "Waits until people have decided on one of your requests, a person asks or tells you something on it, or the "
                + "time is over, and says how it stands. A comment decides nothing. To run what was approved, call the "
                + "same tool again with identical arguments.",
            [
                (
                    "comments_seen",
                    integer(
                        "How many of the request's comments you have read, to wait for more; if you do not say, those up "
                            + "to your own last one."
                    )
                ),
                ("id", string("The approval's id, apr_…")),
                ("seconds", integer("How long to wait; 40 if you do not say, 200 at most.")),
            ],
            required: ["id"],
            readOnly: true,
        ),
        tool(
            "add_justification",
            "Adds to why you ask, or answers what a person asked, on one of your requests that has not run. The people who "
                + "decide see it as your words, beside what you said before; what they approve stays the same. "
                + "\(ApprovalComment.maximumOfAgent) times a request at most, and once more for each comment of people's.",
            [
                ("id", string("The approval's id, apr_…")),
                (
                    "text",
                    .object(
                        JSONObject([
                            ("description", "Your words, for people."),
                            ("maxLength", .integer(Int64(ApprovalComment.Words.maximumLength))), ("minLength", 1),
                            ("type", "string"),
                        ])
                    )
                ),
            ],
            required: ["id", "text"],
            readOnly: false,
        ),
        tool(
            "withdraw_approval",
            "Takes back one of your pending requests, which then is never run.",
            [("id", string("The approval's id, apr_…"))],
            required: ["id"],
            readOnly: false,
        ),
        tool(
            "request_permission",
            "For hosts, as their permission prompt: asks whether a tool of the host's own may run, and waits until policy or "
                + "people have said so.",
            [
                ("connection", string("The gateway's connection of the kind hook; not needed where there is one.")),
                (
                    "input",
                    .object(JSONObject([("description", "What the tool is given."), ("type", "object")]))
                ),
                ("tool_name", string("The tool.")), ("tool_use_id", string("The host's name of the call.")),
            ],
            required: ["tool_name", "input"],
            readOnly: false,
        ),
    ]

    private static func tool(
        _ name: String,
        _ description: String,
        _ properties: [(String, JSONValue)],
        required: [String],
        readOnly: Bool,
    ) -> JSONValue {
        .object(
            JSONObject([
                (
                    "annotations",
                    .object(JSONObject([("openWorldHint", false), ("readOnlyHint", .bool(readOnly))]))
                ),
                ("description", .string(description)),
                (
                    "inputSchema",
                    .object(
                        JSONObject([
                            ("additionalProperties", false), ("properties", .object(JSONObject(properties))),
                            ("required", .array(required.map { .string($0) })), ("type", "object"),
                        ])
                    )
                ),
                ("name", .string(name)),
            ])
        )
    }

    private static func string(_ description: String) -> JSONValue {
        .object(JSONObject([("description", .string(description)), ("type", "string")]))
    }

    private static func integer(_ description: String) -> JSONValue {
        .object(
            JSONObject([
                ("description", .string(description)), ("maximum", 200), ("minimum", 0), ("type", "integer"),
            ])
        )
    }

    // MARK: the tools

    private func list(_ id: RequestID, _ arguments: JSONObject) async throws(LedgerError) -> Bool {
        var query = ApprovalQuery(agent: exchange.caller.agent)
        query.limit = 20
        if let text = arguments["status"]?.stringValue {
            guard let status = ApprovalStatus(rawValue: text) else {
                return await say(id, "There is no status \(text.cut(to: 40)).", isError: true)
            }
            query.status = status
        }
        let page = try await enforcement.ledger.approvals(query)
        return await show(id, .array(page.items.map { Self.describe($0) }))
    }

    private func wait(_ id: RequestID, _ arguments: JSONObject) async throws(LedgerError) -> Bool {
        guard let approval = try await own(arguments) else { return await unknown(id) }
        let seconds = min(max(arguments["seconds"]?.integerValue ?? 40, 0), 200)
        let seen = arguments["comments_seen"]?.integerValue.map { Int(clamping: max($0, 0)) }
        let found = try await decided(approval, within: .seconds(seconds)) { Self.hasNews($0, after: seen) }
        return await show(id, Self.describe(found, hasNews: Self.hasNews(found, after: seen)))
    }

    /// The approval when it is no longer pending or is `enough`, or when the time is over or the client has gone.
    func decided(
        _ approval: Approval,
        within time: Duration,
        or isEnough: (Approval) -> Bool = { _ in false },
    ) async throws(LedgerError) -> Approval {
        let deadline = enforcement.clock.time().adding(time)
        let feed = enforcement.ledger.feed
        let watch = feed.watch(approval.id)
        let stream = exchange.agent.stream
        stream.whenClosed { feed.cancel(watch) }
        let drain = exchange.context.drain.onDrain { feed.cancel(watch) }
        defer {
            exchange.context.drain.forget(drain)
            stream.whenClosed(nil)
            feed.end(watch)
        }
        var current = try await enforcement.ledger.approval(approval.id) ?? approval
        while current.status == .pending, !isEnough(current), !exchange.reply.isGone,
            !exchange.context.drain.isDraining
        {
            let now = enforcement.clock.time()
            if now >= deadline { break }
            await exchange.reply.keepAlive()
            if let next = await feed.wait(watch, until: min(deadline, now.adding(.seconds(12)))) {
                current = next
            } else {
                try await enforcement.settleIfDue(current.id)
                current = try await enforcement.ledger.approval(current.id) ?? current
            }
        }
        return current
    }

    private func withdraw(_ id: RequestID, _ arguments: JSONObject) async throws(LedgerError) -> Bool {
        guard let approval = try await own(arguments) else { return await unknown(id) }
        switch await enforcement.withdraw(approval.id, by: exchange.caller.agent) {
        case .success(let ended): return await show(id, Self.describe(ended))
        case .failure(let reason): return await say(id, reason.message, isError: true)
        }
    }

    private func addJustification(_ id: RequestID, _ arguments: JSONObject) async throws(LedgerError) -> Bool {
        guard let words = arguments["text"]?.stringValue.flatMap({ ApprovalComment.Words($0) }) else {
            return await say(id, "text must be \(ApprovalComment.Words.demand).", isError: true)
        }
        guard let approval = try await own(arguments) else { return await unknown(id) }
        switch await enforcement.comment(approval.id, words, by: exchange.caller.agent) {
        case .success(let commented): return await show(id, Self.describe(commented))
        case .failure(let reason): return await say(id, reason.message, isError: true)
        }
    }

    /// The approval that is asked for, if it is this agent's; another's is none.
    private func own(_ arguments: JSONObject) async throws(LedgerError) -> Approval? {
        guard let id = arguments["id"]?.stringValue.flatMap({ ApprovalID($0) }),
            let approval = try await enforcement.ledger.approval(id), approval.agent == exchange.caller.agent
        else { return nil }
        return approval
    }

    // MARK: answers

    func show(_ id: RequestID, _ value: JSONValue) async -> Bool {
        await say(id, String(decoding: value.canonicalBytes(), as: UTF8.self), isError: false)
    }

    func say(_ id: RequestID, _ text: String, isError: Bool) async -> Bool {
        let modern = exchange.caller.revision.isModern
        return await exchange.finish(id, ToolResults.text(text, isError: isError, meta: nil, modern: modern))
    }

    private func unknown(_ id: RequestID) async -> Bool {
        await say(id, "You have no approval of this id.", isError: true)
    }
}
