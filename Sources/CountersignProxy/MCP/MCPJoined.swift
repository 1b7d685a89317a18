import CanonicalJSON
import CountersignCore
import Logging
import MCPWire

/// One endpoint for several servers: their tools and prompts under prefixed names, their resources under prefixed schemes.
///
/// A call is one of the member's own, with the member's policies, approvals and receipts.
struct MCPJoined {
    let exchange: MCPExchange
    let members: [MCPConnection]

    /// Stands between a member's name and its tool's: what hosts allow in names of tools.
    static let separator = "__"

    /// Serves a request; whether the agent's connection can carry another.
    func serve(_ id: RequestID, _ method: MCPMethod, _ params: JSONObject) async throws(MCPFailure) -> Bool {
        switch method {
        case .initialize: return await exchange.welcome(id, try await peer())
        case .discover: return await exchange.introduce(id, try await peer())
        case .toolsList, .promptsList, .resourcesList, .resourceTemplatesList:
            return try await list(id, method)
        case .listen: return await listen(id, params)
        default: return await fail(id, "There is no method of this name for several servers at once.")
        }
    }

    /// The member that a request is for, and the request as that member knows it; `nil` if it names none.
    func member(
        for method: MCPMethod,
        _ params: JSONObject,
    ) -> (connection: MCPConnection, params: JSONObject)? {
        switch method {
        case .toolsCall, .promptsGet: return renamed(params, "name", separator: Self.separator)
        case .resourcesRead, .resourcesSubscribe, .resourcesUnsubscribe: return renamed(params, "uri", separator: "+")
        case .complete:
            guard let ref = params["ref"]?.objectValue else { return nil }
            let isPrompt = ref["type"]?.stringValue == "ref/prompt"
            guard
                let found = renamed(
                    ref,
                    isPrompt ? "name" : "uri",
                    separator: isPrompt ? Self.separator : "+",
                )
            else { return nil }
            var params = params
            params["ref"] = .object(found.params)
            return (found.connection, params)
        default: return nil
        }
    }

    private func renamed(
        _ params: JSONObject,
        _ key: String,
        separator: String,
    ) -> (connection: MCPConnection, params: JSONObject)? {
        guard let name = params[key]?.stringValue else { return nil }
        for member in members {
            let prefix = member.name.rawValue + separator
            guard name.utf8.count > prefix.utf8.count, name.utf8.starts(with: prefix.utf8) else { continue }
            var params = params
            params[key] = .string(String(Substring(name.utf8.dropFirst(prefix.utf8.count))))
            return (member, params)
        }
        return nil
    }

    /// What the members can do together; one that cannot be reached is missing until it can.
    private func peer() async throws(MCPFailure) -> MCPPeer {
        var capabilities = JSONObject()
        var failure: MCPFailure?
        var texts = [String]()
        for member in members {
            do throws(MCPFailure) {
                guard part(member).mayUseAnything, let upstream = try part(member).upstream() else { continue }
                let peer = try await upstream.peer(on: exchange.home)
                for name in ["tools", "prompts", "resources", "completions", "logging"] {
                    guard let capability = peer.capabilities[name]?.objectValue else { continue }
                    // What one of them can, the client may ask for.
                    var all = capabilities[name]?.objectValue ?? JSONObject()
                    for member in capability.members where all[member.key] == nil || member.value == true {
                        all[member.key] = member.value
                    }
                    capabilities[name] = .object(all)
                }
                if let text = peer.instructions { texts.append("\(member.name): \(text)") }
            } catch {
                failure = error
                exchange.context.logger.warning(
                    "a server of a joined connection cannot be reached",
                    metadata: ["connection": "\(member.name)", "reason": "\(error.reason.code.rawValue)"],
                )
            }
        }
        if capabilities.isEmpty, let failure { throw failure }
        return MCPPeer(
            revision: .newest,
            sessionID: nil,
            capabilities: capabilities,
            info: nil,
            instructions: texts.isEmpty ? nil : texts.joined(separator: "\n\n"),
        )
    }

    func part(_ member: MCPConnection) -> MCPExchange {
        MCPExchange(agent: exchange.agent, connection: member, caller: exchange.caller, reply: exchange.reply)
    }

    /// All members' lists in one; each member's pages are gathered, as there is one cursor and several lists.
    private func list(_ id: RequestID, _ method: MCPMethod) async throws(MCPFailure) -> Bool {
        var items = [JSONValue]()
        for member in members {
            do throws(MCPFailure) {
                guard part(member).mayUseAnything, let upstream = try part(member).upstream() else { continue }
                let lists = MCPLists(exchange: part(member), upstream: upstream)
                for item in try await lists.all(method) { items.append(renamed(item, method, member)) }
            } catch {
                exchange.context.logger.warning(
                    "a server of a joined connection cannot be listed",
                    metadata: ["connection": "\(member.name)", "reason": "\(error.reason.code.rawValue)"],
                )
            }
        }
        var page = JSONObject([(MCPLists.member(of: method), .array(items))])
        if exchange.caller.revision.isModern {
            page["cacheScope"] = "private"
            page["ttlMs"] = 0
        }
        return await exchange.finish(id, page)
    }

    private func renamed(_ item: JSONValue, _ method: MCPMethod, _ member: MCPConnection) -> JSONValue {
        guard var object = item.objectValue else { return item }
        let (key, separator) =
            switch method {
            case .resourcesList: ("uri", "+")
            case .resourceTemplatesList: ("uriTemplate", "+")
            default: ("name", Self.separator)
            }
        if let name = object[key]?.stringValue { object[key] = .string("\(member.name)\(separator)\(name)") }
        return .object(object)
    }

    private func fail(_ id: RequestID, _ message: String) async -> Bool {
        await exchange.fail(id, RPCError(code: RPCCode.methodNotFound, message: message))
    }
}
