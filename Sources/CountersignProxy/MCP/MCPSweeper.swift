import CountersignCore
import MCPWire
import NIOCore

/// Ends sessions with MCP servers that nobody uses any more, and with them the children that were run for them; declines
/// what servers have asked legacy clients that do not answer.
struct MCPSweeper: Sendable {
    let connections: CurrentConnections
    let home: LoopState

    /// How long a session is kept that nobody uses; its client's next message begins another, unseen.
    private static let longest = TimeAmount.minutes(10)

    /// Sweeps until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            while (try? await Task.sleep(for: .seconds(60))) != nil {
                group.addTask(executorPreference: home.executor) { await sweep(at: .now()) }
            }
        }
    }

    /// Ends the sessions that nobody has used for long, and declines the questions that nobody answers in time, or at all:
    /// a server that is slow to hear of its own holds up no other's.
    func sweep(at now: NIODeadline) async {
        let home = home
        await withDiscardingTaskGroup { group in
            // The clients' answers go to the connections that are in force.
            for upstream in connections.takeReplaced() {
                group.addTask(executorPreference: home.executor) {
                    await upstream.declineLate(at: .distantFuture, on: home)
                }
            }
            for connection in connections.allMCP {
                for upstream in connection.memory.present {
                    group.addTask(executorPreference: home.executor) { await upstream.declineLate(at: now, on: home) }
                }
                let idle = connection.memory.idle(since: now - Self.longest)
                group.addTask(executorPreference: home.executor) {
                    for upstream in idle { await upstream.farewell(on: home) }
                }
            }
        }
    }
}
