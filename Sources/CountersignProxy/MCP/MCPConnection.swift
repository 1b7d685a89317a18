package import CountersignCore
import HTTPWire
package import MCPWire

/// A protected MCP server: how it is reached, and what its tools do.
///
/// A class, because every request carries it; a reload of the configuration makes new ones.
package final class MCPConnection: Sendable {
    /// How the server is reached.
    package enum Link: Sendable {
        /// Streamable HTTP; the connection has address, credential, TLS and time-outs.
        case http(HTTPConnection)
        /// The HTTP+SSE transport of 2024-11-05.
        case events(HTTPConnection)
        /// A child process that speaks over its standard input and output.
        case command(MCPCommand)
        /// Other connections, as one.
        case joined([ConnectionName])
        /// Countersign itself: an agent's own approvals.
        case own
    }

    /// Which eras of the protocol are spoken to the server.
    package enum Era: String, Hashable, Sendable, CaseIterable {
        /// Found out by asking (`server/discover`).
        case auto
        /// 2025-11-25 and earlier: `initialize` and sessions.
        case legacy
        /// 2026-07-28 and later: every request for itself.
        case modern
    }

    /// What the tools do whose names match a pattern.
    package typealias ToolRule = CountersignCore.ToolRule

    /// The name, the first segment of its path on the gateway.
    package let name: ConnectionName
    /// How it is reached.
    package let link: Link
    /// The eras that are spoken to it.
    package let era: Era
    /// What its tools do; the first match wins, and what matches nothing has an unknown effect.
    package let tools: [ToolRule]
    /// Whether the server's own annotations may lower what a tool is taken for.
    package let trustsAnnotations: Bool
    /// Origins of web pages that may call; all others are refused (DNS rebinding).
    package let origins: Set<String>
    /// Messages of agents up to this size are read.
    ///
    /// Bytes.
    package let maximumMessage: Int
    /// Answers of the server up to this size are passed on.
    ///
    /// Bytes.
    package let maximumAnswer: Int
    /// What is remembered of the server; it goes with the configuration.
    let memory = MCPMemory()

    /// Configures a connection.
    package init(
        name: ConnectionName,
        link: Link,
        era: Era = .auto,
        tools: [ToolRule] = [],
        trustsAnnotations: Bool = false,
        origins: Set<String> = [],
        maximumMessage: Int = 16 << 20,
        maximumAnswer: Int = 128 << 20,
    ) {
        self.name = name
        self.link = link
        self.era = era
        self.tools = tools
        self.trustsAnnotations = trustsAnnotations
        self.origins = origins
        self.maximumMessage = maximumMessage
        self.maximumAnswer = maximumAnswer
    }

    /// Whether both are configured the same in everything.
    package func isSame(as other: MCPConnection) -> Bool {
        let sameLink =
            switch (link, other.link) {
            case (.http(let one), .http(let two)), (.events(let one), .events(let two)): one.isSame(as: two)
            case (.command(let one), .command(let two)): one == two
            case (.joined(let one), .joined(let two)): one == two
            case (.own, .own): true
            case (.http, _), (.events, _), (.command, _), (.joined, _), (.own, _): false
            }
        return sameLink && name == other.name && era == other.era && tools == other.tools
            && trustsAnnotations == other.trustsAnnotations && origins == other.origins
            && maximumMessage == other.maximumMessage && maximumAnswer == other.maximumAnswer
    }

    /// The connections that are joined in it; `nil` if it is a server's own.
    package var memberNames: [ConnectionName]? {
        guard case .joined(let names) = link else { return nil }
        return names
    }

    /// How many sessions an agent has with the server at the most; each of a child's is a process.
    var budget: Int {
        switch link {
        case .events, .command: 32
        case .http, .joined, .own: 256
        }
    }

    /// What a tool does: what the configuration says, raised by what the server itself warns of.
    ///
    /// Without a word in the configuration it is unknown, unless the server is trusted to say (agent-protocols B.5).
    package func effect(of tool: String, hints: ToolDefinition.Hints?) -> Effect {
        let configured = configuredEffect(of: tool)
        // A tool that says of itself that it destroys is not read or write, whatever it was taken for.
        if hints?.destructive == true, hints?.readOnly != true, configured == .read || configured == .write {
            return .delete
        }
        // One that is taken for reading and says that it is not is taken for writing.
        if hints?.readOnly == false, configured == .read { return .write }
        if let configured { return configured }
        guard trustsAnnotations, let hints else { return .unknown }
        if hints.readOnly == true { return .read }
        return hints.destructive == false ? .write : .delete
    }

    /// What the configuration says that a tool does; `nil` where it says nothing.
    func configuredEffect(of tool: String) -> Effect? { tools.first { $0.matches(tool) }?.effect }
}

/// A server that the gateway runs as a child and speaks to over its standard input and output.
package struct MCPCommand: Hashable, Sendable {
    /// The program and its arguments.
    package let arguments: [String]
    /// The environment, whole: nothing of the gateway's own is handed on but `PATH`, `HOME`, `LANG` and `TMPDIR`.
    package let environment: [String: String]
    /// The working directory; `nil` is the gateway's.
    package let directory: String?

    /// Names a command.
    package init(arguments: [String], environment: [String: String], directory: String? = nil) {
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
    }
}
