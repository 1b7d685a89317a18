import Synchronization

/// Which definition of each tool is accepted, and which one its server lists now.
///
/// The accepted ones are the ledger's, read at the start and changed after each commit. What servers list is only here:
/// it is asked for again after a restart. The mutex guards both.
package final class ToolBook: Sendable {
    private struct State {
        var accepted: [ToolName: AcceptedTool] = [:]
        var listed: [ConnectionName: Listing] = [:]
    }

    private struct Listing {
        var tools: [ToolName: ListedTool]
        var at: Timestamp
    }

    private let state: Mutex<State>

    /// Begins with what the ledger has.
    package init(_ accepted: [AcceptedTool] = []) {
        let table = Dictionary(accepted.map { (ToolName($0.connection, $0.tool), $0) }) { _, last in last }
        state = Mutex(State(accepted: table))
    }

    /// The accepted definition of a tool.
    package func accepted(_ name: ToolName) -> AcceptedTool? { state.withLock { $0.accepted[name] } }

    /// Whether anything of a connection was ever accepted.
    func hasAccepted(of connection: ConnectionName) -> Bool {
        state.withLock { state in state.accepted.keys.contains { $0.connection == connection } }
    }

    /// Takes note of what a server lists now; of two tools of one name the first counts.
    func note(_ tools: [ListedTool], of connection: ConnectionName, at time: Timestamp) {
        let table = Dictionary(tools.map { (ToolName(connection, $0.name), $0) }) { first, _ in first }
        state.withLock { $0.listed[connection] = Listing(tools: table, at: time) }
    }

    /// Takes note of what has been accepted, durably.
    func accept(_ tools: [AcceptedTool]) {
        state.withLock { state in
            for tool in tools { state.accepted[ToolName(tool.connection, tool.tool)] = tool }
        }
    }

    /// Takes note of what the ledger has of tools that this knows no accepted definition of: what was read may be older
    /// than what is known.
    func learn(_ kept: [AcceptedTool]) {
        state.withLock { state in
            for tool in kept {
                let name = ToolName(tool.connection, tool.tool)
                if state.accepted[name] == nil { state.accepted[name] = tool }
            }
        }
    }

    /// How a tool stands; `nil` if nobody knows of it.
    package func standing(_ name: ToolName) -> ToolStanding? { state.withLock { Self.standing(name, $0) } }

    /// All tools that are known, by connection and name.
    package func standings() -> [ToolStanding] {
        state.withLock { state in
            var names = Set(state.accepted.keys)
            for listing in state.listed.values { names.formUnion(listing.tools.keys) }
            return names.sorted().compactMap { Self.standing($0, state) }
        }
    }

    private static func standing(_ name: ToolName, _ state: State) -> ToolStanding? {
        let listing = state.listed[name.connection]
        let standing = ToolStanding(
            name: name,
            accepted: state.accepted[name],
            listed: listing?.tools[name],
            seenAt: listing?.at,
        )
        return standing.accepted == nil && standing.listed == nil ? nil : standing
    }
}

/// How one tool stands: what was accepted, and what its server lists.
package struct ToolStanding: Hashable, Sendable {
    /// The cases.
    package enum Status: String, Hashable, Sendable, CaseIterable {
        /// The server lists it as it was accepted.
        case accepted
        /// The server lists it, and nobody has accepted it.
        case new
        /// The server lists it otherwise than it was accepted.
        case changed
        /// It was accepted, and the server does not list it any more.
        case gone
        /// It was accepted, and the server has not been asked since the gateway's start.
        case unseen
    }

    /// The tool.
    package let name: ToolName
    /// What was accepted.
    package let accepted: AcceptedTool?
    /// What its server lists now.
    package let listed: ListedTool?
    /// When the server was asked last; `nil` if it was not, since the gateway's start.
    package let seenAt: Timestamp?

    /// Which case it is.
    package var status: Status {
        guard let listed else { return seenAt == nil ? .unseen : .gone }
        guard let accepted else { return .new }
        return listed.digest == accepted.digest ? .accepted : .changed
    }

    /// Whether a person has something to decide.
    package var waits: Bool { status == .new || status == .changed }
}
