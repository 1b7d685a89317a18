import CanonicalJSON
package import CountersignCore
import CountersignProxy
import MCPWire

/// Finds the connection that runs a command, for hosts whose configuration is a command (`countersign mcp -- COMMAND`).
package enum CommandConnection {
    /// What the configuration has of a command.
    package enum Search: Hashable, Sendable {
        /// The connection that runs it.
        case found(ConnectionName)
        /// Why there is none that could be meant, and what to add to the configuration.
        case missing(words: String, yaml: String)
    }

    /// Looks for a command, and for a name if one is given.
    package static func search(_ arguments: [String], name: String?, in configuration: Configuration) -> Search {
        let same = configuration.mcp.filter { connection in
            guard case .command(let command) = connection.link else { return false }
            return command.arguments == arguments
        }
        if let connection = same.first(where: { name == nil || $0.name.rawValue == name }),
            name != nil || same.count == 1
        {
            return .found(connection.name)
        }
        let file = configuration.file.isEmpty ? "countersign.yaml, which is not here," : configuration.file
        var words = "\(file) has no connection that runs this command"
        if same.count > 1, name == nil {
            words =
                "several connections run this command (\(same.map(\.name.rawValue).joined(separator: ", "))): say --name"
        } else if let name, configuration.described.contains(where: { $0.name.rawValue == name }) {
            words = "the connection \(name) of \(file) runs something else"
        }
        return .missing(words: words, yaml: yaml(arguments, name: name ?? suggestion(arguments)))
    }

    /// The entry that a configuration needs; every text is quoted, so that YAML takes none for something else.
    private static func yaml(_ arguments: [String], name: String) -> String {
        let command = arguments.map { JSONValue.string($0).canonicalText }.joined(separator: ", ")
        return """
            connections:
              - name: \(JSONValue.string(name).canonicalText)
                kind: mcp
                command: [\(command)]
                # What the server needs of the environment; nothing else of the gateway's is handed on.
                # environment: {TOKEN: "env:TOKEN"}
                # What its tools do; a tool that is not here has an unknown effect.
                # tools: [{match: "get_*", effect: read}]
            """
    }

    /// A name for a server: the last word that is no option, made of what names are made of.
    private static func suggestion(_ arguments: [String]) -> String {
        let word =
            arguments.first { $0 != arguments.first && $0.utf8.first != UInt8(ascii: "-") } ?? arguments.first ?? ""
        let base = FilePath.name(of: word).utf8.prefix { $0 != UInt8(ascii: "@") }
        let kept = base.filter { ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 || $0 == 0x2D || $0 == 0x5F }.prefix(63)
        let name = String(decoding: Array(kept), as: UTF8.self)
        return name.isEmpty ? "server" : name
    }

    /// Answers a host's requests with the reason why there is no server, until it goes.
    package static func refuse(_ words: String, streams: StandardStreams) async {
        var framer = LineFramer(maximumLine: MCPBridge.maximumLine)
        let error = RPCError(code: RPCCode.internalError, message: words)
        while case let bytes = await streams.read(), !bytes.isEmpty {
            guard let lines = try? framer.feed(bytes) else { return }
            for line in lines {
                guard case .request(let id, _, _) = try? ClientMessage.parse(line, maximumBytes: MCPBridge.maximumLine)
                else { continue }
                await streams.write(line: RPCWriter.error(id: id, error))
            }
        }
    }
}
