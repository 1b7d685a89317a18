import CanonicalJSON
import Cedar
import CountersignCore
import CountersignProxy
import HTTPWire
import Yams

/// Reads the items of `cases`.
struct CaseRequestReader {
    let reader: NodeReader
    let world: CaseWorld
    private let defaults: [String: Node]

    static let plainKeys = ["principal", "action", "resource", "context", "entities"] + circumstanceKeys
    private static let circumstanceKeys = ["time", "source_address", "justification", "on_behalf_of"]
    private static let requestKeys =
        [
            "agent", "connection", "method", "path", "query", "headers", "body", "effect", "operation", "operations",
            "tool", "arguments",
        ] + plainKeys

    init(reader: NodeReader, world: CaseWorld, defaults: Node?) {
        self.reader = reader
        self.world = world
        self.defaults = reader.mapping(defaults, "defaults", known: Self.requestKeys)
    }

    /// One case; `nil` if something is wrong, which the reader then knows.
    func policyCase(_ node: Node, _ path: String) -> PolicyCase? {
        let members = reader.mapping(node, path, known: ["name", "request", "expect"])
        let name = reader.text(members["name"], path + ".name")
        let expectation = expectation(members["expect"], path + ".expect")
        guard let name = reader.require(name, members, "name", of: node, path),
            let requestNode = reader.require(members["request"], members, "request", of: node, path),
            let expectation = reader.require(expectation, members, "expect", of: node, path)
        else { return nil }
        var world = world
        guard let question = question(requestNode, path + ".request", &world) else { return nil }
        guard let directory = try? world.directory() else {
            reader.fail(node, path, "has agents, users or connections that contradict each other")
            return nil
        }
        return PolicyCase(
            name: name,
            file: reader.file,
            line: node.mark?.line ?? 1,
            question: question,
            expectation: expectation,
            directory: directory,
        )
    }

    private func question(_ node: Node, _ path: String, _ world: inout CaseWorld) -> PolicyCase.Question? {
        let own = reader.mapping(node, path, known: Self.requestKeys)
        if own["principal"] != nil { return plainRequest(own, node, path, world) }
        let members = defaults.merging(own) { _, own in own }
        guard let (agent, connection) = parties(members, node, path, &world) else { return nil }
        let human = reader.identifier(members["on_behalf_of"], path + ".on_behalf_of", UserID.self, "a user's id")
        let onBehalfOf: UserID?
        guard let directory = try? world.directory() else { return nil }
        switch directory.actedFor(by: directory.agents[agent] ?? Agent(id: agent, owner: nil), claiming: human) {
        case .success(let human): onBehalfOf = human
        case .failure(let reason): return .refused(reason)
        }
        let (circumstances, time) = circumstances(members, path)
        let action: Action?
        do {
            if members["operations"] != nil || members["resource"] != nil {
                action = operations(members, node, path, agent, onBehalfOf, connection, directory)
            } else if members["tool"] != nil {
                action = call(members, node, path, agent, onBehalfOf, connection, world)
            } else {
                action = try request(members, node, path, agent, onBehalfOf, connection, world)
            }
        } catch {
            return .refused(error)
        }
        return action.map { .action($0, circumstances, time) }
    }

    /// The agent and the connection of a request, which may describe them itself.
    private func parties(
        _ members: [String: Node],
        _ node: Node,
        _ path: String,
        _ world: inout CaseWorld,
    ) -> (AgentID, ConnectionName)? {
        var agent: AgentID?
        if let item = members["agent"] {
            if case .mapping = item {
                agent = world.put(agent: item, path + ".agent", reader, mayReplace: true)
            } else {
                let known = world.agents.map(\.id.rawValue)
                agent = declared(item, path + ".agent", known, "agent").flatMap { AgentID($0) }
            }
        }
        var connection: ConnectionName?
        if let item = members["connection"] {
            if case .mapping = item {
                connection = world.put(connection: item, path + ".connection", reader, mayReplace: true)
            } else {
                let known = world.described.map(\.name.rawValue)
                connection = declared(item, path + ".connection", known, "connection").flatMap { ConnectionName($0) }
            }
        }
        guard let agent = reader.require(agent, members, "agent", of: node, path),
            let connection = reader.require(connection, members, "connection", of: node, path)
        else { return nil }
        return (agent, connection)
    }

    /// A name that must be among those declared.
    func declared(_ node: Node, _ path: String, _ known: [String], _ what: String) -> String? {
        guard let text = reader.text(node, path) else { return nil }
        guard known.contains(where: { $0.utf8.elementsEqual(text.utf8) }) else {
            let advice =
                NearestName.find(text, among: known).map { "did you mean \($0)?" }
                ?? "declared are: \(known.isEmpty ? "none" : known.sorted().joined(separator: ", "))"
            reader.fail(node, path, "\"\(text)\" is not a declared \(what); \(advice)")
            return nil
        }
        return text
    }

    func circumstances(_ members: [String: Node], _ path: String) -> (Circumstances, Timestamp) {
        var time = CaseFile.noon
        if let text = reader.text(members["time"], path + ".time") {
            if let moment = Timestamp(rfc3339: text) {
                time = moment
            } else {
                reader.fail(members["time"], path + ".time", "\"\(text)\" is not a time; write 2026-07-01T12:00:00Z")
            }
        }
        let address = reader.text(members["source_address"], path + ".source_address")
        if let address, (try? IPAddress(parsing: CedarString(address))) == nil {
            reader.fail(members["source_address"], path + ".source_address", "\"\(address)\" is not an IP address")
        }
        let justification = reader.text(members["justification"], path + ".justification")
        return (Circumstances(sourceAddress: address ?? CaseFile.address, justification: justification), time)
    }

