import CanonicalJSON
import CountersignCore
import MCPWire

/// Binds a server's `requestState` to the agent and the request that it was given to (2026-07-28, multi-round-trip
/// requests): every agent looks the same to the server, so only the gateway can tell them apart.
struct MCPRequestState {
    let key: MCPSessionKey
    let caller: MCPCaller
    let connection: ConnectionName
    let method: MCPMethod
    let params: JSONObject

    /// A result with its state bound; as it is if it has none.
    func bound(_ answer: MCPAnswer) -> MCPAnswer {
        guard case .result(let bytes) = answer, MCPShapes.kind(of: bytes) == "input_required",
            var result = (try? JSONParser.parse(bytes, limits: JSONLimits(allowsNoncharacters: true)))?.objectValue,
            let state = result["requestState"]?.stringValue
        else { return answer }
        result["requestState"] = .string(key.seal(envelope(state)))
        return .result(JSONValue.object(result).canonicalBytes())
    }

    /// The parameters with the server's own state again; throws if it is another agent's, another request's or changed.
    func released() throws(RPCError) -> JSONObject {
        guard let given = params["requestState"] else { return params }
        guard let text = given.stringValue, let opened = key.open(text), let state = opened["s"]?.stringValue,
            envelope(state) == opened
        else {
            throw RPCError(
                code: RPCCode.invalidParams,
                message: "This requestState was not given to you for this request.",
            )
        }
        var params = params
        params["requestState"] = .string(state)
        return params
    }

    private func envelope(_ state: String) -> JSONValue {
        var same = params
        for name in ["_meta", "inputResponses", "requestState"] { same[name] = nil }
        let digest = ActionDigest(of: JSONValue.object(same).canonicalBytes()).rawValue
        return .object(
            JSONObject([
                ("a", .string(caller.agent.rawValue)), ("c", .string(connection.rawValue)), ("d", .string(digest)),
                ("h", caller.onBehalfOf.map { .string($0.rawValue) } ?? .null), ("m", .string(method.rawValue)),
                ("s", .string(state)),
            ])
        )
    }
}
