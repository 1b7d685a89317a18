import CountersignCore
import CountersignIdentity
import CountersignLog
import CountersignProxy
import Crypto
import Yams

extension Configuration {
    /// Reads a configuration; throws everything that is wrong with it at once.
    package static func read(
        file: String,
        bytes: [UInt8],
        world: ConfigurationWorld,
    ) throws(ConfigurationErrors) -> Configuration {
        let reader = NodeReader(file: file, world: world)
        var configuration = Configuration.defaults()
        configuration.file = file
        configuration.version = Base64URL.encode(SHA256.hash(data: bytes))
        configuration.data = FilePath.resolve(configuration.data, relativeTo: reader.folder)
        configuration.policies = FilePath.resolve(configuration.policies, relativeTo: reader.folder)
        if let root = reader.compose(bytes) { configuration.take(root, reader) }
        try reader.finish()
        return configuration
    }

    private mutating func take(_ root: Node, _ reader: NodeReader) {
        let known = [
            "data", "policies", "listen", "public_url", "log", "hold", "limits", "payloads", "connections", "agents",
            "users", "exports", "channels", "routing", "notices", "api", "oauth_clients",
        ]
        let members = reader.mapping(root, "", known: known)
        if let path = reader.path(members["data"], "data") { data = path }
        if let path = reader.path(members["policies"], "policies") { policies = path }
        takeListen(members["listen"], reader)
        publicURL = "http://\(control)"
        if let text = reader.text(members["public_url"], "public_url") {
            if let url = HTTPAddress(text), url.basePath.isEmpty {
                publicURL = url.text
            } else {
                reader.fail(
                    members["public_url"],
                    "public_url",
                    "must be http://HOST or https://HOST, with a port if need be"
                )
            }
        }
        takeLog(members["log"], reader)
        let hold = reader.mapping(
            members["hold"],
            "hold",
            known: ["http", "mcp", "mcp_progress", "in_transaction", "expires"]
        )
        if let duration = reader.duration(hold["http"], "hold.http") { settings.holdHTTP = duration }
        if let duration = reader.duration(hold["mcp"], "hold.mcp") { settings.holdMCP = duration }
        if let duration = reader.duration(hold["mcp_progress"], "hold.mcp_progress") {
            settings.holdMCPProgress = duration
        }
        if reader.duration(hold["in_transaction"], "hold.in_transaction") != nil {
            unused.append("hold.in_transaction")
        }
        if let duration = reader.duration(hold["expires"], "hold.expires") { settings.expires = duration }
        let limits = reader.mapping(members["limits"], "limits", known: ["pending_per_agent"])
        if let number = reader.number(limits["pending_per_agent"], "limits.pending_per_agent", in: 1...1_000_000) {
            settings.maximumPending = number
        }
        takePayloads(members["payloads"], reader)
        takeConnections(members["connections"], reader)
        takeIdentities(members["agents"], members["users"], reader)
        takeClients(members["oauth_clients"], reader)
        exports = ExportReading(reader: reader).read(members["exports"])
        channels = ChannelReading(reader: reader).read(members["channels"])
        routing = RoutingReading(reader: reader, channels: channels).read(members["routing"])
        let notices = reader.mapping(members["notices"], "notices", known: ["replayers"])
        settings.replayers = reader.identifiers(
            notices["replayers"],
            "notices.replayers",
            GroupName.self,
            "a group's name"
        )
        accessRequests = AccessRequestVersion.read(members["api"], reader)
    }

    private mutating func takeLog(_ node: Node?, _ reader: NodeReader) {
        let known = ["origin", "folder", "folder_entries", "entries", "witnesses", "quorum"]
        let log = reader.mapping(node, "log", known: known)
        if let text = reader.text(log["origin"], "log.origin") {
            if text.unicodeScalars.allSatisfy({ $0.isASCII && $0.value > 0x20 && $0 != "+" }) {
                origin = text
            } else {
                reader.fail(
                    log["origin"],
                    "log.origin",
                    "must be ASCII without spaces and +, for instance example.com/log"
                )
            }
        }
        witnesses = WitnessSettings.read(log, reader)
        if let path = reader.path(log["folder"], "log.folder") { logFolder = path }
        if let flag = reader.flag(log["folder_entries"], "log.folder_entries") { logFolderHasEntries = flag }
        if let word = reader.text(log["entries"], "log.entries") {
            switch word {
            case "public": logEntriesArePublic = true
            case "users": logEntriesArePublic = false
            default:
                reader.fail(
                    log["entries"],
                    "log.entries",
                    "\"\(word)\" is not who may read the entries at /log/tile/entries; write users or public"
                )
            }
        }
    }

