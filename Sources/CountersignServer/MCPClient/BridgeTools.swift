import CanonicalJSON
import MCPWire
import Synchronization

/// The header fields of modern requests, also those that tools' definitions ask for; the mutex guards what is known of them.
final class BridgeTools: Sendable {
    private let schemas = Mutex([String: JSONValue]())

    /// Whether a tool's definition has passed by.
    func knows(_ name: String) -> Bool { schemas.withLock { $0[name] != nil } }

    /// Remembers the tools of a list, and answers where it goes on.
    @discardableResult
    func learn(_ answer: [UInt8]) -> JSONValue? {
        guard case .result(_, let range) = try? ServerMessage.scan(answer),
            let result = try? JSONParser.parse(Array(answer[range]), limits: JSONLimits(maxBytes: answer.count + 1))
        else { return nil }
        schemas.withLock { schemas in
            for tool in result["tools"]?.arrayValue ?? [] {
                guard let name = tool["name"]?.stringValue else { continue }
                schemas[name] = tool["inputSchema"] ?? .object(JSONObject())
            }
        }
        return result["nextCursor"]
    }

    /// What a request's header says of it.
    func fields(_ method: String, _ params: JSONObject) -> [(name: String, value: String)] {
        var fields = RoutingHeaders.fields(method: method, params: params)
        if let version = params["_meta"]?[MetaKey.protocolVersion]?.stringValue {
            fields.append((RoutingHeaders.protocolVersion, RoutingHeaders.encode(version)))
        }
        guard method == "tools/call", let name = params["name"]?.stringValue,
            let schema = schemas.withLock({ $0[name] })
        else { return fields }
        let arguments = params["arguments"]?.objectValue ?? JSONObject()
        return fields + RoutingHeaders.parameterFields(schema: schema, arguments: arguments)
    }

    /// Whether an answer says that header fields were missing or wrong, so that nothing was done.
    static func isMismatch(_ answer: [UInt8]) -> Bool {
        guard answer.count < 65_536, case .error(_, let range) = try? ServerMessage.scan(answer),
            let error = try? JSONParser.parse(Array(answer[range]))
        else { return false }
        return error["code"]?.integerValue == RPCCode.headerMismatch
    }
}
