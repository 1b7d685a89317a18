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
