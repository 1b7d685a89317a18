import ArgumentParser
import CountersignCore
import CountersignServer

/// Where the gateway is, and which agent calls it.
struct GatewayOptions: ParsableArguments {
    @Option(help: "The gateway; else COUNTERSIGN_GATEWAY, else http://127.0.0.1:8641.")
    var url: String?

    @Option(help: "The agent's key by reference, env:NAME or file:PATH; else COUNTERSIGN_KEY.")
    var key: String?

    @Option(help: "A file with the agent's key.")
    var keyFile: String?

    @Option(help: "The user for whom the agent acts; else COUNTERSIGN_ON_BEHALF_OF.")
    var onBehalfOf: String?

    /// What they come to.
    func access() throws -> GatewayAccess {
        try GatewayAccess(url: url, key: key, keyFile: keyFile, onBehalfOf: onBehalfOf)
    }
}

/// The command `countersign mcp-stdio`.
struct MCPStdioCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp-stdio",
        abstract: "Speaks MCP over standard input and output, for hosts that start servers as commands.",
        discussion: """
            It passes every message on to a connection of the running gateway, with the agent's key, and writes what \
            comes back to standard output; what people should know goes to standard error. It ends with 0 when its \
            standard input does.
            """,
    )

    @Option(help: "The gateway's connection; \"countersign\" is the agent's own approvals.")
    var connection: String

    @OptionGroup var gateway: GatewayOptions

    mutating func run() async throws {
        guard let name = ConnectionName(connection) else {
            throw Failure(.usage, "\"\(connection)\" is not a connection's name")
        }
        try await Self.bridge(try gateway.access(), name)
    }

    /// Serves the host until it goes.
    static func bridge(_ access: GatewayAccess, _ name: ConnectionName) async throws {
        let bridge = MCPBridge(access, connection: name, streams: StandardStreams()) { words in
            Output.error("countersign: " + Output.safe(words))
        }
        guard await bridge.run() else { throw ExitCode(ExitStatus.failed.rawValue) }
    }
}

/// The command `countersign mcp`.
struct MCPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp",
        abstract: "Stands before a server's command in a host's configuration, and goes through the gateway instead.",
        discussion: """
            countersign mcp -- npx -y some-server does what mcp-stdio does, with the connection that runs this very \
            command. The gateway runs the server, not the host: nothing is started here, and nothing is added to the \
            configuration. Where no connection has the command, it prints the entry to add, tells the host so, and ends \
            with 2.
            """,
    )

    @Option(help: "The connection's name, where several run the command; else the name to propose.")
    var name: String?

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var gateway: GatewayOptions

    @Argument(parsing: .postTerminator, help: "The server's program and its arguments, after --.")
    var command: [String] = []

    mutating func validate() throws {
        guard !command.isEmpty else { throw ValidationError("name the server's command after --") }
    }

    mutating func run() async throws {
        switch CommandConnection.search(command, name: name, in: try configuration.load()) {
        case .found(let name): try await MCPStdioCommand.bridge(try gateway.access(), name)
        case .missing(let words, let yaml):
            let text = "\(words). Add to the gateway's countersign.yaml, and start this again:\n\n\(yaml)"
            Output.error("error: " + text)
            await CommandConnection.refuse("Countersign: " + text, streams: StandardStreams())
            throw ExitCode(ExitStatus.usage.rawValue)
        }
    }
}
