import CanonicalJSON
package import CountersignCore
import CountersignProxy
import CountersignStore
package import MCPWire

/// The accepted definitions of tools, as policies are checked against them: from a data folder, or from a file.
package struct AcceptedDefinitions: Sendable {
    /// One of them.
    package struct Item: Sendable {
        /// The tool.
        package let name: ToolName
        /// The digest of its definition.
        package let digest: ActionDigest
        /// The definition; nil if this version cannot read it.
        package let definition: ToolDefinition?
    }

    /// All of them, by connection and name.
    package let items: [Item]

    /// Reads a data folder's ledger beside the running server; or a file with the JSON of
    /// `countersign tools list --definitions --json`, `-` for standard input.
    package init(path: String) throws {
        if LocalFile.isFolder(path) {
            let ledger = Countersign.ledgerPath(path)
            guard LocalFile.exists(ledger) else {
                throw StartupError("\(path) is no data folder: there is no ledger.db in it")
            }
            let accepted = try LedgerExcerpt.acceptedTools(path: ledger)
            items = accepted.map { Item(ToolName($0.connection, $0.tool), $0.digest, $0.text) }
        } else {
            switch LocalFile.read(path == "-" ? "/dev/stdin" : path) {
            case .failure(let problem): throw StartupError("cannot read \(path): \(problem.message)")
            case .success(let bytes): items = try Self.read(bytes, path)
            }
        }
        guard !items.isEmpty else {
            throw StartupError("\(path) has no accepted definition of a tool, so nothing could be checked against it")
        }
    }

    private static func read(_ bytes: [UInt8], _ path: String) throws -> [Item] {
        let json: JSONValue
        do {
            let limits = JSONLimits(maxDepth: 128, maxBytes: 1 << 30, allowsNoncharacters: true)
            json = try JSONParser.parse(bytes, limits: limits)
        } catch {
            throw StartupError("\(path): is not JSON: \(error)")
        }
        let advice = "; `countersign tools list --definitions --json` writes what is needed"
        guard let list = json["items"]?.arrayValue ?? (json["tool"] == nil ? nil : [json]) else {
            throw StartupError("\(path): has no `items`" + advice)
        }
        var items = [ToolName: Item]()
        for (index, item) in list.enumerated() {
            let place = "\(path): items[\(index)]"
            guard let connection = item["connection"]?.stringValue.flatMap({ ConnectionName($0) }),
                let tool = item["tool"]?.stringValue
            else { throw StartupError("\(place) names no connection and tool" + advice) }
            // Nobody has accepted it yet.
            guard let accepted = item["accepted"], !accepted.isNull else { continue }
            guard let text = accepted["definition"]?.stringValue else {
                throw StartupError("\(place) has no accepted.definition" + advice)
            }
            let digest = ActionDigest(of: Array(text.utf8))
            guard accepted["digest"]?.stringValue == digest.rawValue else {
                throw StartupError("\(place): the definition is not that of its digest; export it again")
            }
            let name = ToolName(connection, tool)
            guard items.updateValue(Item(name, digest, text), forKey: name) == nil else {
                throw StartupError("\(place): the tool stands there twice")
            }
        }
        return items.values.sorted { $0.name < $1.name }
    }

    /// The tools for the check of policies; what their calls are taken for is the configuration's to say.
    package func tools(_ configuration: Configuration) -> [KnownTool] {
        let connections = Dictionary(configuration.mcp.map { ($0.name, $0) }) { first, _ in first }
        return items.map { item in
            let effect = connections[item.name.connection].map { connection in
                connection.effect(of: item.name.tool, hints: item.definition?.hints)
            }
            return KnownTool(
                name: item.name,
                effect: effect,
                inputSchema: item.definition?.inputSchema,
            )
        }
    }

    /// The definitions of a connection's tools.
    func definitions(of connection: ConnectionName) -> [ToolDefinition] {
        items.filter { $0.name.connection == connection }.compactMap(\.definition)
    }
}

extension AcceptedDefinitions.Item {
    fileprivate init(_ name: ToolName, _ digest: ActionDigest, _ text: String) {
        self.name = name
        self.digest = digest
        let limits = JSONLimits(maxDepth: 128, allowsNoncharacters: true)
        definition = (try? JSONParser.parse(text, limits: limits)).flatMap { try? ToolDefinition($0) }
    }
}
