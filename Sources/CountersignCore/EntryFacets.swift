package import CanonicalJSON

/// What an entry is about, as searches ask for it; derived wholly from the entry.
///
/// One definition serves the index, the scan of what is not indexed yet and the ledger in memory, so that they cannot
/// disagree.
package struct EntryFacets: Hashable, Sendable {
    /// The kind; `nil` for one that this version does not know.
    package let kind: EntryKind?
    /// The agent that it is about.
    package let agent: AgentID?
    /// The connection that it is about.
    package let connection: ConnectionName?
    /// The users with a part in it, in lower case: who acted, the human acted for, and the user who was changed.
    package let users: [String]
    /// The distinct effects of the action that it is about; none where the entry does not name it.
    package let effects: [Effect]
    /// What it says became of the action.
    package let status: EntryStatus?

    /// Reads an entry; its agent and connection are kept beside it, because some entries name only the approval.
    package init(_ entry: JSONValue, agent: AgentID?, connection: ConnectionName?) {
        let kind = entry["kind"]?.stringValue.flatMap { EntryKind(rawValue: $0) }
        self.kind = kind
        self.agent = agent
        self.connection = connection
        var users = [String]()
        func add(_ user: JSONValue?) {
            guard let name = user?.stringValue.map(Self.folded), !users.contains(name) else { return }
            users.append(name)
        }
        if entry["actor"]?["type"]?.stringValue == "User" { add(entry["actor"]?["id"]) }
        add(entry["on_behalf_of"])
        if entry["identity"]?["type"]?.stringValue == "User" { add(entry["identity"]?["id"]) }
        self.users = users
        effects = Self.effects(of: entry["action"])
        status = kind.flatMap { Self.status(of: entry, $0) }
    }

    /// Whether a member of an entry, or of one of its members, decides what the entry is about: entries whose members of
    /// these names are the same have the same facets.
    package static func isDecided(by name: ArraySlice<UInt8>, in parent: ArraySlice<UInt8>) -> Bool {
        func isAmong(_ names: [[UInt8]]) -> Bool { names.contains { $0.count == name.count && $0[...] == name } }
        if parent.isEmpty { return isAmong(deciding) }
        return parent.count == action.count && action[...] == parent && isAmong(decidingOfAction)
    }

    private static let deciding = ["actor", "identity", "kind", "on_behalf_of", "outcome", "status"]
        .map { Array($0.utf8) }
    private static let action = Array("action".utf8)
    private static let decidingOfAction = ["effects", "name"].map { Array($0.utf8) }

    /// Whether the entry meets the query's conditions on what it is about; time, approval and text are not looked at.
    package func match(_ query: EntryQuery) -> Bool {
        guard query.kinds.isEmpty || kind.map({ query.kinds.contains($0) }) ?? false else { return false }
        guard query.agent.map({ $0 == agent }) ?? true else { return false }
        guard query.connection.map({ $0 == connection }) ?? true else { return false }
        guard query.user.map({ users.contains(Self.folded($0.rawValue)) }) ?? true else { return false }
        guard query.effects.isEmpty || effects.contains(where: query.effects.contains) else { return false }
        return query.statuses.isEmpty || status.map { query.statuses.contains($0) } ?? false
    }

    /// A user's name in the spelling that all of its letter cases share.
    package static func folded(_ name: String) -> String {
        guard name.utf8.contains(where: { (65...90).contains($0) }) else { return name }
        return String(decoding: name.utf8.map { (65...90).contains($0) ? $0 + 32 : $0 }, as: UTF8.self)
    }

    /// Several effects are listed; a single one is in the name, `http:delete`.
    private static func effects(of action: JSONValue?) -> [Effect] {
        if let several = action?["effects"]?.arrayValue {
            return several.compactMap { $0.stringValue.flatMap { Effect(rawValue: $0) } }
        }
        guard let name = action?["name"]?.stringValue, let colon = name.utf8.lastIndex(of: UInt8(ascii: ":")) else {
            return []
        }
        return Effect(rawValue: String(name[name.utf8.index(after: colon)...])).map { [$0] } ?? []
    }

    private static func status(of entry: JSONValue, _ kind: EntryKind) -> EntryStatus? {
        switch kind {
        case .actionAllowed: .allowed
        case .actionDenied: .denied
        case .approvalRequested: .pending
        case .approvalSettled: entry["status"]?.stringValue.flatMap { EntryStatus(rawValue: $0) }
        case .actionDispatched: .redeemed
        case .actionCompleted: entry["outcome"]?["result"]?.stringValue.flatMap { EntryStatus(rawValue: $0) }
        case .approvalDecided, .approvalCommented, .policyChanged, .configurationChanged, .identityChanged,
            .sessionStarted, .sessionEnded, .payloadErased, .channelRefused, .noticeReplayed,
            .channelChanged:
            nil
        }
    }
}
