import CountersignCore
import NIOCore

/// Ends sessions with MCP servers that nobody uses any more, and with them the children that were run for them.
struct MCPSweeper: Sendable {
    let context: GatewayContext
    let home: LoopState

    /// How long a session is kept that nobody uses; its client's next message begins another, unseen.
    private static let patience = TimeAmount.minutes(10)

    /// Sweeps until cancelled.
    func run() async {
        while (try? await Task.sleep(for: .seconds(60))) != nil {
            let limit = NIODeadline.now() - Self.patience
            for connection in context.connections.allMCP {
                for upstream in connection.memory.idle(since: limit) { await upstream.farewell(on: home) }
            }
        }
    }
}
