import CanonicalJSON
import CountersignCore
import MCPWire
import NIOCore

/// Asks a server for its tools, page by page, and remembers them.
enum MCPTools {
    /// A list that does not end by then is no list.
    private static let maximumPages = 100

    /// More than that, all pages together, is no list either.
    private static let maximumItems = 10_000
    /// Bytes.
    private static let maximumSize = 32 << 20

    /// Fills the catalogue, and has the definitions compared with the accepted ones.
    static func learn(
        _ connection: MCPConnection,
        _ upstream: MCPUpstream,
        _ context: GatewayContext,
        on home: LoopState,
    ) async throws(MCPFailure) {
        let peer = try await upstream.peer(on: home)
        let hasTools = peer.capabilities["tools"] != nil
        await take(hasTools ? try await pages("tools/list", "tools", upstream, on: home) : [], connection, context)
    }

    /// Takes a whole list.
    static func take(_ items: [JSONValue], _ connection: MCPConnection, _ context: GatewayContext) async {
        let tools = items.compactMap { MCPTool($0) }
        // Before anybody may use them: the first list of a connection is accepted here, where the configuration says so.
        if context.connections.mcp(connection.name) === connection {
            await context.enforcement.toolsListed(tools.map(\.listed), on: connection.name)
        }
        connection.memory.catalogue.replace(with: tools, now: .now())
    }

    /// All items of a list, page by page.
    static func pages(
        _ method: String,
        _ member: String,
        _ upstream: MCPUpstream,
        on home: LoopState,
    ) async throws(MCPFailure) -> [JSONValue] {
        var items = [JSONValue]()
        var size = 0
        var cursor: String?
        for _ in 0..<maximumPages {
            let params = cursor.map { JSONObject([("cursor", .string($0))]) } ?? JSONObject()
            let page = try await upstream.ask(method, params, on: home)
            let more = page[member]?.arrayValue ?? []
            guard items.count + more.count <= maximumItems else { throw tooLong }
            size += JSONValue.array(more).canonicalBytes().count + (page["nextCursor"]?.canonicalBytes().count ?? 0)
            guard size <= maximumSize else { throw tooLong }
            items += more
            guard let next = page["nextCursor"]?.stringValue, next != cursor else { return items }
            cursor = next
        }
        throw tooLong
    }

    private static var tooLong: MCPFailure {
        MCPFailure(.upstreamInvalid, "The MCP server's list does not end.", executed: false)
    }
}
