import CanonicalJSON
import CountersignCore
import MCPWire

/// What comes from a server while it answers one request.
enum MCPNews: Sendable {
    case notification(method: String, params: [UInt8]?)
    /// A question of the server's to the client (legacy).
    case request(id: ServerQuestion, method: String, params: [UInt8]?)
    case answer(MCPAnswer)

    /// The same, with the session in which it was said.
    func said(in session: Int) -> Self {
        guard case .request(let question, let method, let params) = self else { return self }
        return .request(id: ServerQuestion(question.id, session: session), method: method, params: params)
    }
}

/// A legacy server's question, by the server's own id: another session's question may have the same.
struct ServerQuestion: Hashable, Sendable {
    let id: RequestID
    /// Which of the sessions with the server it was, one after the other.
    let session: Int

    init(_ id: RequestID, session: Int = 0) {
        self.id = id
        self.session = session
    }
}

/// A server's answer to one request: the bytes of `result` or of `error`, as they came.
enum MCPAnswer: Sendable {
    case result([UInt8])
    case error([UInt8])

    /// The result as a value; throws where the server answered with an error.
    func value() throws(MCPFailure) -> JSONObject {
        switch self {
        case .result(let bytes):
            let limits = JSONLimits(maxDepth: 128, maxBytes: 128 << 20, allowsNoncharacters: true)
            guard let value = try? JSONParser.parse(bytes, limits: limits), let object = value.objectValue else {
                throw MCPFailure(.upstreamInvalid, "The MCP server's result cannot be read.", executed: nil)
            }
            return object
        case .error(let bytes):
            let error = try? JSONParser.parse(bytes)
            let text = error?["message"]?.stringValue ?? "no message"
            var failure = MCPFailure(.upstreamInvalid, "The MCP server refused: \(text.cut(to: 300))", executed: nil)
            failure.isUnknownMethod = error?["code"] == .integer(RPCCode.methodNotFound)
            throw failure
        }
    }
}
