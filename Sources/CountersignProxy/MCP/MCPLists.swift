import CanonicalJSON
import CountersignCore
import MCPWire

/// Serves lists of what a server has: an agent sees only what policy could ever let it use.
struct MCPLists {
    let exchange: MCPExchange
    let upstream: MCPUpstream

    private var translator: MCPTranslator { MCPTranslator(connection: exchange.connection) }

    /// Answers a list request; whether the agent's connection can carry another.
    func serve(_ id: RequestID, _ method: MCPMethod, _ params: JSONObject) async throws(MCPFailure) -> Bool {
        var out = JSONObject()
        if let cursor = params["cursor"] {
            guard let opened = cursor.stringValue.flatMap({ exchange.opened($0, of: method.rawValue) }) else {
                let message = "cursor must be one that this list has given"
                return await exchange.fail(id, RPCError(code: RPCCode.invalidParams, message: message))
            }
            out["cursor"] = .string(opened)
        }
        let peer = try await upstream.peer(on: exchange.home)
        guard peer.capabilities[Self.capability(of: method)] != nil else {
            let message = "The server has no \(Self.capability(of: method))."
            return await exchange.fail(id, RPCError(code: RPCCode.methodNotFound, message: message))
        }
        var page = try await upstream.ask(method.rawValue, out, on: exchange.home)
        // Whoever lists from the start sees what the server has now; so does policy from here on.
        if method == .toolsList, out["cursor"] == nil { try await learn(from: page) }
        if let next = page["nextCursor"] {
            page["nextCursor"] = next.stringValue.map { .string(exchange.sealed($0, of: method.rawValue)) }
        }
        let member = Self.member(of: method)
        let items = page[member]?.arrayValue ?? []
        page[member] = .array(items.compactMap { item in shown(item, method) })
        if exchange.caller.revision.isModern {
            // What an agent sees depends on who it is, and on policy, which may change.
            page["cacheScope"] = "private"
            page["ttlMs"] = 0
            page["resultType"] = "complete"
        }
        return await exchange.finish(id, page)
    }

    /// Everything of a kind that this agent may see, all pages; nothing where the server has no such thing.
    func all(_ method: MCPMethod) async throws(MCPFailure) -> [JSONValue] {
        let peer = try await upstream.peer(on: exchange.home)
        guard peer.capabilities[Self.capability(of: method)] != nil else { return [] }
        if method == .toolsList { try await learnTools() }
        let items = try await MCPTools.pages(method.rawValue, Self.member(of: method), upstream, on: exchange.home)
        return items.compactMap { shown($0, method) }
    }

    /// Fills the catalogue from the first page of a list, and the pages after it.
    private func learn(from page: JSONObject) async throws(MCPFailure) {
        if page["nextCursor"] != nil { return try await learnTools() }
        await MCPTools.take(page["tools"]?.arrayValue ?? [], exchange.connection, exchange.context)
    }

    /// Fills the catalogue.
    func learnTools() async throws(MCPFailure) {
        try await MCPTools.learn(exchange.connection, upstream, exchange.context, on: exchange.home)
    }

    /// An item as this agent sees it; `nil` if it may not be used under any approval.
    private func shown(_ item: JSONValue, _ method: MCPMethod) -> JSONValue? {
        let asked: (MCPMethod, String, String?)
        var item = item
        switch method {
        case .toolsList:
            guard let tool = MCPTool(item), let form = accepted(tool, item) else { return nil }
            (asked, item) = ((.toolsCall, "name", tool.definition.name), form)
        case .promptsList: asked = (.promptsGet, "name", item["name"]?.stringValue)
        case .resourcesList: asked = (.resourcesRead, "uri", item["uri"]?.stringValue)
        // A template stands for resources that nobody can list: whoever may read something here may see it.
        default: asked = (.setLevel, "level", "info")
        }
        guard let name = asked.2,
            let action = try? translator.action(
                asked.0,
                JSONObject([(asked.1, .string(name))]),
                agent: exchange.caller.agent,
                onBehalfOf: exchange.caller.onBehalfOf,
            ), exchange.context.enforcement.couldAllow(action)
        else { return nil }
        guard method == .toolsList, !exchange.caller.revision.isModern, var object = item.objectValue else {
            return item
        }
        // A held call may be had as a task; no client need (agent-protocols B.8, T2).
        object["execution"] = .object(JSONObject([("taskSupport", "optional")]))
        return .object(object)
    }

    /// A tool as it was accepted; `nil` if it never was: what nobody has looked at must not reach a model.
    private func accepted(_ tool: MCPTool, _ item: JSONValue) -> JSONValue? {
        let name = ToolName(exchange.connection.name, tool.definition.name)
        guard let accepted = exchange.context.enforcement.tools.accepted(name) else { return nil }
        if accepted.digest == tool.listed.digest { return item }
        return try? JSONParser.parse(accepted.text, limits: JSONLimits(maxDepth: 128, allowsNoncharacters: true))
    }

    private static func capability(of method: MCPMethod) -> String {
        switch method {
        case .toolsList: "tools"
        case .promptsList: "prompts"
        default: "resources"
        }
    }

    /// The member of a list's result that has the items.
    static func member(of method: MCPMethod) -> String {
        switch method {
        case .toolsList: "tools"
        case .promptsList: "prompts"
        case .resourceTemplatesList: "resourceTemplates"
        default: "resources"
        }
    }
}
