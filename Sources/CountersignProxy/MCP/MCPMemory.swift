import CanonicalJSON
import CountersignCore
import MCPWire
import NIOCore
import Synchronization

/// What is remembered of one MCP server while its configuration stands: the upstream side of sessions, and its tools.
///
/// The mutex guards the table; whoever gets an ``MCPUpstream`` keeps it alive for its own use.
final class MCPMemory: Sendable {
    private struct State {
        var upstreams: [String: (agent: AgentID, upstream: MCPUpstream)] = [:]
        var ended: Set<String> = []
    }

    private let state = Mutex(State())
    /// The tools as the server last listed them.
    let catalogue = MCPCatalogue()

    /// The upstream side of a session, or of a modern agent's requests, made at the first use.
    ///
    /// `nil` if the session was ended. An agent has no more than its budget; beyond it, that of its own that was used
    /// longest ago, and does nothing now, goes first.
    func upstream(
        _ key: String,
        of agent: AgentID,
        budget: Int,
        now: NIODeadline,
        make: () -> MCPUpstream,
    ) throws(MCPFailure) -> MCPUpstream? {
        let found = state.withLock { state -> Found in
            if state.ended.contains(key) { return .ended }
            if let known = state.upstreams[key]?.upstream {
                known.use(now)
                return .found(known, instead: nil)
            }
            var old: MCPUpstream?
            let own = state.upstreams.filter { $0.value.agent == agent }
            if own.count >= budget {
                let idle = own.filter { !$0.value.upstream.isBusy }
                guard let oldest = idle.min(by: { $0.value.upstream.lastUse < $1.value.upstream.lastUse }) else {
                    return .full
                }
                state.upstreams[oldest.key] = nil
                old = oldest.value.upstream
            }
            let new = make()
            new.use(now)
            state.upstreams[key] = (agent, new)
            return .found(new, instead: old)
        }
        switch found {
        case .ended: return nil
        case .full:
            let message = "The agent has too many sessions with this server that are all in use. Try again later."
            throw MCPFailure(.overloaded, message, executed: false)
        case .found(let upstream, let old):
            old?.end()
            return upstream
        }
    }

    private enum Found {
        case ended
        case full
        case found(MCPUpstream, instead: MCPUpstream?)
    }

    /// The upstream side that there is already.
    func known(_ key: String) -> MCPUpstream? { state.withLock { $0.upstreams[key]?.upstream } }

    /// Whether a session was ended for good.
    func isEnded(_ key: String) -> Bool { state.withLock { $0.ended.contains(key) } }

    /// Ends a session for good; what there is of its upstream side, for a farewell.
    func end(_ key: String) -> MCPUpstream? {
        state.withLock { state in
            // A session that is forgotten here is only revived by the agent that it belongs to.
            if state.ended.count > 65_536 { state.ended = [] }
            state.ended.insert(key)
            return state.upstreams.removeValue(forKey: key)?.upstream
        }
    }

    /// Takes out what nobody has used since `limit`.
    func idle(since limit: NIODeadline) -> [MCPUpstream] {
        state.withLock { state in
            let old = state.upstreams.filter { $0.value.upstream.lastUse < limit && !$0.value.upstream.isBusy }
            for key in old.keys { state.upstreams[key] = nil }
            return old.values.map(\.upstream)
        }
    }

    /// Everything that there is.
    var present: [MCPUpstream] { state.withLock { $0.upstreams.values.map(\.upstream) } }

    /// Takes out everything.
    func all() -> [MCPUpstream] {
        state.withLock { state in
            defer { state.upstreams = [:] }
            return state.upstreams.values.map(\.upstream)
        }
    }
}

/// The tools of one server, as it last listed them; the mutex guards the table.
final class MCPCatalogue: Sendable {
    private struct State {
        // By bytes: Swift takes canonically equivalent names for equal, and servers do not.
        var tools: [[UInt8]: MCPTool] = [:]
        var isComplete = false
        var staleAt = NIODeadline.uptimeNanoseconds(0)
    }

    private let state = Mutex(State())

    /// Not every server tells that its tools have changed, so the list is asked for again before a call this long after.
    private static let freshness = TimeAmount.seconds(10)

    /// A tool by name.
    func tool(_ name: String) -> MCPTool? { state.withLock { $0.tools[Array(name.utf8)] } }

    /// Whether the list is known whole, as far as the server has told.
    var isComplete: Bool { state.withLock { $0.isComplete } }

    /// Whether to ask the server before a call; of several calls that find an old list, one is told so.
    func needsAsking(now: NIODeadline) -> Bool {
        state.withLock { state in
            guard state.isComplete else { return true }
            guard now >= state.staleAt else { return false }
            state.staleAt = now + Self.freshness
            return true
        }
    }

    /// Replaces the list; of two tools of one name the first counts.
    func replace(with tools: [MCPTool], now: NIODeadline) {
        let table = Dictionary(tools.map { (Array($0.definition.name.utf8), $0) }) { first, _ in first }
        state.withLock { state in
            state.tools = table
            state.isComplete = true
            state.staleAt = now + Self.freshness
        }
    }

    /// The server says that its tools have changed: the next use asks again.
    func invalidate() { state.withLock { $0.isComplete = false } }
}

/// A tool as its server lists it, with what is compared.
struct MCPTool: Sendable {
    let definition: ToolDefinition
    let listed: ListedTool

    init(_ definition: ToolDefinition) {
        self.definition = definition
        let warnings = definition.hiddenCharacters.map { hidden in
            let code = String(hidden.scalar.value, radix: 16, uppercase: true)
            return "\(hidden.pointer): \(hidden.kind.rawValue) U+\(code)"
                + (hidden.count > 1 ? ", \(hidden.count) times" : "")
        }
        listed = ListedTool(name: definition.name, canonical: definition.canonical, warnings: warnings)
    }

    /// The tool of an item of a server's list.
    ///
    /// `nil` for one that cannot be read, or is larger than what can be kept for people: it is as if it were not there.
    init?(_ item: JSONValue) {
        guard let definition = try? ToolDefinition(item) else { return nil }
        self.init(definition)
        if listed.text.utf8.count > Self.maximumDefinition { return nil }
    }

    /// Bytes.
    private static let maximumDefinition = 256 << 10
}
