import CanonicalJSON
import CountersignCore
import MCPWire
import NIOCore

/// One call of a client's at a server: with a modern server, all the rounds that it takes.
///
/// A modern server asks in its answers and is asked again (`InputRequiredResult`); the gateway does that in the client's
/// place where the client is asked while its call waits, or where the call was approved: that is one call, and its
/// rounds are its own.
struct MCPConversation {
    let upstream: MCPUpstream
    let home: LoopState
    /// Whether the client goes the rounds by itself: it gets such an answer as it is.
    var isPassing = false
    /// Asks the client; `nil` where nobody can be asked.
    let ask: ((_ method: String, _ params: JSONValue) async -> ServerAnswer)?

    /// A server that asks more often than this does not get done; the official clients have the same bound.
    private static let maximumRounds = 10

    /// Makes the call and hands on what comes until the answer, which is last.
    func request(
        _ method: String,
        _ params: JSONObject,
        fields: [(name: String, value: String)],
        care: MCPOutgoing.Care,
        cancelled: MCPCancellation?,
        _ news: (MCPNews) async -> Void,
    ) async throws(MCPFailure) {
        var params = params
        for _ in 0..<Self.maximumRounds {
            var answer: MCPAnswer?
            try await upstream.request(
                method,
                params,
                fields: fields,
                care: care,
                on: home,
                cancelled: cancelled,
            ) { item in
                if case .answer(let got) = item { answer = got } else { await news(item) }
            }
            guard let answer else {
                throw MCPFailure(.upstreamInvalid, "The MCP server gave no answer.", executed: nil)
            }
            guard !isPassing, let asked = Self.asked(answer) else { return await news(.answer(answer)) }
            var responses = [(String, JSONValue)]()
            for request in asked.requests {
                guard let ask else {
                    let message = "The server asks for input, and this call has nobody to ask."
                    throw MCPFailure(.upstreamInvalid, message, executed: nil)
                }
                switch await ask(request.method, request.params) {
                case .result(let value): responses.append((request.key, value))
                case .error(let error):
                    let text = error["message"]?.stringValue ?? "the client refused"
                    let message = "The server asks for input, and did not get it: \(text.cut(to: 300))"
                    throw MCPFailure(.upstreamInvalid, message, executed: nil)
                }
            }
            params["inputResponses"] = responses.isEmpty ? nil : .object(JSONObject(responses))
            params["requestState"] = asked.state
        }
        throw MCPFailure(.upstreamInvalid, "The server asks for input again and again.", executed: nil)
    }

    /// What an answer asks for; `nil` if it is the end.
    private static func asked(
        _ answer: MCPAnswer
    ) -> (requests: [(key: String, method: String, params: JSONValue)], state: JSONValue?)? {
        guard case .result(let bytes) = answer, MCPShapes.kind(of: bytes) == "input_required",
            let result = try? JSONParser.parse(bytes, limits: JSONLimits(allowsNoncharacters: true))
        else { return nil }
        let requests = (result["inputRequests"]?.objectValue?.members ?? []).compactMap { member in
            member.value["method"]?.stringValue.map { method in
                (key: member.key, method: method, params: member.value["params"] ?? .object(JSONObject()))
            }
        }
        return (requests, result["requestState"])
    }
}
