import CanonicalJSON
import HTTPTypes
import MCPWire

/// The sample API's orders as an MCP server, of both eras: an example of tools worth protecting.
enum SampleTools {
    /// Answers one message: a status, and the answer if there is one.
    static func answer(_ bytes: [UInt8], _ call: (HTTPRequest.Method, String, String?) -> (Int, JSONValue)) -> (
        Int, [UInt8]?
    ) {
        let message: ClientMessage
        do throws(ClientMessageFault) {
            message = try ClientMessage.parse(bytes, maximumBytes: 1 << 20)
        } catch {
            return (400, RPCWriter.error(id: error.id, error.error))
        }
        guard case .request(let id, let name, let params) = message else { return (202, nil) }
        let isModern = params["_meta"]?[MetaKey.protocolVersion] != nil
        switch MCPMethod.client(name, modern: isModern) {
        case .initialize:
            let asked = params["protocolVersion"]?.stringValue.flatMap(MCPRevision.init)
            let revision = asked.flatMap { $0.isModern ? nil : $0 } ?? .newestLegacy
            return (
                200,
                RPCWriter.result(
                    id: id,
                    ["capabilities": capabilities, "protocolVersion": .string(revision.rawValue), "serverInfo": info],
                )
            )
        case .discover:
            let versions = MCPRevision.allCases.filter(\.isModern).map { JSONValue.string($0.rawValue) }
            return (
                200,
                RPCWriter.result(
                    id: id,
                    [
                        "_meta": .object(JSONObject([(MetaKey.serverInfo, info)])), "cacheScope": "public",
                        "capabilities": capabilities, "resultType": "complete", "supportedVersions": .array(versions),
                        "ttlMs": 0,
                    ],
                )
            )
        case .ping: return (200, RPCWriter.result(id: id, [:]))
        case .toolsList:
            return (
                200,
                RPCWriter.result(
                    id: id,
                    ["cacheScope": "public", "resultType": "complete", "tools": .array(tools), "ttlMs": 0],
                )
            )
        case .toolsCall:
            let arguments = params["arguments"]
            let order = arguments?["order"]?.integerValue.map { "\($0)" }
            let (status, value): (Int, JSONValue)
            switch params["name"]?.stringValue {
            case "list_orders": (status, value) = call(.get, "/v1/orders", nil)
            case "get_order": (status, value) = call(.get, "/v1/orders/{id}", order)
            case "delete_order": (status, value) = call(.delete, "/v1/orders/{id}", order)
            case "export_orders": (status, value) = call(.post, "/v1/exports", nil)
            default:
                let error = RPCError(code: RPCCode.invalidParams, message: "There is no tool of this name.")
                return (isModern ? 400 : 200, RPCWriter.error(id: id, error))
            }
            let text = String(decoding: value.canonicalBytes(), as: UTF8.self)
            let result = ToolResults.text(text, isError: status >= 400, meta: nil, modern: isModern)
            return (200, RPCWriter.result(id: id, .object(result)))
        default:
            let error = RPCError(code: RPCCode.methodNotFound, message: "There is no method of this name.")
            return (isModern ? 404 : 200, RPCWriter.error(id: id, error))
        }
    }

    private static let capabilities: JSONValue = ["tools": [:]]
    private static let info: JSONValue = ["name": "sample-orders", "title": "Example orders", "version": "1"]

    private static let tools: [JSONValue] = [
        tool("list_orders", "Lists all orders.", takesOrder: false, readOnly: true),
        tool("get_order", "Shows one order.", takesOrder: true, readOnly: true),
        tool("delete_order", "Deletes one order for good.", takesOrder: true, readOnly: false),
        tool("export_orders", "Exports all orders with their customers.", takesOrder: false, readOnly: false),
    ]

    private static func tool(_ name: String, _ text: String, takesOrder: Bool, readOnly: Bool) -> JSONValue {
        let order: JSONValue = ["description": "The order's number.", "type": "integer"]
        return [
            "annotations": ["destructiveHint": .bool(!readOnly), "readOnlyHint": .bool(readOnly)],
            "description": .string(text),
            "inputSchema": [
                "properties": takesOrder ? ["order": order] : [:], "required": takesOrder ? ["order"] : [],
                "type": "object",
            ],
            "name": .string(name),
        ]
    }
}
