import CanonicalJSON
import CountersignCore

/// What an entry says, in OCSF's words; ``OCSFEvent`` adds what every event has.
struct OCSFReading {
    var `class`: OCSFClass
    var activity: OCSFTerm
    var status: OCSFTerm
    var control: OCSFControl?
    var severity: ExportSeverity
    var message: String
    var detail: String?
    var members: [(String, JSONValue)]

    /// Reads a leaf; a kind without a mapping becomes a base event, so that nothing is left out.
    init(leaf: JSONValue, subject: OCSFEvent.Subject?, sequence: UInt64) {
        let kind = leaf["kind"]?.stringValue ?? ""
        self.init(.base, .other(kind.isEmpty ? "Unreadable" : kind), "Entry \(sequence): \(kind)")
        let told = OCSFStory(leaf: leaf, subject: subject)
        switch EntryKind(rawValue: kind) {
        case .actionAllowed: readAllowed(told)
        case .actionDenied: readDenied(told)
        case .approvalRequested: readRequested(told)
        case .approvalDecided: readDecided(told)
        case .approvalCommented: readCommented(told)
        case .approvalSettled: readSettled(told)
        case .actionDispatched: readDispatched(told)
        case .actionCompleted: readCompleted(told)
        case .policyChanged: readVersion(told, "policy", type: .policyEntity)
        case .configurationChanged where leaf["tool_definition"] != nil: readDefinition(told)
        case .configurationChanged: readVersion(told, "configuration", type: .other("Configuration"))
        case .identityChanged: readIdentity(told)
        case .channelChanged: readSwitch(told)
        case .sessionStarted: readSession(told, .logon)
        case .sessionEnded: readSession(told, .logoff)
        default: readOther(told, kind)
        }
    }

    private init(_ class: OCSFClass, _ activity: OCSFTerm, _ message: String) {
        self.class = `class`
        self.activity = activity
        self.message = message
        status = .success
        severity = .informational
        members = []
    }

    // MARK: Actions

    private mutating func readAllowed(_ told: OCSFStory) {
        readCall(told, .allowed, "allow")
        message = "\(told.who) may \(told.what)"
    }

    private mutating func readDenied(_ told: OCSFStory) {
        let codes = told.reasons.compactMap { ReasonCode(rawValue: $0) }
        let isStranger = codes.contains { [.unauthenticated, .invalidCredential, .notAllowed].contains($0) }
        let isAction = told.leaf["action"] != nil
        readCall(told, isStranger ? .unauthorized : isAction ? .blocked : .rejected, "deny")
        (status, severity) = (.failure, .medium)
        detail = told.leaf["detail"]?.stringValue
        message = "\(told.who) must not \(told.what)" + told.because
    }

    private mutating func readRequested(_ told: OCSFStory) {
        readCall(told, .delayed, "approval-required")
        (status, severity) = (.other("Pending"), .low)
        message = "\(told.who) waits for approval to \(told.what)"
    }

    private mutating func readDispatched(_ told: OCSFStory) {
        readCall(told, .allowed, "allow")
        message = "\(told.who) began to \(told.what), as approved"
    }

    private mutating func readCompleted(_ told: OCSFStory) {
        readCall(told, .allowed, "allow")
        let outcome = told.leaf["outcome"]
        detail = outcome?["detail"]?.stringValue
        if let code = outcome?["status"]?.integerValue, told.protocolName == "http" {
            members.append(("http_response", ["code": .integer(code)]))
        }
        switch outcome?["result"]?.stringValue.flatMap({ Outcome.Result(rawValue: $0) }) {
        case .succeeded: message = "\(told.who) did \(told.what)"
        case .failed:
            (status, severity) = (.failure, .low)
            message = "\(told.who) failed to \(told.what)"
        case .unknown, nil:
            (status, severity) = (.unknown, .medium)
            message = "Nobody knows whether \(told.who) did \(told.what)"
        }
    }

    private mutating func readCall(_ told: OCSFStory, _ control: OCSFControl, _ decision: String) {
        self.class = .apiActivity
        self.control = control
        activity = told.activity
        members = told.call + told.policies(decision)
    }

    // MARK: Approvals

