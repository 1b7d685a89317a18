import CanonicalJSON
import CountersignCore
package import Crypto
import MCPWire

/// Signs and checks the session ids that legacy clients carry (`Mcp-Session-Id`).
///
/// All that a session is, is in its id: who began it, where, and what its client can do. So a session outlives the
/// gateway, and another agent's cannot be used or made up (2025-11-25, "Session Management" and "Session Hijacking").
package struct MCPSessionKey: Sendable {
    private let key: SymmetricKey

    /// Takes a key that outlives the process.
    package init(_ key: SymmetricKey) { self.key = key }

    /// A key for as long as the process lives, for tests.
    package static func ephemeral() -> MCPSessionKey { MCPSessionKey(SymmetricKey(size: .bits256)) }

    /// The id of a session.
    func sign(_ session: MCPSession) -> String { seal(session.json) }

    /// The session of an id; `nil` if this gateway did not make it.
    func session(_ text: String) -> MCPSession? {
        guard text.utf8.count <= 4096 else { return nil }
        return open(text).flatMap(MCPSession.init)
    }

    /// A value as text that nobody else can make, and everybody can read.
    func seal(_ value: JSONValue) -> String {
        let body = value.canonicalBytes()
        let code = HMAC<SHA256>.authenticationCode(for: body, using: key)
        return Base64URL.encode(body) + "." + Base64URL.encode(Array(code))
    }

    /// The value of such a text; `nil` if this gateway did not make it.
    func open(_ text: String) -> JSONValue? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let body = Base64URL.decode(String(parts[0])),
            let code = Base64URL.decode(String(parts[1])),
            HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: body, using: key)
        else { return nil }
        return try? JSONParser.parse(body, limits: JSONLimits(allowsNoncharacters: true))
    }
}

/// A legacy session: what its client said in `initialize`.
struct MCPSession: Hashable, Sendable {
    let agent: AgentID
    let connection: ConnectionName
    let revision: MCPRevision
    let capabilities: JSONObject
    /// Tells two sessions of one agent apart.
    let nonce: String

    /// The capabilities that anything depends on, and what there is of each; others are not passed on.
    private static let known = [
        "elicitation": ["form", "url"], "roots": ["listChanged"], "sampling": ["context", "tools"],
    ]

    init(agent: AgentID, connection: ConnectionName, revision: MCPRevision, capabilities: JSONObject, nonce: String) {
        self.agent = agent
        self.connection = connection
        self.revision = revision
        self.capabilities = Self.pruned(capabilities)
        self.nonce = nonce
    }

    /// What of a client's capabilities a server may be told: nothing that it could put words into.
    static func pruned(_ capabilities: JSONObject) -> JSONObject {
        JSONObject(
            capabilities.members.compactMap { member in
                guard let details = known[member.key] else { return nil }
                let inner = member.value.objectValue?.members.compactMap { detail -> (String, JSONValue)? in
                    guard details.contains(detail.key) else { return nil }
                    if let flag = detail.value.boolValue { return (detail.key, .bool(flag)) }
                    return detail.value.objectValue != nil ? (detail.key, .object(JSONObject())) : nil
                }
                return (member.key, .object(JSONObject(inner ?? [])))
            }
        )
    }

    init?(_ json: JSONValue) {
        guard let agent = json["a"]?.stringValue.flatMap({ AgentID($0) }),
            let connection = json["c"]?.stringValue.flatMap({ ConnectionName($0) }),
            let revision = json["r"]?.stringValue.flatMap(MCPRevision.init), let nonce = json["n"]?.stringValue,
            let capabilities = json["k"]?.objectValue
        else { return nil }
        self.init(agent: agent, connection: connection, revision: revision, capabilities: capabilities, nonce: nonce)
    }

    var json: JSONValue {
        .object(
            JSONObject([
                ("a", .string(agent.rawValue)), ("c", .string(connection.rawValue)), ("k", .object(capabilities)),
                ("n", .string(nonce)), ("r", .string(revision.rawValue)),
            ])
        )
    }
}
