import CanonicalJSON
import CountersignCore
import MCPWire
import NIOCore

/// Who speaks to the gateway, and in which words.
struct MCPCaller: Sendable {
    let agent: AgentID
    let onBehalfOf: UserID?
    let circumstances: Circumstances
    let revision: MCPRevision
    /// What the client said that it can do: in the session's beginning, or in the request (modern).
    let capabilities: JSONObject
    /// The legacy session; `nil` for modern requests.
    let session: MCPSession?

    /// Under what name the upstream side is remembered.
    ///
    /// Modern requests have no session. All of an agent's that declare the same share what the gateway needs for them.
    var upstreamKey: String {
        if let session { return "session " + session.nonce }
        let declared = String(decoding: JSONValue.object(declared).canonicalBytes(), as: UTF8.self)
        return "agent \(agent) \(onBehalfOf?.rawValue ?? "") \(declared)"
    }

    /// What the upstream is told of the client.
    var declared: JSONObject { session?.capabilities ?? MCPSession.pruned(capabilities) }

    /// Whether the client takes tasks of 2026-07-28 for answers.
    var takesTasks: Bool {
        revision.isModern && capabilities["extensions"]?[MetaKey.tasksExtension]?.objectValue != nil
    }
}

/// One request of an agent's, read and understood.
///
/// A class, so that thousands of held ones each have a reference, not several copies of all this.
final class MCPCall: Sendable {
    let caller: MCPCaller
    let connection: MCPConnection
    let upstream: MCPUpstream
    let id: RequestID
    let method: MCPMethod
    let params: JSONObject
    let action: Action?
    /// Binds what a modern server asks to this agent and request.
    let state: MCPRequestState
    let cancellation: MCPCancellation

    init(
        caller: MCPCaller,
        connection: MCPConnection,
        upstream: MCPUpstream,
        id: RequestID,
        method: MCPMethod,
        params: JSONObject,
        action: Action?,
        state: MCPRequestState,
        cancellation: MCPCancellation,
    ) {
        self.caller = caller
        self.connection = connection
        self.upstream = upstream
        self.id = id
        self.method = method
        self.params = params
        self.action = action
        self.state = state
        self.cancellation = cancellation
    }

    /// What progress is reported under; `nil` if the client wants none.
    var progressToken: JSONValue? {
        guard let token = params["_meta"]?[MetaKey.progressToken], token.stringValue != nil || token.integerValue != nil
        else { return nil }
        return token
    }

    /// Whether the client asked for a task in the way of 2025-11-25.
    var asksForLegacyTask: Bool {
        method == .toolsCall && !caller.revision.isModern && params["task"]?.objectValue != nil
    }

    /// The parameters that go to the server: those of the action's document, so that what was judged is what runs, and of
    /// `_meta` only what reports progress and traces.
    var outgoing: JSONObject {
        var out = action.flatMap { MCPTranslator.params($0)?.1 } ?? params
        out["_meta"] = nil
        var meta = [(String, JSONValue)]()
        for member in params["_meta"]?.objectValue?.members ?? [] where Self.isPassed(member.key, member.value) {
            meta.append((member.key, member.value))
        }
        if !meta.isEmpty { out["_meta"] = .object(JSONObject(meta)) }
        return out
    }

    /// Header fields that go upstream with the call besides those of the protocol (`Mcp-Param-*`).
    var fields: [(name: String, value: String)] {
        guard method == .toolsCall, let name = params["name"]?.stringValue,
            let tool = connection.memory.catalogue.tool(name)?.definition
        else { return [] }
        return RoutingHeaders.parameterFields(
            schema: tool.inputSchema,
            arguments: params["arguments"]?.objectValue ?? JSONObject(),
        )
    }

    private static let levels: Set<String> = [
        "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency",
    ]

    /// Whether a member of `_meta` goes to the server: only in the form that it has there, as nobody judges or records it.
    private static func isPassed(_ key: String, _ value: JSONValue) -> Bool {
        switch key {
        case MetaKey.progressToken: return true
        case MetaKey.logLevel: return value.stringValue.map { levels.contains($0) } ?? false
        case "traceparent":
            let parts = value.stringValue?.split(separator: "-", omittingEmptySubsequences: false) ?? []
            return parts.map(\.utf8.count) == [2, 32, 16, 2]
                && parts.allSatisfy { part in
                    part.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
                }
        case "tracestate":
            guard let text = value.stringValue, text.utf8.count <= 512 else { return false }
            return text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        default: return false
        }
    }
}