    private mutating func readDecided(_ told: OCSFStory) {
        let decision = told.leaf["decision"]?.stringValue ?? "unknown"
        let isApproval = decision == "approve"
        self.class = .apiActivity
        activity = .other("Decide")
        members = told.call + told.policies(decision)
        detail = told.leaf["reason"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        if told.leaf["accepted"]?.boolValue == true {
            control = isApproval ? .approved : .rejected
            message = "\(told.who) \(isApproval ? "approved" : "denied") that \(told.agent) may \(told.what)"
        } else {
            control = .unauthorized
            (status, severity) = (.failure, .medium)
            message = "\(told.who) cannot decide whether \(told.agent) may \(told.what)" + told.because
        }
    }

    /// Words about an action that still waits; like a justification's, they stand in `unmapped` only.
    private mutating func readCommented(_ told: OCSFStory) {
        self.class = .apiActivity
        activity = .other("Comment")
        members = told.call + told.policies("approval-required")
        control = .delayed
        status = .other("Pending")
        message = "\(told.who) commented on the approval to \(told.what)"
    }

    private mutating func readSettled(_ told: OCSFStory) {
        let ended = told.leaf["status"]?.stringValue.flatMap { ApprovalStatus(rawValue: $0) }
        switch ended {
        case .approved:
            readGrant(told, .assignPrivileges, .approved)
            message = "\(told.agent) got the right to \(told.what)"
        case .lapsed, .revoked:
            readGrant(told, .other("Revoke Privileges"), .revoked)
            (status, severity) = (.failure, ended == .revoked ? .medium : .low)
            message = "\(told.agent) lost the right to \(told.what)" + told.because
        case .pending, .redeemed, .succeeded, .failed, .unknown, .denied, .expired, .withdrawn, nil:
            self.class = .apiActivity
            activity = .other("Settle")
            members = told.call + told.policies("deny")
            control = .rejected
            (status, severity) = (.failure, .low)
            message = "\(told.agent) did not get the right to \(told.what)" + told.because
        }
    }

    private mutating func readGrant(_ told: OCSFStory, _ activity: OCSFTerm, _ control: OCSFControl) {
        self.class = .authorizeSession
        self.activity = activity
        self.control = control
        var session = JSONObject()
        session["uid"] = told.leaf["approval"]
        if let text = told.leaf["grant_expires_at"]?.stringValue, let time = Timestamp(rfc3339: text) {
            session["expiration_time"] = .integer(time.microseconds / 1000)
        }
        if let why = told.reasons.first { session["expiration_reason"] = .string(why) }
        members = [
            ("actor", told.actor), ("privileges", [.string(told.what)]), ("session", .object(session)),
            ("user", OCSFStory.agent(told.agent)),
        ]
        members += told.policies(control == .approved ? "approve" : "revoke")
    }

    // MARK: Everything else

    /// A policy set or a configuration took another's place.
    private mutating func readVersion(_ told: OCSFStory, _ name: String, type: OCSFTerm) {
        let change = told.leaf[name]
        func entity(_ version: JSONValue?) -> JSONValue {
            var entity: JSONObject = ["name": .string(name), "uid": .string(name)]
            entity.set("type_id", "type", type)
            if let version, !version.isNull { entity["version"] = version }
            if type.id == OCSFTerm.policyEntity.id {
                entity["policy"] = ["name": .string(name), "type": "Cedar policy set", "uid": .string(name)]
            }
            return .object(entity)
        }
        let now = change?["version"]
        // The text and not the JSON value, whose own null is not Swift's.
        let previous = change?["previous"]?.stringValue.map { JSONValue.string($0) }
        readChange(told, previous == nil ? .create : .update, entity(previous ?? now))
        if previous != nil { members.append(("entity_result", entity(now))) }
        message = "The \(name) in force changed"
    }

    /// Another definition of a tool is the accepted one.
    private mutating func readDefinition(_ told: OCSFStory) {
        let change = told.leaf["tool_definition"]
        let connection = change?["connection"]?.stringValue ?? "unknown"
        let name = "\(connection)/\(change?["tool"]?.stringValue ?? "unknown")"
        func entity(_ digest: String?) -> JSONValue {
            var entity: JSONObject = ["name": .string(name), "uid": .string(name)]
            entity.set("type_id", "type", .other("Tool Definition"))
            if let digest { entity["version"] = .string(digest) }
            return .object(entity)
        }
        let now = change?["digest"]?.stringValue
        let previous = change?["previous"]?.stringValue
        readChange(told, previous == nil ? .create : .update, entity(previous ?? now))
        if previous != nil { members.append(("entity_result", entity(now))) }
        message = "\(told.who) accepted the definition of the tool \(name)"
    }

    /// A channel that is left alone, or used again.
    private mutating func readSwitch(_ told: OCSFStory) {
        let name = told.leaf["channel"]?.stringValue ?? "unknown"
        var entity: JSONObject = ["name": .string(name), "uid": .string(name)]
        entity.set("type_id", "type", .other("Channel"))
        let isOff = told.leaf["state"]?.stringValue == "disabled"
        readChange(told, .update, .object(entity))
        detail = told.leaf["detail"]?.stringValue
        message = "The channel \(name) was switched \(isOff ? "off" : "on")"
    }

    private mutating func readIdentity(_ told: OCSFStory) {
        let identity = told.leaf["identity"]
        let name = identity?["id"]?.stringValue ?? "unknown"
        let type = identity?["type"]?.stringValue ?? "Unknown"
        let verb = told.leaf["change"]?.stringValue ?? "changed"
        let activity: OCSFTerm =
            switch verb {
            case "added": .create
            case "removed": .delete
            case "revoked": .disable
            default: .update
            }
        var entity: JSONObject = ["name": .string(name), "uid": .string(name)]
        entity.set("type_id", "type", type == "User" ? .userEntity : .other(type))
        if type == "User" { entity["user"] = OCSFStory.user(name) }
        readChange(told, activity, .object(entity))
        message = "\(told.who) \(verb) \(type.lowercased()) \(name)"
    }

    private mutating func readChange(_ told: OCSFStory, _ activity: OCSFTerm, _ entity: JSONValue) {
        self.class = .entityManagement
        self.activity = activity
        control = .allowed
        severity = .low
        members = [("actor", told.actor), ("entity", entity)]
    }

    private mutating func readSession(_ told: OCSFStory, _ activity: OCSFTerm) {
        self.class = .authentication
        self.activity = activity
        var session = JSONObject()
        session["uid"] = told.leaf["session"]?["id"]
        if let text = told.leaf["session"]?["expires_at"]?.stringValue, let time = Timestamp(rfc3339: text) {
            session["expiration_time"] = .integer(time.microseconds / 1000)
        }
        members = [
            ("actor", told.actor), ("service", ["name": "Countersign", "uid": "countersign"]),
            ("session", .object(session)), ("user", OCSFStory.user(told.who)),
        ]
        message = "\(told.who) signed \(activity == .logon ? "in" : "out")"
    }

    private mutating func readOther(_ told: OCSFStory, _ kind: String) {
        // Kept apart from `EntryKind`, so that a log of a newer version is exported, too.
        if kind == "channel.refused" { return readRefusedChannel(told) }
        if kind == "notice.replayed" { return readReplay(told) }
        guard kind == "payload.erased" else { return }
        var entity: JSONObject = ["name": "payload", "uid": .string(told.erased)]
        entity.set("type_id", "type", .other("Payload"))
        readChange(told, .delete, .object(entity))
        message = "\(told.who) erased the payload of \(told.erased)"
    }

    /// A notice that somebody had sent again.
    private mutating func readReplay(_ told: OCSFStory) {
        let notice = told.leaf["notice"]
        let number = notice?["number"]?.integerValue.map { String($0) } ?? ""
        var entity: JSONObject = ["name": "notice", "uid": .string(number)]
        entity.set("type_id", "type", .other("Notice"))
        readChange(told, .other("Send Again"), .object(entity))
        let channel = notice?["channel"]?.stringValue.map { " through \($0)" } ?? ""
        message = "\(told.who) had the notice \(number) sent\(channel) again"
    }

    /// Something in the name of a chat that was nobody's decision.
    private mutating func readRefusedChannel(_ told: OCSFStory) {
        readCall(told, .unauthorized, "deny")
        activity = .other("Refuse")
        (status, severity) = (.failure, .medium)
        detail = told.leaf["detail"]?.stringValue
        let account = told.leaf["account"]?.stringValue.map { " of \($0)" } ?? ""
        message = "A request\(account) through a channel was refused" + told.because
    }
}
