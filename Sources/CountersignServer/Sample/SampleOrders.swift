import CanonicalJSON
import HTTPTypes

/// The orders of the sample API, and how often each thing was asked for.
struct SampleOrders: Sendable {
    /// What can be asked.
    static let routes: [(HTTPRequest.Method, String)] = [
        (.get, "/v1/orders"), (.post, "/v1/orders"), (.get, "/v1/orders/{id}"), (.delete, "/v1/orders/{id}"),
        (.post, "/v1/exports"), (.get, "/v1/stats"),
    ]

    private var orders: [Int64: JSONValue] = [
        1001: ["customer": "Ada Winter", "id": 1001, "items": 2, "total": "59.80"],
        1002: ["customer": "Bo Lindqvist", "id": 1002, "items": 1, "total": "1249.00"],
        1003: ["customer": "Chidi Okafor", "id": 1003, "items": 7, "total": "87.15"],
    ]
    private var nextID: Int64 = 1004
    private var calls: [String: Int64] = [:]

    /// Answers one request: a status and a body.
    mutating func answer(
        _ method: HTTPRequest.Method,
        _ path: String,
        id: String?,
        body: JSONValue?,
    ) -> (Int, JSONValue) {
        let name = "\(method.rawValue) \(path)"
        if path != "/v1/stats" { calls[name, default: 0] += 1 }
        switch name {
        case "GET /v1/orders":
            return (200, ["items": .array(orders.sorted { $0.key < $1.key }.map(\.value))])
        case "POST /v1/orders":
            guard var order = body?.objectValue else { return (400, ["error": "Send an order as a JSON object."]) }
            let number = nextID
            nextID += 1
            order["id"] = .integer(number)
            orders[number] = .object(order)
            return (201, .object(order))
        case "GET /v1/orders/{id}":
            guard let order = id.flatMap({ Int64($0) }).flatMap({ orders[$0] }) else { return Self.missing }
            return (200, order)
        case "DELETE /v1/orders/{id}":
            guard let number = id.flatMap({ Int64($0) }), orders.removeValue(forKey: number) != nil else {
                return Self.missing
            }
            return (200, ["deleted": .integer(number)])
        case "POST /v1/exports":
            return (202, ["export": "started", "orders": .integer(Int64(orders.count))])
        default:
            return (200, ["calls": .object(JSONObject(calls.map { ($0.key, .integer($0.value)) }))])
        }
    }

    private static let missing: (Int, JSONValue) = (404, ["error": "There is no such order."])
}
