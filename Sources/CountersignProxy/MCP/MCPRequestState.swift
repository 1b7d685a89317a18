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

    /// The state of a call that goes on while its client is asked, by the word that it is found by.
    func parked(_ word: String) -> String { key.seal(envelope(word, of: "p")) }

    /// What a request's state says.
    enum Released {
        /// Nothing, or something to the server: the parameters as they go there.
        case request(JSONObject)
        /// It comes back to a call that is under way.
        case parked(String)
    }

    /// The parameters with the server's own state again; throws if it is another agent's, another request's or changed.
    func released() throws(RPCError) -> Released {
        guard let given = params["requestState"] else { return .request(params) }
        let opened = given.stringValue.flatMap { key.open($0) }
        if let opened, let word = opened["p"]?.stringValue, envelope(word, of: "p") == opened { return .parked(word) }
        guard let opened, let state = opened["s"]?.stringValue, envelope(state) == opened else {
            throw RPCError(
                code: RPCCode.invalidParams,
                message: "This requestState was not given to you for this request.",
            )
        }
        var params = params
        params["requestState"] = .string(state)
        return .request(params)
    }

    private func envelope(_ state: String, of kind: String = "s") -> JSONValue {
        var same = params
        for name in ["_meta", "inputResponses", "requestState"] { same[name] = nil }
        let digest = ActionDigest(of: JSONValue.object(same).canonicalBytes()).rawValue
        return .object(
            JSONObject([
                ("a", .string(caller.agent.rawValue)), ("c", .string(connection.rawValue)), ("d", .string(digest)),
                ("h", caller.onBehalfOf.map { .string($0.rawValue) } ?? .null), ("m", .string(method.rawValue)),
                (kind, .string(state)),
            ])
        )
    }
}
