import CanonicalJSON
import CountersignCore

/// A leaf with the approval that it belongs to: who, what, where, as OCSF's objects.
struct OCSFStory {
    let leaf: JSONValue
    let subject: OCSFEvent.Subject?

    /// The actor's id.
    var who: String { leaf["actor"]?["id"]?.stringValue ?? "somebody" }
    /// The codes of the reasons.
    var reasons: [String] { leaf["reasons"]?.arrayValue?.compactMap(\.stringValue) ?? [] }
    /// The reasons as the end of a sentence.
    var because: String { reasons.isEmpty ? "" : ": " + reasons.joined(separator: ", ") }
    /// The agent whose action it is.
    var agent: String { isByAgent ? who : subject?.agent ?? "unknown" }
    /// The action's name and resource, as far as they are known.
    var what: String {
        let words = [action, resource].compactMap(\.self)
        return words.isEmpty ? "an unreadable request" : words.joined(separator: " ")
    }
    /// The protocol of the action.
    var protocolName: String? { action.map { String($0.prefix { $0 != ":" }) } }
    /// What the erased payloads belonged to: an approval, or the entries.
    var erased: String {
        if let approval = leaf["erased"]?["approval"]?.stringValue { return approval }
        let sequences = leaf["erased"]?["sequences"]?.arrayValue?.compactMap(\.integerValue) ?? []
        guard let first = sequences.first, let last = sequences.last else { return "an entry" }
        return sequences.count == 1 ? "entry \(first)" : "\(sequences.count) entries from \(first) to \(last)"
    }

    private var isByAgent: Bool { leaf["actor"]?["type"]?.stringValue == "Agent" }
    private var action: String? { leaf["action"]?["name"]?.stringValue ?? subject?.action }
    private var resource: String? { leaf["action"]?["resource"]?.stringValue ?? subject?.resource }
    private var connection: String? {
        leaf["action"]?["connection"]?.stringValue ?? leaf["connection"]?.stringValue ?? subject?.connection
    }

    /// What the action does, in OCSF's four words as far as they reach.
    var activity: OCSFTerm {
        let name = action.map { Array($0.utf8.drop { $0 != UInt8(ascii: ":") }.dropFirst()) } ?? []
        return switch Effect(rawValue: String(decoding: name, as: UTF8.self)) {
        case .read, .export: .read
        case .write, .privilege, .infrastructure: .update
        case .delete: .delete
        case .execute: .other("Execute")
        case .unknown, nil: .unknown
        }
    }

    /// `actor`: agents are services, with the application's name, too, because they are both.
    var actor: JSONValue {
        switch leaf["actor"]?["type"]?.stringValue {
        case "Agent": ["app_name": .string(who), "app_uid": .string(who), "user": Self.agent(who)]
        case "User": ["user": Self.user(who)]
        default: ["app_name": "Countersign", "app_uid": .string(who), "user": Self.account(who, 3, "System")]
        }
    }

    /// An agent as OCSF's `user`.
    static func agent(_ name: String) -> JSONValue { account(name, 4, "Service") }
    /// A user as OCSF's `user`.
    static func user(_ name: String) -> JSONValue { account(name, 1, "User") }

    private static func account(_ name: String, _ id: Int64, _ caption: String) -> JSONValue {
        ["name": .string(name), "type": .string(caption), "type_id": .integer(id), "uid": .string(name)]
    }

    /// What API Activity has of the action.
    var call: [(String, JSONValue)] {
        var api: JSONObject = ["operation": .string(action ?? leaf["kind"]?.stringValue ?? "unknown")]
        if let connection { api["service"] = ["name": .string(connection), "uid": .string(connection)] }
        let around = leaf["circumstances"]
        if let id = around?["request_id"] { api["request"] = ["uid": id] }
        var members: [(String, JSONValue)] = [
            ("actor", actor), ("api", .object(api)), ("src_endpoint", Self.endpoint(around, or: source)),
        ]
        if let connection {
            members.append(("dst_endpoint", ["name": .string(connection), "svc_name": .string(connection)]))
        }
        if let resource {
            var details: JSONObject = ["name": .string(resource), "uid": .string(resource)]
            if let connection { details["namespace"] = .string(connection) }
            members.append(("resources", [.object(details)]))
            if let request = httpRequest(resource) { members.append(("http_request", request)) }
        }
        return members
    }

    /// Through what the actor came, where its address is not known.
    private var source: String { leaf["actor"]?["via"]?.stringValue ?? who }

    private static func endpoint(_ around: JSONValue?, or name: String) -> JSONValue {
        guard let address = around?["source_address"]?.stringValue, !address.isEmpty else {
            return ["name": .string(name)]
        }
        return isIP(address) ? ["ip": .string(address)] : ["hostname": .string(address)]
    }

    /// Whether it is the text of an IPv4 or IPv6 address; nothing else consists of these characters.
    private static func isIP(_ text: String) -> Bool {
        let bytes = text.utf8
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if parts.count == 4, parts.allSatisfy({ UInt8(String(Substring($0))) != nil }) { return true }
        return bytes.contains(UInt8(ascii: ":")) && bytes.count <= 45
            && bytes.allSatisfy {
                $0 &- 48 < 10 || ($0 | 0x20) &- 97 < 6 || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
            }
    }

    private static let methods: Set = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]

    /// The request, where the resource's name is `connection/METHOD /path`.
    private func httpRequest(_ resource: String) -> JSONValue? {
        guard protocolName == "http", let connection else { return nil }
        let bytes = resource.utf8
        guard bytes.starts(with: (connection + "/").utf8) else { return nil }
        let rest = bytes.dropFirst(connection.utf8.count + 1)
        let method = String(Substring(rest.prefix { $0 != UInt8(ascii: " ") }))
        let path = String(Substring(rest.dropFirst(method.utf8.count + 1)))
        guard Self.methods.contains(method), path.utf8.first == UInt8(ascii: "/") else { return nil }
        return ["http_method": .string(method), "url": ["path": .string(path)]]
    }

    /// The policies that decided, with what they said, and the set that they are of.
    func policies(_ decision: String) -> [(String, JSONValue)] {
        let version = leaf["policy"]?["version"]
        func policy(_ name: String, _ type: String) -> JSONValue {
            var policy: JSONObject = ["name": .string(name), "type": .string(type), "uid": .string(name)]
            policy["version"] = version
            return .object(policy)
        }
        let ids = leaf["policy"]?["ids"]?.arrayValue?.compactMap(\.stringValue) ?? []
        let said = ids.map { id -> JSONValue in
            ["decision": .string(decision), "policy": policy(id, "Cedar policy")]
        }
        var members: [(String, JSONValue)] = [
            ("authorizations", .array(said.isEmpty ? [["decision": .string(decision)]] : said))
        ]
        if version != nil { members.append(("policy", policy("policies", "Cedar policy set"))) }
        return members
    }
}
