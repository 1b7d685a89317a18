package import CanonicalJSON

/// Why an entry cannot be one of a sound log, in words for whoever examines it.
package struct ReplayError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package let description: String

    /// Says what is wrong.
    package init(_ description: String) { self.description = description }
}

/// What an entry's bytes say, as far as every kind says it.
package struct ToldEntry: Sendable {
    /// Its place in the log, as it says itself.
    package let sequence: UInt64
    /// The kind.
    package let kind: EntryKind
    /// When it happened.
    package let time: Timestamp
    /// Who did it.
    package let actor: Actor
    /// The approval that it belongs to.
    package let approval: ApprovalID?
    /// The place of its approval's entry before it; `nil` for the first, and for those of versions that did not say.
    package let before: UInt64?
    /// The digest of the action that it is about.
    package let digest: ActionDigest?
    /// Everything that it says.
    package let members: JSONObject

    /// Reads canonical bytes; nothing but what this product writes is an entry.
    package init(_ bytes: [UInt8]) throws(ReplayError) {
        guard bytes.count <= EntryDraft.maximumLength else {
            throw ReplayError("it has \(bytes.count) bytes, more than the log's \(EntryDraft.maximumLength)")
        }
        let value: JSONValue
        do {
            value = try StoredJSON.parse(bytes)
        } catch {
            throw ReplayError("it is not JSON: \(error)")
        }
        guard let members = value.objectValue else { throw ReplayError("it is not a JSON object") }
        guard value.canonicalBytes() == bytes else { throw ReplayError("its JSON is not in canonical form (RFC 8785)") }
        guard let sequence = members["sequence"]?.integerValue.flatMap({ UInt64(exactly: $0) }) else {
            throw ReplayError("it has no sequence number")
        }
        guard let kind = members["kind"]?.stringValue.flatMap({ EntryKind(rawValue: $0) }) else {
            throw ReplayError("its kind is missing or unknown")
        }
        // Another spelling of the same moment is not what this product writes.
        guard let text = members["time"]?.stringValue, let time = Timestamp(rfc3339: text), time.rfc3339 == text else {
            throw ReplayError("its time is missing or not in the log's form")
        }
        guard let type = members["actor"]?["type"]?.stringValue, let id = members["actor"]?["id"]?.stringValue else {
            throw ReplayError("it does not say who acted")
        }
        var approval: ApprovalID?
        if let member = members["approval"] {
            guard let id = member.stringValue.flatMap({ ApprovalID($0) }) else {
                throw ReplayError("its approval is not an id")
            }
            approval = id
        }
        var before: UInt64?
        if let member = members["sequence_before"] {
            guard approval != nil, let place = member.integerValue.flatMap({ UInt64(exactly: $0) }), place < sequence
            else { throw ReplayError("the entry of its approval before it is not one") }
            before = place
        }
        self.sequence = sequence
        self.before = before
        self.kind = kind
        self.time = time
        self.actor = Actor(type: type, id: id, via: members["actor"]?["via"]?.stringValue)
        self.approval = approval
        self.digest = members["action"]?["digest"]?.stringValue.flatMap { ActionDigest($0) }
        self.members = members
    }

    /// A member of the entry, or of an object in it, as text.
    package func text(_ path: String...) -> String? { member(path)?.stringValue }

    /// A member as a moment.
    package func moment(_ path: String...) -> Timestamp? {
        member(path)?.stringValue.flatMap { Timestamp(rfc3339: $0) }
    }

    private func member(_ path: [String]) -> JSONValue? {
        path.dropFirst().reduce(path.first.flatMap { members[$0] }) { value, name in value?[name] }
    }
}