    private mutating func takeListen(_ node: Node?, _ reader: NodeReader) {
        let listen = reader.mapping(node, "listen", known: ["control", "gateway", "postgres", "tls"])
        func address(_ key: String) -> Address? {
            guard let text = reader.text(listen[key], "listen." + key) else { return nil }
            guard let address = Address(text) else {
                reader.fail(listen[key], "listen." + key, "\"\(text)\" is not HOST:PORT, for instance 127.0.0.1:8640")
                return nil
            }
            return address
        }
        if let address = address("control") { control = address }
        if let address = address("gateway") { gateway = address }
        if control == gateway, control.port != 0 {
            reader.fail(node, "listen", "control and gateway are both \(control); give each an address of its own")
        }
        if address("postgres") != nil { unused.append("listen.postgres") }
        guard let tlsNode = listen["tls"] else { return }
        let members = reader.mapping(tlsNode, "listen.tls", known: ["certificate", "key"])
        let certificate = reader.path(members["certificate"], "listen.tls.certificate")
        let key = reader.path(members["key"], "listen.tls.key")
        _ = reader.require(certificate, members, "certificate", of: tlsNode, "listen.tls")
        _ = reader.require(key, members, "key", of: tlsNode, "listen.tls")
        guard let certificate, let key else { return }
        tls = (certificate, key)
        guard reader.world.checksTLS else { return }
        do {
            try TLSFiles.check(certificate: certificate, key: key)
        } catch {
            let name = error.isKey ? "key" : "certificate"
            reader.fail(members[name], "listen.tls." + name, error.message)
        }
    }

    private mutating func takeConnections(_ node: Node?, _ reader: NodeReader) {
        var names = Set<ConnectionName>()
        for (index, item) in reader.list(node, "connections").enumerated() {
            let path = "connections[\(index)]"
            guard let read = ConnectionReader(reader: reader, path: path).read(item) else { continue }
            let name = read.described.name
            guard names.insert(name).inserted else {
                reader.fail(item, path + ".name", "there are two connections of the name \(name)")
                continue
            }
            switch read.link {
            case .http(let connection): connections.append(connection)
            case .mcp(let connection): mcp.append(connection)
            case .hook: break
            }
            described.append(read.described)
            if let retention = read.retention { settings.retention.connections[name] = retention }
        }
        checkJoined(node, reader)
    }

    /// What is joined must be there, and be a server itself.
    private func checkJoined(_ node: Node?, _ reader: NodeReader) {
        for connection in mcp {
            guard case .joined(let names) = connection.link else { continue }
            checkPrefixes(names, of: connection.name, node, reader)
            for name in names {
                let member = mcp.first { $0.name == name }
                if case .joined? = member?.link {
                    reader.fail(
                        node,
                        "connections",
                        "\(connection.name) joins \(name), which joins others itself"
                    )
                } else if member == nil {
                    reader.fail(
                        node,
                        "connections",
                        "\(connection.name) joins \(name), which is no MCP connection"
                    )
                }
            }
        }
    }

    /// A tool of one member's must not have the name that another member's has.
    private func checkPrefixes(
        _ names: [ConnectionName],
        of joined: ConnectionName,
        _ node: Node?,
        _ reader: NodeReader,
    ) {
        for name in names {
            if name.rawValue.hasSuffix("_") {
                reader.fail(node, "connections", "\(joined) joins \(name), whose name ends in \"_\"")
            }
            for other in names where other != name && other.rawValue.hasPrefix(name.rawValue + "__") {
                reader.fail(
                    node,
                    "connections",
                    "\(joined) joins \(name) and \(other), whose tools could have the same names"
                )
            }
        }
    }

    private mutating func takeIdentities(_ agentsNode: Node?, _ usersNode: Node?, _ reader: NodeReader) {
        var agents = [Agent]()
        var keys = [DeclaredIdentities.Key]()
        for (index, item) in reader.list(agentsNode, "agents").enumerated() {
            let path = "agents[\(index)]"
            let members = reader.mapping(item, path, known: NodeReader.agentKeys + ["key"])
            guard let agent = reader.agent(members, of: item, path) else { continue }
            let id = agent.id
            if agents.contains(where: { $0.id == id }) { reader.fail(item, path + ".id", "there are two agents \(id)") }
            agents.append(agent)
            guard let secret = reader.secret(members["key"], path + ".key") else { continue }
            guard secret.utf8.count >= 16 else {
                reader.fail(
                    members["key"],
                    path + ".key",
                    "is shorter than 16 characters; make one with: openssl rand -hex 32"
                )
                continue
            }
            let key = DeclaredIdentities.Key(agent: id, secret: secret)
            if keys.contains(where: { $0.isSameSecret(as: key) }) {
                reader.fail(members["key"], path + ".key", "is the key of another agent, too")
            }
            keys.append(key)
        }
        var users = [User]()
        var links = [ChannelLink]()
        for (index, item) in reader.list(usersNode, "users").enumerated() {
            let path = "users[\(index)]"
            let members = reader.mapping(item, path, known: NodeReader.userKeys + ["accounts"])
            guard let user = reader.user(members, of: item, path) else { continue }
            let id = user.id
            if users.contains(where: { $0.id == id }) { reader.fail(item, path + ".id", "there are two users \(id)") }
            if id == UserTokens.localAdministrator {
                reader.fail(members["id"], path + ".id", "is the product's own name; choose another")
            }
            users.append(user)
            links += reader.accounts(members["accounts"], of: id, path + ".accounts", besides: links)
        }
        identities = DeclaredIdentities(agents: agents, users: users, keys: keys, links: links)
    }
}
