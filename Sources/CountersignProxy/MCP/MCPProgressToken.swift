import CanonicalJSON
import MCPWire

/// Gives a request's progress a token of the gateway's own, so that two clients' tokens on one stream stay apart.
struct MCPProgressToken {
    private let original: JSONValue?
    private let own: JSONValue

    /// The gateway's token is the id that the request has at the server.
    init(_ params: JSONObject, under id: RequestID) {
        original = params["_meta"]?[MetaKey.progressToken]
        own = id.json
    }

    /// The parameters as they go to the server.
    func replaced(_ params: JSONObject) -> JSONObject {
        guard original != nil, var meta = params["_meta"]?.objectValue else { return params }
        var params = params
        meta[MetaKey.progressToken] = own
        params["_meta"] = .object(meta)
        return params
    }

    /// News as the client knows them; `nil` for progress of something that it did not ask about.
    func restored(_ news: MCPNews) -> MCPNews? {
        guard case .notification("notifications/progress", let bytes) = news else { return news }
        guard let original, let bytes,
            var params = (try? JSONParser.parse(bytes, limits: JSONLimits(allowsNoncharacters: true)))?.objectValue,
            params[MetaKey.progressToken] == own
        else { return nil }
        params[MetaKey.progressToken] = original
        return .notification(method: "notifications/progress", params: JSONValue.object(params).canonicalBytes())
    }
}
