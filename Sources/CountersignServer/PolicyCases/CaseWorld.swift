import CountersignCore
import CountersignIdentity
import CountersignProxy
import Yams

/// Who and what there is for a file of cases: what the file says, else what the configuration says.
struct CaseWorld: Sendable {
    var connections: [HTTPConnection]
    /// The MCP connections; what their servers list is what was accepted, where that is known.
    var mcp: [MCPConnection]
    var described: [Connection]
    var agents: [Agent]
    var users: [User]
    /// Groups that there are beside those that somebody is in.
    var groups: Set<GroupName> = []

    private let definitions: AcceptedDefinitions?

    /// What a configuration declares.
    init(_ configuration: Configuration, _ definitions: AcceptedDefinitions?) {
        self.definitions = definitions
        connections = configuration.connections
        // A call on a connection that joins others is one of a member's own.
        mcp = configuration.mcp.filter { $0.memberNames == nil }.map {
            $0.trying(definitions?.definitions(of: $0.name) ?? [])
        }
        described = configuration.described
        agents = configuration.identities.agents
        users = configuration.identities.users
    }

    /// Takes a file's own lists; a list that is there replaces the configuration's.
    mutating func take(_ members: [String: Node], _ reader: NodeReader) {
        if let node = members["connections"] {
            (connections, mcp, described) = ([], [], [])
            for (index, item) in reader.list(node, "connections").enumerated() {
                put(connection: item, "connections[\(index)]", reader, mayReplace: false)
            }
        }
        if let node = members["agents"] {
            agents = []
            for (index, item) in reader.list(node, "agents").enumerated() {
                put(agent: item, "agents[\(index)]", reader, mayReplace: false)
            }
        }
        if let node = members["users"] {
            users = []
            for (index, item) in reader.list(node, "users").enumerated() {
                let path = "users[\(index)]"
                let user = reader.user(reader.mapping(item, path, known: NodeReader.userKeys), of: item, path)
                guard let user else { continue }
                if users.contains(where: { $0.id == user.id }) {
                    reader.fail(item, path + ".id", "there are two users \(user.id)")
                }
                users.append(user)
            }
        }
        groups = Set(reader.identifiers(members["groups"], "groups", GroupName.self, "a group's name"))
    }

    private static let connectionKeys = ["name", "kind", "labels", "routes", "tools", "pack", "trust_annotations"]

    /// Adds a connection that a file describes; its name, `nil` if something is wrong.
    @discardableResult
    mutating func put(
        connection node: Node,
        _ path: String,
        _ reader: NodeReader,
        mayReplace: Bool,
    ) -> ConnectionName? {
        let members = reader.mapping(node, path, known: Self.connectionKeys)
        let what = "a connection's name: at most 63 letters, digits, - and _"
        let name = reader.identifier(members["name"], path + ".name", ConnectionName.self, what)
        let kind = reader.text(members["kind"], path + ".kind") ?? "http"
        let hook = kind == "hook" ? HookTools() : nil
        if hook == nil, !PolicyVocabulary.protocols.contains(kind) {
            let known = (PolicyVocabulary.protocols.sorted() + ["hook"]).joined(separator: ", ")
            reader.fail(members["kind"], path + ".kind", "\"\(kind)\" is not a kind of connection; known are \(known)")
        }
        let parts = ConnectionReader(reader: reader, path: path)
        let labels = parts.labels(members["labels"])
        let routes = parts.routes(members["routes"])
        for key in ["tools", "pack", "trust_annotations"] where kind != "mcp" && members[key] != nil {
            reader.fail(members[key], "\(path).\(key)", "is for connections of the kind mcp")
        }
        let tools = parts.tools(members)
        let trusts = reader.flag(members["trust_annotations"], path + ".trust_annotations") ?? false
        guard let name = reader.require(name, members, "name", of: node, path) else { return nil }
        if described.contains(where: { $0.name == name }) {
            if !mayReplace { reader.fail(node, path + ".name", "there are two connections of the name \(name)") }
            connections.removeAll { $0.name == name }
            mcp.removeAll { $0.name == name }
            described.removeAll { $0.name == name }
        }
        connections.append(HTTPConnection(trying: name, routes: routes))
        if kind == "mcp" {
            let connection = MCPConnection(trying: name, tools: tools, trustsAnnotations: trusts)
            mcp.append(connection.trying(definitions?.definitions(of: name) ?? []))
        }
        described.append(Connection(name: name, kind: kind, labels: labels, hook: hook))
        return name
    }

    /// Adds an agent that a file describes; its id, `nil` if something is wrong.
    @discardableResult
    mutating func put(agent node: Node, _ path: String, _ reader: NodeReader, mayReplace: Bool) -> AgentID? {
        let members = reader.mapping(node, path, known: NodeReader.agentKeys)
        guard let agent = reader.agent(members, of: node, path) else { return nil }
        if agents.contains(where: { $0.id == agent.id }) {
            if !mayReplace { reader.fail(node, path + ".id", "there are two agents \(agent.id)") }
            agents.removeAll { $0.id == agent.id }
        }
        agents.append(agent)
        return agent.id
    }

    /// All of it, as policy sees it.
    func directory() throws -> Directory {
        try Directory(agents: agents, users: users, connections: described)
    }
}
