import CanonicalJSON

/// Which tool definitions are accepted, as the entries tell it.
package struct ToolReplay: Sendable {
    /// An acceptance, as far as its entry says.
    struct Acceptance: Hashable, Sendable {
        let digest: ActionDigest
        let by: Actor
        let at: Timestamp
    }

    private var acceptances: [ToolName: Acceptance] = [:]

    /// Nothing.
    package init() {}

    /// The tools that entries tell of.
    package var names: Set<ToolName> { Set(acceptances.keys) }

    /// Takes a `configuration.changed`; one that is about something else says nothing here.
    mutating func take(_ entry: ToldEntry) throws(ReplayError) {
        guard entry.kind == .configurationChanged, entry.members["tool_definition"] != nil else { return }
        guard let connection = entry.text("tool_definition", "connection").flatMap({ ConnectionName($0) }),
            let tool = entry.text("tool_definition", "tool"),
            let digest = entry.text("tool_definition", "digest").flatMap({ ActionDigest($0) })
        else { throw ReplayError("it accepts a definition and does not say which") }
        let name = ToolName(connection, tool)
        guard acceptances[name]?.digest.rawValue == entry.text("tool_definition", "previous") else {
            throw ReplayError("it says that another definition was accepted before than was")
        }
        acceptances[name] = Acceptance(digest: digest, by: entry.actor, at: entry.time)
    }

    /// The first field of a stored acceptance that is not what the entries say.
    package func difference(from stored: AcceptedTool) -> ReplayDifference? {
        guard let said = acceptances[ToolName(stored.connection, stored.tool)] else {
            return ReplayDifference("row", expected: "no such row", found: "a row")
        }
        var comparison = ReplayComparison()
        comparison.fact("digest", said.digest.rawValue, stored.digest.rawValue)
        comparison.fact("text", said.digest.rawValue, ActionDigest(of: Array(stored.text.utf8)).rawValue)
        comparison.fact("by", Self.name(said.by), Self.name(stored.by))
        comparison.moment("at", said.at, stored.at)
        return comparison.difference
    }

    private static func name(_ actor: Actor) -> String { "\(actor.type) \(actor.id) \(actor.via ?? "")" }
}
