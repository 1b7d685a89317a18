import CountersignCore
import MCPWire
import NIOCore
import Synchronization

/// What is remembered of one MCP server while its configuration stands: the upstream side of sessions, and its tools.
///
/// The mutex guards the table; whoever gets an ``MCPUpstream`` keeps it alive for its own use.
final class MCPMemory: Sendable {
    private struct State {
        var upstreams: [String: MCPUpstream] = [:]
        var ended: Set<String> = []
    }

    private let state = Mutex(State())
    /// The tools as the server last listed them.
    let catalogue = MCPCatalogue()

    /// No more than this many upstream sessions are kept; the one that was used longest ago goes first.
    private static let maximum = 4096

    /// The upstream side of a session, or of a modern agent's requests, made at the first use.
    ///
    /// `nil` if the session was ended.
    func upstream(_ key: String, now: NIODeadline, make: () -> MCPUpstream) -> MCPUpstream? {
        let (found, old) = state.withLock { state -> (MCPUpstream?, MCPUpstream?) in
            if state.ended.contains(key) { return (nil, nil) }
            if let known = state.upstreams[key] {
                known.use(now)
                return (known, nil)
            }
            var old: MCPUpstream?
            if state.upstreams.count >= Self.maximum,
                let oldest = state.upstreams.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                state.upstreams[oldest.key] = nil
                old = oldest.value
            }
            let new = make()
            new.use(now)
            state.upstreams[key] = new
            return (new, old)
        }
        old?.end()
        return found
    }

    /// Ends a session for good; what there is of its upstream side, for a farewell.
    func end(_ key: String) -> MCPUpstream? {
        state.withLock { state in
            // A session that is forgotten here is only revived by the agent that it belongs to.
            if state.ended.count > 65_536 { state.ended = [] }
            state.ended.insert(key)
            return state.upstreams.removeValue(forKey: key)
        }
    }

    /// Takes out what nobody has used since `limit`.
    func idle(since limit: NIODeadline) -> [MCPUpstream] {
        state.withLock { state in
            let old = state.upstreams.filter { $0.value.lastUse < limit && !$0.value.isBusy }
            for key in old.keys { state.upstreams[key] = nil }
            return Array(old.values)
        }
    }

    /// Takes out everything.
    func all() -> [MCPUpstream] {
        state.withLock { state in
            defer { state.upstreams = [:] }
            return Array(state.upstreams.values)
        }
    }
}

/// The tools of one server, as it last listed them; the mutex guards the table.
final class MCPCatalogue: Sendable {
    private struct State {
        var tools: [String: ToolDefinition] = [:]
        var isComplete = false
        var revision: UInt64 = 0
    }

    private let state = Mutex(State())

    /// A tool by name, and whether the list is known whole.
    func tool(_ name: String) -> (definition: ToolDefinition?, isComplete: Bool) {
        state.withLock { ($0.tools[name], $0.isComplete) }
    }

    /// Replaces the list.
    func replace(with tools: [ToolDefinition]) {
        let table = Dictionary(tools.map { ($0.name, $0) }) { first, _ in first }
        state.withLock {
            $0.tools = table
            $0.isComplete = true
            $0.revision += 1
        }
    }

    /// The server says that its tools have changed: the next use asks again.
    func invalidate() { state.withLock { $0.isComplete = false } }
}
