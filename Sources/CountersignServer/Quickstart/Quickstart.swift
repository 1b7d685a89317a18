import CountersignCore
import CountersignIdentity

/// `serve --quickstart`: everything that it takes to see a held action within a minute, made at the first start.
struct Quickstart: Sendable {
    /// The agent that the configuration declares.
    static let agent = AgentID(unchecked: "quickstart-agent")
    /// The user who may approve what it asks for.
    static let approver = "approver@example.com"
    /// Where the sample API listens.
    static let sample = Configuration.Address(host: "127.0.0.1", port: 8700)
    /// Where the data goes, seen from the working directory.
    static let data = "./countersign-data"

    private static let checkedOut = "examples/quickstart"
    private static let written = "countersign-quickstart"

    /// The configuration to use: the one named, that of a checkout, or one that is written here and now.
    static func configuration(named: String?) throws(StartupError) -> String {
        if let named { return named }
        if LocalFile.exists(checkedOut + "/countersign.yaml") { return checkedOut + "/countersign.yaml" }
        for file in QuickstartFiles.all { _ = try LocalFile.create(written + "/" + file.path, file.text) }
        return written + "/countersign.yaml"
    }

    /// The agent's key: the one of the last start if it still works, else a new one, kept beside the data.
    static func agentKey(_ server: Countersign) async throws -> String {
        let path = server.configuration.data + "/quickstart-agent.key"
        if case .success(let bytes) = LocalFile.read(path) {
            let key = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
            if server.registry.agent(key: key, now: server.clock.time()) == agent { return key }
            try LocalFile.remove(path)
        }
        let actor = Actor(type: "System", id: "local-administrator", via: "quickstart")
        switch await server.registry.makeKey(for: agent, expires: nil, by: actor) {
        case .success(let new):
            _ = try LocalFile.create(path, new.secret + "\n", mode: 0o600)
            return new.secret
        case .failure(let reason):
            throw StartupError("cannot make the quickstart's agent key: \(reason.message)")
        }
    }

    /// What is printed once everything runs.
    static func banner(_ server: Countersign, _ ports: Countersign.Ports, key: String) throws -> String {
        let configuration = server.configuration
        let gateway = "\(configuration.tls == nil ? "http" : "https")://127.0.0.1:\(ports.gateway)/orders-api"
        let tools = "\(configuration.tls == nil ? "http" : "https")://127.0.0.1:\(ports.gateway)/orders-tools"
        let link: String
        switch server.registry.makeLink(for: UserID(unchecked: approver), life: .seconds(3600)) {
        case .success(let secret): link = configuration.publicURL + "/sign-in?token=" + secret
        case .failure(let reason): link = "(\(reason.message))"
        }
        return """

            Sign in to the dashboard as \(approver) (works once, within an hour):

              \(link)

            The agent key of \(agent):

              \(key)

            Try it in another terminal. This call passes:

              curl -i -H 'Authorization: Bearer \(key)' \(gateway)/v1/orders

            This one is held until you approve it in the dashboard, or with `countersign approvals`:

              curl -i -X DELETE -H 'Authorization: Bearer \(key)' \(gateway)/v1/orders/1002

            The same with MCP tools, from Claude Code (docs/mcp.md has VS Code and Python):

              claude mcp add --transport http orders \(tools)/ --header 'Authorization: Bearer \(key)'

            The orders API behind the gateway is an example, served by this process on \(sample).
            """
    }
}
