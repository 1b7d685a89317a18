package import CanonicalJSON

/// The kinds of log entries (DESIGN 7).
package enum EntryKind: String, Hashable, Sendable, Codable, CaseIterable {
    /// An action passed at once.
    case actionAllowed = "action.allowed"
    /// An action, or the attempt at one, was refused.
    case actionDenied = "action.denied"
    /// An action is held.
    case approvalRequested = "approval.requested"
    /// A user decided, or tried to.
    case approvalDecided = "approval.decided"
    /// The agent or a person said something on an approval.
    case approvalCommented = "approval.commented"
    /// An approval left `pending`, or a grant ended unused.
    case approvalSettled = "approval.settled"
    /// A grant was used; the bytes go out next.
    case actionDispatched = "action.dispatched"
    /// A dispatched action ended.
    case actionCompleted = "action.completed"
    /// The policy set changed.
    case policyChanged = "policy.changed"
    /// The configuration changed.
    case configurationChanged = "configuration.changed"
    /// An agent, user or key changed.
    case identityChanged = "identity.changed"
    /// A user signed in.
    case sessionStarted = "session.started"
    /// A user signed out.
    case sessionEnded = "session.ended"
    /// Payloads were removed for good; what commits to them stays.
    case payloadErased = "payload.erased"
    /// Something that came through a channel was refused before it was anybody's decision.
    case channelRefused = "channel.refused"
    /// Somebody had a notice sent again.
    case noticeReplayed = "notice.replayed"
    /// A channel was switched off, or on again.
    case channelChanged = "channel.changed"
}

/// Who did what an entry tells.
package struct Actor: Hashable, Sendable, Codable {
    /// `Agent`, `User` or `System`.
    package let type: String
    /// The name.
    package let id: String
    /// Through what, where that matters: `local-administrator`, `dashboard`.
    package let via: String?

    /// Names an actor.
    package init(type: String, id: String, via: String? = nil) {
        self.type = type
        self.id = id
        self.via = via
    }

    /// An agent.
    package static func agent(_ id: AgentID) -> Actor { Actor(type: "Agent", id: id.rawValue) }
    /// A user.
    package static func user(_ id: UserID, via: String?) -> Actor { Actor(type: "User", id: id.rawValue, via: via) }
    /// The gateway itself.
    package static let gateway = Actor(type: "System", id: "countersign")
}

/// An entry that has no sequence number yet; the ledger gives it one when it commits.
///
/// The canonical JSON is made here, in the caller's time, as the text before and after the number, so that the ledger's
/// single writer only joins three pieces.
package struct EntryDraft: Hashable, Sendable {
    /// The kind.
    package let kind: EntryKind
    /// When it happened.
    package let time: Timestamp
    /// The approval that it belongs to.
    package let approval: ApprovalID?
    /// The agent that it is about.
    package let agent: AgentID?
    /// The connection that it is about.
    package let connection: ConnectionName?
    /// The payload that stands beside the log; the entry has its salted commitment.
    package let payload: Payload?
    /// The salted commitment, which the entry has.
    package let commitment: String?
    private let head: [UInt8]
    private let tail: [UInt8]

    /// What stands beside the log.
    package struct Payload: Hashable, Sendable {
        /// 16 random bytes.
        package let salt: [UInt8]
        /// The bytes.
        package let bytes: [UInt8]

        /// Joins salt and bytes.
        package init(salt: [UInt8], bytes: [UInt8]) {
            self.salt = salt
            self.bytes = bytes
        }

        /// Unpadded base64url of SHA-256(salt ‖ bytes); hashed at each call.
        package var commitment: String { ActionDigest(of: salt, bytes).rawValue }
    }

    /// Writes an entry.
    ///
    /// `members` are what this kind has beyond the common ones.
    package init(
        _ kind: EntryKind,
        time: Timestamp,
        actor: Actor,
        approval: ApprovalID? = nil,
        agent: AgentID? = nil,
        connection: ConnectionName? = nil,
        members: [(String, JSONValue)],
        payload: Payload? = nil,
    ) {
        self.kind = kind
        self.time = time
        self.approval = approval
        self.agent = agent
        self.connection = connection
        self.payload = payload
        let commitment = payload?.commitment
        self.commitment = commitment
        var object = JSONObject(members)
        var actorObject = JSONObject([("id", .string(actor.id)), ("type", .string(actor.type))])
        if let via = actor.via { actorObject["via"] = .string(via) }
        object["actor"] = .object(actorObject)
        object["kind"] = .string(kind.rawValue)
        object["time"] = .string(time.rfc3339)
        if let approval { object["approval"] = .string(approval.rawValue) }
        if let payload, let commitment {
            object["payload"] = .object(
                JSONObject([("bytes", .integer(Int64(payload.bytes.count))), ("commitment", .string(commitment))])
            )
        }
        var head = Array("{".utf8)
        var tail = [UInt8]()
        // Member names are ASCII, so byte order is RFC 8785's order of UTF-16 code units.
        for member in object.members {
            if member.key.utf8.lexicographicallyPrecedes("sequence".utf8) {
                appendJSONString(member.key, to: &head)
                head.append(UInt8(ascii: ":"))
                member.value.appendCanonical(to: &head)
                head.append(UInt8(ascii: ","))
            } else {
                tail.append(UInt8(ascii: ","))
                appendJSONString(member.key, to: &tail)
                tail.append(UInt8(ascii: ":"))
                member.value.appendCanonical(to: &tail)
            }
        }
        head += Array("\"sequence\":".utf8)
        tail.append(UInt8(ascii: "}"))
        self.head = head
        self.tail = tail
    }

    /// Takes an entry whose members before `sequence` are written, and which has only `time` after it.
    init(
        _ kind: EntryKind,
        time: Timestamp,
        approval: ApprovalID?,
        agent: AgentID?,
        connection: ConnectionName?,
        payload: Payload,
        commitment: String,
        beforeSequence writer: consuming CanonicalWriter,
    ) {
        self.kind = kind
        self.time = time
        self.approval = approval
        self.agent = agent
        self.connection = connection
        self.payload = payload
        self.commitment = commitment
        writer.key("sequence")
        head = writer.bytes
        tail = Array(",\"time\":\"\(time.rfc3339)\"}".utf8)
    }

    /// The entry's canonical bytes under a sequence number.
    ///
    /// `before` is the number of the approval's entry before this one: each names the one before it, so that none can be
    /// left out of the middle of a receipt. The member's name follows `sequence` in RFC 8785's order.
    package func encoded(sequence: UInt64, before: UInt64? = nil) -> [UInt8] {
        var bytes = [UInt8]()
        bytes.reserveCapacity(head.count + tail.count + 60)
        bytes += head
        bytes.append(contentsOf: String(sequence).utf8)
        if let before {
            bytes += Array(",\"sequence_before\":".utf8)
            bytes.append(contentsOf: String(before).utf8)
        }
        bytes += tail
        return bytes
    }

    /// The longest entry that a bundle of C2SP tlog-tiles can hold.
    package static let maximumLength = 65_535
}

/// An entry as the log has it.
package struct Entry: Hashable, Sendable {
    /// Its place in the log, from 0; the Merkle tree's leaf index.
    package let sequence: UInt64
    /// The canonical bytes.
    package let bytes: [UInt8]
    /// What stands beside it, unless it was erased.
    package let payload: EntryDraft.Payload?

    /// Joins an entry's parts.
    package init(sequence: UInt64, bytes: [UInt8], payload: EntryDraft.Payload?) {
        self.sequence = sequence
        self.bytes = bytes
        self.payload = payload
    }
}
