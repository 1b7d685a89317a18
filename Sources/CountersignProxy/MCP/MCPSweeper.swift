import CountersignCore
import MCPWire
import NIOCore

/// Ends sessions with MCP servers that nobody uses any more, and with them the children that were run for them; declines
/// what servers have asked legacy clients that do not answer.
struct MCPSweeper: Sendable {
    let connections: CurrentConnections
    let home: LoopState

    /// How long a client may take for an answer; and how long a session is kept that nobody uses, whose client's next
    /// message begins another, unseen.
    private static let patience = TimeAmount.minutes(10)

    /// Sweeps until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            while (try? await Task.sleep(for: .seconds(60))) != nil {
                let limit = NIODeadline.now() - Self.patience
                group.addTask(executorPreference: home.executor) { await sweep(since: limit) }
            }
        }
    }

    /// Ends the sessions that nobody has used since `limit`, and declines the questions that are open since; a server that
    /// is slow to hear of its own holds up no other's.
    func sweep(since limit: NIODeadline) async {
        let home = home
        await withDiscardingTaskGroup { group in
            for connection in connections.allMCP {
                for upstream in connection.memory.present {
                    let late = upstream.lateQuestions(before: limit)
                    guard !late.isEmpty else { continue }
                    group.addTask(executorPreference: home.executor) {
                        for id in late { try? await upstream.decline(id, Self.unanswered, on: home) }
                    }
                }
                let idle = connection.memory.idle(since: limit)
                group.addTask(executorPreference: home.executor) {
                    for upstream in idle { await upstream.farewell(on: home) }
                }
            }
        }
    }

    private static let unanswered = RPCError(code: RPCCode.internalError, message: "The client did not answer.")
}