    /// A request on an HTTP connection, translated as the gateway does.
    private func request(
        _ members: [String: Node],
        _ node: Node,
        _ path: String,
        _ agent: AgentID,
        _ onBehalfOf: UserID?,
        _ name: ConnectionName,
        _ world: CaseWorld,
    ) throws(Reason) -> Action? {
        guard let connection = world.connections.first(where: { $0.name == name }) else { return nil }
        if world.described.first(where: { $0.name == name })?.kind != "http" {
            let isMCP = world.mcp.contains { $0.name == name }
            let advice = isMCP ? "give tool and arguments" : "give effect and resource, or operations"
            reader.fail(node, path, "is on a connection that is not http; \(advice)")
            return nil
        }
        let parts = ConnectionReader(reader: reader, path: path)
        let settled = (
            parts.effect(members["effect"], path), parts.operation(members["operation"], path)
        )
        let method = reader.text(members["method"], path + ".method") ?? (settled.0 == nil ? nil : "POST")
        guard let method else {
            reader.fail(node, path, "needs a method, an effect, operations or a principal")
            return nil
        }
        var text = reader.text(members["path"], path + ".path") ?? "/"
        if let query = reader.text(members["query"], path + ".query") { text += "?" + query }
        let target: RequestTarget
        do {
            target = try RequestTarget(parsing: text)
        } catch {
            reader.fail(members["path"] ?? node, path + ".path", "the gateway refuses \"\(text)\": \(error.message)")
            return nil
        }
        guard let context = details(members, path) else { return nil }
        if !context.isEmpty {
            reader.fail(members["context"], path + ".context", "is what method, path, query, headers and body make it")
            return nil
        }
        var fields = HeaderFields()
        for (key, value) in headers(members["headers"], path + ".headers") { fields.append(name: key, value: value) }
        var body: [UInt8]?
        if let node = members["body"] {
            guard let value = reader.json(node, path + ".body") else { return nil }
            if case .string(let text) = value {
                body = Array(text.utf8)
            } else {
                body = value.canonicalBytes()
                if fields.first("content-type") == nil {
                    fields.append(name: "content-type", value: "application/json")
                }
            }
        }
        return try connection.action(
            agent: agent,
            onBehalfOf: onBehalfOf,
            method: method,
            target: target,
            fields: fields,
            body: body,
            settled: settled,
        )
    }

    private func headers(_ node: Node?, _ path: String) -> [(String, String)] {
        guard let node else { return [] }
        guard case .mapping(let mapping) = node else {
            reader.fail(node, path, "must be names and values")
            return []
        }
        return mapping.compactMap { key, value in
            guard let name = reader.text(key, path), let text = reader.text(value, path + "." + name) else {
                return nil
            }
            return (name, text)
        }
    }

    /// The members of `context` that are not the gateway's own; `nil` if something is wrong.
    func details(_ members: [String: Node], _ path: String) -> JSONObject? {
        guard let node = members["context"] else { return JSONObject() }
        guard case .object(let object)? = reader.json(node, path + ".context") else {
            reader.fail(node, path + ".context", "must have keys and values")
            return nil
        }
        return object
    }

    /// An action of any protocol, told by its operations.
    private func operations(
        _ members: [String: Node],
        _ node: Node,
        _ path: String,
        _ agent: AgentID,
        _ onBehalfOf: UserID?,
        _ name: ConnectionName,
        _ directory: Directory,
    ) -> Action? {
        let others = ["method", "path", "query", "headers", "body", "operation", "tool", "arguments"]
        for key in others where members[key] != nil {
            reader.fail(members[key], "\(path).\(key)", "cannot stand beside operations and resource; use context")
        }
        let protocolName = directory.connections[name]?.protocolName ?? "http"
        var items = [(Node, [String: Node], String)]()
        if let list = members["operations"] {
            for (index, item) in reader.list(list, path + ".operations").enumerated() {
                let place = "\(path).operations[\(index)]"
                items.append((item, reader.mapping(item, place, known: ["effect", "resource"]), place))
            }
        } else {
            items = [(node, members, path)]
        }
        var operations = [Operation]()
        for (item, parts, place) in items {
            let effect = ConnectionReader(reader: reader, path: place).effect(parts["effect"], place)
            let resource = entity(parts["resource"], place + ".resource")
            guard let effect = reader.require(effect, parts, "effect", of: item, place),
                let resource = reader.require(resource, parts, "resource", of: item, place)
            else { return nil }
            let reference = ResourceReference(type: "\(resource.type)", id: resource.id.string)
            operations.append(Operation(protocol: protocolName, effect: effect, resource: reference))
        }
        guard let details = details(members, path) else { return nil }
        let draft = Action(
            agent: agent,
            onBehalfOf: onBehalfOf,
            protocol: protocolName,
            connection: name,
            operations: operations,
            details: details,
        )
        do {
            // The same checks that a document from outside has to pass.
            return try Action(
                document: JSONParser.parse(draft.canonical, limits: JSONLimits(allowsNoncharacters: true))
            )
        } catch let error as ActionError {
            reader.fail(node, path, "makes no action: \(error.path) \(error.message)")
        } catch {
            reader.fail(node, path, "makes no action: \(error)")
        }
        return nil
    }
}
