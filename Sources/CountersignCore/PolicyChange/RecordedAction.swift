package import CanonicalJSON

/// An action that was asked for before, with what policy needs to judge it again.
package struct RecordedAction: Sendable {
    /// Why something recorded cannot be judged again.
    package enum Gap: Error, Hashable, Sendable {
        /// The entry is there, its document is not: it was exported without, or the payload was erased.
        case noDocument
        /// There was never an action: the request was refused before it became one.
        case noAction
        /// The agent is not known any more, so nobody knows its groups.
        case unknownAgent(AgentID)
        /// The connection is not known any more, so nobody knows its labels.
        case unknownConnection(ConnectionName)
        /// The document cannot be read.
        case unreadable(String)
    }

    /// The action.
    package let action: Action
    /// From where and why it was asked for; a justification of more than 1,024 characters is cut in the log.
    package let circumstances: Circumstances
    /// When.
    package let time: Timestamp
    /// The entry that tells of it.
    package let sequence: UInt64?

    /// The kinds of entries that stand for a judged action; their documents are beside the log.
    package static let kinds: [EntryKind] = [.actionAllowed, .actionDenied, .approvalRequested]

    /// Joins an action document and the entry, or whatever else, that has `time` and `circumstances`.
    package init(document: JSONValue, entry: JSONValue?, now: Timestamp) throws(Gap) {
        do {
            action = try Action(document: document)
        } catch {
            throw .unreadable("\(error.path) \(error.message)")
        }
        let around = entry?["circumstances"]
        circumstances = Circumstances(
            sourceAddress: around?["source_address"]?.stringValue,
            justification: around?["justification"]?.stringValue,
        )
        if let text = entry?["time"]?.stringValue {
            guard let time = Timestamp(rfc3339: text) else { throw .unreadable("time \"\(text)\" is not RFC 3339") }
            self.time = time
        } else {
            time = now
        }
        sequence = entry?["sequence"]?.integerValue.flatMap { UInt64(exactly: $0) }
    }

    /// Reads an entry of the log with the payload that stands beside it.
    package init(_ entry: Entry) throws(Gap) {
        let leaf = try Self.parse(entry.bytes)
        guard let payload = entry.payload else { throw leaf["payload"] == nil ? .noAction : .noDocument }
        try self.init(document: try Self.parse(payload.bytes), entry: leaf, now: Timestamp(microseconds: 0))
    }

    private static func parse(_ bytes: [UInt8]) throws(Gap) -> JSONValue {
        do {
            return try JSONParser.parse(bytes, limits: JSONLimits(maxBytes: 64 << 20, allowsNoncharacters: true))
        } catch {
            throw .unreadable("\(error)")
        }
    }
}

extension RecordedAction.Gap {
    /// The reason in words, with what would help.
    package var message: String {
        switch self {
        case .noDocument: "the entry's document is not there: it was exported without documents, or erased"
        case .noAction: "the request was refused before it became an action, so policy was never asked"
        case .unknownAgent(let id): "the agent \(id) is not known here; declare it, or name the configuration that does"
        case .unknownConnection(let name):
            "the connection \(name) is not known here; declare it, or name the configuration that does"
        case .unreadable(let why): "the document cannot be read: \(why)"
        }
    }
}
