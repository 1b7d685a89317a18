import CanonicalJSON
import CountersignCore
import MCPWire

/// Asks a server for its tools, page by page, and remembers them.
enum MCPTools {
    /// A list that does not end by then is no list.
    private static let maximumPages = 100

    /// Fills the catalogue.
    static func learn(_ connection: MCPConnection, _ upstream: MCPUpstream, on home: LoopState) async throws(MCPFailure)
    {
        let peer = try await upstream.peer(on: home)
        guard peer.capabilities["tools"] != nil else { return connection.memory.catalogue.replace(with: []) }
        connection.memory.catalogue.replace(with: try await all(upstream, on: home))
    }

    /// Every tool that the server lists.
    static func all(_ upstream: MCPUpstream, on home: LoopState) async throws(MCPFailure) -> [ToolDefinition] {
        // One that cannot be read cannot be called either: it is as if it were not there.
        try await pages("tools/list", "tools", upstream, on: home).compactMap { try? ToolDefinition($0) }
    }

    /// All items of a list, page by page.
    static func pages(
        _ method: String,
        _ member: String,
        _ upstream: MCPUpstream,
        on home: LoopState,
    ) async throws(MCPFailure) -> [JSONValue] {
        var items = [JSONValue]()
        var cursor: String?
        for _ in 0..<maximumPages {
            let params = cursor.map { JSONObject([("cursor", .string($0))]) } ?? JSONObject()
            let page = try await upstream.ask(method, params, on: home)
            items += page[member]?.arrayValue ?? []
            guard let next = page["nextCursor"]?.stringValue, next != cursor else { return items }
            cursor = next
        }
        throw MCPFailure(.upstreamInvalid, "The MCP server's list does not end.", executed: false)
    }
}
